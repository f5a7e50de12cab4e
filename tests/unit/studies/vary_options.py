"""A study from the words of its command, as the command line reads them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from xaitui.config.command_line import TrainLine
from xaitui.studies.create import StudyWords
from xaitui.studies.definition import Study

OWN = ("vary", "sampler", "seeds", "trials", "objective", "pruner", "optuna-storage", "test", "name")


def study_of_words(words: Sequence[str]) -> Study:
    """The study of the words after ``xaitui sweep``."""
    own: dict[str, Any] = {"vary": []}
    settings = []
    for word in words:
        name, _, text = word.removeprefix("--").partition("=")
        if name == "vary":
            own["vary"].append(text)
        elif name in OWN:
            key = {"test": "tested", "optuna-storage": "storage"}.get(name, name)
            own[key] = int(text) if name in ("seeds", "trials") else text
        else:
            settings.append(word)
    return StudyWords(settings=TrainLine.read(settings).settings, **own).study()
