"""What a run looked at: an image, maps of it by several methods, and how far each can be trusted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import ClassVar

from textual.content import Content
from textual.widget import Widget
from textual.widgets import Static

from xaitui.catalog.attributions import ATTRIBUTIONS
from xaitui.errors import DataError
from xaitui.runs.directory import RunDirectory
from xaitui.text import printable, quoted
from xaitui.tui.explain.map_grid import MapGrid, Tile, legend
from xaitui.tui.explain.map_requests import ExplainComputing
from xaitui.tui.explain.material import Choice, Material, MaterialReader, Subject
from xaitui.tui.explain.terminal_graphics import show_sharp
from xaitui.tui.explain.tiles import image_tile, map_tile
from xaitui.tui.palette import MUTED
from xaitui.tui.threads import in_thread, work
from xaitui.tui.widgets.picture import Pixels, is_plain

ROWS_OF_TILE = 20
"""Rows of the grid that a map of 28 px and its lines need: where there are more, there may be two rows of maps."""


class ExplainScreen(ExplainComputing):
    """Shows an image beside its maps; what is not stored in the run yet is computed, and stored, while one looks."""

    NAME = "explain"
    AUTO_FOCUS: ClassVar[str | None] = None

    def __init__(self, run: RunDirectory, split: str = "", index: int | None = None) -> None:
        super().__init__(run, split, index)
        self._is_given = index is not None
        """Whether the first image was asked for."""

    def compose_body(self) -> Iterable[Widget]:
        """What is seen, the maps, and what is done or went wrong."""
        yield Static(classes="head", markup=False)
        yield MapGrid()
        yield Static(classes="foot", markup=False)

    # -- reading

    def on_mount(self) -> None:
        """Say whose maps these are, and look."""
        self._reader = MaterialReader(self.run, self.console.options.data_dir)
        self.title_of_maps = f"what {printable(self.run.id)} looks at"
        self.say_progress("")
        super().on_mount()

    def read(self) -> Material:
        """Read predictions and stored maps, where they have changed."""
        return self._reader.read(self.split)

    def take(self, found: Material) -> None:
        """Show them, if they are new."""
        before, self.material = self.material, found
        is_other = before is None or (before.split, before.evaluation) != (found.split, found.evaluation)
        if is_other:
            self._begin(found)
        elif self.choice == "explained":
            self.indices = found.indices("explained")
        if is_other or before is None or before.sets != found.sets:
            self.redraw()

    def _begin(self, found: Material) -> None:
        """Begin with the images that deserve it most, or around the one that was asked for."""
        around: tuple[Choice, ...] = ("all",) if self._is_given else ()
        for choice in (self.choice, *around, *found.choices):
            self.choice, self.indices = choice, found.indices(choice) if choice in found.choices else ()
            if self.indices and (not self._is_given or self.index in self.indices):
                break
        if self.index not in self.indices and not self._is_given:
            self.index = self.indices[0] if self.indices else -1

    @property
    def seen(self) -> int:
        """How many methods there is room for, beside the image."""
        grid = self.query_one(MapGrid)
        grid.set_room(1)
        if grid.room < 1 + len(self.methods):
            grid.set_room(max(1, grid.size.height // ROWS_OF_TILE))
        return max(1, grid.room - 1)

    def action_sharper(self) -> None:
        """Step aside, and show the kept pictures of the maps that are seen in the terminal's own graphics."""
        material, subject = self.material, self.subject
        if material is None or subject is None:
            return
        target = self.class_of(subject)
        maps = [material.find(method, self.layer_path, subject.index, target) for method in self.seen_methods]
        pictures = [each.of.picture(each.row) for each in maps if each is not None]
        kept = [path for path in pictures if path.exists()]
        problem = show_sharp(self.console, kept) if kept else "no picture of these maps is kept yet"
        if problem:
            self.console.tell(problem, "warning")

    # -- showing

    def redraw(self) -> None:
        """Show the image and its maps; what is not stored is computed."""
        self._redraw()

    @work(exclusive=True, group="show")
    async def _redraw(self) -> None:
        material, subject = self.material, self.subject
        if material is None:
            return
        if subject is None:
            self._say_nothing(material)
            return
        pixels, problem = None, ""
        try:
            pixels = await in_thread(self._reader.image, self.split, subject.index)
        except (DataError, OSError, IndexError) as error:
            problem = printable(error)
        self.say_head(self._about_sample(subject), self._about_maps(subject))
        self.show_tiles(list(self._tiles(material, subject, pixels)))
        states = (self.state_of(method, subject) for method in self.seen_methods)
        problem = problem or next(filter(None, states), "")
        self.say_foot(problem, bad=bool(problem))
        self.ask_for_missing(material, subject)

    def _say_nothing(self, material: Material) -> None:
        how = f"xaitui evaluate {quoted(self.run.id)} --split {self.split}"
        why = (
            f"{printable(material.problem)}; made by: {how}"
            if material.problem
            else f"no {self.choice} of {self.split}"
        )
        self.say_head(Content.styled(why, MUTED))
        self.show_tiles([])

    def _tiles(self, material: Material, subject: Subject, pixels: Pixels | None) -> Iterator[Tile]:
        target = self.class_of(subject)
        yield image_tile(subject, pixels, self.split, target)
        width = self.query_one(MapGrid).width_of(1 + len(self.seen_methods))
        for method in self.seen_methods:
            found = material.find(method, self.layer_path, subject.index, target)
            state = self.state_of(method, subject)
            state = state or ("not computed yet" if self.console.options.readonly else "computing...")
            yield map_tile(ATTRIBUTIONS[method], found, pixels, printable(state), width)

    def _about_sample(self, subject: Subject) -> Content:
        where = f"{self.indices.index(subject.index) + 1} of " if subject.index in self.indices else ""
        true = ", ".join(f"{printable(subject.name(index))} {subject.share(index)}" for index in subject.true) or "-"
        predicted = f"{printable(subject.name(subject.predicted))} {subject.share(subject.predicted)}"
        wrong = bool(subject.true) and subject.predicted not in subject.true
        return Content.assemble(
            (f"{self.split} {subject.index}", "bold"),
            (f"  {where}{len(self.indices)} {self.choice}", MUTED),
            "  true ",
            (true, "$text-success"),
            "  predicted ",
            (predicted, "$text-error" if wrong else ""),
        )

    def _about_maps(self, subject: Subject) -> Content:
        words = self.target if isinstance(self.target, str) else "chosen"
        seen = self.seen_methods
        hidden = len(seen) < len(self.methods)
        last = f" to {self.first + len(seen)}" if len(seen) > 1 else ""
        part = f", map {self.first + 1}{last} of {len(self.methods)}" if hidden else ""
        signed = any(ATTRIBUTIONS[method].signed for method in seen)
        look = self.look_of_maps
        return Content.assemble(
            "why ",
            (printable(subject.name(self.class_of(subject))), "bold"),
            (f" ({words}){part}  ", MUTED),
            legend(look, signed=signed, plain=is_plain(self.app)),
            (f"  {self._weights()}", MUTED),
        )

    def _weights(self) -> str:
        """Which weights the stored maps are of."""
        sets = self.material.sets if self.material is not None else ()
        return printable(next((each.settings.get("weights", "") for each in sets), ""))
