from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.run_commands import environment
from xaitui.errors import UsageError
from xaitui.runs.lock import Owner, Pulse, owning, read_heartbeat, read_owner

WRITER = """
import sys
from pathlib import Path
from xaitui.runs.lock import owning
folder = Path(sys.argv[1])
with owning(folder / "lock", folder / "heartbeat"):
    print("owning", flush=True)
    sys.stdin.read()
"""


@contextmanager
def another_writer(folder: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that owns the run until its stdin ends, or it is killed."""
    with subprocess.Popen(
        [sys.executable, "-c", WRITER, str(folder)],
        env=environment(),
        text=True,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "owning\n"
        try:
            yield process
        finally:
            process.kill()


@pytest.fixture
def run(tmp_path: Path) -> Path:
    folder = tmp_path / "20260301-142233-digits-simple-cnn-a1b2"
    folder.mkdir()
    return folder


def own(run: Path, *, take_over: bool = False) -> Owner:
    with owning(run / "lock", run / "heartbeat", take_over=take_over) as owner:
        return owner


def note(run: Path, owner: Owner) -> None:
    (run / "lock").write_text(json.dumps(dataclasses.asdict(owner)))


def test_the_lock_names_its_owner_until_it_is_given_up(run: Path) -> None:
    with owning(run / "lock", run / "heartbeat") as owner:
        assert owner == Owner.of_this_process() == read_owner(run / "lock")
        assert owner.is_near
        assert owner.is_alive
    assert read_owner(run / "lock") is None


def test_two_processes_cannot_write_one_run(run: Path) -> None:
    with another_writer(run) as process:
        with pytest.raises(UsageError) as caught:
            own(run, take_over=True)
        host = Owner.of_this_process().host
        assert str(caught.value) == (
            f"{run.name} is being written by process {process.pid} on {host}; stop it first: xaitui stop {run.name}"
        )
        assert read_owner(run / "lock") is not None


def test_a_killed_process_is_not_alive_and_leaves_the_run_to_others(run: Path) -> None:
    with another_writer(run) as process:
        owner = read_owner(run / "lock")
        assert owner is not None
        assert owner.pid == process.pid
        assert owner.is_near
        assert owner.is_alive
        process.kill()
        psutil.wait_procs([psutil.Process(process.pid)])
    assert read_owner(run / "lock") == owner
    assert not owner.is_alive
    assert own(run) == Owner.of_this_process()


def test_a_zombie_is_not_alive(run: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        child = psutil.Process(process.pid)
        owner = dataclasses.replace(Owner.of_this_process(), pid=child.pid, started=child.create_time())
        assert owner.is_alive
        process.kill()
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)  # looks, and leaves the zombie there
        assert child.status() == psutil.STATUS_ZOMBIE
        assert not owner.is_alive


def test_a_recycled_pid_is_not_taken_for_the_owner() -> None:
    this = Owner.of_this_process()
    assert not dataclasses.replace(this, started=this.started - 60).is_alive


@pytest.mark.parametrize("change", [{"boot": "another"}, {"namespace": "pid:[1]"}])
def test_another_boot_or_container_is_not_near(change: dict[str, str]) -> None:
    assert not dataclasses.replace(Owner.of_this_process(), **change).is_near  # type: ignore[arg-type]


def test_another_machine_is_asked_for_before_its_run_is_taken(run: Path) -> None:
    other = dataclasses.replace(Owner.of_this_process(), host="far", boot="another", pid=7)
    note(run, other)
    with pytest.raises(UsageError) as caught:
        own(run)
    assert str(caught.value) == (
        f"{run.name} was last written by process 7 on far, which cannot be asked from here; if it is gone, add "
        "--take-over"
    )
    assert read_owner(run / "lock") == other
    assert own(run, take_over=True) == Owner.of_this_process()


def test_this_machine_before_its_last_boot_needs_no_take_over(run: Path) -> None:
    note(run, dataclasses.replace(Owner.of_this_process(), boot="before", pid=7))
    assert own(run) == Owner.of_this_process()


def test_a_run_is_left_to_others_after_an_error(run: Path) -> None:
    with pytest.raises(ZeroDivisionError), owning(run / "lock", run / "heartbeat"):
        _ = 1 / 0
    assert read_owner(run / "lock") is None
    assert own(run) == Owner.of_this_process()


def test_the_heartbeat_goes_on_from_where_it_was(run: Path) -> None:
    beats = []
    for _ in range(3):
        own(run)
        beats.append(read_heartbeat(run / "heartbeat"))
    assert beats == sorted(set(beats))
    assert beats[0] >= 0


@pytest.mark.parametrize("content", [b"", b"x", b"\xff", b"1.5"])
def test_no_heartbeat(content: bytes, tmp_path: Path) -> None:
    assert read_heartbeat(tmp_path / "absent") == -1
    (tmp_path / "heartbeat").write_bytes(content)
    assert read_heartbeat(tmp_path / "heartbeat") == -1


VALUES = st.none() | st.booleans() | st.integers(-(2**40), 2**40) | st.floats() | st.text(max_size=5)


@given(st.fixed_dictionaries(dict.fromkeys(("host", "boot", "namespace", "pid", "started"), VALUES)))
def test_a_lock_that_says_nonsense_has_no_living_owner(
    tmp_path_factory: pytest.TempPathFactory, values: object
) -> None:
    path = tmp_path_factory.getbasetemp() / "nonsense"
    path.write_text(json.dumps(values))
    owner = read_owner(path)
    assert owner is None or not owner.is_alive


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"3", b'{"pid": 3}', b"\xff", b"\0" * 40])
def test_a_lock_that_cannot_be_read_has_no_owner(content: bytes, tmp_path: Path) -> None:
    assert read_owner(tmp_path / "absent") is None
    (tmp_path / "lock").write_bytes(content)
    assert read_owner(tmp_path / "lock") is None


def test_a_heartbeat_that_stands_still_is_silent(tmp_path: Path) -> None:
    now = [0.0]
    path = tmp_path / "heartbeat"
    path.write_text("1")
    pulse = Pulse(path, lambda: now[0])
    now[0] = 50.0
    assert pulse.silent_for() == 50.0
    path.write_text("2")
    assert pulse.silent_for() == 0.0
    now[0] = 70.0
    assert pulse.silent_for() == 20.0


def test_what_a_killed_writer_left_is_removed_by_the_next_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "checkpoints").mkdir()
    left = [tmp_path / ".metrics.csv.72nwgx3c", tmp_path / "checkpoints" / ".last.pt.a_b1c2d3"]
    kept = [tmp_path / ".notes", tmp_path / "checkpoints" / "last.pt", tmp_path / "mine.72nwgx3c"]
    for path in (*left, *kept):
        path.touch()
    with owning(tmp_path / "lock", tmp_path / "heartbeat"):
        assert [path.exists() for path in (*left, *kept)] == [False] * len(left) + [True] * len(kept)


def test_a_wall_clock_that_is_set_ends_no_process(monkeypatch: pytest.MonkeyPatch) -> None:
    owner, created = Owner.of_this_process(), psutil.Process.create_time
    monkeypatch.setattr(psutil.Process, "create_time", lambda process: created(process) + 3600)  # as it is told then
    assert owner.is_alive


def test_one_who_has_only_just_got_the_lock_is_named_once_it_has_written_its_name(
    run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with another_writer(run) as process:
        name = (run / "lock").read_text()
        (run / "lock").write_text("")
        monkeypatch.setattr("xaitui.runs.lock.time.sleep", lambda seconds: (run / "lock").write_text(name))
        with pytest.raises(UsageError, match=f"written by process {process.pid} on "):
            own(run)
