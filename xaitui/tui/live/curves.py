"""The two plots of a run: its loss, and one of its scores."""

from __future__ import annotations

from xaitui.catalog.metrics import METRICS
from xaitui.plotting.curves import Curves, NamedCurve, Source
from xaitui.runs.follower import RunFollower
from xaitui.runs.journal.series import XAxis

TRAIN, VAL = 0, 1
"""Colours: training always has the first, validation the second."""

SCORES = (*(name for name in METRICS if name != "loss"), "lr", "images_per_second")
"""What the second plot can show, the scores first."""

LABELS = {
    **{name: info.label for name, info in METRICS.items()},
    "lr": "Learning rate",
    "images_per_second": "Images/s",
}


def loss_source(follower: RunFollower) -> Source:
    """The loss of the logged steps and that of validation."""

    def source(x: XAxis) -> Curves:
        train = NamedCurve("train", follower.curve("loss", x), TRAIN)
        val = NamedCurve("val", follower.curve("val_loss", x), VAL)
        return Curves((train, val), _best(follower, x))

    return source


def score_source(follower: RunFollower, name: str) -> Source:
    """A score of validation, with that of training where there is one; or the learning rate, or the speed."""

    def source(x: XAxis) -> Curves:
        if name not in METRICS:
            return Curves((NamedCurve(LABELS[name], follower.curve(name, x), TRAIN),))
        train = NamedCurve("train", follower.curve(f"train_{name}", x), TRAIN)
        val = NamedCurve("val", follower.curve(f"val_{name}", x), VAL)
        lines = (train, val) if len(train.curve) else (val,)
        return Curves(lines, _best(follower, x))

    return source


def _best(follower: RunFollower, x: XAxis) -> float | None:
    last = follower.last_epoch
    return follower.position_of_epoch(last.best_epoch, x) if last is not None else None
