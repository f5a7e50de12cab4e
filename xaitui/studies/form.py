"""The form of a new study: texts as they are written, what is wrong with each, and the line that says the same."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from xaitui.config.command_line import DETACH, TrainLine, differences, setting_text
from xaitui.config.schema import FIELDS
from xaitui.errors import UsageError
from xaitui.studies.create import StudyWords, resolve_base, sweep_words
from xaitui.studies.definition import Study
from xaitui.studies.objective import parse_objective
from xaitui.studies.space import dimension_text, parse_vary
from xaitui.studies.worker_processes import MOST_WORKERS

DEFAULTS: Mapping[str, str] = {
    "name": "",
    "base": "",
    "settings": "",
    "sampler": "one-at-a-time",
    "objective": "",
    "seeds": "1",
    "trials": "0",
    "pruner": "none",
    "storage": "",
    "tested": "best",
    "workers": "0",
}
"""What stands in each field at first; lines of what is varied besides."""
WHOLE = ("seeds", "trials", "workers")
VARY = "vary."
"""Before the number of a line that varies a setting."""


@dataclass(frozen=True)
class StudyForm:
    """The texts of a study that is being written."""

    texts: Mapping[str, str] = field(default_factory=lambda: dict(DEFAULTS))
    vary: tuple[str, ...] = ()
    """A setting and its values each; empty ones mean nothing."""

    @staticmethod
    def of(study: Study) -> StudyForm:
        """The form that makes a study."""
        changed = {path: value for path, (value, _) in differences(study.base).items() if not path.startswith("run.")}
        settings = [f"{FIELDS[path].option[2:]}={setting_text(FIELDS[path], value)}" for path, value in changed.items()]
        texts = {
            "name": study.name,
            "settings": shlex.join(settings),
            "sampler": study.sampler,
            "pruner": study.pruner,
            "objective": ",".join(each.text for each in study.objectives),
            "seeds": str(study.seeds),
            "trials": str(study.trials),
            "storage": study.storage,
            "tested": study.tested,
        }
        lines = tuple(f"{FIELDS[path].option[2:]}={dimension_text(path, item)}" for path, item in study.space.items())
        return StudyForm({**DEFAULTS, **texts}, lines)

    @property
    def record(self) -> dict[str, Any]:
        """What was written, as plain values."""
        return {"texts": dict(self.texts), "vary": list(self.vary)}

    @staticmethod
    def of_record(record: Mapping[str, Any]) -> StudyForm:
        """The form of a record, maybe of another version: what it does not know is left out."""
        texts, vary = record.get("texts"), record.get("vary")
        known = texts if isinstance(texts, dict) else {}
        lines = vary if isinstance(vary, list) else ()
        return StudyForm({name: str(known.get(name, text)) for name, text in DEFAULTS.items()}, tuple(map(str, lines)))

    def text(self, path: str) -> str:
        """What is written in a field."""
        if path.startswith(VARY):
            number = int(path.removeprefix(VARY))
            return self.vary[number] if number < len(self.vary) else ""
        return self.texts[path]

    def set(self, path: str, text: str) -> StudyForm:
        """The form once a field says something else; empty lines at the end of what is varied fall away."""
        if not path.startswith(VARY):
            return replace(self, texts={**self.texts, path: text})
        number = int(path.removeprefix(VARY))
        lines = [*self.vary, *[""] * (number + 1 - len(self.vary))]
        lines[number] = text
        while lines and not lines[-1].strip():
            lines.pop()
        return replace(self, vary=tuple(lines))

    @cached_property
    def errors(self) -> Mapping[str, str]:
        """What is wrong with single fields."""
        checks: dict[str, Callable[[], object]] = {path: lambda path=path: self._whole(path) for path in WHOLE}  # type: ignore[misc]
        checks |= {
            f"{VARY}{number}": lambda line=line: parse_vary(line)  # type: ignore[misc]
            for number, line in enumerate(self.vary)
            if line.strip()
        }
        checks["objective"] = lambda: [parse_objective(word) for word in self._objectives]
        checks["base"] = lambda: resolve_base(self.texts["base"].strip(), {})
        found = {path: reason for path, check in checks.items() if (reason := _why(check))}
        if "base" not in found and (reason := _why(lambda: resolve_base(self.texts["base"].strip(), self._settings))):
            found["settings"] = reason
        return found

    @cached_property
    def _made(self) -> tuple[Study | None, str]:
        if self.errors:
            return None, next(iter(self.errors.values()))
        texts = {path: text.strip() for path, text in self.texts.items() if path not in (*WHOLE, "settings")}
        counts = {path: self._whole(path) for path in ("seeds", "trials")}
        given: dict[str, Any] = {**texts, **counts, "objective": ",".join(self._objectives)}
        lines = [line.strip() for line in self.vary if line.strip()]
        try:
            return StudyWords(settings=self._settings, vary=lines, **given).study(), ""
        except UsageError as error:
            return None, str(error)

    @property
    def study(self) -> Study | None:
        """The study that is meant; None while something is wrong."""
        return self._made[0]

    @property
    def problem(self) -> str:
        """The first thing that is wrong, in one line; empty where nothing is."""
        return self._made[1]

    @property
    def workers(self) -> int:
        """Worker processes."""
        return self._whole("workers")

    @property
    def command_line(self) -> str:
        """The line for a shell that starts the study as the form does; empty while something is wrong."""
        if self.study is None:
            return ""
        words = sweep_words(self.study) + ([f"--workers={self.workers}"] if self.workers else [])
        return shlex.join(["xaitui", *words, DETACH])

    @property
    def _objectives(self) -> list[str]:
        return [word.strip() for word in self.texts["objective"].split(",") if word.strip()]

    @property
    def _settings(self) -> Mapping[str, str]:
        """The settings of the base by dotted path, from ``epochs=3 optimizer.name=sgd``.

        Raises:
            UsageError: a word is no setting.
        """
        try:
            words = shlex.split(self.texts["settings"])
        except ValueError as error:
            raise UsageError(f"cannot read the settings: {error}") from None
        line = TrainLine.read([_option(word) for word in words])
        for other in line.others:
            raise UsageError(f"{other} is no setting; write settings as epochs=3 lr=0.01")
        return line.settings

    def _whole(self, path: str) -> int:
        text, most = self.texts[path].strip(), MOST_WORKERS if path == "workers" else 10**6
        if not text.isascii() or not text.isdigit() or int(text[:9]) > most:
            raise UsageError(f"{path} takes a whole number, not {text!r}")
        return int(text[:9])


def _option(word: str) -> str:
    """``optimizer.lr=0.1`` and ``lr=0.1`` as a command line has them."""
    name, separator, text = word.partition("=")
    if word.startswith("-"):
        return word
    return (FIELDS[name].option if name in FIELDS else f"--{name.replace('_', '-')}") + separator + text


def _why(check: Callable[[], object]) -> str:
    """Why something is refused; empty where it is not."""
    try:
        check()
    except UsageError as error:
        return str(error)
    return ""
