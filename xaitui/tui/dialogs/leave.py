"""Leaving the console: what becomes of the run that is going on in it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, cast

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import OptionList, Static

from xaitui.text import printable, quoted
from xaitui.tui.dialogs.dialog import Dialog, Options

if TYPE_CHECKING:
    from xaitui.runs.follower import RunFollower
    from xaitui.tui.console import Console
    from xaitui.tui.run_controller import Launch

LOOK_SECONDS = 0.1
LOG_LINES = 3
"""Lines of a run's log that are shown where a hand-over failed."""


@dataclass(frozen=True)
class Choice:
    """One way to leave."""

    key: str
    name: str
    words: str
    doing: str
    """What is said while it is carried out."""


CHOICES = (
    Choice("k", "keep", "keep training in the background", "handing the run over to a process in the background"),
    Choice("e", "after_epoch", "stop after this epoch (in the background)", "handing the run over for this epoch"),
    Choice("s", "stop", "stop now and save", "finishing the step, saving, testing the best weights"),
    Choice("c", "cancel", "cancel: stay here", ""),
)


def leave(console: Console) -> None:
    """Leave at once where nothing is going on in this console, else after a question."""
    if isinstance(console.screen, LeaveScreen):
        console.screen.leave_at_once()
    elif console.is_training:
        console.push_screen(LeaveScreen())
    else:
        console.exit(0)


class LeaveScreen(Dialog[None]):
    """Asks what becomes of the run, sees to it, and leaves when that is done."""

    BINDINGS: ClassVar = [
        *((choice.key, f"choose('{choice.name}')", choice.words) for choice in CHOICES),
        ("q,ctrl+q,ctrl+c", "app.leave", "leave"),  # a modal screen hides the keys of the app
    ]

    def __init__(self) -> None:
        super().__init__()
        self._choice: Choice | None = None
        self._follower: RunFollower | None = None
        self._asks_for_epoch = False
        """Whether the request to stop after the epoch is still to be left."""

    @property
    def console(self) -> Console:
        """The app."""
        return cast("Console", self.app)

    @property
    def _launch(self) -> Launch:
        launch = self.console.controller.own
        assert launch is not None
        return launch

    def compose(self) -> ComposeResult:
        """The question, the choices, and what is being done."""
        with Vertical(classes="dialog leave"):
            yield Static(printable(f"{self._launch.title}: a run is going on in this console."), markup=False)
            yield Options(*(f"{choice.key}  {choice.words}" for choice in CHOICES), markup=False)
            yield Static(classes="doing", markup=False)

    def on_mount(self) -> None:
        """Warn where a background process would not outlive the login."""
        from xaitui.hardware.logind import check_sessions

        check = check_sessions()
        if check is not None:
            self._say(f"{check.text}: {check.remedy}")

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Do what was chosen."""
        self.action_choose(CHOICES[event.option_index].name)

    def action_choose(self, name: str) -> None:
        """Do what was chosen, once."""
        choice = next(item for item in CHOICES if item.name == name)
        if self._choice is not None:
            return
        if name == "cancel":
            self.dismiss(None)
            return
        self._choice = choice
        self.query_one(OptionList).disabled = True
        self._say(f"{choice.doing} ...  (q: leave without waiting)")
        self._begin(name)
        self.set_interval(LOOK_SECONDS, self._look)

    def leave_at_once(self) -> None:
        """Leave; what was chosen, or else the hand-over, is done without a screen."""
        self.console.exit(0)

    def _begin(self, name: str) -> None:
        from xaitui.tui.run_controller import HAND_OVER, STOP

        self.console.controller.ask(STOP if name == "stop" else HAND_OVER)
        self._asks_for_epoch = name == "after_epoch"
        self._ask_for_epoch()

    def _ask_for_epoch(self) -> None:
        """Leave the request where the process that takes over finds it, as soon as there is such a place.

        This process, which is to hand over by now, leaves requests alone.
        """
        from xaitui.runs.requests import Request, ask
        from xaitui.tui.run_controller import IN_THE_CONSOLE

        if self._asks_for_epoch and self._launch.run is not None:
            self._asks_for_epoch = False
            try:
                ask(self._launch.run.path, Request.STOP_AFTER_EPOCH, IN_THE_CONSOLE)
            except OSError as error:
                self._say(f"the run cannot be asked: {error.strerror}")

    def _look(self) -> None:
        """See how far it is; leave when the run is in other hands, or over."""
        self._ask_for_epoch()
        if self.console.controller.busy:
            return
        run = self._launch.run
        if run is None:
            self._leave(self._launch.error)
            return
        from xaitui.events import HandingOver
        from xaitui.runs.follower import RunFollower
        from xaitui.runs.state import State

        self._follower = self._follower or RunFollower(run)
        self._follower.poll()
        state, end = self._follower.state, self._follower.end
        if state is State.INTERRUPTED:
            self._failed(f"{run.id} was saved, but could not be handed over: {self._follower.why}", run.log)
        elif not isinstance(end, HandingOver):
            words = f"goes on in the background, {self._follower.why}" if state.is_live else f"is {state.value}"
            self._leave(f"{run.id} {words}; look at it with: xaitui attach {quoted(run.id)}")

    def _failed(self, text: str, log: Path) -> None:
        """Say that nobody took the run over, with the end of its log; it can be resumed, here or later."""
        from xaitui.runs.log import last_lines

        self._choice = None
        self._follower = None
        self.query_one(OptionList).disabled = False
        self.console.tell(text, severity="error")
        self._say("\n".join([text, *last_lines(log, LOG_LINES), "q leaves; R in the run's screen resumes it"]))

    def _leave(self, text: str) -> None:
        self.console.farewell = printable(text)
        self.console.exit(0)

    def _say(self, text: str) -> None:
        self.query_one(".doing", Static).update("\n".join(printable(line) for line in text.split("\n")))
