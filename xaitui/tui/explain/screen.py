"""The explanation screen: an image, attribution maps of it by several methods, and how far each can be trusted."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import ClassVar

from textual.content import Content
from textual.widget import Widget
from textual.widgets import Static

from xaitui.catalog.attributions import ATTRIBUTIONS, AttributionInfo
from xaitui.catalog.splits import OFFERED
from xaitui.errors import DataError
from xaitui.runs.directory import RunDirectory
from xaitui.text import printable, quoted
from xaitui.tui.dialogs.choose import ChooseScreen
from xaitui.tui.explain.client import Layer, Question
from xaitui.tui.explain.map_display import MapDisplay
from xaitui.tui.explain.map_grid import MapGrid, Tile
from xaitui.tui.explain.map_requests import WAITING, MapRequests
from xaitui.tui.explain.material import Material, MaterialReader, Subject
from xaitui.tui.explain.selection import Selection
from xaitui.tui.explain.terminal_graphics import show_sharp
from xaitui.tui.explain.tiles import about_maps, about_sample, image_tile, map_tile
from xaitui.tui.palette import MUTED
from xaitui.tui.polling_screen import PollingScreen
from xaitui.tui.threads import in_thread, work
from xaitui.tui.widgets.picture import Pixels

ROWS_OF_TILE = 20
"""Rows of the grid that a map of 28 px and its lines need: where there are more, there may be two rows of maps."""
SETTLED = 0.25
"""Seconds for which an image is shown before maps of it are computed, so that passing images cost nothing."""


class ExplainScreen(PollingScreen[Material]):
    """Shows an image beside its maps; a map that is not stored in the run yet is computed and stored."""

    NAME = "explain"
    AUTO_FOCUS: ClassVar[str | None] = None

    def __init__(self, run: RunDirectory, split: str = "", index: int | None = None) -> None:
        """Prepare the screen.

        Args:
            run: whose best weights are explained.
            split: of its images; "test" where it is not given.
            index: of the first image; the worst mistake where it is not given.
        """
        super().__init__()
        self.run = run
        self._keeps_image = index is not None
        self.selection = Selection(split or OFFERED[0], -1 if index is None else index)
        self.material: Material | None = None
        self.map_display = MapDisplay(self, self.redraw)
        self.requests = MapRequests(run, self.map_display.say_progress, self._answered)

    def compose_body(self) -> Iterable[Widget]:
        """The head, the maps, and a line about progress and problems."""
        yield Static(classes="head", markup=False)
        yield MapGrid()
        yield Static(classes="foot", markup=False)

    @property
    def chosen_run(self) -> RunDirectory:
        """The run whose maps these are."""
        return self.run

    @property
    def subject(self) -> Subject | None:
        """The selected image, if anything is known of it."""
        index = self.selection.index
        return self.material.subject(index) if self.material is not None and index >= 0 else None

    @property
    def room(self) -> int:
        """How many maps fit beside the image."""
        grid = self.query_one(MapGrid)
        grid.set_room(1)
        if grid.room < 1 + len(self.selection.methods):
            grid.set_room(max(1, grid.size.height // ROWS_OF_TILE))
        return max(1, grid.room - 1)

    @property
    def visible_methods(self) -> tuple[str, ...]:
        """The methods whose maps fit."""
        return self.selection.visible(self.room)

    # -- reading

    def on_mount(self) -> None:
        """Show whose maps these are."""
        self._reader = MaterialReader(self.run, self.console.options.data_dir)
        self.map_display.title = f"what {printable(self.run.id)} looks at"
        self.map_display.say_progress("")

    async def on_unmount(self) -> None:
        """End the process that computes maps."""
        await self.requests.explainer.close()

    def read(self) -> Material:
        """Read predictions and stored maps, where they have changed."""
        return self._reader.read(self.selection.split)

    def take(self, found: Material) -> None:
        """Show them, if they are new."""
        before, self.material = self.material, found
        is_other = before is None or (before.split, before.evaluation) != (found.split, found.evaluation)
        if is_other:
            self.selection = self.selection.begun(found, keeps_image=self._keeps_image)
        elif self.selection.choice == "explained":
            self.selection = replace(self.selection, indices=found.indices("explained"))
        if is_other or before is None or before.sets != found.sets:
            self.redraw()

    # -- what the keys do

    def select(self, selection: Selection) -> None:
        """Show another selection."""
        self.selection = selection
        self.redraw()

    def action_sample(self, by: int) -> None:
        """Go to another image."""
        self.select(self.selection.moved(by))

    def action_images(self) -> None:
        """Go to the next choice of images: mistakes, uncertain ones and so on."""
        if self.material is not None:
            self.select(self.selection.next_choice(self.material))

    def action_split(self) -> None:
        """Show images of the next split."""
        self.selection, self.material = self.selection.next_split(), None
        self.look()

    def action_target(self) -> None:
        """Explain the predicted class or the true one; where they are the same, the second most probable."""
        if self.subject is not None:
            self.select(self.selection.next_target(self.subject))

    def action_choose_target(self) -> None:
        """Choose any class."""
        subject = self.subject
        if subject is None:
            return
        labels = {f"{index} {subject.name(index)}": index for index in range(len(subject.probabilities))}
        here = self.selection.class_of(subject)
        current = next(label for label, index in labels.items() if index == here)

        def choose(label: str | None) -> None:
            if label is not None:
                self.select(replace(self.selection, target=labels[label]))

        meanings = {label: subject.share(index) for label, index in labels.items()}
        self.app.push_screen(ChooseScreen("the class whose logit is explained", meanings, current), choose)

    def action_shift(self, by: int) -> None:
        """Show other methods, where there is not room for all."""
        self.select(self.selection.shifted(by, self.room))

    def action_methods(self, current: str = "") -> None:
        """Choose methods, one after another: enter shows or hides one, escape goes back."""

        def choose(name: str | None) -> None:
            if name is None:
                return
            chosen = self.selection.toggled(name)
            if chosen == self.selection:
                self.console.tell("one method is always shown")
            self.select(chosen.shifted(0, self.room))
            self.action_methods(name)

        shown = self.selection.methods
        meanings = {name: _meaning(info, shown=name in shown) for name, info in ATTRIBUTIONS.items()}
        title = "methods: enter shows or hides one, esc goes back"
        self.app.push_screen(ChooseScreen(title, meanings, current or shown[0]), choose)

    @work(exclusive=True, group="layers")
    async def action_layer(self) -> None:
        """Choose the layer of the methods that use one."""
        if not any(ATTRIBUTIONS[name].layer for name in self.selection.methods):
            self.console.tell("none of the methods that are shown uses one layer")
            return
        problem, layers = await self.requests.layers()
        self.say_foot(problem, bad=bool(problem))
        if not problem and self.is_active:  # not over a screen that was opened meanwhile
            self._choose_layer(layers)

    def _choose_layer(self, layers: Sequence[Layer]) -> None:
        def choose(path: str | None) -> None:
            if path is not None:
                self.select(replace(self.selection, layer=path))

        default = next((layer.path for layer in layers if layer.is_default), "")
        meanings = {layer.path: _layer_meaning(layer) for layer in layers}
        self.app.push_screen(ChooseScreen("the layer of Grad-CAM", meanings, self.selection.layer or default), choose)

    @work(exclusive=True, group="ask")
    async def action_judge(self) -> None:
        """Compare the visible methods with reference maps, once for each on this run."""
        subject = self.subject
        if self.console.options.readonly or subject is None:
            self.console.tell("this console is read-only" if subject is not None else "there is no image to begin with")
            return
        for method in self.visible_methods:
            problem = await self.requests.judge(self.selection.question(method, subject))
            self.say_foot(problem, bad=bool(problem))

    def action_again(self) -> None:
        """Compute failed maps again."""
        self.requests.forget()
        self.redraw()

    def action_absolute(self) -> None:
        """Change between signed maps and their magnitudes."""
        self.map_display.toggle_absolute()

    def action_overlay(self) -> None:
        """Change between maps over their image and maps alone."""
        self.map_display.toggle_overlay()

    def action_sharper(self) -> None:
        """Suspend the console, and show the stored images of the visible maps in the terminal's own graphics."""
        subject = self.subject
        if self.material is None or subject is None:
            return
        questions = [self.selection.question(method, subject) for method in self.visible_methods]
        kept = self.material.pictures(questions)
        problem = show_sharp(self.console, kept) if kept else "no image of these maps is stored yet"
        if problem:
            self.console.tell(problem, "warning")

    # -- showing

    def redraw(self) -> None:
        """Show the image and its maps; maps that are not stored are computed."""
        self._redraw()

    @work(exclusive=True, group="show")
    async def _redraw(self) -> None:
        material, subject = self.material, self.subject
        if material is None:
            return
        if subject is None:
            why = _about_nothing(self.run, self.selection, material.problem)
            self.map_display.say_head(Content.styled(why, MUTED))
            self.map_display.show([])
            return
        pixels, problem = None, ""
        try:
            pixels = await in_thread(self._reader.image, self.selection.split, subject.index)
        except (DataError, OSError, IndexError) as error:
            problem = printable(error)
        questions = {name: self.selection.question(name, subject) for name in self.visible_methods}
        self.map_display.say_head(
            about_sample(subject, self.selection),
            about_maps(subject, self.selection, [*questions], self.map_display, _weights(material)),
        )
        self.map_display.show(list(self._tiles(material, subject, pixels, questions)))
        problem = problem or next(filter(None, map(self.requests.problem_of, questions.values())), "")
        self.say_foot(problem, bad=bool(problem))
        missing = [] if self.console.options.readonly else self.requests.missing(questions.values(), material)
        if missing:
            self._compute(missing)

    @work(exclusive=True, group="ask")
    async def _compute(self, questions: Sequence[Question]) -> None:
        await asyncio.sleep(SETTLED)
        for question in questions:
            await self.requests.explain(question)

    async def _answered(self, problem: str) -> None:
        self.take(await in_thread(self.read))
        if problem:
            self.redraw()

    def _tiles(
        self, material: Material, subject: Subject, pixels: Pixels | None, questions: Mapping[str, Question]
    ) -> Iterator[Tile]:
        yield image_tile(subject, pixels, self.selection.split, self.selection.class_of(subject))
        width = self.query_one(MapGrid).width_of(1 + len(questions))
        waiting = "not computed yet" if self.console.options.readonly else WAITING
        for method, question in questions.items():
            found = material.find(question)
            state = printable(self.requests.problem_of(question) or waiting)
            yield map_tile(ATTRIBUTIONS[method], found, pixels, state, width)


def _meaning(info: AttributionInfo, *, shown: bool) -> str:
    """The purpose of a method, its needs and cost, and the limits of its maps."""
    warning = f" Warning: {info.warning}." if info.warning else ""
    text = f"{info.description} Needs {info.needs}; costs {info.cost}. Limits: {info.limits}.{warning}"
    return f"shown: {text}" if shown else text


def _layer_meaning(layer: Layer) -> str:
    return f"{layer.channels} maps of {layer.height}x{layer.width}" + (", the default" if layer.is_default else "")


def _about_nothing(run: RunDirectory, chosen: Selection, problem: str) -> str:
    """The reason why there is no image to show."""
    how = f"xaitui evaluate {quoted(run.id)} --split {chosen.split}"
    return f"{printable(problem)}; made by: {how}" if problem else f"no {chosen.choice} of {chosen.split}"


def _weights(material: Material) -> str:
    """The name of the weights that the stored maps belong to."""
    return printable(next((each.settings.get("weights", "") for each in material.sets), ""))
