"""Bad input: one line that says what and what to do, the documented exit code, nothing made, nothing changed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.faults.inputs import CASES, make_inputs, one_round
from xaitui.cli.app import run


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("inputs")
    make_inputs(folder)
    return folder


@pytest.fixture
def folder(inputs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(inputs)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return inputs


def snapshot(folder: Path) -> dict[Path, tuple[int, int]]:
    """Length and time of every file."""
    return {path: (path.lstat().st_size, path.lstat().st_mtime_ns) for path in folder.rglob("*")}


@pytest.mark.parametrize("name", CASES)
def test_bad_input_is_one_line(
    name: str, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    words, code, says = CASES[name]
    if words == ["VARIABLE"]:
        monkeypatch.setenv("XAITUI_BATCHSIZE", "3")
        words = []
    if not words or words[0].startswith("--"):
        words = ["train", "--headless", "--epochs", "1", "--threads", "1", *words]
    before = snapshot(folder)
    found = run(words)
    captured = capsys.readouterr()
    assert re.fullmatch(r"xaitui: [^\n]+\n", captured.err), captured.err
    assert found == code, captured.err
    assert captured.out == ""
    assert says in captured.err
    assert len(captured.err) < 2000
    assert "\x1b" not in captured.err
    assert "executed" not in captured.err
    assert snapshot(folder) == before
    left = [path for path in (tmp_path / "cache").rglob("*") if path.is_file() and ".json" not in path.suffixes]
    assert [path for path in left if ".survey." not in path.name] == []


def test_all_cases_are_there() -> None:
    assert len(CASES) == 142


def test_damaged_files_give_their_content_or_one_known_error(tmp_path: Path) -> None:
    one_round(0, tmp_path)


def test_a_traceback_is_shown_when_asked_for(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["train", "--headless", "--dataset", "nothing.npz", "--traceback"]) == 3
    assert "Traceback" in capsys.readouterr().err
