"""The Textual app: one table of screens, the services they share, and the order in which keys are handled."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from textual.actions import ActionParseResult
from textual.app import SystemCommand
from textual.binding import BindingType
from textual.dom import DOMNode
from textual.events import Event, InputEvent, Paste
from textual.screen import Screen
from textual.theme import ThemeProvider
from textual.widget import Widget

from xaitui.console_options import ConsoleOptions, First
from xaitui.tui.commands import commands_of
from xaitui.tui.console import Console, ScreenName
from xaitui.tui.dialogs.dialog import Dialog, Palette
from xaitui.tui.input_gate import InputGate
from xaitui.tui.palette import THEMES
from xaitui.tui.runs.screen import RunsScreen
from xaitui.tui.screen import ConsoleScreen, bindings
from xaitui.tui.threads import is_there

if TYPE_CHECKING:
    from rich.console import RenderableType

    from xaitui.config.schema import RunConfig
    from xaitui.hardware.sampler import Sampler
    from xaitui.jobs.train.resume_options import ResumeOptions
    from xaitui.plotting.drawer import Drawer
    from xaitui.runs.directory import RunDirectory
    from xaitui.tui.forms.drafts import Drafts
    from xaitui.tui.run_controller import Launch, RunController
    from xaitui.tui.studies.processes import StudyProcesses

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Place:
    """A screen that others open; its module is imported when it is opened first."""

    module: str
    """Of `xaitui.tui`."""
    screen: str
    only: bool = False
    """Whether there is one of it: opened again, the console goes back to it."""

    def load(self) -> Any:
        """The class of the screen."""
        return getattr(import_module(f"xaitui.tui.{self.module}"), self.screen)


SCREENS: Mapping[ScreenName, Place] = {
    "new": Place("new_run.screen", "NewRunScreen"),
    "live": Place("live.screen", "LiveScreen"),
    "compare": Place("compare.screen", "CompareScreen"),
    "evaluate": Place("evaluation.screen", "EvaluateScreen"),
    "mistakes": Place("evaluation.mistakes", "MistakesScreen"),
    "explain": Place("explain.screen", "ExplainScreen"),
    "training_maps": Place("explain.training", "TrainingMapsScreen"),
    "two_runs": Place("explain.two_runs", "TwoRunsScreen"),
    "gpu": Place("gpu.screen", "GpuScreen", only=True),
    "data": Place("datasets.screen", "DataScreen", only=True),
    "studies": Place("studies.list", "StudiesScreen", only=True),
    "study": Place("studies.screen", "StudyScreen"),
    "new_study": Place("studies.new", "NewStudyScreen"),
    "help": Place("dialogs.help", "HelpScreen"),
}


class ConsoleApp(Console):
    """The console: the list of runs is the first screen, and always there."""

    TITLE = "xaitui"
    BINDINGS: ClassVar[list[BindingType]] = [*bindings("app")]
    CSS_PATH: ClassVar = [HERE / "console.tcss", HERE / "runs" / "screen.tcss"]
    """What the first screen needs; the others are read once it is seen: parsing them takes as long as drawing it."""
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
        self.gate = InputGate(self, super().on_event)
        self._controller: RunController | None = None
        self._studies: StudyProcesses | None = None
        self._drafts: Drafts | None = None
        self._drawer: Drawer | None = None
        self._sampler: Sampler | None = None
        for theme in THEMES:
            self.register_theme(theme)
        self.theme = f"xaitui-{options.theme}" if options.theme else THEMES[0].name

    def on_mount(self) -> None:
        """Show the list of runs, and on it what was asked for."""
        self.loop = asyncio.get_running_loop()
        self.push_screen(RunsScreen())
        self.call_after_refresh(self._read_other_styles)
        self.call_after_refresh(self._first, self)

    def _read_other_styles(self) -> None:
        for path in sorted(HERE.rglob("*.tcss")):
            if path not in self.CSS_PATH:
                self.stylesheet.add_source(path.read_text(encoding="utf-8"), read_from=(str(path), ""))
        for screen in self.screen_stack:  # one that was opened before has none of them yet
            self.stylesheet.update(screen)

    @property
    def controller(self) -> RunController:
        """What carries out the runs of this console."""
        if self._controller is None:
            from xaitui.tui.run_controller import RunController

            self._controller = RunController(self.options.runs_dir)
        return self._controller

    @property
    def studies(self) -> StudyProcesses:
        """The processes of studies that this console started."""
        if self._studies is None:
            from xaitui.tui.studies.processes import StudyProcesses

            self._studies = StudyProcesses()
        return self._studies

    @property
    def drafts(self) -> Drafts:
        """What was written into forms that were left."""
        if self._drafts is None:
            from xaitui.tui.forms.drafts import Drafts

            self._drafts = Drafts()
        return self._drafts

    @property
    def is_training(self) -> bool:
        """Whether a run is going on in this process."""
        return self._controller is not None and self._controller.busy

    @property
    def drawer(self) -> Drawer:
        """The process that draws plots."""
        if self._drawer is None:
            from xaitui.plotting.drawer import Drawer

            self._drawer = Drawer()
        return self._drawer

    @property
    def sampler(self) -> Sampler:
        """The thread that reads GPUs and processors."""
        if self._sampler is None:
            from xaitui.hardware.sampler import Sampler
            from xaitui.runs.find import Writers

            self._sampler = Sampler(Writers(self.options.runs_dir))
            self._sampler.start()
        return self._sampler

    async def on_unmount(self) -> None:
        """End the helpers of the screens; runs are not theirs."""
        if self._sampler is not None:
            self._sampler.stop()
        if self._drawer is not None:
            await self._drawer.close()

    def open(self, name: ScreenName, *arguments: object) -> None:
        """Open a screen, or go back to it where there can be only one."""
        place = SCREENS[name]
        kind = place.load()
        if place.only and any(type(screen) is kind for screen in self.screen_stack):
            while type(self.screen) is not kind:
                self.pop_screen()
        else:
            self.push_screen(kind(*arguments))

    def open_run(self, run: RunDirectory) -> None:
        """Watch a run, whichever process it is in."""
        self.open("live", run)

    def open_gpu(self) -> None:
        """Show the GPUs, or the processors."""
        self.open("gpu")

    def start_run(self, config: RunConfig, own_process: bool = False) -> bool:
        """Start a run and watch it; every screen above the list of runs is closed. False: it could not be started."""
        return self._watch(lambda: self.controller.start(config, own_process=own_process))

    def resume_run(self, run: RunDirectory, options: ResumeOptions | None = None) -> None:
        """Resume a run in this console and watch it."""
        from xaitui.jobs.train.resume_options import ResumeOptions

        self._watch(lambda: self.controller.resume(run, options or ResumeOptions()))

    def _watch(self, begin: Callable[[], Launch]) -> bool:
        from xaitui.errors import UsageError

        try:
            launch = begin()
        except (UsageError, OSError) as error:
            self.tell(str(error), severity="error")
            return False
        while not isinstance(self.screen, RunsScreen) and len(self.screen_stack) > 1:
            self.pop_screen()
        self.open("live", launch)
        return True

    async def action_back(self) -> None:
        """Go back to the screen before, unless this one has something of its own to leave first."""
        if isinstance(self.screen, Dialog):
            self.screen.dismiss(None)
        elif not (isinstance(self.screen, ConsoleScreen) and self.screen.back()):
            self.pop_screen()

    def action_go(self, name: ScreenName) -> None:
        """Open a screen that needs nothing to be chosen."""
        self.open(name)

    def action_help(self) -> None:
        """Show the keys."""
        self.open("help", self.screen.NAME if isinstance(self.screen, ConsoleScreen) else "app")

    def exit(self, result: int | None = None, return_code: int = 0, message: RenderableType | None = None) -> None:
        """End the console; what is done in it from now on changes nothing any more.

        A screen that is being opened is opened first: Textual would leave it without widgets, and call it all the same.
        """
        self.is_leaving = True
        if self.screen.is_mounted or not self.screen.call_later(self.exit, result, return_code, message):
            super().exit(result, return_code, message)

    async def on_event(self, event: Event) -> None:
        """Handle an event; what a user does, one after another."""
        if not isinstance(event, InputEvent | Paste):
            await super().on_event(event)
        elif self.is_leaving:
            return
        elif not event.is_forwarded:
            await self.gate.take(event)
        elif self.screen is self.gate.addressed:  # else another screen was opened before it came back
            await super().on_event(event)

    async def on_passed(self) -> None:
        """Go on with the next key."""
        await self.gate.passed()

    async def run_action(
        self,
        action: str | ActionParseResult,
        default_namespace: DOMNode | None = None,
        namespaces: Mapping[str, DOMNode] | None = None,
    ) -> bool:
        """Carry out an action; of a screen only while it is the one that is seen."""
        node = default_namespace
        if self.is_leaving or (isinstance(node, Widget) and not (is_there(node) and _is_seen(node.screen))):
            return False
        return await super().run_action(action, default_namespace, namespaces)

    def action_command_palette(self) -> None:
        """Search all commands."""
        if not isinstance(self.screen, Palette):
            self.push_screen(Palette(id="--command-palette"))

    def search_themes(self) -> None:
        """Choose a theme."""
        self.push_screen(Palette(providers=[ThemeProvider], placeholder="Search themes"))

    def action_next_theme(self) -> None:
        """The next theme of the table."""
        names = [theme.name for theme in THEMES]
        self.theme = names[(names.index(self.theme) + 1) % len(names)] if self.theme in names else names[0]

    def action_leave(self) -> None:
        """Leave, after a question where a run is going on in this console."""
        from xaitui.tui.dialogs.leave import leave

        leave(self)

    def action_suspend_process(self) -> None:
        """Suspend the console, unless the run in it would stand still with it."""
        if self.is_training:
            self.tell("a run is going on in this console and would stand still; leave with q to keep it")
        else:
            super().action_suspend_process()

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """The palette: every command of the table that this screen carries out."""
        name = screen.NAME if isinstance(screen, ConsoleScreen) else "app"
        for row in commands_of(name):
            if row.action != "command_palette" and not (row.acts and self.options.readonly):
                title = row.label or row.help.partition(":")[0].rstrip(".")
                yield SystemCommand(title, row.help, _runner(screen, row.action))
        yield SystemCommand("theme", "Choose a theme", self.action_change_theme)


def _is_seen(screen: Screen[object]) -> bool:
    """Whether a screen is on top and has its widgets."""
    return screen.is_active and screen.is_mounted


def _runner(screen: Screen[object], action: str) -> Callable[[], object]:
    async def run() -> None:
        await screen.run_action(action)

    return run
