"""The list of runs, which is the console's home."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, ClassVar

from textual.widget import Widget
from textual.widgets import Static

from xaitui.text import printable
from xaitui.tui.runs.actions import RunActions
from xaitui.tui.runs.filter_line import FilterLine
from xaitui.tui.runs.table import Heading, RunTable
from xaitui.tui.threads import in_slices, in_thread, touch, work

if TYPE_CHECKING:
    from xaitui.runs.directory import RunDirectory
    from xaitui.runs.listing.run_list import RunList, RunRow

NEEDED = ("xaitui.runs.listing.run_list", "xaitui.runs.listing.filter", "xaitui.runs.listing.sort")
"""Loaded once the first frame is seen."""
NEEDED_LATER = ("xaitui.config.toml",)
"""Loaded once the list is seen: filters and clones need it."""


class RunsScreen(RunActions):
    """Every run of the folder."""

    NAME: ClassVar = "runs"

    def __init__(self) -> None:
        super().__init__()
        self._runs: RunList | None = None
        self._is_looking = False
        self._looks_again = False
        self._unfinished = ""
        """What the filter lacks that is being written."""

    def compose_body(self) -> Iterable[Widget]:
        """The table, the line of the filter, and a line about the run under the cursor."""
        yield RunTable(ascii_only=self.console.options.ascii)
        yield Static(classes="empty", markup=False)
        yield FilterLine()
        yield Static(classes="foot", markup=False)

    # -- looking

    def on_mount(self) -> None:
        """Look at the folder once the first frame is seen, then at every interval."""
        self.say_title(f"runs of {printable(self.console.options.runs_dir)}")
        self.call_after_refresh(self.look)
        self.set_interval(self.console.options.interval, self._look_if_seen)

    def on_screen_resume(self) -> None:
        """See what became of the runs while another screen was shown."""
        if self._runs is not None:
            self.look()

    def _look_if_seen(self) -> None:
        if self.is_active and not self._is_looking:
            self.look()

    def look(self) -> None:
        """Look at every run again; once more where that is being done, for it may have passed what changed."""
        self._looks_again = self._is_looking
        if not self._is_looking:
            self._is_looking = True
            self._look()

    @work()
    async def _look(self) -> None:
        if self._runs is None:
            await in_thread(_load, NEEDED)
            from xaitui.runs.listing.run_list import RunList

            self._runs = RunList(self.console.options.runs_dir)
        await in_thread(touch, self.console.options.runs_dir)
        try:
            async for _ in in_slices(self._runs.refresh()):
                pass
            await asyncio.sleep(0)
        except OSError as error:
            self._say_foot(f"the folder of runs cannot be read: {error.strerror}", bad=True)
        await self._rearrange()
        await in_thread(self._runs.save)
        await in_thread(_load, NEEDED_LATER)
        self._is_looking = False
        if self._looks_again:
            self.look()

    @work(exclusive=True, group="arrange")
    async def rearrange(self) -> None:
        """Filter, sort and group what is known."""
        await self._rearrange()

    async def _rearrange(self) -> None:
        if self._runs is None:
            return
        lines = await self.view.arrange(self._runs)
        if not lines and self._runs.rows and self.query_one(FilterLine).has_focus:
            self._say_foot(
                self._unfinished or "no run passes this", bad=True
            )  # a word half written must not empty the list
            return
        known = {row.id for row in self._runs.rows}
        self.marked = {run_id: None for run_id in self.marked if run_id in known}
        self._show(self._runs, lines)

    def _show(self, runs: RunList, lines: Sequence[RunRow | Heading]) -> None:
        self.set_class(not runs.rows, "-empty")
        if not runs.rows:
            how = "xaitui train starts one" if self.console.options.readonly else "press n to set up the first one"
            self.query_one(".empty", Static).update(f"No runs yet: {how}.")
        self.table.show(lines, self.marked, self.view.order)
        if self.focused is None and runs.rows:
            self.table.focus()
        shown = sum(not isinstance(line, Heading) for line in lines)
        marked = f", {len(self.marked)} marked" if self.marked else ""
        self.say_title(f"{self.view.describe(shown, runs)}{marked}  {printable(self.console.options.runs_dir)}")
        self._describe()

    @property
    def chosen_run(self) -> RunDirectory | None:
        """The run under the cursor."""
        return self.row.run if self.row is not None else None

    def on_run_table_moved(self) -> None:
        """Say more about the run under the cursor."""
        self._describe()

    def _describe(self) -> None:
        row = self.row
        if self.query_one(FilterLine).has_focus:
            return
        if row is None:
            self._say_foot("")
        else:
            state = f"{row.state}: {row.why}" if row.why else str(row.state)
            self._say_foot("  ".join(filter(None, [row.id, state, row.name, *row.tags])), bad=row.state == "broken")

    def _say_foot(self, text: str, *, bad: bool = False) -> None:
        foot = self.query_one(".foot", Static)
        foot.set_class(bad, "-bad")
        foot.update(printable(text))

    # -- what is listed, and how

    def action_refresh(self) -> None:
        """Read everything anew."""
        if self._runs is not None and not self._is_looking:
            self._runs.forget()
            self.look()

    def action_filter(self) -> None:
        """Write a filter; the list follows as it is written."""
        self.query_one(FilterLine).open()

    def on_filter_line_written(self, event: FilterLine.Written) -> None:
        """Take the filter."""
        self.view.filter, self._unfinished = event.filter, ""
        self._say_foot("enter keeps the filter, esc drops it")
        self.rearrange()

    def on_filter_line_unfinished(self, event: FilterLine.Unfinished) -> None:
        """Say what the filter lacks, and leave the list as it is."""
        self._unfinished = event.why
        self._say_foot(event.why, bad=True)

    def on_filter_line_left(self) -> None:
        """Go back to the list."""
        self.table.focus()
        self.rearrange()

    def back(self) -> bool:
        """Drop the filter: this is the first screen, there is nothing behind it."""
        self.query_one(FilterLine).close()
        return True


def _load(modules: Iterable[str]) -> None:
    for module in modules:
        import_module(module)
