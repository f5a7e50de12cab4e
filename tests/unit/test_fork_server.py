"""A forked process is what `python -m xaitui` is."""

from __future__ import annotations

import signal
import subprocess
from pathlib import Path

import pytest

from tests.run_commands import command, environment, events_of, made_set, run_command, spawn
from xaitui.runs.directory import list_runs
from xaitui.runs.state import State, summarise


@pytest.mark.parametrize("words", [("config", "show"), ("train", "--epoch", "2"), ("runs", "show", "nothing"), ("-h",)])
def test_it_writes_what_a_process_from_its_beginning_writes_and_has_its_exit_code(
    tmp_path: Path, words: tuple[str, ...]
) -> None:
    real = subprocess.run(command(*words), cwd=tmp_path, env=environment(), capture_output=True, text=True, check=False)
    forked = run_command(words, tmp_path)
    assert (forked.returncode, forked.stdout, forked.stderr) == (real.returncode, real.stdout, real.stderr)


def test_a_signal_is_a_negative_code_and_only_the_one_that_was_meant_ends(tmp_path: Path) -> None:
    made_set(tmp_path / "set.npz")
    words = ["train", "--dataset", "set.npz", "--json", "--headless", "--threads", "2", "--batch-size", "8"]
    with (
        spawn([*words, "--epochs", "100000", "--runs-dir", "long"], tmp_path) as long,
        spawn([*words, "--epochs", "2", "--runs-dir", "short"], tmp_path) as short,
    ):
        next(events_of(long))
        assert long.poll() is None
        with pytest.raises(subprocess.TimeoutExpired):
            long.wait(0)
        long.kill()
        assert long.wait() == long.returncode == -signal.SIGKILL
        short.communicate()
    assert short.returncode == 0  # it trained with two threads, which the one it was forked from had not begun
    assert summarise(list_runs(tmp_path / "short")[0]).state is State.FINISHED


def test_the_environment_is_that_of_the_one_who_asks_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XAITUI_EPOCHS", "7")
    assert "epochs = 7" in run_command(["config", "show"], tmp_path).stdout
    monkeypatch.delenv("XAITUI_EPOCHS")
    assert "epochs = 7" not in run_command(["config", "show"], tmp_path).stdout


def test_no_descriptor_of_another_one_is_held_open(tmp_path: Path) -> None:
    """Or the end of a pipe would not be seen before the other one's end."""
    made_set(tmp_path / "set.npz")
    words = ["train", "--dataset", "set.npz", "--json", "--headless", "--epochs", "100000", "--threads", "1"]
    with spawn(words, tmp_path) as long:
        next(events_of(long))
        assert run_command(["runs", "ls"], tmp_path).returncode == 0
        with spawn(words, tmp_path) as other:
            next(events_of(other))
            other.send_signal(signal.SIGSTOP)  # or what it has open changes while it is looked at
            held = [str(each.readlink()) for each in Path(f"/proc/{other.pid}/fd").iterdir()]
            other.kill()
        long.kill()
    sockets = [each for each in held if each.startswith("socket:")]
    assert not sockets
