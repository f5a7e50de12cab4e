"""The images that a run is wrong or unsure about, one after another, with what it said of them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

import numpy as np
from rich.cells import cell_len, set_cell_size
from rich.text import Text
from textual import on
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.events import Resize
from textual.widget import Widget
from textual.widgets import DataTable, Static

from xaitui.catalog.splits import SPLITS
from xaitui.data.dataset import Split
from xaitui.errors import XaituiError
from xaitui.evaluation.evaluation import Evaluation
from xaitui.evaluation.mistakes import RANKINGS, SUSPICION, Ranking, Sample
from xaitui.runs.directory import RunDirectory
from xaitui.text import printable
from xaitui.tui.dialogs.choose import ChooseScreen
from xaitui.tui.evaluation.sample_lists import MOST, SampleList, open_images
from xaitui.tui.evaluation.sample_view import SampleView
from xaitui.tui.palette import MUTED
from xaitui.tui.screen import ConsoleScreen
from xaitui.tui.threads import in_thread, work

WHAT: dict[Ranking, str] = {
    "mistakes": "misclassified, the highest loss first",
    "uncertain": "all, the least certain first",
    "suspicious": "all, the highest loss first",
}
ALL = "all"
_NUMBER, _LOSS = 6, 6
"""Cells of the columns of numbers."""


class MistakesScreen(ConsoleScreen):
    """Lists samples of one split, and shows the one under the cursor."""

    NAME = "mistakes"
    AUTO_FOCUS: ClassVar[str | None] = "DataTable"

    def __init__(self, run: RunDirectory, split: str, pair: tuple[int, int] | None = None) -> None:
        super().__init__()
        self.run, self.split, self.pair = run, split, pair
        self.ranking: Ranking = RANKINGS[0]
        self.listed: SampleList | None = None
        self._images: Split | None = None
        """The images of the split, once they have been opened."""

    def compose_body(self) -> Iterable[Widget]:
        """What is listed, the list, and the sample beside it."""
        yield Static(classes="head", markup=False)
        with Horizontal(classes="samples"):
            with Vertical(classes="list"):
                yield DataTable[Text](cursor_type="row")
            yield SampleView()

    @property
    def table(self) -> DataTable[Text]:
        """The list."""
        return self.query_one(DataTable)

    @property
    def sample(self) -> Sample | None:
        """The one under the cursor."""
        row = self.table.cursor_row
        return self.listed.samples[row] if self.listed is not None and row < len(self.listed.samples) else None

    def on_mount(self) -> None:
        """Say what it is, and read."""
        self.say_title(f"mistakes of {printable(self.run.id)}")
        self.call_after_refresh(self._load)

    def on_resize(self, event: Resize) -> None:
        """Give names the room there is."""
        super().on_resize(event)
        if self.listed is not None:
            self.call_after_refresh(self._fill)

    # -- reading

    @work(exclusive=True, group="load")
    async def _load(self) -> None:
        try:
            self.listed = await in_thread(self._read, self.listed.evaluation if self.listed else None)
        except (XaituiError, OSError) as error:
            self._say(f"{self.split}: {error}")
            return
        self._fill()

    def _read(self, evaluation: Evaluation | None) -> SampleList:
        return SampleList.of(evaluation or Evaluation.read(self.run, self.split), self.ranking, self.pair)

    @work(exclusive=True, group="images")
    async def _show_sample(self) -> None:
        """Show what is known of the sample at once, and its image when it has been read."""
        sample, listed, view = self.sample, self.listed, self.query_one(SampleView)
        if sample is None or listed is None:
            view.picture.show(None)
            view.say()
            view.bars.show(np.zeros(0, np.float32), (), 0)
            return
        evaluation = listed.evaluation
        view.bars.show(evaluation.predictions.probabilities[sample.index], evaluation.classes, sample.label)
        words = _about(sample, evaluation, self.split)
        view.say(*words, *([] if self._images else [Content.styled("reading the images...", MUTED)]))
        try:
            if self._images is None:
                self._images = await in_thread(open_images, self.run, evaluation, self.console.options.data_dir)
            pixels = await in_thread(self._images.read, np.array([sample.index], np.int64))
        except (XaituiError, OSError) as error:
            view.picture.show(None)
            view.say(*words, Content.styled(printable(error), "$text-error"))
            return
        view.picture.show(pixels[0])
        view.say(*words)

    # -- showing

    def _fill(self) -> None:
        listed = self.listed
        if listed is None:
            return
        self._say_what(listed)
        kept, names = self.table.cursor_row, [printable(name) for name in listed.evaluation.classes]
        room = (self.table.size.width - _NUMBER - _LOSS - 9) // 2
        width = max(4, min(max(map(cell_len, [*names, "predicted"])), room))
        self.table.clear(columns=True)
        for label, cells in (("image", _NUMBER), ("true", width), ("predicted", width), ("loss", _LOSS)):
            self.table.add_column(Text(label[:cells], no_wrap=True), width=cells)
        bad = self.app.get_css_variables()["text-error"]
        for each in listed.samples:
            true, predicted = (set_cell_size(names[index], width) for index in (each.label, each.predicted))
            self.table.add_row(
                Text(f"{each.index:>{_NUMBER}}"),
                Text(true),
                Text(predicted, style=bad if each.is_wrong else ""),
                Text(f"{each.loss:>{_LOSS}.2f}"),
            )
        self.table.move_cursor(row=min(kept, max(len(listed.samples) - 1, 0)), animate=False)
        self._show_sample()

    def _say_what(self, listed: SampleList) -> None:
        names = listed.evaluation.classes
        pair = f", {names[self.pair[0]]} taken for {names[self.pair[1]]}" if self.pair is not None else ""
        first = f", the first {MOST} are listed" if listed.found > MOST else ""
        what = f"{self.split}: {listed.found:,} of {listed.evaluation.images:,} images{pair}{first}"
        about = SUSPICION if self.ranking == "suspicious" else WHAT[self.ranking]
        self._say(what, about, warns=self.ranking == "suspicious")

    def _say(self, what: str, about: str = "", *, warns: bool = False) -> None:
        lines = [Content.styled(printable(what), "bold"), Content.styled(about, "$text-warning" if warns else MUTED)]
        self.query_one(".head", Static).update(Content("\n").join(lines))

    @on(DataTable.RowHighlighted)
    def _follow(self) -> None:
        self._show_sample()

    # -- what the keys do

    def action_move(self, rows: int) -> None:
        """Go to the next sample, or the one before."""
        self.table.move_cursor(row=self.table.cursor_row + rows)

    def action_ranking(self) -> None:
        """List the misclassified ones, the least certain ones, or those whose label is suspicious."""
        self.ranking = RANKINGS[(RANKINGS.index(self.ranking) + 1) % len(RANKINGS)]
        self._restart()

    def action_pair(self) -> None:
        """Choose a class and another one that it is taken for."""
        if self.listed is None:
            return
        names = self.listed.evaluation.classes
        pairs = {
            f"{printable(names[each.true])} > {printable(names[each.predicted])}": each
            for each in self.listed.evaluation.confused_pairs
        }
        words = {name: f"{each.count:,} images, {each.share:.1%} of the true class" for name, each in pairs.items()}
        current = next((name for name, each in pairs.items() if (each.true, each.predicted) == self.pair), ALL)

        def chosen(name: str | None) -> None:
            if name is not None:
                each = pairs.get(name)
                self.pair = (each.true, each.predicted) if each is not None else None
                self._restart()

        self.app.push_screen(ChooseScreen("true > predicted", {ALL: "of any class"} | words, current), chosen)

    def _restart(self) -> None:
        self.table.move_cursor(row=0, animate=False)
        self._load()

    def action_explain(self) -> None:
        """See what the run looked at in this image."""
        if self.sample is not None and self.split in SPLITS:
            self.console.open("explain", self.run, self.split, self.sample.index)

    @work(exclusive=True, group="export")
    async def action_export(self) -> None:
        """Write what is listed beside the predictions: a line each, and their images on a sheet."""
        if self.listed is None or not self.listed.samples:
            self.console.tell("nothing is listed", "warning")
            return
        pair = f"-{self.pair[0]}-{self.pair[1]}" if self.pair is not None else ""
        stem, listed, folder = f"{self.ranking}-{self.split}{pair}", self.listed, self.run.predictions
        try:
            await in_thread(listed.write_csv, folder / f"{stem}.csv")
            if self._images is None:
                place = self.console.options.data_dir
                self._images = await in_thread(open_images, self.run, listed.evaluation, place)
            await in_thread(listed.write_sheet, folder / f"{stem}.png", self._images)
        except (XaituiError, OSError) as error:
            self.console.tell(printable(f"not all was written: {error}"), "error")
        else:
            self.console.tell(printable(f"wrote {stem}.csv and {stem}.png into {folder}"))


def _about(sample: Sample, evaluation: Evaluation, split: str) -> list[Content]:
    """Where it is, and what it was taken for."""
    true, predicted = (printable(evaluation.classes[index]) for index in (sample.label, sample.predicted))
    row = f" (row {sample.row:,} of the published split)" if sample.row is not None else ""
    verdict = (
        Content.assemble((true, "$text-success"), ", taken for ", (predicted, "$text-error"))
        if sample.is_wrong
        else Content.assemble((true, "$text-success"), ", recognised")
    )
    numbers = f"loss {sample.loss:.3f}, margin {sample.margin:.3f}"
    return [
        Content.assemble((printable(f"{split} image {sample.index:,}"), "bold"), (row, MUTED)),
        Content.assemble(verdict, "  ", (numbers, MUTED)),
    ]
