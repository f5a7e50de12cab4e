"""What a run, its exports and reports let others do: what the umask allows."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from tests.cases.inputs import arrays
from xaitui.cli.app import run

EXPORTS = [
    ["evaluate", "last", "--csv", "rows.csv", "--sheet", "sheet.png"],
    ["report", "last", "-o", "report.html"],
    ["export", "last", "--to", "safetensors", "-o", "weights"],
]


@contextmanager
def masked(mask: int) -> Iterator[None]:
    before = os.umask(mask)
    try:
        yield
    finally:
        os.umask(before)


@pytest.mark.parametrize("mask", [0o077, 0o002])
def test_modes_are_what_the_umask_allows(mask: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    images, labels = arrays(60)
    np.savez(tmp_path / "set.npz", train_images=images, train_labels=labels)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    words = [
        "--epochs",
        "1",
        "--threads",
        "1",
        "--watch-samples",
        "2",
        "--dataset",
        "set.npz",
        "--storage",
        "streaming",
    ]
    with masked(mask):
        assert run(["train", "--headless", *words]) == 0
        assert [run(each) for each in EXPORTS] == [0, 0, 0]
    wrong = {
        str(path.relative_to(tmp_path)): oct(path.stat().st_mode & 0o777)
        for path in tmp_path.rglob("*")
        if path.name != "set.npz" and path.stat().st_mode & 0o777 != (0o777 if path.is_dir() else 0o666) & ~mask
    }
    assert wrong == {}
    assert {path.suffix for path in tmp_path.rglob("*")} >= {".pt", ".jsonl", ".csv", ".png", ".html", ".safetensors"}
