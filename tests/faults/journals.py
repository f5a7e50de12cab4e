"""Damaged journals: what is sound is read, what is not is said, and no reader breaks."""

from __future__ import annotations

import json
import math
import random
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tests.builders.events import epoch_finished, epoch_started, finished, resumed, saved, started, step
from tests.builders.runs import finished_run
from xaitui.config.resolve import build_config
from xaitui.config.toml import to_toml
from xaitui.event_codec import CodecError, decode, encode
from xaitui.events import EpochFinished, Event, Note, StepLogged
from xaitui.runs.directory import RunDirectory
from xaitui.runs.follower import RunFollower
from xaitui.runs.journal.describe import describe
from xaitui.runs.journal.journal import LONGEST_LINE, JournalReader, fold, read_journal
from xaitui.runs.journal.metrics_csv import write_metrics
from xaitui.runs.journal.series import XAxis, read_series
from xaitui.runs.listing.comparison import compare
from xaitui.runs.listing.health import health
from xaitui.runs.listing.run_list import RunList
from xaitui.runs.state import State, summarise

CASES = 100
"""Of a round."""
AXES: tuple[XAxis, ...] = ("step", "epoch", "time")

Lines = list[bytes]
Damage = Callable[[random.Random, Lines], None]


def sound_lines(draw: random.Random) -> Lines:
    """The journal of a small run, which may have been taken up again."""
    events = [started(), Note(message="n [red]\x1b[31m"), epoch_started(1), *map(step, range(1, 11))]
    events += [epoch_finished(1, accuracy=0.5), saved(10), epoch_started(2), *map(step, range(11, 15))]
    lines = [encode(event) for event in events]
    if draw.random() < 0.5:
        offset = sum(len(line) for line in lines[: events.index(saved(10))])
        more = [resumed(10, offset), *map(step, range(11, 21)), epoch_finished(2, accuracy=0.75), finished()]
        lines += [encode(event) for event in more]
    return lines


# -- what can be wrong with it


def tear(draw: random.Random, lines: Lines) -> None:
    """A line lacks its end, and the next one stands behind it."""
    at = draw.randrange(len(lines))
    lines[at] = lines[at][: draw.randrange(len(lines[at]))]


def lose(draw: random.Random, lines: Lines) -> None:
    """A stretch of lines is gone."""
    begin = draw.randrange(len(lines))
    del lines[begin : begin + draw.randint(1, 8)]


def repeat(draw: random.Random, lines: Lines) -> None:
    """A stretch of lines is there again, somewhere."""
    begin, at = draw.randrange(len(lines)), draw.randrange(len(lines))
    lines[at:at] = lines[begin : begin + draw.randint(1, 8)]


def shuffle(draw: random.Random, lines: Lines) -> None:
    """The lines are in any order."""
    draw.shuffle(lines)


def change_bytes(draw: random.Random, lines: Lines) -> None:
    """Some bytes are others."""
    at = draw.randrange(len(lines))
    line = bytearray(lines[at])
    for _ in range(draw.randint(1, 6)):
        if line:
            line[draw.randrange(len(line))] = draw.randrange(256)
    lines[at] = bytes(line)


def change_value(draw: random.Random, lines: Lines) -> None:
    """A value is what no run would write."""
    at = draw.randrange(len(lines))
    try:
        record = json.loads(lines[at])
    except ValueError:
        return
    if isinstance(record, dict) and record:
        record[draw.choice(list(record))] = draw.choice(VALUES)
        lines[at] = json.dumps(record).encode() + b"\n"


def put_in(draw: random.Random, lines: Lines) -> None:
    """A line of something else."""
    lines.insert(draw.randrange(len(lines) + 1), draw.choice(STRANGE)(draw))


VALUES: tuple[Any, ...] = (
    *(None, True, 0, -1, 10**400, -(2**63), 2**63, 1e308, -1e308, 1e-320, math.nan, math.inf, "", "\ud800", "\x00"),
    *([], {}, {"a": 10**400}, {"a": {"a": {}}}, "9" * 5000),
)
STRANGE: tuple[Callable[[random.Random], bytes], ...] = (
    lambda draw: b"\n",
    lambda draw: b"null\n",
    lambda draw: draw.randbytes(draw.randrange(200)) + b"\n",
    lambda draw: b"\0" * draw.randrange(1, 5000) + b"\n",
    lambda draw: b'{"event":"OfAVersionToCome","time":1.0,"what":"\xc3\xa9"}\n',
    lambda draw: b"[" * 100_000 + b"\n",
    lambda draw: b'{"event":"Note","time":1.0,"message":"' + b"x" * draw.choice((10, LONGEST_LINE)) + b'"}\n',
    lambda draw: b'{"event":"StepLogged","time":1e999,"step":' + b"9" * 5000 + b"}\n",
    lambda draw: b"\xff\xfe{\r\r\x0b\x0c\x1c\xe2\x80\xa8\n",
    lambda draw: b"x" * (LONGEST_LINE + 10),
)
DAMAGES: tuple[Damage, ...] = (tear, lose, repeat, shuffle, change_bytes, change_value, put_in)


# -- what is promised


def assert_read(folder: Path, content: bytes) -> None:
    """Every reader takes a journal of this content, and they agree on what is sound."""
    run = RunDirectory(folder / "20260301-101010-digits-aaaa")
    run.path.mkdir(parents=True, exist_ok=True)
    run.config.write_text(to_toml(build_config({})))
    run.journal.write_bytes(content)
    expected, torn = _sound(content)

    reader = JournalReader(run.journal)
    entries = reader.poll()
    assert [encode(entry.event) for entry in entries] == [encode(event) for event in expected], "not what is sound"
    assert reader.offset == len(content) - (len(torn) if len(torn) <= LONGEST_LINE else 0), "not read to its end"
    folded = [entry.event for entry in fold(entries)]
    for event in folded:
        assert all(isinstance(line, str) for line in describe(event, 2))
    write_metrics(run.metrics, read_journal(run.journal))

    assert summarise(run).state in State
    first, again = (RunList(folder, cache=folder / "cache").read() for _ in range(2))
    assert [(row.run, row.state) for row in first] == [(row.run, row.state) for row in again]
    assert run in [row.run for row in first]
    other = RunDirectory(folder / "20260301-101010-digits-bbbb")
    compare([run, other if other.path.exists() else finished_run(folder, other.id)])

    follower = RunFollower(run)
    while follower.poll():
        pass
    assert follower.problem == ""
    assert follower.damage == len(reader.damage), "not all damage is said"
    series = read_series(run)
    for name in (*series.names, "loss", "val_accuracy"):
        for axis in AXES:
            for curve in (series.curve(name, axis), follower.curve(name, axis)):
                assert np.isfinite(curve.y).all()
                assert np.isfinite(curve.x).all()
                assert (np.diff(curve.x) >= 0).all(), f"the curve of {name} over {axis} goes back"
    epochs = [event for event in folded if isinstance(event, EpochFinished)]
    steps = [event for event in folded if isinstance(event, StepLogged)]
    health(series.curve("loss"), epochs, steps[-1] if steps else None, follower.end)


def _sound(content: bytes) -> tuple[Sequence[Event], bytes]:
    """The events that one line after the other gives, and what stands behind the last whole line."""
    events = []
    *lines, torn = content.split(b"\n")
    for line in lines:
        if len(line) < LONGEST_LINE:  # its newline counts
            try:
                events.append(decode(line + b"\n"))
            except CodecError:
                continue
    return events, torn


def one_case(draw: random.Random, folder: Path) -> None:
    """Damage a journal in a few ways, and read it."""
    lines = sound_lines(draw)
    for damage in draw.choices(DAMAGES, k=draw.randint(1, 4)):
        if lines:
            damage(draw, lines)
    content = b"".join(lines)
    assert_read(folder, content[: draw.randrange(len(content) + 1)] if draw.random() < 0.2 else content)


def one_round(seed: int, folder: Path) -> None:
    """A hundred damaged journals."""
    for number in range(CASES):
        try:
            one_case(random.Random(seed * CASES + number), folder)
        except AssertionError as error:
            raise AssertionError(f"journal {number}: {error}") from error
