from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path

import pytest

from tests.builders.events import epoch_finished, epoch_started, finished, resumed, started, step
from tests.builders.runs import made_run, own, write
from xaitui.event_codec import encode
from xaitui.events import Event, Note, RequestAnswered, RunPaused
from xaitui.runs.directory import RunDirectory
from xaitui.runs.follower import AT_ONCE, RunFollower
from xaitui.runs.journal.series import read_series
from xaitui.runs.state import State


def epoch_of(number: int, epochs: int) -> list[Event]:
    first = 10 * (number - 1)
    return [epoch_started(number, epochs), *map(step, range(first + 1, first + 11)), epoch_finished(number)]


def long_journal(run: RunDirectory, epochs: int = 900, *, after: Iterable[Event] = ()) -> bytes:
    """More than is read at once."""
    events = [started(epochs=epochs), *(event for number in range(1, epochs + 1) for event in epoch_of(number, epochs))]
    text = b"".join(map(encode, [*events, *after]))
    run.journal.write_bytes(text)
    assert len(text) > AT_ONCE
    return text


@pytest.fixture
def run(runs_dir: Path) -> RunDirectory:
    return made_run(runs_dir, "run")


@pytest.fixture
def follower(run: RunDirectory) -> RunFollower:
    """One whose clock moves on its own, so that each poll reads little."""
    return RunFollower(run, TickingClock(0.03))


class TickingClock:
    def __init__(self, seconds: float) -> None:
        self.now, self.seconds = 0.0, seconds

    def __call__(self) -> float:
        self.now += self.seconds
        return self.now


def load(follower: RunFollower) -> None:
    while follower.is_loading:
        assert follower.poll()


def assert_as_read_whole(follower: RunFollower) -> None:
    whole = read_series(follower.run)
    for name in ("loss", "val_accuracy"):
        for x in ("step", "time"):
            assert follower.curve(name, x).x.tolist() == whole.curve(name, x).x.tolist()
            assert follower.curve(name, x).y.tolist() == whole.curve(name, x).y.tolist()
    assert list(map(repr, follower.finished_epochs)) == list(map(repr, whole.finished_epochs))


def test_what_is_written_is_taken_up_poll_by_poll(run: RunDirectory, follower: RunFollower) -> None:
    own(run)
    write(run, started(), epoch_started(1), step(1))
    assert follower.poll()
    assert not follower.poll()
    assert (follower.state, follower.epochs, follower.is_loading) == (State.RUNNING, 2, False)
    assert follower.last_step is not None
    assert follower.last_step.step == 1
    write(run, RequestAnswered(request="pause"), RunPaused(epoch=1, step=1))
    assert follower.poll()
    assert str(follower.state) == "paused"
    assert follower.answered is not None
    assert follower.answered.request == "pause"
    write(run, *epoch_of(1, 2), finished())
    assert follower.poll()
    assert follower.state.value == "finished"
    assert follower.last_epoch is not None
    assert follower.last_epoch.epoch == 1
    assert any(line.startswith("end ") for line in follower.log)
    assert follower.logged == len(follower.log)
    assert_as_read_whole(follower)


def test_a_change_of_the_process_alone_is_a_change(run: RunDirectory, follower: RunFollower) -> None:
    write(run, started())
    own(run)
    assert follower.poll()
    run.lock.unlink()
    assert follower.poll()
    assert (follower.state, follower.why) == (State.INTERRUPTED, "no process writes it")


def test_the_tail_of_a_long_journal_is_seen_at_once(run: RunDirectory, follower: RunFollower) -> None:
    long_journal(run, 1500)
    follower.poll()
    assert follower.is_loading
    while follower.last_epoch is None or follower.last_epoch.epoch < 1500:
        assert follower.is_loading
        follower.poll(0.0)
    assert follower.started is not None
    assert follower.last_epoch is not None
    assert follower.epochs == 1500
    seen = follower.curve("loss", "step")
    assert (seen.x[0], seen.x[-1]) == (1, 15000)
    assert len(seen) < 15000
    assert follower.position_of_epoch(1500, "step") == 15000
    assert follower.position_of_epoch(1000, "step") is None, "that is not known yet"
    load(follower)
    assert_as_read_whole(follower)
    assert follower.position_of_epoch(1000, "step") == 10000


def test_what_comes_while_the_middle_is_read_is_seen_too(run: RunDirectory, follower: RunFollower) -> None:
    long_journal(run)
    follower.poll()
    number = 900
    while follower.is_loading:
        number += 1
        write(run, *epoch_of(number, 2000))
        assert follower.poll()
    follower.poll(10.0)
    assert follower.last_epoch is not None
    assert follower.last_epoch.epoch == number
    assert_as_read_whole(follower)


@pytest.mark.parametrize("shift", [0, 1, 150])
def test_no_line_is_lost_where_the_tail_begins(run: RunDirectory, follower: RunFollower, shift: int) -> None:
    """Once the tail begins just where a line does."""
    text = long_journal(run)
    begin = text.index(b"\n", len(text) - AT_ONCE // 2) + 1
    missing = AT_ONCE // 2 - (len(text) - begin)
    note = encode(Note(message="x" * (missing + shift - len(encode(Note(message=""))))))
    run.journal.write_bytes(text + note)
    follower.poll()
    load(follower)
    assert_as_read_whole(follower)


def test_a_run_that_went_back_further_than_the_tail_reaches(run: RunDirectory, follower: RunFollower) -> None:
    long_journal(run, after=[resumed(15, 0), *map(step, range(16, 21)), epoch_finished(2)])
    follower.poll()
    load(follower)
    follower.poll(10.0)
    assert_as_read_whole(follower)
    assert follower.curve("loss", "step").x.tolist() == list(range(1, 21))
    assert [event.epoch for event in follower.finished_epochs] == [2], "of so many, the first ones are not kept"


def test_an_epoch_that_was_gone_back_behind_is_not_the_last_one(run: RunDirectory, follower: RunFollower) -> None:
    write(run, started(), *epoch_of(1, 2), *epoch_of(2, 2), resumed(10, 0))
    follower.poll()
    assert follower.last_step is None
    assert follower.last_epoch is not None
    assert follower.last_epoch.epoch == 1


def test_lines_that_cannot_be_read_are_counted_once(run: RunDirectory, follower: RunFollower) -> None:
    text = long_journal(run)
    lines = text.splitlines(keepends=True)
    for place in (1, 50, len(lines) // 2, -50, -2):
        lines[place] = lines[place][:20] + b"\n"
    run.journal.write_bytes(b"".join(lines))
    follower.poll()
    load(follower)
    follower.poll(10.0)
    assert follower.damage == 5
    assert_as_read_whole(follower)


def test_a_stretch_of_damage_does_not_end_the_reading(run: RunDirectory, follower: RunFollower) -> None:
    text = long_journal(run)
    middle = text.index(b"\n", AT_ONCE // 4) + 1
    run.journal.write_bytes(text[:middle] + b"x\n" * 100_000 + b"y" * 200_000 + b"\n" + text[middle:])
    follower.poll()
    load(follower)
    follower.poll(10.0)
    assert follower.damage == 100_001
    assert_as_read_whole(follower)


def test_a_line_longer_than_a_block_is_read(run: RunDirectory, follower: RunFollower) -> None:
    write(run, started(), Note(message="words " * 20_000), step(1))
    follower.poll(10.0)
    assert follower.last_step is not None


def test_a_line_that_is_being_written_waits(run: RunDirectory, follower: RunFollower) -> None:
    line = encode(step(1))
    run.journal.write_bytes(encode(started()) + line[:30])
    follower.poll()
    assert follower.last_step is None
    with run.journal.open("ab") as file:
        file.write(line[30:])
    assert follower.poll()
    assert follower.last_step is not None
    assert follower.damage == 0


def test_the_journal_may_appear_later(run: RunDirectory, follower: RunFollower) -> None:
    run.journal.unlink()
    assert follower.poll()
    assert follower.problem == "there is no journal yet"
    assert not follower.poll()
    write(run, started())
    assert follower.poll()
    assert (follower.problem, follower.started is not None) == ("", True)


def test_a_folder_that_is_gone_is_said(run: RunDirectory, follower: RunFollower) -> None:
    write(run, started(), step(1))
    follower.poll()
    shutil.rmtree(run.path)
    assert follower.poll()
    assert follower.is_gone
    assert len(follower.curve("loss", "step")) == 1


def test_a_journal_that_cannot_be_read_is_said(run: RunDirectory, follower: RunFollower) -> None:
    run.journal.unlink()
    run.journal.mkdir()
    follower.poll()
    assert follower.problem == "the journal cannot be read: Is a directory"


def test_a_journal_in_the_place_of_another_is_read_anew(run: RunDirectory, follower: RunFollower) -> None:
    """As a resume does where the journal was damaged."""
    write(run, started(), *epoch_of(1, 2), step(11))
    follower.poll()
    mended = run.path / "mended"
    mended.write_bytes(b"".join(map(encode, [started(), step(1), step(2), resumed(2, 0)])))
    mended.replace(run.journal)
    write(run, step(3))
    assert follower.poll()
    assert follower.curve("loss", "step").x.tolist() == [1, 2, 3]
    assert follower.last_epoch is None
    run.journal.write_bytes(encode(started()))
    follower.poll()
    assert len(follower.curve("loss", "step")) == 0


def test_a_writer_elsewhere_that_is_silent_is_said(run: RunDirectory) -> None:
    write(run, started())
    run.heartbeat.write_text("1")
    own(run, host="far", boot="another", pid=7)
    clock = TickingClock(0.0)
    follower = RunFollower(run, clock)
    follower.poll()
    assert (follower.state, follower.why) == (State.REMOTE, "process 7 on far")
    clock.now = 90.0
    assert follower.poll()
    assert follower.why == "process 7 on far, silent for 90 s"
