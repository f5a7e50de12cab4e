"""`xaitui train --detach`: the run goes on by itself, or its one line says why it cannot begin."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

import psutil
import pytest

from tests.run_commands import environment, made_set, run_command, spawn
from xaitui.cli.app import run
from xaitui.config.toml import from_toml
from xaitui.runs.directory import RunDirectory, list_runs
from xaitui.runs.lock import read_owner
from xaitui.runs.state import State, summarise


def detach(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return run_command(["train", "--detach", *words], folder)


def test_a_run_in_the_background_outlives_its_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made_set(tmp_path / "set.npz")
    words = ("--dataset", "set.npz", "--epochs", "100000", "--batch-size", "8", "--threads", "1")
    with monkeypatch.context() as patch:
        for name in ("XAITUI_EPOCHS", "XAITUI_BATCH_SIZE"):
            patch.setenv(name, "3")
        done = detach(tmp_path, *words)
    (found,) = list_runs(tmp_path / "runs")
    assert (done.returncode, done.stdout) == (0, f"run    {found.path}\n"), done.stderr
    assert f"xaitui attach {found.id}" in done.stderr
    process = process_of(found)
    assert os.getsid(process.pid) == process.pid
    config = from_toml(found.config.read_text())
    assert (config.training.epochs, config.training.batch_size) == (100_000, 8)
    monkeypatch.chdir(tmp_path)
    assert run(["stop", found.id]) == 0
    psutil.wait_procs([process], timeout=60)
    assert summarise(found).state is State.STOPPED
    assert "asked  stop" in found.log.read_text()


def process_of(found: RunDirectory) -> psutil.Process:
    """The process that writes a run, once it has said so."""
    while (owner := read_owner(found.lock)) is None:
        pass
    return psutil.Process(owner.pid)


def test_ctrl_c_before_the_run_has_begun_leaves_no_process(tmp_path: Path) -> None:
    """Nobody was told of a run, so none may be going on."""
    made_set(tmp_path / "set.npz")
    with spawn(["train", "--detach", "--dataset", "set.npz", "--epochs", "100000", "--threads", "1"], tmp_path) as told:
        asked = psutil.Process(told.pid)
        while not (children := [each for each in asked.children() if sum(each.cpu_times()[:2]) > 0.1]):
            pass  # it has begun to load what it needs, and its words are waited for
        told.send_signal(signal.SIGINT)
        out, err = told.communicate()
    assert (told.returncode, out) == (130, ""), err
    assert "nothing goes on" in err
    gone, alive = psutil.wait_procs(children, timeout=60)
    assert (len(gone), alive) == (1, [])


def test_a_default_that_the_environment_would_change_stays_a_default(tmp_path: Path) -> None:
    """The run is made with what the command resolved, whatever its process finds in the environment."""
    from xaitui.config.resolve import build_config
    from xaitui.jobs.background import _environment, start_detached

    made_set(tmp_path / "set.npz")
    assert _environment({"XAITUI_EPOCHS": "7", "HOME": "/", "XAITUI_DATA_DIR": "/d"}) == {
        "HOME": "/",
        "XAITUI_DATA_DIR": "/d",
    }
    config = build_config({"data.dataset": str(tmp_path / "set.npz"), "training.epochs": 1, "training.threads": 1})
    with pytest.MonkeyPatch.context() as patch:
        for name, value in (environment() | {"XAITUI_BATCH_SIZE": "3"}).items():
            patch.setenv(name, value)
        process = start_detached(config, tmp_path / "runs")
    said, _ = process.communicate()
    assert process.returncode == 0, said
    (found,) = list_runs(tmp_path / "runs")
    assert from_toml(found.config.read_text()).training.batch_size == config.training.batch_size


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [(("--dataset", "nothing.npz"), 3, "nothing.npz"), (("--dataset", "mnsit"), 2, "mnist")],
)
def test_a_run_that_cannot_begin_is_one_line_and_its_code(
    words: tuple[str, ...], code: int, says: str, tmp_path: Path
) -> None:
    done = detach(tmp_path, *words)
    assert (done.returncode, done.stdout) == (code, "")
    assert done.stderr.startswith("xaitui: ")
    assert says in done.stderr
    assert done.stderr.count("\n") == 1
    assert list_runs(tmp_path / "runs") == []
