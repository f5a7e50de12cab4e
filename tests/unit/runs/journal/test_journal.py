from __future__ import annotations

import os
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.builders.events import epoch_finished, epoch_started, events_of, finished, resumed, saved, started, step
from xaitui.event_codec import encode
from xaitui.events import (
    EVENTS,
    Event,
    Note,
    RunResumed,
    StepLogged,
)
from xaitui.runs.journal.journal import Entry, JournalReader, JournalWriter, fold, read_journal


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "events.jsonl"


def write(path: Path, *events: Event) -> list[Event]:
    writer = JournalWriter(path, clock=lambda: 1.0)
    try:
        return [writer.append(event) for event in events]
    finally:
        writer.close()


def events(entries: list[Entry]) -> list[Event]:
    return [entry.event for entry in entries]


def steps(entries: list[Entry]) -> list[int]:
    return [entry.event.step for entry in entries if isinstance(entry.event, StepLogged)]


def test_what_was_appended_is_read_with_the_time_of_writing(path: Path) -> None:
    written = write(path, started(), step(1), finished())
    assert [event.time for event in written] == [1.0, 1.0, 1.0]
    assert events(JournalReader(path).poll()) == written


def test_the_offset_of_an_entry_is_where_its_line_begins(path: Path) -> None:
    write(path, started(), step(1), step(2))
    data = path.read_bytes()
    for entry in JournalReader(path).poll():
        assert data[entry.offset :].startswith(encode(entry.event))


def test_a_torn_last_line_is_ended_before_more_is_written(path: Path) -> None:
    write(path, started(), step(1))
    whole = path.read_bytes()
    ends = [at for at, byte in enumerate(whole) if byte == ord("\n")]
    for length in range(len(whole) + 1):
        path.write_bytes(whole[:length])
        write(path, step(2))
        reader = JournalReader(path)
        read = events(reader.poll())
        whole_lines = sum(length >= end for end in ends)
        assert len(read) == whole_lines + 1
        assert read[-1] == StepLogged(**{**vars(step(2)), "time": 1.0})
        assert len(reader.damage) == (length not in (0, *ends, *(end + 1 for end in ends)))


def test_a_reader_gets_each_event_once_whenever_it_looks(path: Path) -> None:
    write(path, started(), *[step(number) for number in range(1, 4)], finished())
    whole = path.read_bytes()
    expected = events(JournalReader(path).poll())
    path.write_bytes(b"")
    reader = JournalReader(path)
    seen: list[Event] = []
    with path.open("ab", buffering=0) as file:
        for at in range(len(whole)):
            seen += events(reader.poll())
            assert len(seen) == whole[:at].count(b"\n")
            file.write(whole[at : at + 1])
    assert seen + events(reader.poll()) == expected
    assert reader.poll() == []
    assert reader.damage == []
    assert reader.offset == len(whole)


@given(st.lists(st.sampled_from(list(EVENTS.values())).flatmap(events_of), max_size=6), st.integers(1, 200))
def test_blocks_of_any_size_give_the_same_events(made: list[Event], most: int) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "events.jsonl"
        write(path, *made)
        expected = JournalReader(path).poll()
        longest = max((len(encode(entry.event)) for entry in expected), default=0)
        reader = JournalReader(path)
        seen: list[Entry] = []
        while reader.offset < path.stat().st_size:
            seen += reader.poll(max(most, longest))
    assert [(entry.offset, repr(entry.event)) for entry in seen] == [
        (entry.offset, repr(entry.event)) for entry in expected
    ]


def test_lines_that_are_no_events_are_kept_apart(path: Path) -> None:
    write(path, started())
    begin = path.stat().st_size
    with path.open("ab") as file:
        file.write(b'{"event": "OfALaterVersion"}\n\n\x00\xff\r\n')
    write(path, step(1))
    reader = JournalReader(path)
    assert steps(reader.poll()) == [1]
    assert [(damage.offset, damage.reason.split(":")[0]) for damage in reader.damage] == [
        (begin, "an event this version does not know"),
        (begin + 30, "no JSON"),
    ]


def test_reading_can_begin_in_the_middle_of_a_line(path: Path) -> None:
    write(path, *[step(number) for number in range(1, 4)])
    whole = path.read_bytes()
    begins = [entry.offset for entry in JournalReader(path).poll()]
    for offset in range(len(whole) + 1):
        reader = JournalReader(path, offset, skip_torn=True)
        entries = reader.poll()
        assert [entry.offset for entry in entries] == [begin for begin in begins if begin > offset]
        assert reader.damage == []
        assert reader.offset == len(whole) or not entries


def test_a_line_that_is_skipped_may_end_later(path: Path) -> None:
    line = encode(step(1))
    path.write_bytes(line[:-1])
    reader = JournalReader(path, 3, skip_torn=True)
    assert reader.poll() == []
    with path.open("ab") as file:
        file.write(b"\n" + encode(step(2)))
    assert steps(reader.poll()) == [2]
    assert reader.damage == []


def test_the_offset_of_the_writer_is_the_length_of_the_file(path: Path) -> None:
    writer = JournalWriter(path)
    assert writer.offset == 0
    writer.append(step(1))
    assert writer.offset == path.stat().st_size
    writer.sync()
    writer.close()


def test_what_a_full_disk_took_of_a_line_is_taken_back(path: Path) -> None:
    """A process that may make no larger file stands for the disk."""
    write(path, started())
    before = path.read_bytes()
    child = os.fork()
    if child == 0:
        import resource
        import signal

        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) + 20,) * 2)
        try:
            write(path, step(1))
        except OSError:
            os._exit(17)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 17
    assert path.read_bytes() == before


def test_no_journal_is_no_events(path: Path) -> None:
    assert read_journal(path) == []
    with pytest.raises(FileNotFoundError):
        JournalReader(path).poll()


def test_going_back_twice_leaves_each_step_once(path: Path) -> None:
    write(path, started(), epoch_started(1), step(1), step(2))
    offset = path.stat().st_size
    write(path, saved(2), Note(message="first"), step(3), step(4), resumed(2, offset), step(3))
    write(path, step(4), step(5), resumed(2, offset), step(3), step(4))
    folded = fold(JournalReader(path).poll())
    assert steps(folded) == [1, 2, 3, 4]
    assert [type(event).__name__ for event in events(folded)] == [
        "RunStarted",
        "EpochStarted",
        "StepLogged",
        "StepLogged",
        "Note",
        "RunResumed",
        "RunResumed",
        "StepLogged",
        "StepLogged",
    ]
    assert read_journal(path) == events(folded)


def test_going_back_to_the_beginning_voids_all_work(path: Path) -> None:
    write(path, started(), epoch_started(1), step(1), epoch_finished(1), resumed(0, 0), epoch_started(1), step(1))
    assert [type(event).__name__ for event in read_journal(path)] == [
        "RunStarted",
        "RunResumed",
        "EpochStarted",
        "StepLogged",
    ]


class Run:
    """A run that is killed and taken up again, as far as its journal is concerned."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._writer = JournalWriter(path)
        self._checkpoint = (0, 0)
        self.step = 0

    def work(self, count: int) -> None:
        for _ in range(count):
            self.step += 1
            self._writer.append(step(self.step))

    def save(self) -> None:
        self._checkpoint = (self.step, self._writer.offset)
        self._writer.append(saved(self.step))

    def killed(self, lost: int) -> None:
        """Some of the last bytes never reached the disk; what a checkpoint stands on did."""
        self._writer.close()
        size = self._path.stat().st_size
        os.truncate(self._path, max(self._checkpoint[1], size - lost))
        self._writer = JournalWriter(self._path)
        self.step = self._checkpoint[0]
        self._writer.append(resumed(*self._checkpoint))


ACTIONS = st.lists(
    st.tuples(st.just("work"), st.integers(1, 5))
    | st.just(("save",))
    | st.tuples(st.just("killed"), st.integers(0, 300)),
    max_size=12,
)


@given(ACTIONS)
def test_however_often_a_run_is_killed_each_step_is_there_once(actions: list[tuple[str, ...]]) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "events.jsonl"
        run = Run(path)
        for name, *arguments in actions:
            getattr(run, name)(*arguments)
        reader = JournalReader(path)
        folded = fold(reader.poll())
        assert steps(folded) == list(range(1, run.step + 1))
        assert len(reader.damage) <= sum(name == "killed" for name, *_ in actions)
        resumes = sum(isinstance(entry.event, RunResumed) for entry in folded)
        assert resumes >= (bool(actions) and actions[-1][0] == "killed")


def test_folding_what_was_folded_changes_nothing(path: Path) -> None:
    write(path, started(), step(1), step(2), resumed(1, 10_000), step(2))
    once = fold(JournalReader(path).poll())
    assert fold(once) == once
