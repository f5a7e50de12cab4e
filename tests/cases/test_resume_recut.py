"""A run finds its data from any folder, and does not go on with others unless that is asked for."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.cases.inputs import arrays, bar, class_folders, save
from xaitui.cli.app import run as xaitui
from xaitui.config.toml import from_toml
from xaitui.data.dataset import DataFile
from xaitui.data.open import open_dataset
from xaitui.events import RunResumed
from xaitui.runs.directory import RunDirectory, list_runs
from xaitui.runs.journal.journal import read_journal
from xaitui.runs.recorded_data import Difference, compare, write_record

LITTLE = ["--epochs", "1", "--threads", "1", "--batch-size", "8", "--watch-samples", "0", "--device", "cpu"]
MODEL = "import torch\ndef build(classes, channels, side):\n    return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(channels * side * side, classes))\n"  # noqa: E501


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with ``set``, 12 images of each of two classes, and ``runs``, with a run of one epoch on it."""
    home = tmp_path_factory.mktemp("made")
    class_folders(home / "set", ["cat", "dog"], 12)
    (home / "net.py").write_text(MODEL)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(home)
        line = ["train", "--headless", "--dataset", "set", "--model", "net.py:build", "--name", "r", *LITTLE]
        assert xaitui([*line, "--runs-dir", "runs"]) == 0
    return home


@pytest.fixture
def home(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of it that may be changed; one stands somewhere else."""
    copy = Path(shutil.copytree(made, tmp_path / "home"))
    config = run_in(copy).config
    times = config.stat()
    assert f'"{made}/set"' in config.read_text()
    assert f'"{made}/net.py:build"' in config.read_text()
    record = json.loads((copy / "runs").joinpath(run_in(copy).id, "environment.json").read_text())
    assert record["data"]
    # the copy's own set, as if the run had been made on it; without notes, which the change would contradict
    config.write_text(config.read_text().replace(str(made), str(copy)))
    os.utime(config, ns=(times.st_atime_ns, times.st_mtime_ns))
    (config.parent / "hashes.jsonl").unlink()
    monkeypatch.chdir(tmp_path)
    return copy


def run_in(home: Path) -> RunDirectory:
    return list_runs(home / "runs")[0]


def command(home: Path, name: str, *words: str) -> int:
    return xaitui([name, "last", *words, "--runs-dir", str(home / "runs")])


def resume(home: Path, *words: str) -> int:
    return command(home, "resume", "--epochs", "+1", "--headless", "--trust-model", *words)


def resumed(home: Path) -> RunResumed:
    """The last time that the run was taken up."""
    return [event for event in read_journal(run_in(home).journal) if isinstance(event, RunResumed)][-1]


def test_touched_files_are_the_same_files(home: Path) -> None:
    for path in (home / "set").rglob("*.png"):
        os.utime(path, (1, 1))
    assert resume(home) == 0
    assert resumed(home).exact


def test_changed_images_stop_every_reader(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    save(home / "set/cat/012.png", bar(0))
    save(home / "set/dog/000.png", bar(3))
    (home / "set/dog/001.png").unlink()
    journal = run_in(home).journal.read_bytes()
    said = (
        f"xaitui: the images of {home}/set are not those of the run: 1 added, 1 changed, 1 removed: "
        "cat/012.png, dog/000.png, dog/001.png; "
    )
    for words in (
        ["resume", "--epochs", "+1", "--headless"],
        ["evaluate", "--split", "train"],
        ["verify"],
        ["evaluate", "--sheet", str(home / "sheet.png")],
        ["explain", "--method", "saliency"],
    ):
        trust = [] if "--sheet" in words else ["--trust-model"]
        assert xaitui([words[0], "last", *words[1:], *trust, "--runs-dir", str(home / "runs")]) == 3, words
        assert capsys.readouterr().err.splitlines()[-1].startswith(said), words
    assert run_in(home).journal.read_bytes() == journal


def test_accepted_changes_are_in_the_journal_and_no_resume_is_exact_any_more(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    save(home / "set/cat/012.png", bar(0))
    assert resume(home, "--accept-changed-data") == 0
    assert resumed(home).changed_data.endswith("1 added, 0 changed, 0 removed: cat/012.png")
    assert resume(home) == 0  # now these are its data
    assert (resumed(home).exact, resumed(home).changed_data) == (False, "")
    capsys.readouterr()
    assert xaitui(["runs", "show", "last", "--runs-dir", str(home / "runs")]) == 0
    shown = capsys.readouterr().out
    assert " ".join(shown.split()).count("not exactly: ") == 2
    assert "not exactly: trained on changed data: the images of" in " ".join(shown.split())
    assert command(home, "verify", "--trust-model") == 0
    assert "not exact: trained on changed data" in " ".join(capsys.readouterr().out.split())


def test_what_is_evaluated_on_accepted_changes_says_so(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    save(home / "set/cat/012.png", bar(0))
    assert command(home, "evaluate", "--split", "train", "--accept-changed-data", "--trust-model") == 0
    captured = capsys.readouterr()
    assert "on changed data" in " ".join(captured.out.split())
    assert "1 added" in captured.err


def test_data_of_other_classes_are_never_gone_on_with(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    save(home / "set/eel/0.png", bar(2))
    save(home / "set/eel/1.png", bar(2))
    assert resume(home, "--accept-changed-data") == 3
    assert "16 px grey images of cat, dog, eel, not 16 px grey images of cat, dog" in capsys.readouterr().err


def test_a_folder_that_moved_is_named_once(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    moved = (home / "set").rename(home / "elsewhere")
    assert resume(home) == 3
    assert f"there is no {home}/set, the dataset of {run_in(home).id}" in capsys.readouterr().err
    other = class_folders(home / "other", ["cat", "dog"], 12)
    assert resume(home, "--dataset", str(other)) == 3
    os.chdir(home)
    assert resume(home, "--dataset", "elsewhere") == 0
    assert resumed(home).exact
    assert from_toml(run_in(home).config.read_text()).data.dataset == str(moved)
    os.chdir("/")
    assert command(home, "evaluate", "--split", "train", "--trust-model") == 0
    assert command(home, "verify", "--trust-model") == 0


def test_a_run_of_before_images_were_recorded_is_compared_by_its_decoded_images(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run_in(home).data.unlink()
    for path in (home / "set").rglob("*.png"):
        os.utime(path, (1, 1))
    assert command(home, "evaluate", "--split", "train", "--trust-model") == 0
    save(home / "set/dog/000.png", bar(3))
    assert resume(home) == 3
    said = f"the images of {home}/set are not those of the run, or are decoded otherwise than they were; "
    assert said in capsys.readouterr().err


def test_an_npz_is_found_from_anywhere_also_by_a_run_that_has_a_relative_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (images, labels), (more, theirs) = arrays(24), arrays(6)
    np.savez("own.npz", train_images=images, train_labels=labels, test_images=more, test_labels=theirs)
    assert xaitui(["train", "--headless", "--dataset", "own.npz", *LITTLE, "--on-end", "./none.sh"]) == 0
    config = run_in(tmp_path).config
    assert f'dataset = "{tmp_path}/own.npz"' in config.read_text()
    assert f'"{tmp_path}/none.sh"' in config.read_text()
    config.write_text(config.read_text().replace(str(tmp_path / "own.npz"), "own.npz"))
    (config.parent / "hashes.jsonl").unlink()
    monkeypatch.chdir("/")
    assert resume(tmp_path) == 0
    assert resumed(tmp_path).exact
    np.savez(tmp_path / "own.npz", train_images=images, train_labels=labels, test_images=more[::-1], test_labels=theirs)
    assert resume(tmp_path) == 3
    assert f"{tmp_path}/own.npz is not the file that the run was made with" in capsys.readouterr().err


def test_a_data_file_that_is_gone_is_a_change(home: Path) -> None:
    run, name = run_in(home), str(home / "set")
    file, other = DataFile("/a/train-images", "1"), DataFile("/a/t10k-images", "2")
    dataset = replace(open_dataset(name), images=(), files=(file, other))
    write_record(run, dataset)
    assert compare(run, name, dataset) == Difference()
    gone = compare(run, name, replace(dataset, files=(file,)))
    assert gone.content == "/a/t10k-images, which the run was made with, is not used any more"
