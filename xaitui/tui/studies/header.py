"""The first lines of a study: how far it is, what is best so far, and which settings mattered."""

from __future__ import annotations

import math
from collections.abc import Sequence

from textual.content import Content
from textual.widgets import Static

from xaitui.config.schema import FIELDS
from xaitui.config.units import format_duration
from xaitui.studies.status import StudyStanding, TrialState
from xaitui.text import printable
from xaitui.tui.palette import MUTED
from xaitui.tui.studies.snapshot import StudyLook, time_left
from xaitui.tui.widgets.facts import bar

BAR_WIDTH = 24
SHARE_WIDTH = 4
"""Cells of a share: ``100%``."""


class StudyHead(Static):
    """Progress, the best setting so far, and in few columns the importance of the settings too."""

    def __init__(self) -> None:
        super().__init__(markup=False)

    def show(self, look: StudyLook, *, begins: bool, ascii_only: bool) -> None:
        """Show how a study stands.

        Args:
            look: the study.
            begins: whether a process of ours is there that may have no trial yet.
            ascii_only: whether only ASCII characters are drawn.
        """
        standing = look.standing
        lines = [self._progress(standing, begins=begins, ascii_only=ascii_only), _best(standing)]
        if standing.trouble:
            lines.append(Content.styled(f"not all trials are known: {printable(standing.trouble)}", "$text-warning"))
        elif self.screen.has_class("-narrow"):
            shares = ", ".join(f"{_name(path)} {share:.0%}" for path, share in look.shares)
            lines.append(Content.styled(f"share of the variance: {shares}" if shares else "", MUTED))
        self.update(Content("\n").join(lines), layout=False)

    def _progress(self, standing: StudyStanding, *, begins: bool, ascii_only: bool) -> Content:
        over, expected = standing.over, standing.expected
        drawn = bar(over / max(expected, 1), BAR_WIDTH if self.size.width >= 100 else 10, plain=ascii_only)
        counts = standing.counts
        words = [
            f"{counts[state]} {state}" for state in TrialState if counts[state] and state is not TrialState.WAITING
        ]
        waiting = expected - len(standing.trials) + counts[TrialState.WAITING]
        words += [f"{waiting} to come"] if waiting > 0 else []
        left = time_left(standing)
        rest = f"  about {format_duration(left)} left" if left is not None else ""
        state, style = _state(standing, begins=begins)
        return Content.assemble(
            (state, f"bold {style}"),
            "  ",
            (drawn, "$primary"),
            f"  {over}/{expected} over",
            (rest, "bold"),
            (f"  {', '.join(words)}", "$text-error" if standing.has_failures else MUTED),
        )


def _state(standing: StudyStanding, *, begins: bool) -> tuple[str, str]:
    """A word for the whole study, and its colour."""
    if standing.is_live:
        stops = standing.folder.stop.exists()
        return ("stopping", "$text-warning") if stops else ("running", "$text-success")
    if begins:
        return "beginning", "$text-success"
    return ("over", "") if standing.is_complete else ("not going on", "$text-warning")


def _best(standing: StudyStanding) -> Content:
    best, study = standing.best, standing.study
    if best is None:
        return Content.styled("no trial has finished yet", MUTED)
    parts = []
    for found, goal in zip(best.spreads, study.objectives, strict=True):
        sd = "" if math.isnan(found.sd) else f" +-{goal.format(found.sd)}"
        parts.append(f"{goal.name} {goal.format(found.mean)}{sd}")
    if best.test.n:
        parts.append(f"test_{study.tested_metric} {best.test.mean:.4f}")
    runs = f"{best.spreads[0].n} of {len(best.trials)} runs" if len(best.trials) > 1 else ""
    values = "  ".join(filter(None, [*parts, runs]))
    return Content.assemble(("best  ", MUTED), (printable(best.label), "bold"), f"  {values}")


class ImportanceBars(Static):
    """The share of the objective's variance that each setting explains alone."""

    def __init__(self) -> None:
        super().__init__(markup=False)
        self._shown: object = None

    def show(self, shares: Sequence[tuple[str, float]], *, ascii_only: bool) -> None:
        """Show some shares, of 0 to 1, by path."""
        if (shares, self.size) == self._shown:
            return
        self._shown = shares, self.size
        lines = [Content.styled("share of the variance", MUTED)]
        width = max((len(_name(path)) for path, _ in shares), default=0)
        room = max(4, self.content_size.width - width - SHARE_WIDTH - 2)
        for path, share in shares:
            drawn = bar(share, room, plain=ascii_only)
            lines.append(
                Content.assemble(f"{_name(path):<{width}} ", (drawn, "$primary"), f" {share:>{SHARE_WIDTH}.0%}")
            )
        if not shares:
            lines.append(Content.styled("told from four finished trials on", MUTED))
        self.update(Content("\n").join(lines), layout=False)


def _name(path: str) -> str:
    return FIELDS[path].option[2:]
