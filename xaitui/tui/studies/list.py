"""The studies of the folder of runs."""

from __future__ import annotations

import math
from collections.abc import Iterable
from pathlib import Path
from typing import ClassVar

from rich.cells import cell_len
from textual import on
from textual.widget import Widget
from textual.widgets import DataTable, Static

from xaitui.errors import XaituiError
from xaitui.studies.folder import StudyFolder, list_studies
from xaitui.studies.status import StudyReader, StudyStanding, TrialState
from xaitui.text import printable
from xaitui.tui.polling_screen import PollingScreen

COLUMNS = ("study", "state", "over", "best", "objective", "sampler", "trials")


class StudiesScreen(PollingScreen[dict[StudyFolder, tuple[str, ...]]]):
    """A row for each study, that which was last worked on first."""

    NAME: ClassVar = "studies"

    def __init__(self) -> None:
        super().__init__()
        self._readers: dict[Path, StudyReader] = {}
        self._folders: list[StudyFolder] = []
        self._rows: dict[str, tuple[str, ...]] = {}

    def compose_body(self) -> Iterable[Widget]:
        """The table, what to do where there is no study, and a line about the one under the cursor."""
        yield DataTable[str](cursor_type="row")
        yield Static(classes="empty", markup=False)
        yield Static(classes="foot", markup=False)

    @property
    def _table(self) -> DataTable[str]:
        return self.query_one(DataTable)

    @property
    def folder(self) -> StudyFolder | None:
        """The study under the cursor."""
        at = self._table.cursor_row
        return self._folders[at] if 0 <= at < len(self._folders) else None

    # -- looking

    def on_mount(self) -> None:
        """Say whose studies they are."""
        self.say_title(f"studies of {printable(self.console.options.runs_dir)}")
        self._table.focus()

    def read(self) -> dict[StudyFolder, tuple[str, ...]]:
        """Every study with its row; of one that cannot be read, why."""
        found = {}
        for folder in list_studies(self.console.options.runs_dir):
            reader = self._readers.setdefault(folder.path, StudyReader(folder))
            try:
                found[folder] = _row(reader.read())
            except XaituiError as error:
                found[folder] = (printable(folder.name), "broken", "", "", printable(error), "", "")
        return found

    # -- showing

    def take(self, found: dict[StudyFolder, tuple[str, ...]]) -> None:
        """Make the table anew where a row has changed; the cursor keeps to its study."""
        self.set_class(not found, "-empty")
        if not found:
            how = "xaitui sweep starts one" if self.console.options.readonly else "press n to set up the first one"
            self.query_one(".empty", Static).update(f"No studies yet: {how}.")
        rows = {folder.name: row for folder, row in found.items()}
        if rows == self._rows:
            return
        kept, self._folders, self._rows = self.folder, list(found), rows
        table = self._table
        table.clear(columns=True)
        for index, column in enumerate(COLUMNS):
            width = max(cell_len(text) for text in (column, *(row[index] for row in rows.values())))
            table.add_column(column, width=width)
        for name, row in rows.items():
            table.add_row(*row, key=name)
        if kept in self._folders:
            table.move_cursor(row=self._folders.index(kept), animate=False)
        self.say_title(
            f"{len(rows)} stud{'y' if len(rows) == 1 else 'ies'} of {printable(self.console.options.runs_dir)}"
        )

    @on(DataTable.RowHighlighted)
    def _describe(self) -> None:
        if self.folder is not None:
            self.say_foot(str(self.folder.path))

    # -- what the keys do

    @on(DataTable.RowSelected)
    def action_open(self) -> None:
        """Open the study under the cursor."""
        if self.folder is not None:
            self.console.open("study", self.folder)

    def action_new(self) -> None:
        """Set up a new study."""
        self.console.open("new_study")

    def action_clone(self) -> None:
        """Set up a new study with the definition of this one."""
        if self.folder is None:
            return
        try:
            self.console.open("new_study", self.folder.read())
        except XaituiError as error:
            self.console.tell(printable(error), "error")


def _row(standing: StudyStanding) -> tuple[str, ...]:
    """How one study stands, in words."""
    study, best = standing.study, standing.best
    goal = study.objectives[0]
    state = "running" if standing.is_live else "over" if standing.is_complete else "not going on"
    counts = standing.counts
    words = [f"{counts[each]} {each}" for each in TrialState if counts[each]]
    value = best.spreads[0].mean if best is not None else math.nan
    return (
        printable(study.name),
        state,
        f"{standing.over}/{standing.expected}",
        goal.format(value),
        goal.text,
        study.sampler,
        ", ".join(words),
    )
