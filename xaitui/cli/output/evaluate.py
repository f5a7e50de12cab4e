"""An evaluation as lines of 80 columns, and as one JSON object."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from xaitui.catalog.metrics import METRICS
from xaitui.cli.output.confusion import fits, short_names
from xaitui.evaluation.evaluation import SEVERAL_LABELS, Evaluation
from xaitui.evaluation.mistakes import SUSPICION, Sample
from xaitui.metrics.format import score_text, without_nan
from xaitui.metrics.per_class import ClassScores
from xaitui.runs.directory import RunDirectory
from xaitui.runs.journal.describe import WIDTH
from xaitui.text import printable

COVERAGES = 1.0, 0.95, 0.9, 0.8
MOST_PAIRS = 5
NAME = 26
"""Letters of a class's name; longer ones are cut."""


@dataclass(frozen=True)
class Shown:
    """An evaluation, and the samples of it that are listed."""

    run: RunDirectory
    evaluation: Evaluation
    mistakes: tuple[Sample, ...]
    wrong: int
    """Mistakes there are in all, of the pair where one was asked for."""
    suspicious: tuple[Sample, ...]

    @staticmethod
    def of(
        run: RunDirectory, evaluation: Evaluation, mistakes: int, suspicious: int, pair: tuple[int, int] | None
    ) -> Shown:
        """Rank what is asked for; nothing of a set that allows several labels."""
        if evaluation.has_several_labels:
            return Shown(run, evaluation, (), 0, ())
        wrong = evaluation.rank("mistakes", pair=pair)
        return Shown(
            run,
            evaluation,
            wrong[:mistakes],
            len(wrong),
            evaluation.rank("suspicious", pair=pair, limit=suspicious) if suspicious else (),
        )


def text_lines(shown: Shown) -> Iterator[str | None]:
    """Everything, within 80 columns; None where the confusion matrix is to be printed."""
    found = shown.evaluation
    yield f"{printable(shown.run.id)}  {printable(found.split)}, {found.images:,} images"
    if found.predictions.weights:
        yield printable(found.predictions.weights)
    yield ""
    yield from _score_lines(found)
    yield ""
    yield from _class_lines(found)
    if not found.has_several_labels:
        yield ""
        yield from _confusion_lines(found)
    yield ""
    yield from _calibration_lines(found)
    if found.has_several_labels:
        yield ""
        yield from textwrap.wrap(f"no confusion matrix and no mistakes: {SEVERAL_LABELS}", WIDTH)
        return
    yield ""
    yield from _selective_lines(found)
    yield from _sample_lines(shown)


def _score_lines(found: Evaluation) -> Iterator[str]:
    yield f"{'SCORE':<20} {'value':>8}   95 % interval (bootstrap of the images)"
    for name, value in found.headline.items():
        interval = found.intervals[name]
        known = "" if math.isnan(interval.low) else f"   {interval.low:.4f} to {interval.high:.4f}"
        yield f"{METRICS[name].label:<20} {score_text(value):>8}{known}"
    kappa = found.kappa
    if not kappa.undefined:
        yield f"{'Cohen kappa':<20} {score_text(kappa.value):>8}{'   quadratic' if kappa.is_quadratic else ''}"
    for why in dict.fromkeys(found.scores.undefined.values()):
        names = ", ".join(METRICS[name].label for name, each in found.scores.undefined.items() if each == why)
        yield from textwrap.wrap(f"undefined: {names}: {why}", WIDTH)


def _class_lines(found: Evaluation) -> Iterator[str]:
    noun = "LABEL" if found.has_several_labels else "CLASS"
    yield f"{noun:<{NAME + 4}} {'images':>8} {'precision':>10} {'recall':>8} {'F1':>8} {'AUC':>8}"
    marks = short_names(found.classes)
    rows = [
        (f"{mark:>3} {_cut(name, NAME) if name != mark else ''}", each)
        for mark, name, each in zip(marks, found.classes, found.per_class.classes, strict=True)
    ]
    for head, each in (
        *rows,
        ("    macro mean", found.per_class.macro),
        ("    weighted mean", found.per_class.weighted),
    ):
        yield _class_line(head, each)
    for words in found.callouts:
        yield from textwrap.wrap(f"! {printable(words)}", WIDTH)


def _class_line(head: str, each: ClassScores) -> str:
    return (
        f"{head:<{NAME + 4}} {each.support:>8,} {score_text(each.precision):>10} {score_text(each.recall):>8} "
        f"{score_text(each.f1):>8} {score_text(each.auc):>8}"
    )


def _confusion_lines(found: Evaluation) -> Iterator[str | None]:
    if fits(found):
        yield "CONFUSION (rows: true class, columns: predicted; images)"
        yield None
    else:
        yield f"the confusion matrix of {len(found.classes)} classes has no room here; --json has it"
    if found.confused_pairs:
        yield ""
        yield "MOST CONFUSED"
    for pair in found.confused_pairs[:MOST_PAIRS]:
        true, told = (_cut(found.classes[index], NAME) for index in (pair.true, pair.predicted))
        yield f"  {true} taken for {told}: {pair.count:,} ({100 * pair.share:.1f} %)"


def _calibration_lines(found: Evaluation) -> Iterator[str]:
    before, temperature = found.calibration, found.temperature
    yield f"CALIBRATION           ECE {before.ece:.4f}   Brier {before.brier:.4f}   loss {before.loss:.4f}"
    if temperature is None:
        yield "  no temperature: there are no val predictions to fit it on"
        return
    after = temperature.after
    yield (
        f"  at temperature {temperature.value:<5.2f} ECE {after.ece:.4f}   Brier {after.brier:.4f}   "
        f"loss {after.loss:.4f}"
    )
    yield f"  (the temperature was fitted on validation{'; so these are too good' * (found.split == 'val')})"


def _selective_lines(found: Evaluation) -> Iterator[str]:
    yield f"SELECTIVE (accuracy where the least sure are left out; AURC {found.selective.aurc:.4f})"
    yield "  " + "   ".join(f"{100 * part:.0f} %  {found.selective.at(part):.4f}" for part in COVERAGES)


def _sample_lines(shown: Shown) -> Iterator[str]:
    names = shown.evaluation.classes
    if shown.mistakes:
        yield ""
        yield f"MISTAKES ({len(shown.mistakes)} of {shown.wrong:,}, the highest loss first)"
        yield from _samples(shown.mistakes, names)
    elif not shown.wrong:
        yield from ("", "no mistakes")
    if shown.suspicious:
        yield ""
        yield "SUSPICIOUS LABELS"
        yield f"  ({SUSPICION})"
        yield from _samples(shown.suspicious, names)


def _samples(samples: tuple[Sample, ...], names: tuple[str, ...]) -> Iterator[str]:
    yield f"  {'index':>7}  {'true':<23} {'p':>5}  {'predicted':<23} {'p':>5} {'loss':>7}"
    for each in samples:
        yield (
            f"  {each.index:>7}  {_cut(names[each.label], 23):<23} {each.p_label:5.3f}  "
            f"{_cut(names[each.predicted], 23):<23} {each.p_predicted:5.3f} {each.loss:7.3f}"
        )


def _cut(name: str, most: int) -> str:
    shown = printable(name)
    return shown if len(shown) <= most else shown[: most - 2] + ".."


def json_record(shown: Shown) -> dict[str, Any]:
    """Everything as numbers; what is not finite is null, and `undefined` says why."""
    found = shown.evaluation
    temperature = found.temperature
    record: dict[str, Any] = {
        "run": shown.run.id,
        "split": found.split,
        "images": found.images,
        "weights": found.predictions.weights,
        "task": found.task.value,
        "classes": list(found.classes),
        "scores": found.headline,
        "intervals": {name: [each.low, each.high] for name, each in found.intervals.items()},
        "undefined": found.scores.undefined | ({"kappa": found.kappa.undefined} if found.kappa.undefined else {}),
        "kappa": {"value": found.kappa.value, "quadratic": found.kappa.is_quadratic},
        "per_class": [
            {"class": name, **asdict(each)} for name, each in zip(found.classes, found.per_class.classes, strict=True)
        ],
        "macro": asdict(found.per_class.macro),
        "weighted": asdict(found.per_class.weighted),
        "callouts": list(found.callouts),
        "calibration": asdict(found.calibration),
        "temperature": asdict(temperature) if temperature else None,
    }
    if not found.has_several_labels:
        record |= {
            "confusion": found.confusion.tolist(),
            "confused_pairs": [asdict(each) for each in found.confused_pairs],
            "selective": {
                "aurc": found.selective.aurc,
                "accuracy": {f"{part:g}": found.selective.at(part) for part in COVERAGES},
            },
            "wrong": shown.wrong,
            "mistakes": [asdict(each) for each in shown.mistakes],
            "suspicious": {"note": SUSPICION, "samples": [asdict(each) for each in shown.suspicious]},
        }
    finite: dict[str, Any] = without_nan(record)
    return finite
