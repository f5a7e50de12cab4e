"""SIGKILL at a random step, then resume: the weights are those of a run that nobody killed, bit for bit."""

from __future__ import annotations

import os
import pty
import random
import signal
import subprocess
from pathlib import Path

import pytest

from tests.runs_for_tests import assert_equal_weights, command, environment, events_of, logged_steps, made_set, spawn
from xaitui.runs.directory import RunDirectory, list_runs
from xaitui.runs.summary import State, summarise

STEPS = 2 * 50
TRAIN = (
    *("train", "--headless", "--json", "--dataset", "set.npz", "--batch-size", "8", "--epochs", "2", "--rotate", "10"),
    *("--ema-decay", "0.9", "--schedule", "cosine", "--warmup-epochs", "0.5", "--save-every", "0.01", "--threads", "1"),
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("kill")
    made_set(folder / "set.npz", images=400)
    return folder


@pytest.fixture(scope="module")
def uninterrupted(folder: Path) -> RunDirectory:
    with spawn([*TRAIN, "--runs-dir", "whole"], folder) as process:
        kinds = [event["event"] for event in events_of(process)]
    assert process.returncode == 0
    assert kinds[0] == "RunStarted"
    assert kinds[-1] == "RunFinished"
    return list_runs(folder / "whole")[0]


@pytest.mark.parametrize("seed", [1])
def test_a_killed_run_goes_on_as_if_it_had_not_been(folder: Path, uninterrupted: RunDirectory, seed: int) -> None:
    steps = sorted(random.Random(seed).sample(range(2, STEPS), 2))
    runs_dir = folder / f"killed-{seed}"
    words = [*TRAIN, "--runs-dir", runs_dir.name]
    for step in steps:
        kill_at(step, words, folder)
        run = list_runs(runs_dir)[0]
        assert summarise(run).state is State.INTERRUPTED
        words = ["resume", str(run.path), "--headless", "--json"]
    with spawn(words, folder) as process:
        events = list(events_of(process))
    assert process.returncode == 0
    assert any(event["event"] == "RunResumed" and event["exact"] for event in events)
    assert_equal_weights(run, uninterrupted)
    assert logged_steps(run) == list(range(1, STEPS + 1))
    assert (run.path / "metrics.csv").read_text().count("\n") == 3


def kill_at(step: int, words: list[str], folder: Path) -> None:
    """Start, and kill without a warning once a step is done; what is done by then depends on the moment."""
    with spawn(words, folder) as process:
        for event in events_of(process):
            if event["event"] == "StepLogged" and event["step"] >= step:
                process.send_signal(signal.SIGKILL)
                break
        process.wait()
    assert process.returncode == -signal.SIGKILL


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGUSR1, 75)])
def test_a_signal_saves_and_ends_with_its_code(
    folder: Path, uninterrupted: RunDirectory, number: signal.Signals, code: int
) -> None:
    runs_dir = folder / f"signal-{code}"
    words = [*TRAIN, "--runs-dir", runs_dir.name, "--save-every", "1h"]
    with spawn(words, folder) as process:
        for event in events_of(process):
            if event["event"] == "StepLogged" and event["step"] == 3:
                process.send_signal(number)
    assert process.returncode == code
    run = list_runs(runs_dir)[0]
    summary = summarise(run)
    assert summary.state is State.STOPPED
    assert summary.why == number.name
    with spawn(["resume", run.id, "--runs-dir", runs_dir.name, "--json"], folder) as process:
        first = next(events_of(process))
        list(events_of(process))
    assert first["event"] == "RunResumed"
    assert first["from_step"] >= 3
    assert_equal_weights(run, uninterrupted)


def test_a_hangup_does_not_end_a_headless_run(folder: Path) -> None:
    with spawn([*TRAIN, "--runs-dir", "hangup"], folder) as process:
        for event in events_of(process):
            if event["event"] == "StepLogged" and event["step"] == 3:
                process.send_signal(signal.SIGHUP)
    assert process.returncode == 0


def test_a_second_interrupt_ends_at_once(folder: Path) -> None:
    endless = [*TRAIN, "--runs-dir", "twice", "--epochs", "100000"]
    with spawn(endless, folder) as process:
        process_lines = events_of(process)
        next(process_lines)
        process.send_signal(signal.SIGINT)
        process.send_signal(signal.SIGINT)
        process.wait()
    assert process.returncode == 130


def test_a_reader_that_leaves_does_not_end_the_run(folder: Path) -> None:
    with spawn([*TRAIN, "--runs-dir", "pipe"], folder) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.stdout.close()
        process.wait()
    run = list_runs(folder / "pipe")[0]
    assert process.returncode == 0
    assert summarise(run).state is State.FINISHED
    assert "was given up" in run.log.read_text()


def test_a_lost_terminal_does_not_end_the_run(folder: Path) -> None:
    master, slave = pty.openpty()
    words = command(*[word for word in TRAIN if word != "--json"], "--runs-dir", "pty")
    process = subprocess.Popen(words, cwd=folder, env=environment(), stdin=slave, stdout=slave, stderr=slave,
                               start_new_session=True)  # fmt: skip
    os.close(slave)
    seen = b""
    while b"epoch" not in seen:
        seen += os.read(master, 1024)
    os.close(master)
    assert process.wait() == 0
    run = list_runs(folder / "pty")[0]
    assert summarise(run).state is State.FINISHED
