"""Figures of an evaluation: reliability, curves of a class, accuracy against coverage."""

from __future__ import annotations

from xaitui.evaluation.evaluation import Evaluation
from xaitui.metrics.calibration import Calibration
from xaitui.metrics.curves import Curve
from xaitui.plotting.figure import Cells, Figure, Line

MEASURED, IDEAL, MENDED = 0, 5, 1
"""Colours of what was measured, of what it is compared with, and of what the temperature makes of it."""


def reliability_figure(evaluation: Evaluation, cells: Cells) -> Figure:
    """How often the answers of each confidence are right; it should be as often as they say."""
    lines = [Line("ideal", [0.0, 1.0], [0.0, 1.0], IDEAL), _reliability("as it is", evaluation.calibration, MEASURED)]
    if evaluation.temperature is not None:
        lines.append(_reliability("with temperature", evaluation.temperature.after, MENDED))
    return Figure("accuracy", tuple(lines), x_label="confidence", cells=cells)


def roc_figure(evaluation: Evaluation, index: int, cells: Cells) -> Figure:
    """Rate of true positives over that of false positives of a class against the rest."""
    curve = evaluation.roc(index)
    lines = (Line("chance", [0.0, 1.0], [0.0, 1.0], IDEAL), _line("ROC", curve))
    return Figure(_title("true positives", "AUC", curve), lines, x_label="false positives", cells=cells)


def precision_recall_figure(evaluation: Evaluation, index: int, cells: Cells) -> Figure:
    """Precision over recall of a class; by chance, precision is the share of the class."""
    curve = evaluation.precision_recall(index)
    share = evaluation.per_class.classes[index].support / evaluation.images
    lines = (Line("chance", [0.0, 1.0], [share, share], IDEAL), _line("P-R", curve))
    return Figure(_title("precision", "AP", curve), lines, x_label="recall", cells=cells)


def selective_figure(evaluation: Evaluation, cells: Cells) -> Figure:
    """Accuracy over the part of the images that is answered, the surest first."""
    coverage, accuracy = evaluation.selective.curve
    line = Line("the surest first", coverage.tolist(), accuracy.tolist(), MEASURED)
    return Figure("accuracy", (line,), x_label="coverage", cells=cells)


def _reliability(label: str, found: Calibration, colour: int) -> Line:
    bins = [each for each in found.bins if each.count]
    return Line(label, [each.confidence for each in bins], [each.accuracy for each in bins], colour)


def _line(label: str, curve: Curve) -> Line:
    return Line(label, curve.x.tolist(), curve.y.tolist(), MEASURED)


def _title(quantity: str, area: str, curve: Curve) -> str:
    return f"{quantity}: {curve.undefined}" if curve.undefined else f"{quantity}, {area} {curve.area:.4f}"
