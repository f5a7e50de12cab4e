"""The console: a Textual app that lists, starts, shows and compares runs. Its screens act through what stands here."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual.app import App, SystemCommand
from textual.binding import BindingType
from textual.notifications import SeverityLevel
from textual.screen import Screen

from xaitui.opening import ConsoleOptions, First
from xaitui.tui.commands import commands_of
from xaitui.tui.palette import THEMES
from xaitui.tui.screens.base import ConsoleScreen, bindings
from xaitui.tui.screens.runs import RunsScreen

if TYPE_CHECKING:
    from xaitui.config.schema import RunConfig
    from xaitui.execution.options import ResumeOptions
    from xaitui.hardware.sampler import Sampler
    from xaitui.runs.directory import RunDirectory
    from xaitui.tui.plotting.drawer import Drawer
    from xaitui.tui.run_controller import Launch, RunController

STYLES = Path(__file__).parent / "styles"


class Console(App[int]):
    """The app. Its result is the exit code."""

    TITLE = "xaitui"
    BINDINGS: ClassVar[list[BindingType]] = [*bindings("app")]
    CSS_PATH: ClassVar = sorted(STYLES.glob("*.tcss"))
    ENABLE_COMMAND_PALETTE = True

    def __init__(self, options: ConsoleOptions, first: First = lambda console: None) -> None:
        """Prepare the app.

        Args:
            options: how it is started.
            first: called once the list of runs stands, to open what was asked for.
        """
        super().__init__(ansi_color=False)
        self.options = options
        self._first = first
        self.loop: asyncio.AbstractEventLoop | None = None
        """The running loop, for signal handlers."""
        self.farewell = ""
        """What is said in the terminal once the screen is gone."""
        self._controller: RunController | None = None
        self._drawer: Drawer | None = None
        self._sampler: Sampler | None = None
        for theme in THEMES:
            self.register_theme(theme)
        self.theme = f"xaitui-{options.theme}" if options.theme else THEMES[0].name

    def on_mount(self) -> None:
        """Show the list of runs, and on it what was asked for."""
        self.loop = asyncio.get_running_loop()
        self.push_screen(RunsScreen())
        self.call_after_refresh(self._first, self)

    @property
    def controller(self) -> RunController:
        """What carries out the runs of this console."""
        if self._controller is None:
            from xaitui.tui.run_controller import RunController

            self._controller = RunController(self.options.runs_dir)
        return self._controller

    @property
    def drawer(self) -> Drawer:
        """The process that draws plots."""
        if self._drawer is None:
            from xaitui.tui.plotting.drawer import Drawer

            self._drawer = Drawer()
        return self._drawer

    @property
    def sampler(self) -> Sampler:
        """The thread that reads GPUs and processors."""
        if self._sampler is None:
            from xaitui.hardware.sampler import Sampler

            self._sampler = Sampler()
            self._sampler.start()
        return self._sampler

    async def on_unmount(self) -> None:
        """End the helpers of the screens; runs are not theirs."""
        if self._sampler is not None:
            self._sampler.stop()
        if self._drawer is not None:
            await self._drawer.close()

    # -- what screens ask for

    def tell(self, text: str, severity: SeverityLevel = "information") -> None:
        """Say something in passing."""
        self.notify(text, severity=severity, markup=False, timeout=8 if severity == "error" else 4)

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

    def start_run(self, config: RunConfig, own_process: bool = False) -> None:
        """Start a run and watch it begin; what already stands over the list of runs is closed."""
        self._launch(lambda: self.controller.start(config, own_process=own_process))

    def resume_run(self, run: RunDirectory, options: ResumeOptions | None = None) -> None:
        """Take a run up again in this console and watch it."""
        from xaitui.execution.options import ResumeOptions

        self._launch(lambda: self.controller.resume(run, options or ResumeOptions()))

    def _launch(self, begin: Callable[[], Launch]) -> None:
        from xaitui.errors import UsageError
        from xaitui.tui.screens.live import LiveScreen

        try:
            launch = begin()
        except (UsageError, OSError) as error:
            self.tell(str(error), severity="error")
            return
        self._to_runs()
        self.push_screen(LiveScreen(launch))

    def open_gpu(self) -> None:
        """Show the GPUs."""
        self.action_go("gpu")

    def open_data(self) -> None:
        """Show the data sets."""
        self.action_go("data")

    def _to_runs(self) -> None:
        while not isinstance(self.screen, RunsScreen) and len(self.screen_stack) > 1:
            self.pop_screen()

    # -- commands

    async def action_back(self) -> None:
        """Go back to the screen before."""
        if isinstance(self.screen, RunsScreen):
            self.screen.back()
        else:
            self.pop_screen()

    def action_go(self, place: str) -> None:
        """Go to a screen that needs nothing to be chosen."""
        from xaitui.tui.screens.data import DataScreen
        from xaitui.tui.screens.gpu import GpuScreen

        kinds: dict[str, type[ConsoleScreen]] = {"gpu": GpuScreen, "data": DataScreen}
        if not isinstance(self.screen, kinds[place]):
            self.push_screen(kinds[place]())

    def action_help(self) -> None:
        """Show the keys."""
        from xaitui.tui.screens.help import HelpScreen

        name = self.screen.NAME if isinstance(self.screen, ConsoleScreen) else "app"
        self.push_screen(HelpScreen(name))

    def action_next_theme(self) -> None:
        """The next theme of the table."""
        names = [theme.name for theme in THEMES]
        self.theme = names[(names.index(self.theme) + 1) % len(names)] if self.theme in names else names[0]

    def action_leave(self) -> None:
        """Leave, after a question where a run is going on in this console."""
        from xaitui.tui.screens.leave import leave

        leave(self)

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """The palette: every command of the table that this screen carries out."""
        name = screen.NAME if isinstance(screen, ConsoleScreen) else "app"
        for row in commands_of(name):
            if row.action != "command_palette" and not (row.acts and self.options.readonly):
                title = row.label or row.help.partition(":")[0].rstrip(".")
                yield SystemCommand(title, row.help, _runner(screen, row.action))
        yield SystemCommand("theme", "Choose a theme", self.action_change_theme)


def _runner(screen: Screen[object], action: str) -> Callable[[], object]:
    async def run() -> None:
        await screen.run_action(action)

    return run
