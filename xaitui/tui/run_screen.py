"""From a run to the screens that look into it."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING

from xaitui.errors import XaituiError
from xaitui.text import printable
from xaitui.tui.screen import ConsoleScreen

if TYPE_CHECKING:
    from xaitui.runs.directory import RunDirectory


class RunLooks(ConsoleScreen):
    """A screen on which one run is chosen."""

    @property
    @abstractmethod
    def chosen_run(self) -> RunDirectory | None:
        """The run; None where there is none, or none yet."""

    def ask_to_resume(self, run: RunDirectory) -> None:
        """Resume a run in this console, if confirmed."""
        self.ask(
            "Resume training?",
            printable(run.id),
            "It continues from its last checkpoint, in this console.",
            yes="resume",
            no="leave it",
            then=lambda: self._resume(run),
        )

    def _resume(self, run: RunDirectory) -> None:
        try:
            self.console.resume_run(run)
        except XaituiError as error:
            self.console.tell(printable(f"{run.id}: {error}"), "warning")

    def action_evaluate(self) -> None:
        """Show how good the run is, and where it is wrong."""
        if self.chosen_run is not None:
            self.console.open("evaluate", self.chosen_run)

    def action_explain(self) -> None:
        """Show what the run looks at."""
        if self.chosen_run is not None:
            self.console.open("explain", self.chosen_run)

    def action_through(self) -> None:
        """Show what the run looked at after each epoch."""
        if self.chosen_run is not None:
            self.console.open("through", self.chosen_run)
