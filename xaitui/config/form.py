"""A configuration while somebody writes it: texts as the command line takes them, and all that follows from them."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache, cached_property
from typing import Any

from xaitui.catalog.datasets import DATASETS
from xaitui.catalog.models import FINETUNING, MODELS
from xaitui.catalog.optimizers import OPTIMIZERS
from xaitui.catalog.presets import PRESETS
from xaitui.catalog.schedules import SCHEDULES
from xaitui.config.command_line import (
    DETACH,
    PROGRAM,
    TrainLine,
    config_of,
    differences,
    option_word,
    setting_text,
    split_command_line,
)
from xaitui.config.fields import FieldRecord
from xaitui.config.resolve import KINDS, augmentation_layer, preset_layer, resolve, validate
from xaitui.config.schema import FIELDS, RunConfig
from xaitui.config.validity import applies, refused, set_of

GROUPS = tuple(RunConfig.model_fields)
"""The tables of a configuration, in the order of its file."""

OWN_GROUP = "run"
"""The table that decides no result: a preset leaves it as it is."""

_DESCRIPTIONS: Mapping[str, Mapping[str, str]] = {
    "data.dataset": {info.name: info.title for info in DATASETS.values()},
    "model.name": {info.name: info.description for info in MODELS.values()},
    "model.finetune": FINETUNING,
    "optimizer.name": {info.name: info.description for info in OPTIMIZERS.values()},
    "schedule.name": {info.name: info.description for info in SCHEDULES.values()},
}


@dataclass(frozen=True)
class Form:
    """What was written, by dotted path; a setting that is not there is at its default. Every change is a new form."""

    texts: Mapping[str, str] = field(default_factory=dict)
    detach: bool = False
    """Whether the run gets a process of its own."""

    # -- what follows from the texts

    @cached_property
    def _checked(self) -> tuple[RunConfig, dict[str, str]]:
        """The draft, and what is wrong with single settings."""
        texts, wrong = dict(self.texts), dict[str, str]()
        while True:
            config, refusals = validate(texts)
            if config is not None:
                return config, wrong
            for refusal in refusals:
                texts.pop(refusal.path, None)
                wrong.setdefault(refusal.path, refusal.reason)

    @property
    def draft(self) -> RunConfig:
        """The configuration, with what is wrong in it left at the default: for what must always show something."""
        return self._checked[0]

    @property
    def config(self) -> RunConfig | None:
        """The configuration; None where a text is no value of its setting."""
        return None if self._checked[1] else self.draft

    @cached_property
    def errors(self) -> Mapping[str, str]:
        """Why the run cannot be started: each wrong setting, in the order of the form, with one line for people."""
        found = {**refused(self.draft), **self._checked[1]}
        return {path: found[path] for path in FIELDS if path in found}

    @cached_property
    def changed(self) -> frozenset[str]:
        """The settings that are not at their defaults."""
        return frozenset(self._checked[1]) | differences(self.draft).keys()

    def visible(self, group: str) -> tuple[FieldRecord, ...]:
        """The settings of a table that mean something here, or that were set and so must not be overlooked."""
        return tuple(
            record
            for path, record in FIELDS.items()
            if path.startswith(f"{group}.") and (applies(path, self.draft) or path in self.changed)
        )

    @cached_property
    def command_line(self) -> str:
        """The exact line for a shell; where something is wrong, with the texts as they were written."""
        words = [option_word(FIELDS[path], self.texts[path]) for path in FIELDS if path in self.texts]
        if self.config is not None:
            changed = {path: value for path, (value, _) in differences(self.config).items()}
            words = [option_word(FIELDS[path], setting_text(FIELDS[path], value)) for path, value in changed.items()]
        return shlex.join([*PROGRAM, *words, *([DETACH] if self.detach else [])])

    @cached_property
    def preset(self) -> str:
        """The preset that this form is, apart from the table of the run itself; empty for none."""
        return next((name for name in PRESETS if _apart(_preset(name)) == _apart(self.draft)), "")

    @property
    def record(self) -> dict[str, Any]:
        """What was written, as plain values."""
        return {"texts": dict(self.texts), "detach": self.detach}

    @staticmethod
    def of_record(record: Mapping[str, Any]) -> Form:
        """The form of a record, maybe of another version: what it does not know is left out."""
        texts = record.get("texts")
        known = texts.items() if isinstance(texts, dict) else ()
        return Form({path: str(text) for path, text in known if path in FIELDS}, record.get("detach") is True)

    # -- one setting

    def text(self, path: str) -> str:
        """What its field shows: what was written, or the default."""
        return self.texts.get(path, self.default(path))

    def default(self, path: str) -> str:
        """Its default, that of the chosen optimizer or schedule where there is one, as text."""
        record, group = FIELDS[path], getattr(self.draft, path.split(".", 1)[0])
        return setting_text(record, record.kind_defaults.get(getattr(group, "name", ""), record.default))

    def options(self, path: str) -> Mapping[str, str]:
        """The values to choose from, each with what it means if there is more to say; empty for a number or a text."""
        record, info = FIELDS[path], set_of(self.draft)
        names = record.choices or record.suggestions
        if path == "data.size" and info is not None:
            names = tuple(map(str, info.sizes))
        if record.kind == "bool":
            names = ("false", "true")
        return {name: _DESCRIPTIONS.get(path, {}).get(name, "") for name in names}

    def set(self, path: str, text: str) -> Form:
        """Write into a field; the default, or nothing where a number is wanted, is as if it had not been written."""
        return self._with({**self.texts, path: text})

    def clear(self, path: str) -> Form:
        """Put a setting back to its default."""
        return self._with({other: text for other, text in self.texts.items() if other != path})

    def _with(self, texts: Mapping[str, str]) -> Form:
        """Keep what says something: another kind drops the settings that only the one before took."""
        form = replace(self, texts=texts)
        return replace(self, texts={path: text for path, text in texts.items() if form._says_something(path, text)})

    def _says_something(self, path: str, text: str) -> bool:
        if not text and FIELDS[path].kind in ("int", "float"):
            return False
        group = path.split(".", 1)[0]
        return text != self.default(path) and (group not in KINDS or applies(path, self.draft))

    # -- many settings at once

    def apply_preset(self, name: str) -> Form:
        """Put everything to a preset, but the table of the run itself.

        Raises:
            UsageError: there is no such preset.
        """
        own = {path: text for path, text in self.texts.items() if path.startswith(f"{OWN_GROUP}.")}
        return replace(self, texts={**form_of(resolve([preset_layer(name)]).config).texts, **own})

    def augment(self) -> Form:
        """Turn on the augmentations that suit the data set.

        Raises:
            UsageError: none are known for it.
        """
        given = augmentation_layer(self.draft.data.dataset).values
        return self._with({**self.texts, **{path: setting_text(FIELDS[path], given[path]) for path in given}})

    def paste(self, line: str) -> Form:
        """The form of an `xaitui train` line.

        Raises:
            UsageError: it is no such line, or an option in it is wrong; this form is as it was.
        """
        read = TrainLine.read(split_command_line(line))
        return form_of(config_of(read), detach=DETACH in read.others)


def form_of(config: RunConfig, *, detach: bool = False) -> Form:
    """The form that says a configuration."""
    changed = differences(config)
    return Form({path: setting_text(FIELDS[path], value) for path, (value, _) in changed.items()}, detach)


@cache
def _preset(name: str) -> RunConfig:
    return resolve([preset_layer(name)]).config


def _apart(config: RunConfig) -> RunConfig:
    """A configuration without the table that decides no result."""
    return config.model_copy(update={OWN_GROUP: RunConfig().run})
