"""The selection of the explanation screen: which image, class, methods and layer it shows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from xaitui.catalog.attributions import ATTRIBUTIONS, DEFAULT_METHODS
from xaitui.catalog.splits import OFFERED
from xaitui.tui.explain.client import Question
from xaitui.tui.explain.material import CHOICES, Choice, Material, Subject

T = TypeVar("T")

Target = str | int
"""The class whose logit is explained: "predicted", "true", or a class by its index."""


@dataclass(frozen=True)
class Selection:
    """What is selected; each change gives a new selection."""

    split: str = OFFERED[0]
    index: int = -1
    """Place of the image in the split; -1 for none."""
    choice: Choice = CHOICES[0]
    indices: tuple[int, ...] = ()
    """The images of that choice."""
    target: Target = "predicted"
    methods: tuple[str, ...] = DEFAULT_METHODS
    first: int = 0
    """The first method that is visible."""
    layer: str = ""
    """For methods that use one layer; empty for the model's default."""

    def class_of(self, subject: Subject) -> int:
        """The class whose logit is explained."""
        if isinstance(self.target, int):
            return self.target
        return subject.true[0] if self.target == "true" and subject.true else subject.predicted

    def question(self, method: str, subject: Subject) -> Question:
        """The question whose answer is the map of a method."""
        layer = self.layer if ATTRIBUTIONS[method].layer else ""
        return Question(self.split, subject.index, method, self.class_of(subject), layer)

    # -- images

    def moved(self, by: int) -> Selection:
        """Another image of the same choice."""
        if not self.indices:
            return self
        at = self.indices.index(self.index) + by if self.index in self.indices else 0
        return replace(self, index=self.indices[at % len(self.indices)])

    def next_choice(self, material: Material) -> Selection:
        """The next choice of images that is not empty: mistakes, uncertain ones and so on."""
        for choice in _after(material.choices, self.choice):
            indices = material.indices(choice)
            if indices:
                index = self.index if self.index in indices else indices[0]
                return replace(self, choice=choice, indices=indices, index=index)
        return self

    def next_split(self) -> Selection:
        """No image yet, of the next split."""
        return replace(self, split=_after(OFFERED, self.split)[0], index=-1, choice=CHOICES[0])

    def begun(self, found: Material, *, keeps_image: bool) -> Selection:
        """The images of new material: those that most deserve a look, or the choice that holds the selected image."""
        around: tuple[Choice, ...] = ("all",) if keeps_image else ()
        choice, indices = self.choice, self.indices
        for choice in (self.choice, *around, *found.choices):
            indices = found.indices(choice) if choice in found.choices else ()
            if indices and (not keeps_image or self.index in indices):
                break
        index = self.index if self.index in indices or keeps_image else indices[0] if indices else -1
        return replace(self, choice=choice, indices=indices, index=index)

    # -- classes

    def next_target(self, subject: Subject) -> Selection:
        """The predicted class or the true one; where they are the same, the second most probable."""
        target: Target = "predicted"
        if self.target == "predicted":
            if subject.true and subject.true[0] != self.class_of(subject):
                target = "true"
            elif len(subject.order) > 1:
                target = subject.order[1]
        return replace(self, target=target)

    # -- methods

    def shifted(self, by: int, room: int) -> Selection:
        """Other methods visible, where there is not room for all."""
        last = max(len(self.methods) - room, 0)
        return replace(self, first=min(max(self.first + by, 0), last))

    def visible(self, room: int) -> tuple[str, ...]:
        """The methods that are visible where there is room for so many."""
        return self.methods[self.first : self.first + room]

    def toggled(self, method: str) -> Selection:
        """One method more or less; the last one stays."""
        chosen = {*self.methods} ^ {method}
        return replace(self, methods=tuple(each for each in ATTRIBUTIONS if each in chosen)) if chosen else self


def _after(values: Sequence[T], value: T) -> Sequence[T]:
    """The values that come after one, then those before it, finally itself."""
    at = values.index(value) + 1 if value in values else 0
    return (*values[at:], *values[:at])
