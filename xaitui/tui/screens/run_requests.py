"""What can be asked of a run from its screen: whichever process writes it, by a request in its directory."""

from __future__ import annotations

from xaitui.errors import XaituiError
from xaitui.runs.directory import RunDirectory
from xaitui.runs.follow import RunFollower
from xaitui.runs.requests import Request, ask
from xaitui.runs.summary import State
from xaitui.text import quoted
from xaitui.tui.commands import Command
from xaitui.tui.run_controller import STOP, Launch
from xaitui.tui.screens.run_looks import RunLooks

LIVE_ONLY = frozenset({"pause", "save", "stop", "stop_after_epoch"})
ENDED_ONLY = frozenset({"resume"})


class RunRequests(RunLooks):
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
        """Have the run end with this epoch."""
        self._ask(Request.STOP_AFTER_EPOCH)

    def action_stop(self) -> None:
        """Have the run end now."""
        if self.follower is None and self.launch is not None and self.launch.in_thread:
            self.console.controller.ask(STOP)
            return
        self._ask(Request.STOP)

    def _ask(self, request: Request) -> None:
        if self.follower is None:
            if self.launch is not None and not self.launch.error:
                self.console.tell("the run has not begun yet; ask again when it has")
            return
        if not self.follower.state.is_live:
            return
        try:
            ask(self.follower.run.path, request)
        except OSError as error:
            self.console.tell(f"the run cannot be asked: {error.strerror}", severity="error")
            return
        self.console.tell(f"asked: {request.value.replace('-', ' ')}")

    def action_resume(self) -> None:
        """Take the run up again."""
        if self.follower is None or self.follower.state.is_live:
            return
        if self.follower.state is State.FINISHED:
            self.console.tell(
                f"it is finished; to go on, add epochs: xaitui resume {quoted(self.follower.run.id)} --epochs +5"
            )
            return
        self.console.resume_run(self.follower.run)

    def action_clone(self) -> None:
        """Set up a new run with the settings of this one."""
        from xaitui.config.toml import from_toml

        if self.follower is None:
            return
        try:
            config = from_toml(self.follower.run.config.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, XaituiError) as error:
            self.console.tell(f"its settings cannot be read: {error}", severity="error")
            return
        self.console.open_new(config)
