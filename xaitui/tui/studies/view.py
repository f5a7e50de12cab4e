"""The view of a study: which plot, which of its settings, and which rows in which order."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from xaitui.plotting.curves import View, ViewField
from xaitui.plotting.figure import Cells, Figure
from xaitui.tui.studies.figures import best_figure, curves_figure, setting_figure
from xaitui.tui.studies.rows import StudyTableView
from xaitui.tui.studies.snapshot import StudyLook

PLOTS = ("curves", "setting", "best")
"""The plots of a study."""


@dataclass(frozen=True)
class StudyView:
    """How a study is shown; each change gives a new view."""

    rows: StudyTableView = field(default_factory=StudyTableView)
    curves: View = field(default_factory=lambda: View(x="epoch"))
    plot: str = PLOTS[0]
    setting: int = 0
    """The varied setting that the plot shows, counted round and round."""

    def other_layout(self) -> StudyView:
        """A row for each trial, or for each setting over its seeds."""
        return replace(self, rows=self.rows.other_layout())

    def next_column(self, look: StudyLook) -> StudyView:
        """Rows sorted by the next column."""
        column = (self.rows.column + 1) % len(self.rows.columns(look))
        return replace(self, rows=replace(self.rows, column=column))

    def next_plot(self) -> StudyView:
        """The next plot."""
        return replace(self, plot=PLOTS[(PLOTS.index(self.plot) + 1) % len(PLOTS)])

    def next_setting(self, by: int) -> StudyView:
        """The scores against another setting."""
        return replace(self, plot="setting", setting=self.setting + by if self.plot == "setting" else self.setting)

    def changed(self, name: ViewField) -> StudyView:
        """Another scale of the plot, or another x axis of the curves."""
        return replace(self, curves=self.curves.changed(name))

    def figure(self, look: StudyLook, columns: int, cells: Cells) -> Figure:
        """The plot of a study in so many columns of the terminal."""
        if self.plot == "setting":
            paths = list(look.standing.study.space)
            return setting_figure(look.standing, paths[self.setting % len(paths)], self.curves, cells)
        if self.plot == "best":
            return best_figure(look.standing, self.curves, cells)
        return curves_figure(look, self.curves, columns, cells)
