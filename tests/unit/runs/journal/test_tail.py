from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.builders.events import epoch_finished, epoch_started, finished, resumed, saved, started, step
from xaitui.event_codec import CodecError, encode
from xaitui.events import (
    EpochStarted,
    Event,
    LifeCycle,
    Note,
    RunResumed,
    RunStarted,
    RunStopped,
)
from xaitui.runs.journal import tail as ends
from xaitui.runs.journal.journal import read_entries
from xaitui.runs.journal.tail import read_ends

STOPPED = RunStopped(epoch=1, step=1, reason="SIGTERM", exit_code=143, saved=True, seconds=2.0)


@st.composite
def journals(draw: st.DrawFn) -> bytes:
    """A run of ten-step epochs that was interrupted here and there, and went back to a checkpoint each time."""
    text, at = encode(started(epochs=9)), 0
    checkpoint = (0, len(text))
    for kind in draw(
        st.lists(st.sampled_from(["step", "step", "step", "save", "resume", "note"]), min_size=20, max_size=60)
    ):
        if kind == "step" and at < 90:
            at += 1
            text += encode(epoch_started(at // 10 + 1, 9)) if at % 10 == 1 else b""
            text += encode(step(at))
            text += encode(epoch_finished(at // 10, accuracy=at / 100)) if at % 10 == 0 else b""
        elif kind == "save":
            text += encode(saved(max(at, 1)))
            checkpoint = (at, len(text))
        elif kind == "resume":
            text += encode(STOPPED) if draw(st.booleans()) else b""
            text += encode(resumed(*checkpoint))
            at = checkpoint[0]
        elif kind == "note":
            text += encode(Note(message="words " * draw(st.integers(0, 30))))
    return text + draw(st.sampled_from([b"", b"torn", encode(finished())]))


def standing(events: list[Event]) -> dict[str, Event | None]:
    """What decides how a run stands: the last of each kind, of life-cycle events the last of all."""
    last: dict[str, Event | None] = dict.fromkeys(("StepLogged", "EpochFinished", "RunStarted", "life"))
    for event in events:
        if type(event).__name__ in last:
            last[type(event).__name__] = event
        if isinstance(event, LifeCycle):
            last["life"] = event
    return last


def epochs_of(events: list[Event]) -> int:
    return [event.epochs for event in events if isinstance(event, RunStarted | RunResumed | EpochStarted)][-1]


@given(text=journals(), tail=st.integers(100, 3000))
def test_the_ends_say_what_the_whole_journal_says(
    text: bytes, tail: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("run") / "events.jsonl"
    path.write_bytes(text)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ends, "TAIL_BYTES", (tail, 2 * tail, 1_000_000))
        found = read_ends(path)
    whole = [entry.event for entry in read_entries(path)]
    expected, got = standing(whole), standing(found)
    is_ended = {name for name in ("life",) if isinstance(expected[name], RunStopped) or expected[name] == finished()}
    names = expected.keys() if is_ended else expected.keys() - {"life"}
    assert {name: repr(got[name]) for name in names} == {name: repr(expected[name]) for name in names}
    assert epochs_of(found) == epochs_of(whole)
    if not is_ended:
        assert not isinstance(got["life"], RunStopped)


def test_the_middle_of_a_long_journal_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    events = [started(epochs=2), epoch_started(1), step(10), epoch_finished(1), epoch_started(2), step(11)]
    middle = b"x" * 2_000_000 + b"\n" + encode(finished())
    path.write_bytes(encode(events[0]) + middle + b"".join(map(encode, events[1:])))
    assert repr(read_ends(path)) == repr([events[0], *events[3:]])


def test_lines_that_are_no_events_are_passed_over_as_long_as_there_are_others(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    path.write_bytes(encode(started()) + b'{"event":"New","time":1.0}\n\nnonsense\n')
    assert read_ends(path) == [started()]
    path.write_bytes(b"nonsense\n")
    with pytest.raises(CodecError, match="no line that this version can read"):
        read_ends(path)
    path.write_bytes(b'{"event":"RunSta')
    assert read_ends(path) == []
    path.write_bytes(b"")
    assert read_ends(path) == []


def test_only_a_newline_ends_a_line_as_for_the_other_readers(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    path.write_bytes(encode(started()) + encode(step(1)) + b"damaged\r" + encode(finished()))
    assert read_ends(path) == [entry.event for entry in read_entries(path)]
