"""The pictures of maps, kept with them."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

import numpy as np

from xaitui.catalog.attributions import attribution_info
from xaitui.explain.picture import save_picture
from xaitui.jobs.explain.run_explainer import RunExplainer
from xaitui.runs.explanations.maps import SEVERAL_LABELS, ExplanationSet, Sample
from xaitui.text import printable

PICTURES = 100
"""The most pictures that are drawn at a time."""
WORDS = 78
"""Letters in a line below a picture."""


def draw_pictures(
    explainer: RunExplainer, found: ExplanationSet, rows: Sequence[int], *, absolute: bool = False
) -> None:
    """Draw rows of a set, of a hundred at most; what has a problem is not painted.

    Raises:
        DataError: the maps are damaged.
        OSError: the disk is full.
    """
    split, names = explainer.split(found.split), explainer.model.preprocessing.classes
    info = attribution_info(found.method)
    for row in rows[:PICTURES]:
        sample = found.samples[row]
        if sample.problem:
            continue
        (image,) = split.read(np.array([sample.index]))
        lines = _caption(found, sample, names, info.title, info.warning)
        save_picture(found.picture(row), image, found.map(row), lines, signed=info.signed, absolute=absolute)


def _caption(found: ExplanationSet, sample: Sample, names: Sequence[str], title: str, warning: str) -> list[str]:
    """The words below a picture."""
    layer = f" of {found.layer} ({found.settings.get('layer_size')})" if found.layer else ""
    label = f"is {names[sample.label]}, " if sample.label != SEVERAL_LABELS else ""
    scores = ", ".join(f"{name} {value:.3g}" for name, value in sample.scores.items())
    words = [
        f"{title}{layer}: {found.split} {sample.index}, explained for {names[sample.target]} ({sample.p_target:.1%})",
        f"{label}taken for {names[sample.predicted]} ({sample.p_predicted:.1%})",
        *textwrap.wrap(scores, WORDS),
        *(line for text in (sample.badge, found.badge, warning) for line in textwrap.wrap(text, WORDS)),
    ]
    return [printable(line) for line in words]
