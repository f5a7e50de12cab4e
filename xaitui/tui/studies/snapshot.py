"""A snapshot of a study for its screen: status, importance of settings, and the curves of some trials."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median

from xaitui.plotting.curves import X_AXES, Curves, NamedCurve
from xaitui.runs.follower import RunFollower
from xaitui.runs.journal.series import XAxis
from xaitui.studies.definition import Study
from xaitui.studies.folder import StudyFolder
from xaitui.studies.importance import importance
from xaitui.studies.status import StudyReader, StudyStanding, TrialStanding, TrialState

MOST_CURVES, MOST_LIVE = 8, 3
"""Curves over one another, one for each colour; trials that are going on come first, then the best ones."""
POLL_SECONDS = 0.2
"""What a look may take to read journals, all followed trials together."""


@dataclass(frozen=True)
class StudyLook:
    """A study at one moment."""

    standing: StudyStanding
    shares: Sequence[tuple[str, float]] = ()
    """As `importance` gives them."""
    curves: Mapping[XAxis, Curves] = field(default_factory=dict)
    colours: Mapping[str, int] = field(default_factory=dict)
    """By trial's id, the colour of its curve."""

    def number(self, trial_id: str) -> int:
        """The place of a trial in the study, from 1 on."""
        return next(place for place, each in enumerate(self.standing.trials, 1) if each.trial.id == trial_id)


class StudyWatcher:
    """Looks at a study again and again. `look` reads files: it is for a thread, one at a time."""

    def __init__(self, folder: StudyFolder) -> None:
        self.folder = folder
        self._reader = StudyReader(folder)
        self._followers: dict[str, RunFollower] = {}
        self._colours: dict[str, int] = {}

    def look(self) -> StudyLook:
        """Read what is new.

        Raises:
            DataError: the definition cannot be read.
            OSError: the folder of the trials cannot be read.
        """
        standing = self._reader.read()
        self._follow(drawn(standing))
        curves = {x: self._curves(standing, x) for x in X_AXES}
        return StudyLook(standing, importance(standing), curves, dict(self._colours))

    def _follow(self, trials: Sequence[TrialStanding]) -> None:
        """Follow these trials; one that is followed on keeps its colour."""
        runs = {each.trial.id: each.run for each in trials}
        self._colours = {name: colour for name, colour in self._colours.items() if name in runs}
        free = iter([colour for colour in range(MOST_CURVES) if colour not in self._colours.values()])
        self._colours |= {name: next(free) for name in runs if name not in self._colours}
        self._followers = {name: self._followers.get(name) or RunFollower(run) for name, run in runs.items()}
        for follower in self._followers.values():
            follower.poll(POLL_SECONDS / MOST_CURVES)

    def _curves(self, standing: StudyStanding, x: XAxis) -> Curves:
        name = curve_name(standing.study)
        places = {each.trial.id: place for place, each in enumerate(standing.trials, 1)}
        lines = [
            NamedCurve(f"#{places[trial]}", follower.curve(name, x), self._colours[trial])
            for trial, follower in self._followers.items()
        ]
        return Curves(tuple(line for line in lines if len(line.curve)))


def curve_name(study: Study) -> str:
    """The curve of a trial that tells of the objective; of a cost, what the runs monitor."""
    return f"val_{study.objectives[0].metric or study.base.training.monitor}"


def drawn(standing: StudyStanding) -> list[TrialStanding]:
    """The trials whose curves are drawn: some that are going on, and the best of those that have finished."""
    live = [each for each in standing.trials if each.state.is_live][:MOST_LIVE]
    return [*live, *by_value(standing)[: MOST_CURVES - len(live)]]


def by_value(standing: StudyStanding) -> list[TrialStanding]:
    """The finished trials that have a value of the first objective, the best first."""
    sign = -1 if standing.study.objectives[0].direction == "max" else 1
    found = [each for each in standing.trials if each.state is TrialState.FINISHED and not math.isnan(each.values[0])]
    return sorted(found, key=lambda each: sign * each.values[0])


def time_left(standing: StudyStanding) -> float | None:
    """Seconds until all trials are over, shared among those that are going on; None where that cannot be told."""
    rows = [(each.state, each.row) for each in standing.trials if each.row is not None]
    live = [row for state, row in rows if state.is_live]
    took = [row.seconds for state, row in rows if state is TrialState.FINISHED]
    to_come = standing.expected - standing.over - len(live)
    known = [row.eta for row in live if not math.isnan(row.eta)]
    if not live or (to_come and not took) or len(known) < len(live):
        return None
    return (sum(known) + to_come * (median(took) if to_come else 0.0)) / len(live)
