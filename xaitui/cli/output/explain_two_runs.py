"""Two runs' explanations of the same images, as text and as a JSON object."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from xaitui.metrics.format import score_text, without_nan
from xaitui.runs.explanations.two_runs import Against, mean_of
from xaitui.text import printable

_NUMBERS = ("spearman_abs", "spearman_signed", "ssim")
_CLASS_WIDTH = 30


def against_lines(found: Against, classes: Sequence[str]) -> Iterator[str]:
    """How alike the maps of each image are, within 80 columns, and where the pictures of the differences lie."""
    layers = [layer for layer in found.settings["layers"] if layer]
    where = f" at {' and '.join(dict.fromkeys(layers))}" if layers else ""
    yield f"{found.method}{where} against {printable(found.other)}, {found.split} images"
    yield f"{'INDEX':>6}  {'CLASS':<{_CLASS_WIDTH}} {'SPEARMAN':>9} {'SIGNED':>9} {'SSIM':>9}"
    for sample in found.samples:
        name = printable(classes[sample.target])[:_CLASS_WIDTH]
        yield f"{sample.index:>6}  {name:<{_CLASS_WIDTH}}{_cells([getattr(sample, each) for each in _NUMBERS])}"
    yield f"{'mean':>6}  {'':<{_CLASS_WIDTH}}{_cells([mean_of(found.samples, each) for each in _NUMBERS])}"
    yield "1: the maps are alike, 0: they have nothing in common, -: one says nothing"
    yield f"differences: {printable(found.path / 'pictures')}"


def against_record(found: Against) -> dict[str, Any]:
    """The same for programs; what is not known is null."""
    return {
        "method": found.method,
        "split": found.split,
        "against": found.other,
        "path": str(found.path),
        "settings": dict(found.settings),
        "samples": without_nan([asdict(each) for each in found.samples]),
    }


def _cells(values: Sequence[float]) -> str:
    return "".join(f" {score_text(value, 3):>9}" for value in values)
