"""What the keys of the screen of explanations do: other images, methods, classes and layers."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import TypeVar

from xaitui.catalog.attributions import ATTRIBUTIONS, DEFAULT_METHODS, AttributionInfo
from xaitui.catalog.splits import OFFERED
from xaitui.runs.directory import RunDirectory
from xaitui.system.helper_process import NoAnswerError
from xaitui.tui.dialogs.choose import ChooseScreen
from xaitui.tui.explain.client import Explainer, Layer
from xaitui.tui.explain.map_screen import MapScreen
from xaitui.tui.explain.material import CHOICES, Choice, Material, Subject
from xaitui.tui.threads import work

T = TypeVar("T")

Target = str | int
"""Whose logit is explained: "predicted", "true", or a class by its index."""


class ExplainActions(MapScreen[Material]):
    """Knows what is looked at; says how that is read, shown and computed in its subclass."""

    def __init__(self, run: RunDirectory, split: str = "", index: int | None = None) -> None:
        """Prepare the screen.

        Args:
            run: whose best weights are asked.
            split: where its images are taken from; "test" where it is not given.
            index: the image that is looked at first; the worst mistake where it is not given.
        """
        super().__init__()
        self.run = run
        self.split = split or OFFERED[0]
        self.index = -1 if index is None else index
        """The image that is looked at, by its place in the split; -1 for none."""
        self.choice: Choice = CHOICES[0]
        self.indices: tuple[int, ...] = ()
        """The images that are gone through."""
        self.target: Target = "predicted"
        self.methods: tuple[str, ...] = DEFAULT_METHODS
        self.first = 0
        """The first of the methods that is seen."""
        self.layer_path = ""
        """Of methods that look at one; empty for the model's default."""
        self.material: Material | None = None
        self.explainer = Explainer(run)

    @property
    def subject(self) -> Subject | None:
        """What is known of the image that is looked at."""
        return self.material.subject(self.index) if self.material is not None and self.index >= 0 else None

    def class_of(self, subject: Subject) -> int:
        """The class whose logit is explained."""
        if isinstance(self.target, int):
            return self.target
        return subject.true[0] if self.target == "true" and subject.true else subject.predicted

    # -- images

    def action_sample(self, by: int) -> None:
        """Go to another image of those that are gone through."""
        if self.indices:
            at = self.indices.index(self.index) + by if self.index in self.indices else 0
            self.index = self.indices[at % len(self.indices)]
            self.redraw()

    def action_images(self) -> None:
        """Go through other images: the next of mistakes, uncertain ones and so on that there are any of."""
        if self.material is None:
            return
        choices = self.material.choices
        for choice in _after(choices, self.choice):
            indices = self.material.indices(choice)
            if indices:
                self.choice, self.indices = choice, indices
                self.index = self.index if self.index in indices else indices[0]
                self.redraw()
                return

    def action_split(self) -> None:
        """Take the images from the next split."""
        self.split = _after(OFFERED, self.split)[0]
        self.index, self.material, self.choice = -1, None, CHOICES[0]
        self.look()

    # -- classes

    def action_target(self) -> None:
        """Explain the predicted class or the true one; where they are the same, the next best."""
        subject = self.subject
        if subject is None:
            return
        here = self.class_of(subject)
        if self.target != "predicted":
            self.target = "predicted"
        elif subject.true and subject.true[0] != here:
            self.target = "true"
        elif len(subject.order) > 1:
            self.target = subject.order[1]
        self.redraw()

    def action_choose_target(self) -> None:
        """Choose any class."""
        subject = self.subject
        if subject is None:
            return
        labels = {f"{index} {subject.name(index)}": index for index in range(len(subject.probabilities))}
        current = next(label for label, index in labels.items() if index == self.class_of(subject))

        def choose(label: str | None) -> None:
            if label is not None:
                self.target = labels[label]
                self.redraw()

        meanings = {label: subject.share(index) for label, index in labels.items()}
        self.app.push_screen(ChooseScreen("the class whose logit is explained", meanings, current), choose)

    # -- methods and layers

    def action_shift(self, by: int) -> None:
        """Show other methods of those that were chosen, where there is no room for all."""
        last = max(len(self.methods) - self.seen, 0)
        self.first = min(max(self.first + by, 0), last)
        self.redraw()

    @property
    @abstractmethod
    def seen(self) -> int:
        """How many methods there is room for."""

    def action_methods(self, current: str = "") -> None:
        """Choose methods, one after another: enter takes one in or out, escape goes back."""

        def choose(name: str | None) -> None:
            if name is not None:
                self._toggle(name)
                self.action_methods(name)

        title = "methods: enter shows one or leaves it out, esc goes back"
        self.app.push_screen(ChooseScreen(title, self._method_meanings(), current or self.methods[0]), choose)

    def _method_meanings(self) -> Mapping[str, str]:
        return {
            name: ("shown: " if name in self.methods else "") + _meaning(info) for name, info in ATTRIBUTIONS.items()
        }

    def _toggle(self, name: str) -> None:
        chosen = {*self.methods} ^ {name}
        if not chosen:
            self.console.tell("one method is always shown")
            return
        self.methods = tuple(each for each in ATTRIBUTIONS if each in chosen)
        self.action_shift(0)

    @work(exclusive=True, group="layers")
    async def action_layer(self) -> None:
        """Choose the layer of the methods that look at one."""
        if not any(ATTRIBUTIONS[name].layer for name in self.methods):
            self.console.tell("none of the methods that are shown looks at one layer")
            return
        try:
            problem, layers = await self.explainer.layers(self.say_progress)
        except NoAnswerError as error:
            problem, layers = str(error), ()
        self.say_progress("")
        self.say_foot(problem, bad=bool(problem))
        if not problem and self.is_active:  # not over a screen that was opened meanwhile
            self._choose_layer(layers)

    def _choose_layer(self, layers: Sequence[Layer]) -> None:
        meanings = {layer.path: f"{layer.channels} maps of {layer.height}x{layer.width}" for layer in layers}
        default = next((layer.path for layer in layers if layer.is_default), "")
        meanings |= {default: f"{meanings[default]}, the default"} if default else {}

        def choose(path: str | None) -> None:
            if path is not None:
                self.layer_path = path
                self.redraw()

        self.app.push_screen(ChooseScreen("the layer of Grad-CAM", meanings, self.layer_path or default), choose)

    # -- elsewhere

    def action_through(self) -> None:
        """See what the run looked at through its training."""
        self.console.open("through", self.run)


def _meaning(info: AttributionInfo) -> str:
    """What a method is for, what it needs and costs, and what must not be read from its maps."""
    warning = f" Warning: {info.warning}." if info.warning else ""
    return f"{info.description} Needs {info.needs}; costs {info.cost}. Limits: {info.limits}.{warning}"


def _after(values: Sequence[T], value: T) -> Sequence[T]:
    """The values that come after one, then those before it, at last itself."""
    at = values.index(value) + 1 if value in values else 0
    return (*values[at:], *values[:at])
