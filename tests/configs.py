"""Configurations for hypothesis: any that the fields allow, made from the fields' own records."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from xaitui.catalog.optimizers import OPTIMIZERS
from xaitui.catalog.schedules import SCHEDULES
from xaitui.config.fields import FieldRecord
from xaitui.config.resolve import build_config
from xaitui.config.schema import FIELDS, RunConfig

WORDS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
"""Anything that can stand in a file and in an argument."""

LINE = st.text(st.characters(exclude_categories=["C", "Zl", "Zp", "Zs"])) | st.sampled_from(
    ["a b", "-x", "--lr", "a=b", "'", '"', "$HOME", "#", "é", "0", "true"]
)
"""Text without control characters, and what a shell or a parser might stumble over."""

_SPECIAL: dict[str, st.SearchStrategy[Any]] = {
    "schedule.milestones": st.lists(st.floats(0, 1, exclude_min=True, exclude_max=True), max_size=4).map(tuple),
    "run.tags": st.lists(LINE.map(lambda text: text.replace(",", "")).filter(bool), max_size=3).map(tuple),
    "run.on_end": st.lists(WORDS, max_size=3).map(tuple),
    "run.device": st.sampled_from(["auto", "cpu", "cuda", "cuda:0", "cuda:13", "mps"]),
    "run.name": st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9_.\-]{0,60}", fullmatch=True) | st.just(""),
    "run.note": LINE,
    "run.watch_samples": st.sampled_from(["auto", "0", "8", "64"]),
}


def values_of(record: FieldRecord) -> st.SearchStrategy[Any]:
    """The values that a setting takes."""
    if record.path in _SPECIAL:
        return _SPECIAL[record.path]
    if record.choices:
        return st.sampled_from(record.choices)
    match record.kind:
        case "bool":
            return st.booleans()
        case "int":
            high = 2**70 if record.high is None else int(record.high)
            return st.integers(int(record.low or 0), high)
        case "float":
            return st.floats(record.low, record.high or 1e12, exclude_min=record.exclusive)
    return WORDS


@st.composite
def settings(draw: st.DrawFn) -> dict[str, Any]:
    """Some settings by dotted path, of which all apply to the kinds that are chosen."""
    kinds = {
        "optimizer": OPTIMIZERS[draw(values_of(FIELDS["optimizer.name"]))],
        "schedule": SCHEDULES[draw(values_of(FIELDS["schedule.name"]))],
    }
    paths = []
    for path in FIELDS:
        group, name = path.split(".")
        if group not in kinds or name in kinds[group].settings:
            paths.append(path)
    chosen = draw(st.lists(st.sampled_from(paths), unique=True, max_size=12))
    names = {f"{group}.name": info.name for group, info in kinds.items()}
    return names | {path: draw(values_of(FIELDS[path])) for path in chosen}


def configs() -> st.SearchStrategy[RunConfig]:
    """Any configuration."""
    return settings().map(build_config)
