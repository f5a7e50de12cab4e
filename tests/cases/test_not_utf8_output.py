"""Output in encodings that lack the characters of class names and paths: it is escaped, and no line is lost."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.cases.inputs import class_folders
from tests.fork_server import Forked
from tests.run_commands import command, environment
from tests.tui.test_terminal import terminal

DATA = "数据"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a trained run."""
    folder = tmp_path_factory.mktemp("encodings")
    class_folders(folder / DATA, ["normal", "ümlaut", "正常"], 10)
    words = ["train", "--headless", "--epochs", "1", "--threads", "1", "--dataset", DATA]
    done = subprocess.run(
        command(*words),
        cwd=folder,
        capture_output=True,
        check=False,
        env={**environment(), "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    )
    assert done.returncode == 0, done.stderr
    assert b"on \\u6570\\u636e" in done.stdout
    assert done.stdout.isascii()
    assert done.stdout.splitlines()[-1].startswith(b"run    ")
    return folder


def out_of(folder: Path, encoding: str, *words: str) -> str:
    with Forked(words, folder, {**environment(), "PYTHONIOENCODING": encoding}) as process:
        out, said = process.communicate()
    assert (process.returncode, said) == (0, "")
    return out


@pytest.mark.parametrize(
    "words", [["evaluate", "last"], ["runs", "show", "last"], ["config", "show", f"--dataset={DATA}"]]
)
def test_no_line_is_lost(folder: Path, words: list[str]) -> None:
    right = out_of(folder, "utf-8", *words)
    assert right.encode("ascii", "xaitui.escape").decode() == out_of(folder, "ascii", *words)


def test_the_console_draws_in_ascii_by_itself(folder: Path) -> None:
    """The terminal of a C locale is drawn to in cells: a name of two wide characters takes four."""
    with terminal(cwd=folder, LC_ALL="C", PYTHONUTF8="0") as at:
        at.read_until(lambda: b"-????-simple-cnn" in at.output and b"+ finished" in at.output)
        at.output.decode("ascii")
