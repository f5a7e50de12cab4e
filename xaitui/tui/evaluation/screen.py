"""The evaluation screen: scores, confusion matrix, calibration and curves from the stored predictions of a run."""

from __future__ import annotations

from collections.abc import Iterable

from textual import on
from textual.content import Content
from textual.events import Resize
from textual.widget import Widget
from textual.widgets import DataTable, Static

from xaitui.catalog.splits import PREDICTED
from xaitui.errors import XaituiError
from xaitui.evaluation.evaluation import SEVERAL_LABELS, Evaluation
from xaitui.runs.directory import RunDirectory
from xaitui.text import printable, quoted
from xaitui.tui.commands import Command
from xaitui.tui.evaluation.confusion import ConfusionMap
from xaitui.tui.evaluation.panes import (
    CalibrationPane,
    ConfusionPane,
    CurvesPane,
    Pane,
    ScoresPane,
    SelectivePane,
)
from xaitui.tui.evaluation.predictions import PredictionProcess, first_split, next_split
from xaitui.tui.palette import MUTED
from xaitui.tui.screen import ConsoleScreen
from xaitui.tui.threads import in_thread, work
from xaitui.tui.widgets.key_bar import KeyBar

PANES: dict[str, type[Pane]] = {
    "scores": ScoresPane,
    "confusion": ConfusionPane,
    "calibration": CalibrationPane,
    "curves": CurvesPane,
    "selective": SelectivePane,
}


class EvaluateScreen(ConsoleScreen):
    """Shows one run on one split, in panes."""

    NAME = "evaluate"

    def __init__(self, run: RunDirectory) -> None:
        super().__init__()
        self.run, self.split = run, first_split(run)
        self.evaluation: Evaluation | None = None
        self.predictions = PredictionProcess(run)
        self.pane = "scores"
        self.index = 0
        """The selected class."""

    def compose_body(self) -> Iterable[Widget]:
        """The head, and the panes, one of which is shown."""
        yield Static(classes="head", markup=False)
        for name, kind in PANES.items():
            pane = kind(id=name)
            pane.display = False
            yield pane

    def on_mount(self) -> None:
        """Show whose evaluation this is, and read it."""
        self.say_title(f"evaluation of {printable(self.run.id)}")
        self.load()

    def on_unmount(self) -> None:
        """End the process that computes predictions."""
        self.predictions.kill()

    def on_resize(self, event: Resize) -> None:
        """Lay out the pane again."""
        super().on_resize(event)
        if self.evaluation is not None:
            self.call_after_refresh(self._show)

    def commands(self) -> tuple[Command, ...]:
        """The keys that apply to the visible pane."""
        useless = {"compute"} if self.evaluation is not None else {"mistakes"}
        useless |= set() if self.pane == "confusion" else {"toggle_shares"}
        return tuple(row for row in super().commands() if row.action not in useless)

    # -- reading

    @work(exclusive=True, group="load")
    async def load(self) -> None:
        """Read the stored predictions of the split."""
        self.evaluation = None
        try:
            self.evaluation = await in_thread(Evaluation.read, self.run, self.split)
        except (XaituiError, OSError) as error:
            self._show_missing(str(error))
        else:
            self._take(self.evaluation)

    @work(exclusive=True, group="compute")
    async def _compute(self, split: str) -> None:
        self.say(f"{split}: computing...")
        problem = await self.predictions.compute(split, self.console.options.data_dir)
        if split != self.split:
            return  # the user has gone to another split meanwhile
        if problem:
            self.say(f"{split}: cannot be computed", problem)
        else:
            self.load()

    # -- showing

    def say(self, what: str, about: str = "") -> None:
        """Set the head: one line, or two where there is no evaluation."""
        lines = [Content.styled(printable(what), "bold"), Content.styled(printable(about), MUTED)]
        gap = "  " if self.evaluation is not None else "\n"
        self.query_one(".head", Static).update(Content(gap).join(lines))

    def _take(self, found: Evaluation) -> None:
        self.index = min(self.index, len(found.classes) - 1)
        self.action_pane(self.pane)

    def _show_missing(self, why: str) -> None:
        """Show why there is no evaluation, and how to make one."""
        for pane in self.query(Pane):
            pane.display = False
        self.set_focus(None)
        how = f"`xaitui evaluate {quoted(self.run.id)} --split {self.split}` computes them"
        key = "" if self.console.options.readonly else "; c does it here, in a process of its own"
        self.say(f"{self.split}: {why}", f"{how}{key}")
        self.query_one(KeyBar).show(self.commands())

    def _say_what(self, found: Evaluation) -> None:
        about = "95 % intervals by bootstrap" if self.pane == "scores" else found.predictions.weights
        self.say(f"{self.split}, {found.images:,} images", about)

    @work(exclusive=True, group="show")
    async def _show(self) -> None:
        if self.evaluation is None:
            return
        for name in PANES:
            self.query_one(f"#{name}").display = name == self.pane
        pane = self.query_one(f"#{self.pane}", Pane)
        try:
            await pane.fill(self.evaluation, self.index)
        except XaituiError as error:
            self.say(str(error))

    @on(DataTable.RowHighlighted)
    def _look_at(self, event: DataTable.RowHighlighted) -> None:
        if self.evaluation is not None and event.cursor_row < len(self.evaluation.classes):
            self.index = event.cursor_row

    @on(DataTable.RowSelected)
    def _open_class(self) -> None:
        self.action_pane("curves")

    @on(ConfusionMap.Moved)
    def _describe_cell(self) -> None:
        if self.evaluation is None:
            return
        cells = self.query_one(ConfusionMap)
        true, predicted = (printable(self.evaluation.classes[index]) for index in cells.cursor)
        words = f"{true}, recognised" if true == predicted else f"{true}, taken for {predicted}"
        how = "; enter shows them" if cells.count else ""
        self.say(words, f"{cells.count:,} image{'s' * (cells.count != 1)}, {cells.share:.1%} of its own{how}")

    # -- what the keys do

    def action_split(self) -> None:
        """Show the next split."""
        self.split = next_split(self.run, self.split)
        self.load()

    def action_compute(self) -> None:
        """Compute missing predictions."""
        if self.evaluation is None and not self.predictions.is_running:
            self._compute(self.split)

    def action_pane(self, name: str) -> None:
        """Show a pane."""
        self.pane = name
        if self.evaluation is None:
            return
        self._say_what(self.evaluation)
        self._show()
        self.query_one(KeyBar).show(self.commands())
        self.call_after_refresh(self._focus_pane)

    def _focus_pane(self) -> None:
        first = next((each for each in self.query_one(f"#{self.pane}").query("*") if each.focusable), None)
        self.set_focus(first)

    def action_class(self, step: int) -> None:
        """Show the curves of another class."""
        if self.evaluation is not None and self.pane == "curves":
            self.index = (self.index + step) % len(self.evaluation.classes)
            self._show()

    def action_toggle_shares(self) -> None:
        """Change between counts and shares of the true class."""
        self.query_one(ConfusionMap).toggle_shares()

    def action_mistakes(self) -> None:
        """Open the misclassified images."""
        self._open_mistakes(None)

    @on(ConfusionMap.Opened)
    def _open_cell(self) -> None:
        self._open_mistakes(self.query_one(ConfusionMap).cursor)

    def _open_mistakes(self, pair: tuple[int, int] | None) -> None:
        if self.evaluation is None:
            self.console.tell(f"there are no {printable(self.split)} predictions yet", "warning")
        elif self.evaluation.has_several_labels:
            self.console.tell(SEVERAL_LABELS, "warning")
        else:
            self.console.open("mistakes", self.run, self.split, pair)

    def action_explain(self) -> None:
        """Open the attribution maps of the run."""
        self.console.open("explain", self.run, self.split if self.split in PREDICTED else "")
