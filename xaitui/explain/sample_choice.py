"""The words that choose images: ``mistakes:10``, ``class:3``, ``random:8``, ``idx:5,9``, ``all``."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from xaitui.catalog.records import Task
from xaitui.errors import UsageError, nearest
from xaitui.metrics.per_sample import losses, margins
from xaitui.metrics.scores import decide
from xaitui.seeds import derive_seed
from xaitui.text import printable

DEFAULT_COUNT = 8
FORMS = ("mistakes:N", "uncertain:N", "correct:N", "random:N", "class:NAME:N", "idx:5,9", "all")

Indices = NDArray[np.int64]


@dataclass(frozen=True)
class Choice:
    """Which images are wanted."""

    kind: str
    count: int = DEFAULT_COUNT
    words: str = ""
    """What stands behind the kind, where that is no count: a class, or indices."""

    @property
    def needs_predictions(self) -> bool:
        """Whether it depends on what the model says."""
        return self.kind in _BY_PREDICTION


@dataclass(frozen=True)
class Answers:
    """What a model said of a split."""

    task: Task
    probabilities: NDArray[np.float32]
    labels: NDArray[np.int64]


def parse_choice(text: str) -> Choice:
    """Understand what a user typed.

    Raises:
        UsageError: names the forms, or the nearest one.
    """
    kind, _, rest = text.partition(":")
    if kind == "all" and not rest:
        return Choice(kind)
    if kind == "idx" and rest:
        return Choice(kind, words=rest)
    if kind == "class" and rest:
        name, _, number = rest.rpartition(":")
        if name and number.isdecimal():
            return Choice(kind, _count(number, text), name)
        return Choice(kind, words=rest)
    if kind in ("mistakes", "uncertain", "correct", "random"):
        return Choice(kind, _count(rest, text) if rest else DEFAULT_COUNT)
    guess = nearest(kind, (form.partition(":")[0] for form in FORMS)) if kind.isalpha() else ""
    raise UsageError(f"--samples cannot be {printable(text)!r}{guess if 'mean' in guess else ''}: {', '.join(FORMS)}")


def _count(word: str, text: str) -> int:
    if not word.isdecimal() or not int(word):
        raise UsageError(f"--samples {printable(text)}: {printable(word)!r} is no number of images")
    return int(word)


def choose(
    choice: Choice, labels: NDArray[np.int64], classes: Sequence[str], answers: Answers | None, seed: int
) -> Indices:
    """The indices of the images that are wanted, of one split; as many as there are where there are fewer.

    Args:
        choice: what is wanted.
        labels: class indices (N,), or zeros and ones (N, L).
        classes: the names of the classes.
        answers: what the model said, where the choice depends on it.
        seed: of what is drawn.

    Raises:
        UsageError: there is no such image or class, or no image fits.
    """
    draw = np.random.default_rng(derive_seed(seed, "samples"))
    if choice.kind == "all":
        return np.arange(len(labels))
    if choice.kind == "idx":
        return _numbered(choice.words, len(labels))
    if choice.kind == "random":
        return np.sort(draw.permutation(len(labels))[: choice.count])
    if choice.kind == "class":
        target = class_index(choice.words, classes)
        found = np.flatnonzero(labels == target if labels.ndim == 1 else labels[:, target] == 1)
        reason = f"no image is of the class {printable(classes[target])}"
        found = np.sort(draw.permutation(found)[: choice.count])
    else:
        assert answers is not None  # asked for by needs_predictions
        found = _BY_PREDICTION[choice.kind](answers, draw)[: choice.count]
        reason = {"mistakes": "no image is misclassified", "correct": "every image is misclassified"}.get(
            choice.kind, "there is no image"
        )
    if not len(found):
        raise UsageError(f"{reason}; choose others, such as --samples random:{DEFAULT_COUNT}")
    return found


def _numbered(words: str, count: int) -> Indices:
    found = []
    for word in words.split(","):
        if not word.strip().isdecimal() or int(word) >= count:
            raise UsageError(f"--samples idx: there is no image {printable(word)!r}; they go from 0 to {count - 1:,}")
        found.append(int(word))
    return np.array(list(dict.fromkeys(found)), np.int64)


def class_index(word: str, classes: Sequence[str]) -> int:
    """The class that a name or an index means; a name comes first, for digits are named by numbers.

    Raises:
        UsageError: there is no such class; names the nearest one.
    """
    if word in classes:
        return list(classes).index(word)
    if word.isdecimal() and int(word) < len(classes):
        return int(word)
    names = [printable(name) for name in classes]
    raise UsageError(f"there is no class {printable(word)!r}{nearest(word, names)}")


def _wrong(answers: Answers) -> NDArray[np.bool_]:
    wrong = np.asarray(decide(answers.task, answers.probabilities) != answers.labels)
    return wrong if wrong.ndim == 1 else np.asarray(wrong.any(axis=1))


def _mistakes(answers: Answers, _: np.random.Generator) -> Indices:
    """Those that are wrong, the highest loss first."""
    found = np.flatnonzero(_wrong(answers))
    costs = losses(answers.task, answers.probabilities, answers.labels)[found]
    return found[np.argsort(-costs, kind="stable")]


def _correct(answers: Answers, draw: np.random.Generator) -> Indices:
    return draw.permutation(np.flatnonzero(~_wrong(answers)))


def _uncertain(answers: Answers, _: np.random.Generator) -> Indices:
    """Those whose first two classes are the closest, or, with several labels, whose any label is the most undecided."""
    if answers.task is Task.MULTI_LABEL:
        return np.argsort(np.abs(answers.probabilities - 0.5).min(axis=1), kind="stable")
    return np.argsort(margins(answers.probabilities), kind="stable")


_BY_PREDICTION: Mapping[str, Callable[[Answers, np.random.Generator], Indices]] = {
    "mistakes": _mistakes,
    "correct": _correct,
    "uncertain": _uncertain,
}
