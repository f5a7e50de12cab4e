"""A run's screen under a user's eyes and hands."""

from __future__ import annotations

from tests.tui.console_pilot import screen_text, until
from xaitui.config.resolve import build_config
from xaitui.console_options import ConsoleActions, First
from xaitui.errors import UsageError
from xaitui.runs.directory import RunDirectory, list_runs
from xaitui.runs.follower import RunFollower
from xaitui.runs.journal.journal import read_journal
from xaitui.tui.app import ConsoleApp
from xaitui.tui.live.screen import LiveScreen

SLOW = {"training.epochs": 2000, "model.name": "simple-cnn-v1", "training.threads": 1}
"""A run on the digits that goes on until it is asked to stop."""


def training(**settings: object) -> First:
    """Opens the console on a run of these settings, on top of the defaults."""
    config = build_config({name.replace("__", "."): value for name, value in settings.items()})
    return lambda console: console.start_run(config)


def slow_training(**settings: object) -> First:
    """Opens the console on a run that goes on until it is asked to stop."""
    config = build_config(SLOW | {name.replace("__", "."): value for name, value in settings.items()})
    return lambda console: console.start_run(config)


def watching(run: RunDirectory) -> First:
    """Opens the console on a run that is there."""

    def first(console: ConsoleActions) -> None:
        console.open_run(run)

    return first


class Watch:
    """What the console shows of one run."""

    def __init__(self, app: ConsoleApp) -> None:
        self.app = app

    @property
    def screen(self) -> LiveScreen:
        return next(screen for screen in self.app.screen_stack if isinstance(screen, LiveScreen))

    @property
    def follower(self) -> RunFollower | None:
        live = [screen for screen in self.app.screen_stack if isinstance(screen, LiveScreen)]
        return live[0].follower if live else None

    @property
    def run(self) -> RunDirectory:
        if self.follower is None:
            raise UsageError("the run has not begun")
        return self.follower.run

    def is_at(self, epoch: int) -> bool:
        """Whether the screen knows that an epoch is over."""
        last = self.follower.last_epoch if self.follower else None
        return last is not None and last.epoch >= epoch

    def stands(self, state: str) -> bool:
        """Whether the screen shows the run in a state."""
        return self.follower is not None and self.follower.state == state

    def shows(self, text: str) -> bool:
        return text in " ".join(screen_text(self.app).split())

    async def until_epoch(self, epoch: int) -> None:
        await until(self.app, lambda: self.is_at(epoch))

    async def until_state(self, state: str) -> None:
        await until(self.app, lambda: self.stands(state))


def events_of_kind(run: RunDirectory, *names: str) -> list[str]:
    """The events of some kinds, by name, in the order of the journal."""
    return [type(event).__name__ for event in read_journal(run.journal) if type(event).__name__ in names]


def only_run(runs_dir: object) -> RunDirectory:
    """The one run of a folder."""
    from pathlib import Path

    (run,) = list_runs(Path(str(runs_dir)))
    return run
