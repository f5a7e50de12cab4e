"""Export of samples: one CSV line each, and a contact sheet of their images as PNG."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from xaitui.evaluation.evaluation import Evaluation
from xaitui.evaluation.mistakes import Sample
from xaitui.text import printable

SIDE = 112
"""Pixels of an image in the sheet; smaller ones are enlarged without smoothing."""
_COLUMNS, _MARGIN, _LINE = 6, 8, 13
_CAPTION_LETTERS = 18


def samples_csv(evaluation: Evaluation, samples: Sequence[Sample]) -> str:
    """One line per sample: its index, classes by number and name, loss, and all probabilities."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    classes = [printable(name) for name in evaluation.classes]
    header = [
        "index",
        "row",
        "true",
        "predicted",
        "true_name",
        "predicted_name",
        "p_true",
        "p_predicted",
        "margin",
        "loss",
        *(f"p_{index}" for index in range(len(classes))),
    ]
    writer.writerow(header)
    for each in samples:
        row = "" if each.row is None else each.row
        probabilities = map(_short, evaluation.predictions.probabilities[each.index].tolist())
        writer.writerow(
            [
                each.index,
                row,
                each.label,
                each.predicted,
                classes[each.label],
                classes[each.predicted],
                *map(_short, (each.p_label, each.p_predicted, each.margin, each.loss)),
                *probabilities,
            ]
        )
    return text.getvalue()


def labels_csv(evaluation: Evaluation) -> str:
    """One line per multi-label image: each label as 0 or 1, and each probability."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    count = range(len(evaluation.classes))
    writer.writerow(["index", *(f"true_{index}" for index in count), *(f"p_{index}" for index in count)])
    found = evaluation.predictions
    for index, (labels, row) in enumerate(zip(found.labels.tolist(), found.probabilities.tolist(), strict=True)):
        writer.writerow([index, *labels, *map(_short, row)])
    return text.getvalue()


def _short(value: float) -> str:
    return f"{value:.9g}"


def contact_sheet(images: NDArray[np.uint8], samples: Sequence[Sample], classes: Sequence[str]) -> bytes:
    """The images (N, H, W, C) of some samples in rows of six, as PNG; below each its index, classes and loss."""
    from PIL import Image, ImageDraw

    columns = min(_COLUMNS, max(len(samples), 1))
    rows = -(-len(samples) // columns)
    width, height = SIDE + _MARGIN, SIDE + _MARGIN + 4 * _LINE
    sheet = Image.new("RGB", (columns * width + _MARGIN, rows * height + _MARGIN), "white")
    draw = ImageDraw.Draw(sheet)
    for place, (pixels, sample) in enumerate(zip(images, samples, strict=True)):
        left, top = place % columns * width + _MARGIN, place // columns * height + _MARGIN
        image = Image.fromarray(pixels.squeeze(axis=2) if pixels.shape[2] == 1 else pixels).convert("RGB")
        sheet.paste(image.resize((SIDE, SIDE), _filter(image.width)), (left, top))
        for number, line in enumerate(caption(sample, classes)):
            draw.text((left, top + SIDE + 2 + number * _LINE), line, fill="black")
    file = io.BytesIO()
    sheet.save(file, "PNG")
    return file.getvalue()


def _filter(side: int) -> int:
    from PIL.Image import Resampling

    return Resampling.NEAREST if side <= SIDE else Resampling.LANCZOS


def caption(sample: Sample, classes: Sequence[str]) -> tuple[str, ...]:
    """Caption of an image: short lines in ASCII."""
    true, told = (_shortened(printable(classes[index])) for index in (sample.label, sample.predicted))
    return (
        f"#{sample.index}  loss {sample.loss:.2f}",
        f"{100 * sample.p_label:.0f} %  {true}",
        f"{100 * sample.p_predicted:.0f} %  {told}",
    )


def _shortened(name: str) -> str:
    plain = name.encode("ascii", "replace").decode()
    most = _CAPTION_LETTERS - 6
    return plain if len(plain) <= most else plain[: most - 2] + ".."
