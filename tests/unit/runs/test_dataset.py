from __future__ import annotations

from pathlib import Path

import pytest

from tests.builders.runs import made_run
from tests.run_commands import made_set
from xaitui.errors import DataError
from xaitui.runs.dataset import open_data
from xaitui.runs.directory import RunDirectory


def of(folder: Path, **data: object) -> RunDirectory:
    return made_run(folder / "runs", "20260301-101010-own-aaaa", settings={f"data.{k}": v for k, v in data.items()})


def test_the_splits_are_those_of_the_run(tmp_path: Path) -> None:
    run = of(tmp_path, dataset=str(made_set(tmp_path / "own.npz", images=32)), fraction=0.5)
    data = open_data(run)
    assert [len(data.split(name)) for name in ("train", "val", "test")] == [16, 12, 14]


def test_missing_data_are_said(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"gone\.npz"):
        open_data(of(tmp_path, dataset=str(tmp_path / "gone.npz")))


def test_a_folder_beside_that_of_the_run_is_looked_in_first(tmp_path: Path) -> None:
    run = of(tmp_path, dataset="pneumoniamnist", data_dir=str(tmp_path / "one"))
    (tmp_path / "two").mkdir()
    with pytest.raises(DataError, match="two"):
        open_data(run, data_dir=str(tmp_path / "two"))


def test_settings_that_cannot_be_read_are_said(tmp_path: Path) -> None:
    run = of(tmp_path)
    run.config.write_text("[run")
    with pytest.raises(DataError, match="no TOML"):
        open_data(run)
