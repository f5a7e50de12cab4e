"""Full disks and folders that cannot be written: one line, the right code, and the last good checkpoint stays."""

from __future__ import annotations

import errno
import hashlib
import itertools
import os
import random
import shutil
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image

from tests.faults.disk import (
    ERRORS,
    NEWER,
    OLDER,
    Refusal,
    begin,
    check_equal,
    check_not_begun,
    check_refused,
    is_view,
    mounted,
    one_round,
    read_only_disk,
    whole_run,
)
from tests.file_server import Answer, serving
from tests.run_commands import assert_equal_weights, finish, logged_steps, made_set, start, take_up
from xaitui.cli.app import run
from xaitui.cli.run_study import StudyReporter
from xaitui.data.download import fetch
from xaitui.errors import DataError, ExitCode, XaituiError
from xaitui.events import CheckpointSaved, EpochFinished, Event, Note, RunFailed, RunFinished, RunStarted, RunStopped
from xaitui.jobs.train import request_watcher as watcher
from xaitui.runs.directory import list_runs
from xaitui.runs.requests import Request, ask
from xaitui.stop import Stop, StopReason
from xaitui.studies.folder import find_study
from xaitui.studies.status import StudyReader, TrialState
from xaitui.system import periodic as repeating
from xaitui.system.atomic_files import write_atomic
from xaitui.system.fault_points import Point, injected
from xaitui.training.checkpoint import load_checkpoint, save_checkpoint


def test_a_run_that_is_refused_at_each_point_in_turn_ends_as_if_nothing_had_been(tmp_path: Path) -> None:
    """One error at each point where it needs the disk; each time it says so, and is resumed from what it has saved."""
    needed = [place for place in whole_run().places if not is_view(place[1])]
    assert len(needed) > 50
    errors, run = itertools.cycle(ERRORS), None
    for place in needed:
        refusal = Refusal(next(errors), lambda *visited, place=place: visited == place)
        with injected(refusal):
            try:
                execution = begin(tmp_path, run__watch_samples="0") if run is None else take_up(run)
            except XaituiError as error:
                check_not_begun(tmp_path / "runs", run, refusal, str(error))
                continue
            events = finish(execution)
        assert refusal.at == place, f"{place} was not visited"
        check_refused(execution, refusal, events)
        run = execution.run
    assert run is not None
    assert isinstance(finish(take_up(run))[-1], RunFinished)
    check_equal(run, whole_run().run)


def test_a_training_goes_on_without_the_files_that_only_show_it(tmp_path: Path) -> None:
    """Heartbeat, table of epochs, watched maps, log: none can be written, the whole time."""
    refused = set()

    def refuse(point: Point, what: str) -> None:
        if is_view(what):
            refused.add(what)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    execution = begin(tmp_path)
    execution.run.log.symlink_to("/dev/full")
    with injected(refuse):
        events = finish(execution)
    assert {"heartbeat", "metrics.csv", "probe.npz"} <= refused
    assert isinstance(events[-1], RunFinished)
    notes = [event.message for event in events if isinstance(event, Note) and "the disk is full" in event.message]
    assert [note.partition(":")[0] for note in notes] == [
        "the table of epochs is not written",
        "what the model looks at is not watched any more",
    ]
    assert_equal_weights(execution.run, whole_run().run)


def test_the_table_has_every_row_again_once_it_can_be_written(tmp_path: Path) -> None:
    refusal = Refusal(errno.EIO, lambda point, what: point is Point.ROW_BEGUN)
    execution = begin(tmp_path)
    with injected(refusal):
        events = finish(execution)
    assert isinstance(events[-1], RunFinished)
    assert refusal.at is not None
    check_equal(execution.run, whole_run().run)


def test_a_training_waits_for_a_share_that_hangs_and_can_be_stopped_meanwhile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A checkpoint hangs until the request to stop has been taken up, which is then obeyed."""
    monkeypatch.setattr(watcher, "POLL_SECONDS", 0.01)
    execution = begin(tmp_path)
    heard = threading.Event()

    def hear(reason: StopReason) -> None:
        Stop.ask(execution.stop, reason)
        heard.set()

    monkeypatch.setattr(execution.stop, "ask", hear)

    def hang(point: Point, what: str) -> None:
        if (point, what) == (Point.FILE_WRITTEN, "last.pt") and not heard.is_set():
            ask(execution.run.path, Request.STOP)
            assert heard.wait(60)

    with injected(hang):
        last = finish(execution)[-1]
    assert isinstance(last, RunStopped)
    assert last.saved
    finish(take_up(execution.run))
    check_equal(execution.run, whole_run().run)


def test_the_end_of_a_run_does_not_wait_for_a_heartbeat_that_hangs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(repeating, "PATIENCE", 0.05)
    share = threading.Event()

    def hang(point: Point, what: str) -> None:
        if what == "heartbeat":
            share.wait(60)

    execution = begin(tmp_path)
    with injected(hang):
        assert isinstance(finish(execution)[-1], RunFinished)
    hanging = [each for each in threading.enumerate() if each.name == "heartbeat"]
    assert len(hanging) == 1
    assert "heartbeat: still waiting for the disk; left behind" in execution.run.log.read_text()
    share.set()
    hanging[0].join()


def test_a_time_limit_is_kept_where_requests_cannot_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watcher, "POLL_SECONDS", 0.01)
    execution = start(
        tmp_path,
        data__dataset=str(made_set(tmp_path / "set.npz")),
        training__epochs=100_000,
        training__threads=1,
        run__max_time=0.2,
    )
    last = None
    for event in execution.events():
        if isinstance(event, RunStarted):
            (execution.run.path / "requests").write_text("no folder")
        last = event
    assert isinstance(last, RunStopped)
    assert last.exit_code == ExitCode.REQUEUE


@pytest.mark.parametrize("seed", [0])
def test_a_run_that_is_refused_at_random_points_ends_as_if_nothing_had_been(seed: int, tmp_path: Path) -> None:
    one_round(seed, tmp_path)


@pytest.fixture
def small_disk(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Path]:
    """A file system of a few megabytes, six unless a test says otherwise."""
    folder = tmp_path / "disk"
    folder.mkdir()
    with mounted(folder, getattr(request, "param", 6)):
        yield folder


def fill(folder: Path) -> Path:
    """Leave no byte free."""
    path = folder / "filler"
    with path.open("wb", buffering=0) as file:
        block = bytes(4096)
        try:
            while True:
                file.write(block)
        except OSError:
            return path


def test_a_disk_that_fills_up_keeps_the_last_checkpoint(small_disk: Path, tmp_path: Path) -> None:
    settings: dict[str, Any] = {
        "data__dataset": str(made_set(tmp_path / "set.npz")),
        "training__batch_size": 8,
        "training__threads": 1,
        "training__epochs": 3,
    }
    whole = start(tmp_path / "whole", **settings)
    finish(whole)
    execution = start(small_disk, **settings)
    events = execution.events()
    for event in events:
        if isinstance(event, CheckpointSaved):
            break
    filler = fill(small_disk)
    last = list(events)[-1]
    assert isinstance(last, RunFailed)
    assert last.exit_code == 1
    assert last.message.endswith(f"the disk is full; free some space, then: xaitui resume {execution.run.path}")
    assert load_checkpoint(execution.run.last)["epoch"] == 2
    assert not list(execution.run.path.rglob(".*pt*"))
    filler.unlink()
    assert isinstance(finish(take_up(execution.run))[-1], RunFinished)
    assert logged_steps(execution.run) == logged_steps(whole.run)
    assert_equal_weights(execution.run, whole.run)


@pytest.fixture(scope="module")
def full_disk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A full file system with a finished run on it, of which no predictions are left."""
    folder = tmp_path_factory.mktemp("full")
    with mounted(folder, 10):
        run = whole_run().run
        shutil.copytree(run.path, folder / "runs" / run.id, ignore=shutil.ignore_patterns("predictions", "epoch-*.pt"))
        fill(folder)
        yield folder


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ("evaluate last --split val", 1),
        ("explain last --samples random:2", 3),
        ("predict last {picture} --explain", 2),
        ("export last --to safetensors", 2),
        ("export last --to torch-export", 2),
        ("resume last --epochs +1", 1),
        ("report last --out {picture}.html --markdown {disk}/report.md", 2),
        ("train --headless --dataset {set} --epochs 1 --threads 1", 1),
        ("sweep --dataset {set} --vary lr=0.1,0.01 --name s", 2),
    ],
)
def test_what_a_full_disk_refuses_is_one_line_and_leaves_no_half_file(
    words: str, code: int, full_disk: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    picture, before = tmp_path / "picture.png", sizes(full_disk)
    Image.new("L", (8, 8)).save(picture)
    filled = words.format(picture=picture, disk=full_disk, set=Path(whole_run().folder.name) / "set.npz")
    assert run([*filled.split(), "--runs-dir", str(full_disk / "runs")]) == code
    last = capsys.readouterr().err.splitlines()[-1]
    assert last.startswith("xaitui: ")
    assert "disk is full" in last or "No space left on device" in last
    assert "traceback" not in last
    assert sizes(full_disk) == before


@pytest.mark.parametrize("words", ["runs ls", "runs show last", "predict last {picture}"])
def test_what_only_reads_does_so_on_a_full_disk(words: str, full_disk: Path, tmp_path: Path) -> None:
    picture = tmp_path / "picture.png"
    Image.new("L", (8, 8)).save(picture)
    assert run([*words.format(picture=picture).split(), "--runs-dir", str(full_disk / "runs")]) == 0


@pytest.mark.parametrize("words", ["runs ls", "compare {run} {run}2 --csv"])
def test_output_that_a_full_disk_did_not_take_is_a_failure(
    words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    name = whole_run().run.id
    for copy in (name, f"{name}2"):
        shutil.copytree(whole_run().run.path, tmp_path / copy, ignore=shutil.ignore_patterns("*.pt"))
    with Path("/dev/full").open("w", encoding="utf-8") as full:
        monkeypatch.setattr(sys, "stdout", full)
        assert run([*words.format(run=name).split(), "--runs-dir", str(tmp_path)]) == 1
    assert capsys.readouterr().err == "xaitui: the output is not whole: the disk is full; free some space\n"


def test_a_training_whose_output_a_full_disk_did_not_take_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = [
        "train",
        "--headless",
        "--json",
        "--dataset",
        str(made_set(tmp_path / "set.npz")),
        "--epochs",
        "1",
        "--threads",
        "1",
        "--runs-dir",
        str(tmp_path / "runs"),
    ]
    with Path("/dev/full").open("w", encoding="utf-8") as full:
        monkeypatch.setattr(sys, "stdout", full)
        assert run(words) == 0
    assert "was given up: [Errno 28] No space left on device" in list_runs(tmp_path / "runs")[0].log.read_text()


def sizes(folder: Path) -> dict[str, int]:
    """The files of a folder by their paths; a lock, which never holds anything of worth, is none."""
    found = (path for path in folder.rglob("*") if path.is_file() and path.name not in ("lock", ".lock"))
    return {str(path): path.stat().st_size for path in found}


def test_a_download_that_the_disk_has_no_room_for_goes_on_when_it_has(
    small_disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    body, target = random.Random(0).randbytes(3 << 20), small_disk / "set.npz"
    filled: list[Path] = []

    def fill_once(point: Point, what: str) -> None:
        if point is Point.BLOCK_RECEIVED and not filled and target.with_name(f"{what}.part").stat().st_size:
            filled.append(fill(small_disk))

    with serving() as server:
        url = server.serve("/set", Answer(body, headers=(("ETag", '"one"'),)))
        with injected(fill_once), pytest.raises(DataError, match="No space left on device; free some space"):
            fetch([url], target, md5=hashlib.md5(body).hexdigest())
        assert not target.exists()
        filled[0].unlink()
        fetch([url], target, md5=hashlib.md5(body).hexdigest())
        assert server.seen[-1].range
    assert target.read_bytes() == body


def test_a_full_disk_at_the_start_is_one_line_and_leaves_nothing(
    small_disk: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    made_set(tmp_path / "set.npz")
    fill(small_disk)
    words = ["train", "--headless", "--dataset", "set.npz", "--epochs", "1", "--threads", "1"]
    assert run([*words, "--runs-dir", str(small_disk / "runs")]) in (1, 2)
    err = capsys.readouterr().err
    assert err.startswith("xaitui: ")
    assert err.count("\n") == 1
    assert "disk" in err or "space" in err
    assert list_runs(small_disk / "runs") == []


def test_a_folder_of_runs_that_is_none_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    made_set(tmp_path / "set.npz")
    (tmp_path / "file").write_text("here")
    words = ["train", "--headless", "--dataset", "set.npz", "--epochs", "1", "--threads", "1"]
    assert run([*words, "--runs-dir", "file"]) == 2
    assert "choose another --runs-dir" in capsys.readouterr().err
    assert (tmp_path / "file").read_text() == "here"


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ("runs ls", 0),
        (f"runs show {NEWER}", 0),
        (f"attach {OLDER}", 0),
        (f"compare {NEWER} {OLDER}", 0),
        (f"evaluate {NEWER} --split test", 0),
        ("train --headless --dataset digits --epochs 1", 2),
        ("sweep --dataset digits --vary lr=0.1,0.2 --name s", 2),
        (f"report {OLDER}", 2),
        (f"runs rm {OLDER} --yes", 2),
    ],
)
def test_what_reads_does_so_on_a_read_only_disk_and_what_writes_is_one_line(
    words: str, code: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with read_only_disk(tmp_path / "disk") as runs_dir:
        assert run([*words.split(), "--runs-dir", str(runs_dir)]) == code
        assert [each.id for each in list_runs(runs_dir)] == [NEWER, OLDER]
    err = capsys.readouterr().err
    assert "traceback" not in err
    if code:
        assert err.startswith("xaitui: ")
        assert err.count("\n") == 1
        assert "Read-only file system" in err


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_folder_of_runs_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made_set(tmp_path / "set.npz")
    (tmp_path / "runs").mkdir(mode=0o555)
    words = ["train", "--headless", "--dataset", str(tmp_path / "set.npz"), "--epochs", "1"]
    assert run([*words, "--runs-dir", str(tmp_path / "runs")]) == 2
    assert "Permission denied" in capsys.readouterr().err


def test_a_directory_deleted_under_a_run_ends_it_with_a_line(tmp_path: Path) -> None:
    settings: dict[str, Any] = {
        "data__dataset": str(made_set(tmp_path / "set.npz")),
        "training__threads": 1,
        "training__epochs": 9,
    }
    execution = start(tmp_path / "runs", **settings)
    last = None
    for event in execution.events():
        if isinstance(event, EpochFinished) and event.epoch == 1:
            shutil.rmtree(execution.run.path)
        last = event
    assert isinstance(last, RunFailed)
    assert "it was deleted while the run went on" in last.message
    assert "resume" not in last.message


@pytest.mark.parametrize("small_disk", [16], indirect=True)
def test_a_disk_that_fills_up_ends_a_study_and_the_rest_of_it_is_done_later(
    small_disk: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    made_set(tmp_path / "set.npz")
    filled: list[Path] = []

    def fill_once(reporter: StudyReporter, event: Event) -> None:
        if isinstance(event, EpochFinished) and not filled:
            filled.append(fill(small_disk))

    monkeypatch.setattr(StudyReporter, "happened", fill_once)
    words = [
        "sweep",
        "--dataset",
        str(tmp_path / "set.npz"),
        "--batch-size",
        "8",
        "--threads",
        "1",
        "--epochs",
        "2",
        "--vary",
        "lr=0.001,0.01",
        "--name",
        "s",
        "--runs-dir",
        str(small_disk),
    ]
    assert run(words) == 1
    error = capsys.readouterr().err
    assert "No space left on device; the study stops here" in error
    assert "Traceback" not in error
    filled[0].unlink()
    assert run(["sweep", "retry", "--failed", "s", "--runs-dir", str(small_disk)]) == 0
    standing = StudyReader(find_study("s", small_disk)).read()
    assert [each.state for each in standing.trials] == [TrialState.FINISHED] * 2


@pytest.mark.parametrize("what", ["config.toml", "environment.json"])
def test_a_study_that_is_refused_the_beginning_of_a_trial_stops_and_goes_on_later(
    what: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made_set(tmp_path / "set.npz")
    words = [
        "sweep",
        "--dataset",
        str(tmp_path / "set.npz"),
        "--threads",
        "1",
        "--epochs",
        "1",
        "--watch-samples",
        "0",
        "--vary",
        "lr=0.001,0.01",
        "--name",
        "s",
        "--runs-dir",
        str(tmp_path),
    ]
    refusal = Refusal(errno.EDQUOT, lambda point, name: name == what and point is Point.FILE_OPENED)
    with injected(refusal):
        assert run(words) == 1
    assert refusal.at is not None
    last = capsys.readouterr().err.splitlines()[-1]
    assert "Disk quota exceeded; the study stops here" in last
    assert "None" not in last
    assert run(["sweep", "retry", "--failed", "s", "--runs-dir", str(tmp_path)]) == 0
    standing = StudyReader(find_study("s", tmp_path)).read()
    assert [each.state for each in standing.trials] == [TrialState.FINISHED] * 2


def test_a_disk_that_fills_up_in_the_middle_of_a_checkpoint_says_that_it_is_full(small_disk: Path) -> None:
    with pytest.raises(OSError, match="No space left on device") as caught:
        save_checkpoint(small_disk / "large.pt", {"a": torch.zeros(4_000_000)})
    assert caught.value.filename == str(small_disk / "large.pt")
    assert list(small_disk.iterdir()) == []


def test_a_folder_that_is_gone_is_told_with_the_file_that_was_to_be_in_it(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError) as caught:
        write_atomic(tmp_path / "gone" / "file", "text")
    assert str(caught.value) == f"[Errno 2] No such file or directory: '{tmp_path / 'gone' / 'file'}'"


def test_a_name_that_is_taken_by_a_folder_is_told_without_the_temporary_one(tmp_path: Path) -> None:
    (tmp_path / "file").mkdir()
    with pytest.raises(IsADirectoryError) as caught:
        write_atomic(tmp_path / "file", "text")
    assert str(caught.value) == f"[Errno 21] Is a directory: '{tmp_path / 'file'}'"
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
