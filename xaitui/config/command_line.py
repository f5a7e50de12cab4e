"""Conversion between RunConfig and `xaitui train` command lines."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from xaitui.config.fields import FieldRecord
from xaitui.config.resolve import build_config, preset_layer, resolve_over
from xaitui.config.schema import FIELDS, RunConfig
from xaitui.config.toml import file_layer, to_values
from xaitui.errors import UsageError, nearest

PROGRAM = ("xaitui", "train")

DETACH = "--detach"
"""Flag that starts the run in a separate process."""

FLAGS = (DETACH, "--headless", "--json", "--augment")
"""Options that take no value and are not settings."""

SOURCES: Mapping[str, str] = {"--preset": "its name", "--config": "a TOML file", "-c": "a TOML file"}
"""Options that name a source of settings, and the value each takes."""

_BY_OPTION = {option: record for record in FIELDS.values() for option in (record.option, record.short) if option}


def setting_text(record: FieldRecord, value: Any) -> str:
    """Return a value as text, as the option takes it and as a form shows it."""
    if record.kind == "bool":
        return "true" if value else "false"
    if record.kind == "list":
        return shlex.join(value) if record.path == "run.on_end" else ",".join(str(item) for item in value)
    return f"{value!r}" if record.kind == "float" else str(value)


def option_word(record: FieldRecord, text: str) -> str:
    """Return the command line word that sets one setting."""
    if record.kind == "bool" and text in ("true", "false"):
        return record.option if text == "true" else "--no-" + record.option[2:]
    return f"{record.option}={text}"


def differences(config: RunConfig) -> dict[str, tuple[Any, Any]]:
    """Return the value and default of each setting that is not at its default, in the order of the file.

    The defaults are those of a plain `xaitui train`; those of an optimizer or a schedule are the chosen one's.
    """
    kinds = {f"{group}.name": getattr(config, group).name for group in ("optimizer", "schedule")}
    base = to_values(build_config(kinds)) | {path: FIELDS[path].default for path in kinds}
    return {path: (value, base[path]) for path, value in to_values(config).items() if value != base[path]}


def arguments(config: RunConfig) -> list[str]:
    """Return the options for the settings that differ from a plain `xaitui train`."""
    changed = {FIELDS[path]: value for path, (value, _) in differences(config).items()}
    return [option_word(record, setting_text(record, value)) for record, value in changed.items()]


def command_line(config: RunConfig) -> str:
    """Return the command line, quoted for a shell."""
    return shlex.join([*PROGRAM, *arguments(config)])


@dataclass(frozen=True)
class TrainLine:
    """A parsed `xaitui train` line."""

    settings: Mapping[str, str]
    others: Mapping[str, str]
    """Values of the options that are not settings; empty for flags."""

    @staticmethod
    def read(words: Sequence[str]) -> TrainLine:
        """Parse the words that follow `xaitui train`.

        Raises:
            UsageError: an option is unknown or lacks its value.
        """
        settings: dict[str, str] = {}
        others: dict[str, str] = {}
        rest = list(words)
        while rest:
            word, separator, text = rest.pop(0).partition("=")
            record, negated = _setting(word)
            if record is None and word not in {*FLAGS, *SOURCES}:
                raise UsageError(f"there is no option {word}{nearest(word, [*_BY_OPTION, *FLAGS, *SOURCES])}")
            if word in FLAGS:
                text = ""
            elif record is not None and record.kind == "bool" and not separator:
                text = "false" if negated else "true"
            elif not separator:
                if not rest:
                    raise UsageError(f"{word} needs a value: {record.takes if record else SOURCES[word]}")
                text = rest.pop(0)
            if record is None:
                others[word] = text
            else:
                settings[record.path] = text
        return TrainLine(settings, others)


def _setting(word: str) -> tuple[FieldRecord | None, bool]:
    """Return the setting that an option names, and whether the option turns it off."""
    negated = _BY_OPTION.get("--" + word.removeprefix("--no-")) if word.startswith("--no-") else None
    if word not in _BY_OPTION and negated is not None and negated.kind == "bool":
        return negated, True
    return _BY_OPTION.get(word), False


def split_command_line(line: str) -> list[str]:
    """Return the words of a pasted line after `xaitui train`, which may have a prompt and line continuations.

    Raises:
        UsageError: the quotes do not match.
    """
    try:
        words = shlex.split(line.replace("\\\n", " "))
    except ValueError as error:
        raise UsageError(f"cannot read the line: {error}") from None
    words = words[words[:1] == ["$"] :]
    return words[len(PROGRAM) :] if tuple(words[: len(PROGRAM)]) == PROGRAM else words


def parse_command_line(line: str) -> RunConfig:
    """Return the configuration of a pasted line; presets and files are read, the environment is not.

    Raises:
        UsageError: it is not an `xaitui train` line, or an option is wrong.
    """
    return config_of(TrainLine.read(split_command_line(line)))


def config_of(line: TrainLine) -> RunConfig:
    """Return the configuration of a parsed line.

    Raises:
        UsageError: an option is wrong.
    """
    preset, file = line.others.get("--preset"), line.others.get("--config", line.others.get("-c"))
    layers = [] if preset is None else [preset_layer(preset)]
    layers += [] if file is None else [file_layer(Path(file))]
    return resolve_over(layers, line.settings, augment="--augment" in line.others).config
