"""From screen to screen: what opens which, and what a run that is started does to the stack of screens."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from typing import TYPE_CHECKING

from textual.notifications import SeverityLevel

from xaitui.tui.screen_opener import ScreenOpener
from xaitui.tui.screens.base import ConsoleScreen
from xaitui.tui.screens.dialog import Dialog
from xaitui.tui.screens.runs import RunsScreen

if TYPE_CHECKING:
    from xaitui.config.schema import RunConfig
    from xaitui.jobs.train.resume_options import ResumeOptions
    from xaitui.runs.directory import RunDirectory
    from xaitui.tui.run_controller import Launch, RunController
    from xaitui.tui.study_processes import StudyProcesses


class Navigation(ScreenOpener):
    """The part of the app that screens ask for other screens. The list of runs is the first, and always there."""

    @property
    @abstractmethod
    def controller(self) -> RunController:
        """What carries out the runs of this console."""

    @property
    @abstractmethod
    def studies(self) -> StudyProcesses:
        """The processes of studies that this console started."""

    def tell(self, text: str, severity: SeverityLevel = "information") -> None:
        """Say something in passing."""
        self.notify(text, severity=severity, markup=False, timeout=8 if severity == "error" else 4)

    def start_run(self, config: RunConfig, own_process: bool = False) -> bool:
        """Start a run and watch it begin; what already stands over the list of runs is closed. False: it cannot be."""
        return self._watch(lambda: self.controller.start(config, own_process=own_process))

    def resume_run(self, run: RunDirectory, options: ResumeOptions | None = None) -> None:
        """Take a run up again in this console and watch it."""
        from xaitui.jobs.train.resume_options import ResumeOptions

        self._watch(lambda: self.controller.resume(run, options or ResumeOptions()))

    def _watch(self, begin: Callable[[], Launch]) -> bool:
        from xaitui.errors import UsageError
        from xaitui.tui.screens.live import LiveScreen

        try:
            launch = begin()
        except (UsageError, OSError) as error:
            self.tell(str(error), severity="error")
            return False
        while not isinstance(self.screen, RunsScreen) and len(self.screen_stack) > 1:
            self.pop_screen()
        self.push_screen(LiveScreen(launch))
        return True

    async def action_back(self) -> None:
        """Go back to the screen before, unless this one has something of its own to leave first."""
        if isinstance(self.screen, Dialog):
            self.screen.dismiss(None)
        elif not (isinstance(self.screen, ConsoleScreen) and self.screen.back()):
            self.pop_screen()

    def action_go(self, place: str) -> None:
        """Go to a screen that needs nothing to be chosen."""
        {"gpu": self.open_gpu, "data": self.open_data, "studies": self.open_studies}[place]()

    def action_help(self) -> None:
        """Show the keys."""
        from xaitui.tui.screens.help import HelpScreen

        self.push_screen(HelpScreen(self.screen.NAME if isinstance(self.screen, ConsoleScreen) else "app"))
