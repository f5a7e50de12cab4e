"""Actions on a run from its screen, by a request in its directory, whichever process writes it."""

from __future__ import annotations

from xaitui.runs.directory import RunDirectory
from xaitui.runs.follower import RunFollower
from xaitui.runs.requests import Request, ask
from xaitui.runs.state import State
from xaitui.text import quoted
from xaitui.tui.commands import Command
from xaitui.tui.run_controller import IN_THE_CONSOLE, STOP, Launch
from xaitui.tui.screen import ConsoleScreen

LIVE_ONLY = frozenset({"pause", "save", "stop", "stop_after_epoch"})
ENDED_ONLY = frozenset({"resume"})
VIEWS = ("change_view", "next_score")
"""The actions that remain for a run whose folder is gone."""


class RunRequests(ConsoleScreen):
    """A screen of one run, or of one that is only beginning; its subclass says how it looks."""

    def __init__(self, subject: Launch | RunDirectory) -> None:
        super().__init__()
        self.launch = subject if isinstance(subject, Launch) else None
        self.follower = None if isinstance(subject, Launch) else RunFollower(subject)

    @property
    def chosen_run(self) -> RunDirectory | None:
        """The run; None while it is only beginning."""
        return self.follower.run if self.follower is not None else None

    def commands(self) -> tuple[Command, ...]:
        """The keys that can do something for the run as it stands."""
        state = self.follower.state if self.follower is not None else State.RUNNING
        if self.follower is not None and self.follower.is_gone:
            return tuple(row for row in super().commands() if row.action.startswith(VIEWS) or row.screen != self.NAME)
        useless = ENDED_ONLY if state.is_live else LIVE_ONLY | (ENDED_ONLY if state is State.FINISHED else set())
        return tuple(row for row in super().commands() if row.action not in useless)

    def action_pause(self) -> None:
        """Pause, or go on."""
        paused = self.follower is not None and self.follower.state is State.PAUSED
        self._ask(Request.CONTINUE if paused else Request.PAUSE)

    def action_save(self) -> None:
        """Have a checkpoint written."""
        self._ask(Request.SAVE)

    def action_stop_after_epoch(self) -> None:
        """Have the run end with this epoch, if confirmed."""
        if self._can_be_asked():
            self.ask(
                "Stop training after this epoch?",
                "It finishes the epoch, saves, and tests the best weights.",
                "R resumes it from there, exactly.",
                yes="stop after this epoch",
                no="keep training",
                then=lambda: self._ask(Request.STOP_AFTER_EPOCH),
            )

    def action_stop(self) -> None:
        """Have the run end now, if confirmed."""
        if self._is_beginning_here or self._can_be_asked():
            self.ask(
                "Stop training now?",
                "It finishes the step, saves, and tests the best weights.",
                "R resumes it from there, exactly.",
                yes="stop now",
                no="keep training",
                then=self._stop,
            )

    @property
    def _is_beginning_here(self) -> bool:
        """Whether the run is only beginning, in this process."""
        return self.follower is None and self.launch is not None and self.launch.in_thread

    def _stop(self) -> None:
        if self._is_beginning_here:
            self.console.controller.ask(STOP)
        else:
            self._ask(Request.STOP)

    def _can_be_asked(self) -> bool:
        """Whether there is a run that can be asked; that it has not begun yet is said."""
        if self.follower is not None:
            return self.follower.state.is_live and not self.follower.is_gone
        if self.launch is not None and not self.launch.error:
            self.console.tell("the run has not begun yet; ask again when it has")
        return False

    def _ask(self, request: Request) -> None:
        if not self._can_be_asked() or self.follower is None:
            return
        try:
            ask(self.follower.run.path, request, IN_THE_CONSOLE)
        except OSError as error:
            self.console.tell(f"the run cannot be asked: {error.strerror}", severity="error")
            return
        self.console.tell(f"asked: {request.value.replace('-', ' ')}")

    def action_resume(self) -> None:
        """Resume the run, if confirmed."""
        if self.follower is None or self.follower.state.is_live:
            return
        if self.follower.state is State.FINISHED:
            self.console.tell(
                f"it is finished; to go on, add epochs: xaitui resume {quoted(self.follower.run.id)} --epochs +5"
            )
            return
        self.ask_to_resume(self.follower.run)
