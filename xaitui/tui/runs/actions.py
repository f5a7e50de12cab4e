"""Actions on the runs of the list."""

from __future__ import annotations

import shutil
from abc import abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING

from xaitui.text import printable, quoted
from xaitui.tui.runs.arrangement import RunView
from xaitui.tui.runs.table import Heading, RunTable
from xaitui.tui.screen import ConsoleScreen
from xaitui.tui.threads import in_thread, work

if TYPE_CHECKING:
    from xaitui.runs.directory import RunDirectory
    from xaitui.runs.listing.run_list import RunRow

NAMED = 6
"""The most runs that a question names one by one."""


class RunActions(ConsoleScreen):
    """A screen with a table of runs, some of them marked; says how it looks in its subclass."""

    def __init__(self) -> None:
        super().__init__()
        self.view = RunView()
        self.marked: dict[str, None] = {}
        """Ids of the marked runs, in the order in which they were marked."""

    @property
    def table(self) -> RunTable:
        """The table of runs."""
        return self.query_one(RunTable)

    @property
    def row(self) -> RunRow | None:
        """The run under the cursor."""
        line = self.table.line
        return None if isinstance(line, Heading) else line

    @abstractmethod
    def look(self) -> None:
        """Look at every run again."""

    @abstractmethod
    def rearrange(self) -> object:
        """Show what is known."""

    def action_cursor_down(self) -> None:
        """Down."""
        self.table.action_move(1)

    def action_cursor_up(self) -> None:
        """Up."""
        self.table.action_move(-1)

    def action_sort(self) -> None:
        """Sort by the next column that is shown."""
        self.view.sort_by_next(self.table.column_names)
        self.rearrange()

    def action_reverse(self) -> None:
        """Turn the order round."""
        self.view.reverse()
        self.rearrange()

    def action_group(self) -> None:
        """Group by the next thing that runs have in common."""
        self.view.group_by_next()
        self.rearrange()

    def action_mark(self) -> None:
        """Mark or unmark the run, or all runs of a group."""
        line = self.table.line
        ids = line.ids if isinstance(line, Heading) else (line.id,) if line else ()
        if all(run_id in self.marked for run_id in ids):
            self.marked = {run_id: None for run_id in self.marked if run_id not in ids}
        else:
            self.marked |= dict.fromkeys(ids)
        if not isinstance(line, Heading):
            self.table.action_move(1)
        self.rearrange()

    def action_open(self) -> None:
        """Open the run under the cursor."""
        row = self.row
        if row is not None and row.state == "broken":
            self.console.tell(f"{printable(row.id)} is broken: {printable(row.why)}", "warning")
        elif row is not None:
            self.console.open("live", row.run)

    def action_new(self) -> None:
        """Set up a new run."""
        self.console.open("new")

    def action_compare(self) -> None:
        """Compare the marked runs."""
        if len(self.marked) < 2:
            self.console.tell("mark two runs or more with space to compare them", "warning")
            return
        self.console.open("compare", [self._run(run_id) for run_id in self.marked])

    def _run(self, run_id: str) -> RunDirectory:
        from xaitui.runs.directory import RunDirectory

        return RunDirectory(self.console.options.runs_dir.absolute() / run_id)

    def action_resume(self) -> None:
        """Resume the run under the cursor, if confirmed."""
        row = self.row
        if row is None:
            return
        reasons = {
            "running": "it is going on; enter shows it",
            "paused": "it is paused; enter shows it, and p lets it go on",
            "elsewhere": f"{row.why} writes it; if that is gone: xaitui resume {quoted(row.id)} --take-over",
            "finished": f"it is finished; to train on: xaitui resume {quoted(row.id)} --epochs +5",
            "broken": row.why,
        }
        if row.state in reasons:
            self._refuse(reasons[row.state])
        else:
            self.ask_to_resume(row.run)

    def _refuse(self, why: str) -> None:
        assert self.row is not None
        self.console.tell(printable(f"{self.row.id}: {why}"), "warning")

    def action_delete(self) -> None:
        """Remove the marked runs, or the one under the cursor, after a question."""
        from xaitui.runs.listing.run_list import read_row

        runs = [self._run(run_id) for run_id in self.marked] or ([self.row.run] if self.row else [])
        live = [run.id for run in runs if read_row(run).state.is_live]
        if live:
            self.console.tell(printable(f"{live[0]} is going on; stop it first, then remove it"), "warning")
        elif runs:
            question = "Remove this run and everything in it?" if len(runs) == 1 else f"Remove these {len(runs)} runs?"
            lines = [str(run.path) for run in runs[:NAMED]]
            lines += [f"and {len(runs) - NAMED} more"] if len(runs) > NAMED else []

            self.ask(question, *lines, yes="remove", no="keep", then=lambda: self._remove(runs))

    @work()
    async def _remove(self, runs: Sequence[RunDirectory]) -> None:
        for run in runs:
            try:
                await in_thread(shutil.rmtree, run.path)
            except OSError as error:
                self.console.tell(printable(f"cannot remove {run.path}: {error.strerror}"), "error")
                break
        self.look()
