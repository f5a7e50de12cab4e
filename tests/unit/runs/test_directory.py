from __future__ import annotations

import time
from pathlib import Path

import pytest

from xaitui.config.resolve import build_config
from xaitui.config.schema import RunConfig
from xaitui.errors import ExitCode, UsageError
from xaitui.runs.directory import RunDirectory, create_run, list_runs

NOON = time.mktime((2026, 3, 1, 14, 22, 33, 0, 0, -1))


def made(runs_dir: Path, **settings: str) -> str:
    config = build_config({name.replace("__", "."): value for name, value in settings.items()})
    return create_run(runs_dir, config, NOON).id


def test_a_run_is_named_by_time_set_model_and_chance(runs_dir: Path) -> None:
    run = create_run(runs_dir, RunConfig(), NOON)
    stem, chance = run.id.rsplit("-", 1)
    assert stem == "20260301-142233-digits-simple-cnn"
    assert len(chance) == 4
    assert run.path.is_absolute()
    assert run.path.parent == runs_dir
    assert [path.name for path in run.path.iterdir()] == ["checkpoints"]


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"run__name": "first_try.2"}, "first_try.2"),
        ({"data__dataset": "/data/My Cats/", "model__name": "resnet18"}, "My-Cats-resnet18"),
        ({"data__dataset": "../sets/own.npz", "model__name": "nets/own.py:build"}, "own-own"),
        ({"model__name": "pretrainedmodels:se_resnet50"}, "digits-se-resnet50"),
        ({"model__name": "timm:vit_tiny.fb_in1k"}, "digits-vit-tiny"),
        ({"data__dataset": "..", "model__name": "a\x1b[2J.py:f"}, "own-a--2J"),
        ({"data__dataset": "x" * 300}, "x" * 40 + "-simple-cnn"),
    ],
)
def test_the_words_in_the_name_are_safe(settings: dict[str, str], words: str, runs_dir: Path) -> None:
    name = made(runs_dir, **settings)
    assert name.removeprefix("20260301-142233-").rpartition("-")[0] == words


def test_two_runs_of_one_second_are_two(runs_dir: Path) -> None:
    assert len({made(runs_dir) for _ in range(50)}) == 50


def test_a_relative_folder_is_made_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert create_run(Path("runs"), RunConfig()).path.parent == tmp_path / "runs"


@pytest.mark.parametrize(
    ("place", "reason"),
    [
        ("file", "Not a directory"),
        ("file/below", "Not a directory"),
        ("dangling", "it is no folder"),
        ("/proc/runs", "No such file or directory"),
    ],
)
def test_a_folder_that_cannot_hold_runs(place: str, reason: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    (tmp_path / "dangling").symlink_to("nowhere")
    folder = tmp_path / place
    with pytest.raises(UsageError) as caught:
        create_run(folder, RunConfig())
    assert str(caught.value) == f"cannot make a run in {folder}: {reason}; choose another --runs-dir"
    assert caught.value.exit_code == ExitCode.USAGE
    assert (tmp_path / "file").read_text() == "mine"


def test_runs_are_listed_the_newest_first(runs_dir: Path) -> None:
    assert list_runs(runs_dir) == []
    for name in ("20260301-a", "20260303-a", "20260302-a", ".hidden"):
        (runs_dir / name).mkdir(parents=True)
    (runs_dir / "README.md").touch()
    assert [run.id for run in list_runs(runs_dir)] == ["20260303-a", "20260302-a", "20260301-a"]


def test_every_file_of_a_run_lies_in_its_folder(tmp_path: Path) -> None:
    run = RunDirectory(tmp_path / "a-run")
    names = [name for name, value in vars(RunDirectory).items() if isinstance(value, property) and name != "id"]
    files = {getattr(run, name) for name in names}
    assert len(files) == len(names) == 16
    assert all(run.path in path.parents for path in files)
