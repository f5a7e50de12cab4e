"""Which screens there are to be opened, each loaded when it is asked for."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from textual.app import App

if TYPE_CHECKING:
    from xaitui.config.schema import RunConfig
    from xaitui.runs.directory import RunDirectory
    from xaitui.studies.definition import Study
    from xaitui.studies.folder import StudyFolder
    from xaitui.tui.screens.base import ConsoleScreen


class ScreenOpener(App[int]):
    """The part of the app that puts screens over one another."""

    def open_new(self, config: RunConfig | None = None) -> None:
        """Set up a new run, from the settings of another one or from the defaults."""
        from xaitui.tui.screens.new_run import NewRunScreen

        self.push_screen(NewRunScreen(config))

    def open_run(self, run: RunDirectory) -> None:
        """Watch a run, whichever process it is in."""
        from xaitui.tui.screens.live import LiveScreen

        self.push_screen(LiveScreen(run))

    def open_compare(self, runs: list[RunDirectory]) -> None:
        """Compare some runs; the first is the baseline."""
        from xaitui.tui.screens.compare import CompareScreen

        self.push_screen(CompareScreen(runs))

    def open_evaluation(self, run: RunDirectory) -> None:
        """Show how good a run is, from its predictions."""
        from xaitui.tui.screens.evaluate import EvaluateScreen

        self.push_screen(EvaluateScreen(run))

    def open_mistakes(self, run: RunDirectory, split: str, pair: tuple[int, int] | None = None) -> None:
        """Go through the images of a split that a run is wrong about, or those of one class taken for another."""
        from xaitui.tui.screens.mistakes import MistakesScreen

        self.push_screen(MistakesScreen(run, split, pair))

    def open_explain(self, run: RunDirectory, split: str = "", index: int | None = None) -> None:
        """Show what a run looks at, first in one image of a split."""
        from xaitui.tui.screens.explain import ExplainScreen

        self.push_screen(ExplainScreen(run, split, index))

    def open_through(self, run: RunDirectory) -> None:
        """Show what a run looked at through its training."""
        from xaitui.tui.screens.through import ThroughScreen

        self.push_screen(ThroughScreen(run))

    def open_between(self, first: RunDirectory, second: RunDirectory) -> None:
        """Show what two runs look at in the same images."""
        from xaitui.tui.screens.explain_between import BetweenScreen

        self.push_screen(BetweenScreen(first, second))

    def open_gpu(self) -> None:
        """Show the GPUs, or the processors."""
        from xaitui.tui.screens.gpu import GpuScreen

        self._go_to(GpuScreen, GpuScreen)

    def open_data(self, name: str = "") -> None:
        """Show the data sets, the cursor of a new screen on one of them."""
        from xaitui.tui.screens.data import DataScreen

        self._go_to(DataScreen, lambda: DataScreen(name))

    def open_studies(self) -> None:
        """Show the studies."""
        from xaitui.tui.screens.studies import StudiesScreen

        self._go_to(StudiesScreen, StudiesScreen)

    def _go_to(self, kind: type[ConsoleScreen], make: Callable[[], ConsoleScreen]) -> None:
        """Go to the only screen of a kind: back to it where it is open, else to a new one."""
        if any(type(screen) is kind for screen in self.screen_stack):
            while type(self.screen) is not kind:
                self.pop_screen()
        else:
            self.push_screen(make())

    def open_study(self, folder: StudyFolder) -> None:
        """Watch a study, whichever process works on it."""
        from xaitui.tui.screens.study import StudyScreen

        self.push_screen(StudyScreen(folder))

    def open_new_study(self, study: Study | None = None) -> None:
        """Set up a new study, from the definition of another one or from the defaults."""
        from xaitui.tui.screens.new_study import NewStudyScreen

        self.push_screen(NewStudyScreen(study))
