"""The console as its screens know it: what a screen may ask of the app, without importing the app."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Literal

from textual.app import App
from textual.notifications import SeverityLevel

from xaitui.console_options import ConsoleOptions

if TYPE_CHECKING:
    from xaitui.config.schema import RunConfig
    from xaitui.hardware.sampler import Sampler
    from xaitui.jobs.train.resume_options import ResumeOptions
    from xaitui.plotting.drawer import Drawer
    from xaitui.runs.directory import RunDirectory
    from xaitui.tui.forms.drafts import Drafts
    from xaitui.tui.run_controller import RunController
    from xaitui.tui.studies.processes import StudyProcesses

ScreenName = Literal[
    "new",
    "live",
    "compare",
    "evaluate",
    "mistakes",
    "explain",
    "training_maps",
    "two_runs",
    "gpu",
    "data",
    "studies",
    "study",
    "new_study",
    "help",
]
"""The screens that others open."""


class Console(App[int]):
    """The part of the app that screens use. The app's result is the exit code."""

    options: ConsoleOptions
    is_leaving = False
    """Whether the console is about to end."""
    farewell = ""
    """Printed in the terminal after the console has closed."""

    @abstractmethod
    def open(self, name: ScreenName, *arguments: object) -> None:
        """Open a screen.

        Args:
            name: of the screen.
            arguments: what it shows, as its class takes them.
        """

    @abstractmethod
    def start_run(self, config: RunConfig, own_process: bool = False) -> bool:
        """Start a run and watch it; every screen above the list of runs is closed. False: it could not be started."""

    @abstractmethod
    def resume_run(self, run: RunDirectory, options: ResumeOptions | None = None) -> None:
        """Resume a run in this console and watch it."""

    @property
    @abstractmethod
    def controller(self) -> RunController:
        """Carries out the runs of this console."""

    @property
    @abstractmethod
    def studies(self) -> StudyProcesses:
        """The study processes that this console started."""

    @property
    @abstractmethod
    def drafts(self) -> Drafts:
        """Unfinished forms."""

    @property
    @abstractmethod
    def drawer(self) -> Drawer:
        """The process that draws plots."""

    @property
    @abstractmethod
    def sampler(self) -> Sampler:
        """The thread that reads GPUs and processors."""

    @property
    @abstractmethod
    def is_training(self) -> bool:
        """Whether a run is going on in this process."""

    def tell(self, text: str, severity: SeverityLevel = "information") -> None:
        """Show a short message for a few seconds."""
        self.notify(text, severity=severity, markup=False, timeout=8 if severity == "error" else 4)
