"""Files that are not images, and images of rare endings: the latter are read, the former counted by their ending."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from tests.cases.inputs import bar, class_folders
from xaitui.cli.app import run


def test_every_jpeg_is_read_and_what_is_not_is_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    folder = class_folders(tmp_path / "set", ["mel", "nev"], 10)
    for number in range(20):
        for ending in ("jfif", "jpe"):
            Image.fromarray(bar(0)).save(folder / "mel" / f"x{number}.{ending}", "JPEG")
        (folder / "mel" / f"y{number}.dcm").write_bytes(bytes(128) + b"DICM")
    assert run(["train", "--headless", "--dataset", "set", "--epochs", "1", "--threads", "1"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert "data   43 train, 5 val, 12 test images" in lines
    assert "note   20 files were skipped: 20 .dcm" in lines
