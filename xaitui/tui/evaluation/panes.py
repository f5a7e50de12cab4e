"""The panes of an evaluation. What they show is computed in a thread; scikit-learn is loaded there too."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from typing import ClassVar

from rich.cells import cell_len, set_cell_size
from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Container
from textual.content import Content
from textual.widgets import DataTable, Static

from xaitui.evaluation.evaluation import SEVERAL_LABELS, Evaluation
from xaitui.metrics.format import score_text
from xaitui.metrics.per_class import ClassScores
from xaitui.plotting.figure import Cells, Figure
from xaitui.text import printable
from xaitui.tui.evaluation.confusion import ConfusionMap
from xaitui.tui.evaluation.figures import precision_recall_figure, reliability_figure, roc_figure, selective_figure
from xaitui.tui.palette import MUTED
from xaitui.tui.threads import in_thread
from xaitui.tui.widgets.plot import Plot

NAMED = 2
"""The most classes that are named for what a mean hides; the table marks all."""
COVERAGES = (1.0, 0.95, 0.9, 0.8, 0.5)
_COLUMNS = ("images", "precision", "recall", "F1", "AUC")
_SHORT_COLUMNS = ("images", "prec.", "recall", "F1", "AUC")
_SHORT = 70
"""Cells of a pane below which the short names are taken."""
_GAP = "   "


class Pane(Container):
    """One way to look at an evaluation."""

    needs_one_label: ClassVar[bool] = False
    """Whether it is not for sets whose images may have several labels."""

    async def fill(self, evaluation: Evaluation, index: int) -> None:
        """Compute in a thread what is shown, and show it; `index` is the class that is looked at."""
        refused = self.needs_one_label and evaluation.has_several_labels
        self.set_class(refused, "-refused")
        if refused:
            self.query_one(".refusal", Static).update(f"not for this set: {SEVERAL_LABELS}")
        else:
            await self._fill(evaluation, index)

    async def _fill(self, evaluation: Evaluation, index: int) -> None:  # not abstract: screens ask for a `Pane`
        raise NotImplementedError

    def compose(self) -> ComposeResult:
        """What is said where the pane is not for the set."""
        yield Static(classes="refusal", markup=False)

    @property
    def cells(self) -> Cells:
        """What plots are drawn with."""
        return "ascii" if self.screen.has_class("-ascii") else "braille"


class ScoresPane(Pane):
    """The scores of all, with intervals, and those of each class."""

    def compose(self) -> ComposeResult:
        """Headline, what a mean hides, the table of the classes."""
        yield Static(classes="headline", markup=False)
        yield Static(classes="callouts", markup=False)
        yield DataTable[Text](cursor_type="row")

    async def _fill(self, evaluation: Evaluation, index: int) -> None:
        self._say_headline(await in_thread(_headline, evaluation, intervals=False))
        callouts = await in_thread(lambda: evaluation.callouts)
        said = self.query_one(".callouts", Static)
        said.display = bool(callouts)
        rest = len(callouts) - NAMED
        more = [f"so are {rest} more, marked below"] if rest > 0 else []
        said.update("\n".join([*map(printable, callouts[:NAMED]), *more]))
        self._fill_table(evaluation, index)
        self._say_headline(await in_thread(_headline, evaluation, intervals=True))

    def _say_headline(self, entries: Sequence[Content]) -> None:
        self.query_one(".headline", Static).update(Content("\n").join(_wrapped(entries, self.size.width - 2)))

    def _fill_table(self, evaluation: Evaluation, index: int) -> None:
        table, found = self.query_one(DataTable), evaluation.per_class
        means = {"mean": found.macro, "mean by images": found.weighted}
        names = [*map(printable, evaluation.classes), *means]
        columns = _COLUMNS if self.size.width >= _SHORT else _SHORT_COLUMNS
        cells = max(map(len, columns))
        room = max(10, self.size.width - len(columns) * (cells + 2) - 3)
        width = min(max(map(cell_len, names)), room)
        table.clear(columns=True)
        table.add_column("label" if evaluation.has_several_labels else "class", width=width)
        for name in columns:
            table.add_column(Text(f"{name:>{cells}}"), width=cells)
        for name, scores in zip(names, [*found.classes, *means.values()], strict=True):
            tone = "bold" if name in means else ""
            table.add_row(Text(set_cell_size(name, width), style=tone), *self._numbers(scores, cells))
        table.move_cursor(row=index, animate=False)

    def _numbers(self, scores: ClassScores, cells: int) -> Iterator[Text]:
        yield Text(f"{scores.support:>{cells},}")
        bad = self.app.get_css_variables()["text-error"]
        for name in ("precision", "recall", "f1", "auc"):
            value = getattr(scores, name)
            is_lost = name == "recall" and value == 0
            yield Text(f"{score_text(value):>{cells}}", style=f"bold {bad}" if is_lost else "")


class ConfusionPane(Pane):
    """Which class is taken for which."""

    needs_one_label = True

    def compose(self) -> ComposeResult:
        """The heat map."""
        yield from super().compose()
        yield ConfusionMap()

    async def _fill(self, evaluation: Evaluation, index: int) -> None:
        counts = await in_thread(lambda: evaluation.confusion)
        self.query_one(ConfusionMap).show(counts, evaluation.classes)


class PlotsPane(Pane):
    """Plots, and a few lines below or beside them."""

    PLOTS: ClassVar[int] = 1

    def compose(self) -> ComposeResult:
        """Plots first."""
        yield from super().compose()
        with Container(classes="plots"):
            for _ in range(self.PLOTS):
                yield Plot()
        yield Static(classes="facts", markup=False)

    async def _fill(self, evaluation: Evaluation, index: int) -> None:
        figures, facts = await in_thread(self._computed, evaluation, index)
        for plot, figure in zip(self.query(Plot), figures, strict=True):
            plot.show(figure)
        self.query_one(".facts", Static).update(Content("\n").join(facts))

    @abstractmethod
    def _computed(self, evaluation: Evaluation, index: int) -> tuple[Sequence[Figure], Sequence[Content]]:
        """What the plots show, and the lines below them."""


class CalibrationPane(PlotsPane):
    """Whether it is as often right as it says."""

    def _computed(self, evaluation: Evaluation, index: int) -> tuple[Sequence[Figure], Sequence[Content]]:
        found = evaluation.calibration
        rows = [_row("as it is", found.ece, found.brier, found.loss)]
        if evaluation.temperature is not None:
            after = evaluation.temperature.after
            rows.append(_row(f"temperature {evaluation.temperature.value:.3f}", after.ece, after.brier, after.loss))
        head = Content.styled(f"{'':<20}{'ECE':>9}{'Brier':>9}{'loss':>9}", MUTED)
        counts = " ".join(f"{each.count}" for each in found.bins)
        bins = Content.styled(f"images of the {len(found.bins)} bins: {counts}", MUTED)
        return [reliability_figure(evaluation, self.cells)], [head, *rows, _of_temperature(evaluation), bins]


class CurvesPane(PlotsPane):
    """ROC and precision-recall of one class against the rest."""

    PLOTS = 2

    def _computed(self, evaluation: Evaluation, index: int) -> tuple[Sequence[Figure], Sequence[Content]]:
        figures = [each(evaluation, index, self.cells) for each in (roc_figure, precision_recall_figure)]
        scores = evaluation.per_class.classes[index]
        noun = "label" if evaluation.has_several_labels else "class"
        about = f"{scores.support:,} of {evaluation.images:,} images; up and down: another {noun}"
        name = printable(evaluation.classes[index])
        return figures, [Content.assemble((f"{noun} {name}", "bold"), (f"  {about}", MUTED))]


class SelectivePane(PlotsPane):
    """Accuracy where what it is least sure of may be left out."""

    needs_one_label = True

    def _computed(self, evaluation: Evaluation, index: int) -> tuple[Sequence[Figure], Sequence[Content]]:
        found = evaluation.selective
        heads = "".join(f"{f'{coverage:.0%}':>9}" for coverage in COVERAGES)
        values = "".join(f"{found.at(coverage):>9.4f}" for coverage in COVERAGES)
        return [selective_figure(evaluation, self.cells)], [
            Content.styled(f"{'answered':<10}{heads}", MUTED),
            Content(f"{'accuracy':<10}{values}"),
            Content.styled(f"area under risk and coverage {found.aurc:.5f}; smaller is better", MUTED),
        ]


def _row(name: str, *values: float) -> Content:
    return Content(f"{name:<20}" + "".join(f"{value:>9.4f}" for value in values))


def _of_temperature(evaluation: Evaluation) -> Content:
    if evaluation.temperature is None:
        return Content.styled("no temperature: it is fitted on validation, which has no predictions", MUTED)
    where = "on these very images" if evaluation.split == "val" else "on validation alone"
    return Content.styled(f"the temperature divides the logits; it was fitted {where}", MUTED)


def _headline(evaluation: Evaluation, *, intervals: bool) -> list[Content]:
    """Each score with its interval, once that is known, and the agreement beyond chance."""
    known = evaluation.intervals if intervals else {}
    entries = []
    for name, value in evaluation.headline.items():
        if name in evaluation.scores.undefined:
            entries.append(Content.assemble((f"{name} ", MUTED), f"- ({evaluation.scores.undefined[name]})"))
            continue
        span = f"{known[name].low:.4f} to {known[name].high:.4f}" if name in known else "...".center(16)
        entries.append(Content.assemble((f"{name:<18}", MUTED), (f"{value:.4f}", "bold"), (f"  {span}", MUTED)))
    if not evaluation.has_several_labels:
        kappa = evaluation.kappa
        name = "kappa, quadratic" if kappa.is_quadratic else "kappa"
        entries.append(
            Content.assemble((f"{name:<18}", MUTED), (score_text(kappa.value), "bold"), (f"  {kappa.undefined}", MUTED))
        )
    return entries


def _wrapped(entries: Sequence[Content], width: int) -> list[Content]:
    """Entries side by side as long as there is room, in columns."""
    column = max(entry.cell_length for entry in entries)
    across = max(1, (width + len(_GAP)) // (column + len(_GAP)))
    lines = [entries[first : first + across] for first in range(0, len(entries), across)]
    return [Content(_GAP).join(entry.pad_right(column - entry.cell_length) for entry in line) for line in lines]
