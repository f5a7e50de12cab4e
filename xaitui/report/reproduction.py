"""An experiment of the report and ours beside each other: rows, what agrees by a rule, figures and files."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from xaitui.catalog.experiments import Claim, Experiment, Part, Printed
from xaitui.config.schema import FIELDS
from xaitui.config.toml import to_values
from xaitui.events import EpochFinished
from xaitui.metrics.statistics import PairedDifference, Spread, spread
from xaitui.report.figures import LABEL_LENGTH, Series
from xaitui.report.tables import Table
from xaitui.runs.listing.settings import finished_epochs
from xaitui.runs.state import summarise
from xaitui.studies.paired_comparison import difference
from xaitui.studies.reproduction import Cut, scaled_epochs
from xaitui.studies.status import PointStanding, StudyStanding, TrialState
from xaitui.studies.trials import point_key, point_label, trials_of

TOLERANCE = 0.5
"""Percentage points within which a mean is taken to be the report's number: it printed one decimal of one seed."""

RULE = (
    "Fixed before any row was compared. A row agrees if, by the mean over the epochs or by the last epoch, our means "
    f"over the seeds lie within {TOLERANCE} percentage points of both numbers of the report, its validation taken for "
    "our validation split; else it differs. A claim agrees if the 95 % interval of the difference, paired by seed, "
    "lies on the claimed side of zero, and a claim of likeness if the interval holds zero or the difference is below "
    f"{TOLERANCE} points; it differs if the interval lies on the other side, and is not comparable where it tells "
    "neither. Of a cut it is only said that it ran."
)


@dataclass(frozen=True)
class Averages:
    """Accuracy of some runs over their seeds, in percent."""

    train_mean: Spread
    """Mean over the epochs."""
    val_mean: Spread
    train_last: Spread
    """Last epoch."""
    val_last: Spread
    val_best: Spread
    """Of the weights that were kept."""
    test: Spread
    """Of the same weights, where test was read."""


@dataclass(frozen=True)
class Row:
    """One setting of an experiment."""

    label: str
    averages: Averages
    printed: Printed | None
    verdict: str
    finished: int
    expected: int


@dataclass(frozen=True)
class ClaimRow:
    """What the report says, and what we found of it, in percentage points."""

    claim: Claim
    difference: PairedDifference | None
    verdict: str


@dataclass(frozen=True)
class Reproduction:
    """All of an experiment."""

    experiment: Experiment
    cut: str
    """What was cut, in words; empty where nothing was."""
    seeds: int
    sizes: str
    """Images of train, val and test."""
    rows: tuple[Row, ...]
    claims: tuple[ClaimRow, ...]
    curves: tuple[Series, ...]
    """Validation accuracy in percent by epoch: mean over the seeds, with a band of one standard deviation."""
    epoch_seconds: tuple[tuple[str, Spread], ...]
    studies: tuple[StudyStanding, ...]

    @property
    def is_complete(self) -> bool:
        """Whether every run is over."""
        return all(standing.is_complete for standing in self.studies)


def gather(experiment: Experiment, cut: Cut, cut_text: str, studies: Sequence[StudyStanding]) -> Reproduction:
    """Read what the runs of an experiment gave; nothing is taken from anywhere else."""
    parts = list(zip(experiment.parts, studies, strict=True))
    points = [(_label(part, standing, point), point) for part, standing in parts for point in standing.points]
    return Reproduction(
        experiment=experiment,
        cut=cut_text,
        seeds=studies[0].study.seeds,
        sizes=_sizes([point for _, point in points]),
        rows=tuple(row for part, standing in parts for row in _rows(experiment, part, cut, standing, bool(cut_text))),
        claims=tuple(_claim(claim, studies[0], bool(cut_text)) for claim in experiment.claims),
        curves=tuple(_curve(label, point) for label, point in points if _finished(point)),
        epoch_seconds=tuple((label, _epoch_seconds(point)) for label, point in points),
        studies=tuple(studies),
    )


def _label(part: Part, standing: StudyStanding, point: PointStanding) -> str:
    """Every varied setting of a point, or what differs from the base where that is too long for a legend."""
    values = to_values(point.trials[0].trial.config)
    every = " ".join(_word(path, values[path]) for path in standing.study.space if path in values)
    words = every if len(every) <= LABEL_LENGTH else point.label
    return " ".join(filter(None, [words, part.suffix.strip("-")]))


def _word(path: str, value: object) -> str:
    option = FIELDS[path].option[2:]
    if isinstance(value, bool):
        return option if value else f"no-{option}"
    return point_label({path: value})


def _rows(experiment: Experiment, part: Part, cut: Cut, standing: StudyStanding, is_cut: bool) -> Iterator[Row]:
    by_key = {point_key(point.trials[0].trial.config): point for point in standing.points}
    if experiment.printed and part.sampler == "one-at-a-time":
        for printed in experiment.printed:
            value = _tried(part, cut, printed)
            key = point_key(trials_of(standing.study, {printed.setting: value})[0].config)
            instead = f" (for {printed.value})" if value != printed.value else ""
            yield _row(f"{FIELDS[printed.setting].label} {value}{instead}", by_key[key], printed, is_cut)
        return
    for point in standing.points:
        theirs = [each for each in experiment.printed if point.point.get(each.setting) == each.value]
        yield _row(_label(part, standing, point), point, theirs[0] if theirs else None, is_cut)


def _tried(part: Part, cut: Cut, printed: Printed) -> object:
    """The value that stands for one of the report's: in a cut there are fewer epochs, in the same proportion."""
    if printed.setting != "training.epochs" or not cut.epochs:
        return printed.value
    return scaled_epochs(part, cut)[part.space["training.epochs"].index(printed.value)]


def _row(label: str, point: PointStanding, printed: Printed | None, is_cut: bool) -> Row:
    averages = averages_of(point)
    return Row(label, averages, printed, _verdict(averages, printed, is_cut), _finished(point), len(point.trials))


def _finished(point: PointStanding) -> int:
    return sum(each.state is TrialState.FINISHED for each in point.trials)


def averages_of(point: PointStanding) -> Averages:
    """The averages of the finished runs of a point, in percent."""
    finished = [each.row for each in point.trials if each.state is TrialState.FINISHED and each.row is not None]
    epochs = [finished_epochs(row.run) for row in finished]
    train = [[100 * event.train_accuracy for event in events] for events in epochs]
    val = [[_val(event) for event in events] for events in epochs]
    best = [
        [_val(event) for event in events if event.epoch == row.best_epoch]
        for row, events in zip(finished, epochs, strict=True)
    ]
    return Averages(
        train_mean=spread([spread(run).mean for run in train]),
        val_mean=spread([spread(run).mean for run in val]),
        train_last=spread([run[-1] for run in train if run]),
        val_last=spread([run[-1] for run in val if run]),
        val_best=spread([run[0] for run in best if run]),
        test=spread([100 * row.test.get("accuracy", math.nan) for row in finished]),
    )


def _val(event: EpochFinished) -> float:
    return 100 * event.val.get("accuracy", math.nan)


def _verdict(ours: Averages, printed: Printed | None, is_cut: bool) -> str:
    if not ours.val_last.n:
        return "not run"
    if is_cut:
        return "ran"
    if printed is None:
        return "not comparable"
    for train, val in ((ours.train_mean, ours.val_mean), (ours.train_last, ours.val_last)):
        if abs(train.mean - printed.train) <= TOLERANCE and abs(val.mean - printed.validation) <= TOLERANCE:
            return "agrees"
    return "differs"


def _claim(claim: Claim, standing: StudyStanding, is_cut: bool) -> ClaimRow:
    by_key = {point_key(point.trials[0].trial.config): point for point in standing.points}
    keys = [point_key(trials_of(standing.study, point)[0].config) for point in (claim.better, claim.than)]
    better, than = (by_key[key] for key in keys)
    if not (_finished(better) and _finished(than)):
        return ClaimRow(claim, None, "not run")
    found = difference(better, than, scale=100.0)
    return ClaimRow(claim, found, "ran" if is_cut else claim_verdict(claim, found))


def claim_verdict(claim: Claim, found: PairedDifference) -> str:
    """What a difference in percentage points says of a claim."""
    if math.isnan(found.low):
        return "not comparable"
    if claim.kind == "alike":
        return "differs" if found.is_clear and abs(found.mean) >= TOLERANCE else "agrees"
    if found.low > 0:
        return "agrees"
    return "differs" if found.high < 0 else "not comparable"


def _sizes(points: Sequence[PointStanding]) -> str:
    begun = (summarise(each.run).started for point in points for each in point.trials if each.row is not None)
    for started in filter(None, begun):
        sizes = {"training": started.train_size, "validation": started.val_size, "test": started.test_size}
        return ", ".join(f"{size:,} {name}" for name, size in sizes.items()) + " images"
    return "no run has begun"


def _curve(label: str, point: PointStanding) -> Series:
    runs = [
        [_val(event) for event in finished_epochs(each.run)]
        for each in point.trials
        if each.state is TrialState.FINISHED
    ]
    longest = max(map(len, runs), default=0)
    by_epoch = [spread([run[index] for run in runs if index < len(run)]) for index in range(longest)]
    band = [0.0 if math.isnan(each.sd) else each.sd for each in by_epoch]
    return Series(
        label,
        list(range(1, longest + 1)),
        [each.mean for each in by_epoch],
        [each.mean - half for each, half in zip(by_epoch, band, strict=True)],
        [each.mean + half for each, half in zip(by_epoch, band, strict=True)],
    )


def _epoch_seconds(point: PointStanding) -> Spread:
    begun = [each.run for each in point.trials if each.row is not None]
    return spread([event.seconds for run in begun for event in finished_epochs(run)])


def text_of(found: Spread, digits: int = 1) -> str:
    """A mean with its standard deviation; "-" where there is none."""
    if not found.n or math.isnan(found.mean):
        return "-"
    return f"{found.mean:.{digits}f}" + ("" if math.isnan(found.sd) else f" ± {found.sd:.{digits}f}")


def table_of(found: Reproduction) -> Table:
    """The rows, with the report's numbers beside ours where it has some."""
    printed = any(row.printed for row in found.rows)
    ours = ["train, mean of epochs", "val, mean of epochs", "train, last", "val, last", "val, best", "test of the best"]
    theirs = ["report: train", "report: val"] if printed else []
    return Table(["setting", "seeds", *ours, *theirs, "verdict"], [_cells(row, printed) for row in found.rows])


def _cells(row: Row, printed: bool) -> list[str]:
    ours = row.averages
    cells = [ours.train_mean, ours.val_mean, ours.train_last, ours.val_last, ours.val_best, ours.test]
    theirs = [f"{row.printed.train:.1f}", f"{row.printed.validation:.1f}"] if row.printed else ["-", "-"]
    seeds = f"{row.finished}" if row.finished == row.expected else f"{row.finished} of {row.expected}"
    return [row.label, seeds, *(text_of(cell, 2) for cell in cells), *(theirs if printed else []), row.verdict]


def claim_lines(found: Reproduction) -> list[str]:
    """What the report says of the experiment, and what we found."""
    return [f"{row.claim.text}: {row.verdict} ({_difference_text(row.difference)})" for row in found.claims]


def _difference_text(found: PairedDifference | None) -> str:
    if found is None:
        return "not all of it was run"
    interval = "" if math.isnan(found.low) else f", 95 % interval {found.low:+.2f} to {found.high:+.2f}"
    return f"difference {found.mean:+.2f} percentage points over {found.n} seed{'' if found.n == 1 else 's'}{interval}"
