"""A configuration being edited in a form."""

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
"""Tables of a configuration, in the order of the file."""

OWN_GROUP = "run"
"""Table that does not affect results: presets leave it unchanged."""

_DESCRIPTIONS: Mapping[str, Mapping[str, str]] = {
    "data.dataset": {info.name: info.title for info in DATASETS.values()},
    "model.name": {info.name: info.description for info in MODELS.values()},
    "model.finetune": FINETUNING,
    "optimizer.name": {info.name: info.description for info in OPTIMIZERS.values()},
    "schedule.name": {info.name: info.description for info in SCHEDULES.values()},
}


@dataclass(frozen=True)
class Form:
    """Texts of the changed settings by dotted path, as options take them; every change returns a new form."""

    texts: Mapping[str, str] = field(default_factory=dict)
    detach: bool = False
    """Whether the run is started in a separate process."""

    # -- derived values

    @cached_property
    def _checked(self) -> tuple[RunConfig, dict[str, str]]:
        """The draft, and the error of each invalid setting."""
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
        """The configuration with invalid settings at their defaults, so that there is always one to show."""
        return self._checked[0]

    @property
    def config(self) -> RunConfig | None:
        """The configuration; None if a text is invalid."""
        return None if self._checked[1] else self.draft

    @cached_property
    def errors(self) -> Mapping[str, str]:
        """Errors that keep the run from starting, by setting in the order of the form, one line each."""
        found = {**refused(self.draft), **self._checked[1]}
        return {path: found[path] for path in FIELDS if path in found}

    @cached_property
    def changed(self) -> frozenset[str]:
        """Settings that are not at their defaults."""
        return frozenset(self._checked[1]) | differences(self.draft).keys()

    def visible(self, group: str) -> tuple[FieldRecord, ...]:
        """Return the settings of a table that apply here or that were changed."""
        return tuple(
            record
            for path, record in FIELDS.items()
            if path.startswith(f"{group}.") and (applies(path, self.draft) or path in self.changed)
        )

    @cached_property
    def command_line(self) -> str:
        """The command line for a shell; if a setting is invalid, with the texts as typed."""
        words = [option_word(FIELDS[path], self.texts[path]) for path in FIELDS if path in self.texts]
        if self.config is not None:
            changed = {path: value for path, (value, _) in differences(self.config).items()}
            words = [option_word(FIELDS[path], setting_text(FIELDS[path], value)) for path, value in changed.items()]
        return shlex.join([*PROGRAM, *words, *([DETACH] if self.detach else [])])

    @cached_property
    def preset(self) -> str:
        """The preset that this form equals, ignoring the run table; empty for none."""
        return next((name for name in PRESETS if _apart(_preset(name)) == _apart(self.draft)), "")

    @property
    def record(self) -> dict[str, Any]:
        """The form as plain values."""
        return {"texts": dict(self.texts), "detach": self.detach}

    @staticmethod
    def of_record(record: Mapping[str, Any]) -> Form:
        """Return the form of a record; unknown settings of other versions are dropped."""
        texts = record.get("texts")
        known = texts.items() if isinstance(texts, dict) else ()
        return Form({path: str(text) for path, text in known if path in FIELDS}, record.get("detach") is True)

    # -- one setting

    def text(self, path: str) -> str:
        """Return the text of a field: as typed, or the default."""
        return self.texts.get(path, self.default(path))

    def default(self, path: str) -> str:
        """Return the default of a setting as text, for the chosen optimizer or schedule."""
        record, group = FIELDS[path], getattr(self.draft, path.split(".", 1)[0])
        return setting_text(record, record.kind_defaults.get(getattr(group, "name", ""), record.default))

    def options(self, path: str) -> Mapping[str, str]:
        """Return the values to choose from with their descriptions; empty for a number or free text."""
        record, info = FIELDS[path], set_of(self.draft)
        names = record.choices or record.suggestions
        if path == "data.size" and info is not None:
            names = tuple(map(str, info.sizes))
        if record.kind == "bool":
            names = ("false", "true")
        return {name: _DESCRIPTIONS.get(path, {}).get(name, "") for name in names}

    def set(self, path: str, text: str) -> Form:
        """Set the text of a field; the default, or an empty text for a number, clears it."""
        return self._with({**self.texts, path: text})

    def clear(self, path: str) -> Form:
        """Reset a setting to its default."""
        return self._with({other: text for other, text in self.texts.items() if other != path})

    def _with(self, texts: Mapping[str, str]) -> Form:
        """Drop texts that equal the default, or that do not apply to the chosen optimizer or schedule."""
        form = replace(self, texts=texts)
        return replace(self, texts={path: text for path, text in texts.items() if form._says_something(path, text)})

    def _says_something(self, path: str, text: str) -> bool:
        if not text and FIELDS[path].kind in ("int", "float"):
            return False
        group = path.split(".", 1)[0]
        return text != self.default(path) and (group not in KINDS or applies(path, self.draft))

    # -- many settings at once

    def apply_preset(self, name: str) -> Form:
        """Set everything except the run table to a preset.

        Raises:
            UsageError: there is no such preset.
        """
        own = {path: text for path, text in self.texts.items() if path.startswith(f"{OWN_GROUP}.")}
        return replace(self, texts={**form_of(resolve([preset_layer(name)]).config).texts, **own})

    def augment(self) -> Form:
        """Turn on the augmentations that suit the dataset.

        Raises:
            UsageError: none are known for it.
        """
        given = augmentation_layer(self.draft.data.dataset).values
        return self._with({**self.texts, **{path: setting_text(FIELDS[path], given[path]) for path in given}})

    def paste(self, line: str) -> Form:
        """Return the form of an `xaitui train` line.

        Raises:
            UsageError: it is not such a line, or an option is wrong.
        """
        read = TrainLine.read(split_command_line(line))
        return form_of(config_of(read), detach=DETACH in read.others)


def form_of(config: RunConfig, *, detach: bool = False) -> Form:
    """Return the form of a configuration."""
    changed = differences(config)
    return Form({path: setting_text(FIELDS[path], value) for path, (value, _) in changed.items()}, detach)


@cache
def _preset(name: str) -> RunConfig:
    return resolve([preset_layer(name)]).config


def _apart(config: RunConfig) -> RunConfig:
    """Return a configuration with the run table at its defaults."""
    return config.model_copy(update={OWN_GROUP: RunConfig().run})
