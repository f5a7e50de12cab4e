"""Options made from the fields of the configuration, so that neither can differ from the other."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Iterable
from pathlib import Path
from typing import Annotated, Any

import typer

from xaitui.catalog.presets import PRESETS
from xaitui.cli.completion import one_of
from xaitui.config.command_line import setting_text
from xaitui.config.fields import FieldRecord
from xaitui.config.resolve import Resolution, environment_layer, preset_layer, resolve_over
from xaitui.config.schema import FIELDS
from xaitui.config.toml import file_layer
from xaitui.errors import UsageError


def _parameter(record: FieldRecord) -> inspect.Parameter:
    names = [record.option] if not record.short else [record.option, record.short]
    if record.kind == "bool":
        names = [f"{record.option}/--no-{record.option[2:]}"]
    kind: Any = bool | None if record.kind == "bool" else str | None
    unit = f" ({record.unit})" if record.unit else ""
    default = _default(record)
    notes = "; ".join(filter(None, (", ".join(record.choices), default and f"default: {default}")))
    values = record.choices or record.suggestions
    option = typer.Option(
        *names,
        help=f"{record.help}{unit}{notes and f'  [{notes}]'}",
        rich_help_panel=record.path.split(".", maxsplit=1)[0].capitalize(),
        metavar=None if record.kind == "bool" else f"<{record.kind}>",
        show_default=False,
        autocompletion=one_of(values) if values else None,
    )
    name = record.path.replace(".", "__")
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=Annotated[kind, option])


def _default(record: FieldRecord) -> str:
    """The default for the help; where optimizers or schedules differ, that of one of them, by its name."""
    by_kind = record.kind_defaults
    if len(set(by_kind.values())) <= 1:
        return _value(record, next(iter(by_kind.values()), record.default))
    usual = FIELDS[record.path.split(".")[0] + ".name"].default
    kind = usual if usual in by_kind else next(iter(by_kind))
    return f"{_value(record, by_kind[kind])} for {kind}"


def _value(record: FieldRecord, value: Any) -> str:
    if record.kind == "bool":
        return "on" if value else "off"
    return f"{value:.12g}" if record.kind == "float" else setting_text(record, value)


def _sources(
    preset: Annotated[
        str,
        typer.Option(
            "--preset", help="Settings that belong together.", show_default=False, autocompletion=one_of(PRESETS)
        ),
    ] = "",
    config: Annotated[Path | None, typer.Option("--config", "-c", help="A TOML file of settings.")] = None,
    augment: Annotated[bool, typer.Option("--augment", help="The augmentations that suit the dataset.")] = False,
) -> None:
    """Declare where settings come from, besides the options of their own."""


def with_settings(function: Callable[..., int]) -> Callable[..., int]:
    """Give a command every setting as an option; it receives what they resolve to as `resolution`."""

    def resolved(settings: dict[str, Any], values: dict[str, Any]) -> int:
        given = {item.name: values.pop(item.name) for item in sources}
        return function(resolution=resolve_options(settings, **given), **values)

    sources = _parameters(_sources)
    return _with_options(function, resolved, "resolution", sources, FIELDS)


def with_base_settings(function: Callable[..., int], leave_out: Collection[str] = ()) -> Callable[..., int]:
    """Give a command settings as options; it receives what they and the environment set as `settings`."""
    paths = [path for path in FIELDS if path not in leave_out]

    def passed_on(settings: dict[str, Any], values: dict[str, Any]) -> int:
        environment = {path: value for path, value in environment_layer().values.items() if path in paths}
        return function(settings=environment | settings, **values)

    return _with_options(function, passed_on, "settings", [], paths)


def _with_options(
    function: Callable[..., int],
    call: Callable[[dict[str, Any], dict[str, Any]], int],
    filled: str,
    first: list[inspect.Parameter],
    paths: Iterable[str],
) -> Callable[..., int]:
    """A command with the options `first`, the function's own but `filled`, and those of the settings."""
    own, known = _parameters(function, leave_out=filled), list(paths)

    def command(**values: Any) -> int:
        settings = {path: values.pop(path.replace(".", "__")) for path in known}
        return call({path: value for path, value in settings.items() if value is not None}, values)

    fields = [_parameter(FIELDS[path]) for path in known]
    command.__signature__ = inspect.Signature([*first, *own, *fields])  # type: ignore[attr-defined]
    command.__annotations__ = {}
    command.__doc__ = function.__doc__
    return command


def _parameters(function: Callable[..., Any], leave_out: str = "") -> list[inspect.Parameter]:
    signature = inspect.signature(function, eval_str=True)
    return [
        item.replace(kind=inspect.Parameter.KEYWORD_ONLY)
        for item in signature.parameters.values()
        if item.name != leave_out
    ]


def resolve_options(settings: dict[str, Any], *, config: Path | None, preset: str, augment: bool) -> Resolution:
    """The configuration that defaults, preset, file, environment and options give together.

    Raises:
        UsageError: one of them is wrong.
    """
    layers = [preset_layer(preset)] if preset else []
    if config is not None:
        layers.append(file_layer(config))
    layers.append(environment_layer())
    return resolve_over(layers, settings, augment=augment)


def parse_extension(text: str) -> int:
    """Epochs to add, from ``+5``.

    Raises:
        UsageError: it is no such number.
    """
    if not text:
        return 0
    if not text.startswith("+") or not text[1:].isdigit() or int(text[1:]) < 1:
        raise UsageError(f"--epochs takes what is to be added, for example +5, not {text!r}")
    return int(text[1:])
