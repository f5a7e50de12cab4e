"""RunConfig as the exact `xaitui train` line, and back."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from typing import Any

from xaitui.config.fields import FieldRecord
from xaitui.config.layers import build_config
from xaitui.config.schema import FIELDS, RunConfig
from xaitui.config.toml import to_values
from xaitui.errors import UsageError, nearest


def option_values(record: FieldRecord, value: Any) -> list[str]:
    """The words that set one setting to a value."""
    if record.kind == "bool":
        return [record.option if value else "--no-" + record.option[2:]]
    if record.kind == "list":
        text = shlex.join(value) if record.path == "run.on_end" else ",".join(str(item) for item in value)
    else:
        text = f"{value!r}" if record.kind == "float" else str(value)
    return [f"{record.option}={text}"]


def differences(config: RunConfig) -> dict[str, tuple[Any, Any]]:
    """The settings that are not at their defaults, each with its value and its default, in the order of the file.

    The defaults are those of a plain `xaitui train`; those of an optimizer or a schedule are the chosen one's.
    """
    kinds = {f"{group}.name": getattr(config, group).name for group in ("optimizer", "schedule")}
    base = to_values(build_config(kinds)) | {path: FIELDS[path].default for path in kinds}
    return {path: (value, base[path]) for path, value in to_values(config).items() if value != base[path]}


def arguments(config: RunConfig) -> list[str]:
    """The options for what differs from a plain `xaitui train`."""
    return [word for path, (value, _) in differences(config).items() for word in option_values(FIELDS[path], value)]


def command_line(config: RunConfig) -> str:
    """The line for a shell."""
    return shlex.join(["xaitui", "train", *arguments(config)])


def parse_arguments(words: Sequence[str]) -> dict[str, str]:
    """The settings named by options, by dotted path, values as text: the way back from `arguments`.

    Raises:
        UsageError: a word is no option of a setting, or lacks its value.
    """
    by_option = {option: record for record in FIELDS.values() for option in (record.option, record.short) if option}
    values: dict[str, str] = {}
    rest = list(words)
    while rest:
        word, separator, text = rest.pop(0).partition("=")
        record = by_option.get(word)
        negated = by_option.get("--" + word.removeprefix("--no-")) if word.startswith("--no-") else None
        if record is None and negated is not None and negated.kind == "bool":
            values[negated.path] = "false"
        elif record is None:
            raise UsageError(f"there is no option {word}{nearest(word, by_option)}")
        elif record.kind == "bool":
            values[record.path] = "true"
        elif separator or rest:
            values[record.path] = text if separator else rest.pop(0)
        else:
            raise UsageError(f"{word} needs a value: {record.takes}")
    return values


def parse_command_line(line: str) -> RunConfig:
    """The configuration of a pasted line.

    Raises:
        UsageError: it is no `xaitui train` line, or an option in it is wrong.
    """
    try:
        words = shlex.split(line)
    except ValueError as error:
        raise UsageError(f"cannot read the line: {error}") from None
    if words[:2] == ["xaitui", "train"]:
        words = words[2:]
    return build_config(parse_arguments([word for word in words if word not in ("--headless", "--json")]))
