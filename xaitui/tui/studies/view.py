"""How a study is looked at: which plot, which of its settings, which rows in which order."""

from __future__ import annotations

from dataclasses import replace

from xaitui.plotting.curves import View, ViewField
from xaitui.studies.folder import StudyFolder
from xaitui.tui.studies.actions import StudyActions
from xaitui.tui.studies.rows import StudyTableView

PLOTS = ("curves", "setting", "best")
"""What the plot can show."""


class StudyView(StudyActions):
    """The keys that change what the screen of a study shows."""

    def __init__(self, folder: StudyFolder) -> None:
        super().__init__(folder)
        self.rows = StudyTableView()
        self.view = View(x="epoch")
        self.plot = PLOTS[0]
        self.setting = 0
        """Which of the varied settings the plot shows."""

    def action_layout(self) -> None:
        """A row for each trial, or for each setting over its seeds."""
        self.rows = replace(self.rows, layout="settings" if self.rows.layout == "trials" else "trials", column=0)
        self.show()

    def action_sort(self) -> None:
        """Sort by the next column."""
        if self.seen is not None:
            column = (self.rows.column + 1) % len(self.rows.columns(self.seen))
            self.rows = replace(self.rows, column=column)
            self.show()

    def action_next_plot(self) -> None:
        """Show the next plot."""
        self.plot = PLOTS[(PLOTS.index(self.plot) + 1) % len(PLOTS)]
        self.show()

    def action_next_setting(self, by: int = 1) -> None:
        """Show the scores against the next of the varied settings."""
        if self.plot == "setting":
            self.setting += by
        self.plot = "setting"
        self.show()

    def action_previous_setting(self) -> None:
        """Show the scores against the setting before."""
        self.action_next_setting(-1)

    def action_change_view(self, field: ViewField) -> None:
        """Change the scale of the plot or the x axis of the curves."""
        self.view = self.view.changed(field)
        self.show()
