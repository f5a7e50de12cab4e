"""The first lines of a run: how it stands, how far it is, how it does."""

from __future__ import annotations

import math
from collections.abc import Sequence

from textual.content import Content
from textual.widgets import Static

from xaitui.config.units import format_duration, format_size
from xaitui.events import EpochFinished, RunFinished, RunStopped
from xaitui.runs.follower import RunFollower
from xaitui.runs.listing.health import Health, Level, health
from xaitui.runs.listing.progress import progress
from xaitui.runs.state import State
from xaitui.text import last_part, printable
from xaitui.tui.palette import MUTED

STYLES = {Level.FINE: "$text-success", Level.WARNING: "$text-warning", Level.ERROR: "$text-error"}
SIGNS = {Level.FINE: "ok", Level.WARNING: "!", Level.ERROR: "!!"}
STATE_STYLES = {
    State.RUNNING: "bold $text-success",
    State.PAUSED: "bold $text-warning",
    State.FAILED: "bold $text-error",
}


class RunHead(Static):
    """State, progress of epoch and run, speed, time left, early stopping, and the health line."""

    def __init__(self) -> None:
        super().__init__(markup=False)

    def show_beginning(self, words: Sequence[str], error: str) -> None:
        """Show what is said while a run begins, or why it could not."""
        lines = [Content.styled(printable(line), MUTED) for line in [*words][-4 if not error else -2 :]]
        if error:
            lines.append(Content.styled(f"{SIGNS[Level.ERROR]} {printable(error)}", STYLES[Level.ERROR]))
        self.add_class("-words")
        self.update(Content("\n").join(lines))

    def show(self, follower: RunFollower, *, ascii_only: bool) -> None:
        """Show what a follower knows."""
        bar = ("#", ".") if ascii_only else ("\u2588", "\u2591")
        self.remove_class("-words")
        lines = [_standing(follower), *_work(follower, bar, self.size.width), _health(follower)]
        self.update(Content("\n").join(lines), layout=False)


def _standing(follower: RunFollower) -> Content:
    if follower.is_gone:
        return Content.assemble(("deleted", STATE_STYLES[State.FAILED]), f"  {follower.problem}; esc goes back")
    state = Content.assemble((follower.state.value, STATE_STYLES.get(follower.state, "bold")))
    started = follower.started
    words = [follower.problem or follower.why]
    if started is not None:
        words.append(f"{last_part(started.model)} on {last_part(started.dataset)}, {started.device}")
    if follower.is_loading:
        words.append("reading the journal")
    if follower.damage:
        words.append(f"{follower.damage} lines of the journal cannot be read")
    return Content.assemble(state, ("  " + printable("  ".join(word for word in words if word)), MUTED))


def _work(follower: RunFollower, bar: tuple[str, str], width: int) -> list[Content]:
    started = follower.started
    if started is None:
        return []
    at = progress(
        started,
        follower.epochs or started.epochs,
        follower.last_step,
        follower.finished_epochs,
        over=not follower.state.is_live,
    )
    length = max(8, min(30, width - 62))
    speed = follower.last_step.images_per_second if follower.last_step and follower.state.is_live else None
    memory = _memory(follower)
    epoch = [f"epoch {at.epoch}/{at.epochs}", _bar(at.epoch_part, length, bar), _left(at.epoch_left)]
    run = [f"run {at.run_part:>4.0%}", _bar(at.run_part, length, bar), _left(at.run_left)]
    first = _row([*epoch, f"{speed:,.0f} img/s" if speed else "", memory])
    return [first, _row([*run, _gauge(follower.last_epoch, bar), _test(follower)])]


def _row(cells: list[str]) -> Content:
    first, drawn, *rest = cells
    return Content.assemble(f"{first:<12} ", (drawn, "$primary"), "  " + "  ".join(cell for cell in rest if cell))


def _bar(part: float, length: int, bar: tuple[str, str]) -> str:
    full = math.floor(max(0.0, min(1.0, part)) * length + 0.5)
    return bar[0] * full + bar[1] * (length - full)


def _left(seconds: float | None) -> str:
    return "" if seconds is None else f"{format_duration(seconds)} left"


def _memory(follower: RunFollower) -> str:
    step = follower.last_step
    return format_size(step.memory) if step is not None and step.memory else ""


def _test(follower: RunFollower) -> str:
    """The test scores of a run that is over."""
    test = follower.end.test if isinstance(follower.end, RunFinished | RunStopped) else {}
    scores = [f"{name} {test[name]:.4f}" for name in ("accuracy", "auc") if name in test]
    return f"test {' '.join(scores)}" if scores else ""


def _gauge(last: EpochFinished | None, bar: tuple[str, str]) -> str:
    """The best epoch, and how much of the patience is used up."""
    if last is None or not last.best_epoch:
        return ""
    best = f"best {last.best:.4f} @ {last.best_epoch}"
    if not last.patience:
        return best
    return f"{best}  patience {_bar(last.waited / last.patience, 5, bar)} {last.waited}/{last.patience}"


def _health(follower: RunFollower) -> Content:
    state = judge(follower)
    if not state.text:
        return Content("")
    return Content.assemble((f"{SIGNS[state.level]} {printable(state.text)}", STYLES[state.level]))


def judge(follower: RunFollower) -> Health:
    """The health of a run as a follower knows it."""
    step = follower.last_step if follower.state.is_live else None
    return health(follower.curve("loss", "step"), follower.finished_epochs, step, follower.end)
