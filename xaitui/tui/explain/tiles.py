"""The tiles of the screen of explanations: the image and what was said of it; each map, and how far to trust it."""

from __future__ import annotations

import math
import re
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from textual.content import Content

from xaitui.catalog.attributions import ATTRIBUTIONS, AttributionInfo
from xaitui.errors import DataError
from xaitui.text import printable
from xaitui.tui.explain.map_display import MapDisplay
from xaitui.tui.explain.map_grid import Tile
from xaitui.tui.explain.material import Found, Subject
from xaitui.tui.explain.selection import Selection
from xaitui.tui.palette import MUTED
from xaitui.tui.widgets.picture import Pixels

BETTER = {"deletion": min, "insertion": max}
"""Which of several values is the best, of the scores by which a map is held against its floors."""
SHORT = {"deletion": "del", "insertion": "ins", "infidelity": "inf", "sensitivity": "sens", "sparseness": "gini"}
WIDE, WIDEST = 30, 60
"""Columns of a tile from which on names of scores are written in full, and all that is said against a method."""
ANSWERS = 8
"""The most classes that are named below the image."""


def image_tile(subject: Subject, pixels: Pixels | None, split: str, target: int, problem: str = "") -> Tile:
    """The image, and below it its classes, the most probable first."""
    named = list(subject.order[:ANSWERS])
    named += [index for index in (*subject.true, target) if index not in named]
    lines = [_answer(subject, index, target) for index in named]
    return Tile(Content.styled(f"{split} {subject.index}", "bold"), pixels, lines=lines, problem=problem)


def _answer(subject: Subject, index: int, target: int) -> Content:
    """A class: whether the maps are about it, its probability, and whether it is the true one."""
    is_true = index in subject.true
    tone = "$text-success" if is_true else "$text-error" if index == subject.predicted and subject.true else MUTED
    sign = ">" if index == target else " "
    text = f"{sign}{subject.share(index):>6} {printable(subject.name(index))}"
    return Content.assemble((text, tone), (" true" if is_true else "", MUTED))


def map_tile(info: AttributionInfo, found: Found | None, pixels: Pixels | None, state: str, width: int) -> Tile:
    """A map over its image; where there is none, why.

    Args:
        info: of the method.
        found: the stored map.
        pixels: the image.
        state: what is said where no map is stored.
        width: columns that there are for words.
    """
    if found is None:
        return Tile(_heading(info, None), problem=state)
    lines = [*_warnings(info, found, width), *_scores(found, short=width < WIDE)]
    problem = f"{found.sample.problem}: nothing to paint" if found.sample.problem else ""
    try:
        attributions = None if problem else found.of.map(found.row)
    except DataError:
        attributions, problem = None, "its file is damaged"
    image = None if problem else pixels
    return Tile(_heading(info, found), image, attributions, signed=info.signed, lines=lines, problem=problem)


def _heading(info: AttributionInfo, found: Found | None) -> Content:
    warns = bool(info.warning or (found is not None and badges(found)))
    style = "bold $text-warning" if warns else "bold"
    where = ""
    if found is not None and found.of.layer:
        where = f" {printable(found.of.layer)} {found.of.settings.get('layer_size', '')}"
    return Content.assemble((info.title + ("!" if warns else ""), style), (where, MUTED))


def badges(found: Found) -> list[str]:
    """What stands against a method on this run, and against a map."""
    of_map = "" if found.sample.problem else found.sample.badge
    return [text for text in (found.of.badge, of_map) if text]


def _warnings(info: AttributionInfo, found: Found, width: int) -> Iterator[Content]:
    """What stands against the map; where there is little room, without what it says in brackets."""
    for text in filter(None, [*badges(found), info.warning.partition(":")[0]]):
        said = printable(text if width >= WIDEST else re.sub(r" \([^)]*\)", "", text))
        for line in textwrap.wrap(f"! {said}", max(width, 8)):
            yield Content.styled(line, "$text-warning")


def _scores(found: Found, *, short: bool) -> Iterator[Content]:
    scores, floors = found.sample.scores, _floors(found)
    for name in BETTER:
        if name in scores:
            yield _against_floor(name, scores[name], floors, short=short)
    if "completeness" in scores:
        steps = f" at {scores['steps']:.0f} steps" if "steps" in scores else ""
        yield Content.styled(f"sum {scores['completeness']:.1%} off{steps}", MUTED)
    others = [f"{SHORT[name]} {_number(scores[name])}" for name in ("infidelity", "sensitivity") if name in scores]
    if others:
        yield Content.styled("  ".join(others), MUTED)
    if "sparseness" in scores:
        yield Content.styled(f"{SHORT['sparseness']} {_number(scores['sparseness'])}", MUTED)
    if not floors:
        yield Content.styled("t: beside its floors", MUTED)


def _against_floor(name: str, value: float, floors: Mapping[str, Mapping[str, float]], *, short: bool) -> Content:
    """A score beside the best of the floors, in the direction that it should have."""
    text = f"{SHORT[name] if short else name} {_number(value)}"
    known = {floor: scores[name] for floor, scores in floors.items() if name in scores}
    if not known:
        return Content(text)
    best = BETTER[name](known, key=known.__getitem__)
    beats = BETTER[name](value, known[best]) == value and value != known[best]
    sign = "<" if value < known[best] else ">" if value > known[best] else "="
    tone = "$text-success" if beats else "$text-warning"
    return Content.assemble((text, tone), (f" {sign} {_number(known[best])} {best}", MUTED))


def _number(value: float) -> str:
    return f"{value:.3f}" if abs(value) < 100 else f"{value:.3g}"


def _trust(found: Found) -> Mapping[str, Any]:
    trust = found.of.settings.get("trust")
    return trust if isinstance(trust, Mapping) else {}


def _floors(found: Found) -> dict[str, dict[str, float]]:
    """The mean scores of each floor on this run."""
    floors = _trust(found).get("floors")
    if not isinstance(floors, Mapping):
        return {}
    return {str(floor): _means(scores) for floor, scores in floors.items() if isinstance(scores, Mapping)}


def _means(scores: Mapping[str, Any]) -> dict[str, float]:
    means = {name: value.get("mean") if isinstance(value, Mapping) else value for name, value in scores.items()}
    return {name: float(mean) for name, mean in means.items() if isinstance(mean, int | float) and math.isfinite(mean)}


def about_sample(subject: Subject, chosen: Selection) -> Content:
    """The first line above the maps: the image, its class and the predicted one."""
    where = f"{chosen.indices.index(subject.index) + 1} of " if subject.index in chosen.indices else ""
    true = ", ".join(f"{printable(subject.name(index))} {subject.share(index)}" for index in subject.true) or "-"
    predicted = f"{printable(subject.name(subject.predicted))} {subject.share(subject.predicted)}"
    wrong = bool(subject.true) and subject.predicted not in subject.true
    return Content.assemble(
        (f"{chosen.split} {subject.index}", "bold"),
        (f"  {where}{len(chosen.indices)} {chosen.choice}", MUTED),
        "  true ",
        (true, "$text-success"),
        "  predicted ",
        (predicted, "$text-error" if wrong else ""),
    )


def about_maps(
    subject: Subject, chosen: Selection, visible: Sequence[str], display: MapDisplay, weights: str
) -> Content:
    """The second line: the explained class, which maps are visible, and the meaning of their colours."""
    words = chosen.target if isinstance(chosen.target, str) else "chosen"
    last = f" to {chosen.first + len(visible)}" if len(visible) > 1 else ""
    hidden = len(visible) < len(chosen.methods)
    part = f", map {chosen.first + 1}{last} of {len(chosen.methods)}" if hidden else ""
    signed = any(ATTRIBUTIONS[method].signed for method in visible)
    return Content.assemble(
        "why ",
        (printable(subject.name(chosen.class_of(subject))), "bold"),
        (f" ({words}){part}  ", MUTED),
        display.legend(signed=signed),
        (f"  {weights}", MUTED),
    )
