"""Own .npz files with the names, layouts and labels that other libraries write."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.builders.runs import made_run
from tests.cases.inputs import arrays
from tests.run_commands import finish, start, take_up
from xaitui.catalog.records import Task
from xaitui.cli.app import run
from xaitui.data.dataset import Dataset
from xaitui.data.medmnist import foreign_source
from xaitui.data.open import open_dataset
from xaitui.data.preview import preview
from xaitui.data.source import Residency
from xaitui.errors import DataError
from xaitui.events import RunResumed
from xaitui.runs.dataset import open_data
from xaitui.training.resolve import Resolved

X, Y = arrays(60)
V, W = arrays(12)
RGB = np.repeat(X[..., None], 3, -1)


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def saved(folder: Path, name: str = "own.npz", **members: Any) -> Path:
    """Write a file; train is in MedMNIST's form unless it is given."""
    if not {"x_train", "X_train", "train_images"} & members.keys():
        members["train_images"] = X
    if not {"y_train", "train_labels"} & members.keys():
        members["train_labels"] = Y
    with (folder / name).open("wb") as file:
        np.savez(file, **members)
    return folder / name


def opened(path: Path, **options: Any) -> Dataset:
    return open_dataset(str(path), **options)


NAMES: dict[str, dict[str, Any]] = {
    "valid": {"valid_images": V, "valid_labels": W, "test_images": V, "test_labels": W},
    "validation": {"validation_images": V, "validation_labels": W, "test_images": V, "test_labels": W},
    "keras": {"x_train": X, "y_train": Y, "x_val": V, "y_val": W, "x_test": V, "y_test": W},
    "capitals": {"X_train": X, "y_train": Y, "x_valid": V, "y_valid": W, "X_test": V, "y_test": W},
}


@pytest.mark.parametrize("kind", NAMES)
def test_the_names_of_others_are_understood_and_said(tmp_path: Path, kind: str) -> None:
    data = opened(saved(tmp_path, "SET.NPZ", **NAMES[kind], comment=np.array("made by me")))
    assert (len(data.train), len(data.val), data.test_size) == (60, 12, 12)
    assert np.array_equal(data.val.read(np.arange(12))[..., 0], V)
    names, ignored = data.notes
    assert names.startswith("arrays: ")
    assert "as val_images" in names
    assert ignored == "arrays that are not used: comment"


def test_a_name_of_two_meanings_is_refused(tmp_path: Path) -> None:
    path = saved(tmp_path, valid_images=V, validation_images=V, valid_labels=W)
    with pytest.raises(DataError, match="valid_images, validation_images, any of which may be val_images: keep one"):
        opened(path)


def test_half_of_a_split_under_another_name_is_not_used(tmp_path: Path) -> None:
    data = opened(saved(tmp_path, x_test=V))
    assert data.notes[0] == "arrays that are not used: x_test"
    assert data.test_size == 12


@pytest.mark.parametrize(
    ("images", "note"),
    [
        (np.moveaxis(RGB, -1, 1), "images have channels first, (N, C, S, S): taken as (N, S, S, C)"),
        (RGB.astype(np.float64), "images are float64 of whole numbers from 0 to 255: taken as uint8"),
        (np.moveaxis(RGB, -1, 1).astype(np.int64), "images are int64 of whole numbers from 0 to 255: taken as uint8"),
    ],
)
def test_images_that_leave_no_doubt_are_converted_and_said(tmp_path: Path, images: Any, note: str) -> None:
    path = saved(tmp_path, train_images=images)
    data = opened(path)
    assert data.info.channels == 3
    assert data.train.rows is not None
    assert np.array_equal(data.train.read(np.arange(len(data.train))), RGB[data.train.rows])
    assert note in data.notes
    seen = preview(str(path))
    assert note in seen.notes
    assert np.array_equal(seen.samples[1], RGB[1:2])
    with pytest.raises(DataError, match="too many to be converted in memory: save "):
        opened(path, resident_limit=100)


@pytest.mark.parametrize(
    ("images", "code"),
    [
        (X / 255, "x = (x * 255).round().astype('uint8')"),
        (X / 127.5 - 1, "x = ((x - x.min()) / (x.max() - x.min()) * 255).round().astype('uint8')"),
        (X.astype(np.uint16) * 257, "x = ((x - x.min()) / (x.max() - x.min()) * 255).round().astype('uint8')"),
        (X + 0.5, "x = x.round().astype('uint8')"),
        (X > 100, "x = x.astype('uint8') * 255"),
        (X.reshape(60, 256), "x.reshape(-1, 16, 16)"),
        (np.repeat(X[..., None], 4, -1), "x[..., :3]"),
        (np.moveaxis(RGB, -1, 1)[:, :, :4, :4], "np.moveaxis(x, 1, -1)"),
    ],
)
def test_other_images_are_refused_with_the_code_that_converts_them(tmp_path: Path, images: Any, code: str) -> None:
    with pytest.raises(DataError) as caught:
        opened(saved(tmp_path, train_images=images))
    assert str(caught.value).endswith(code)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("labels", "classes", "note"),
    [
        (Y.astype(float), ("0", "1", "2"), "labels are floats that are whole numbers: taken as integers"),
        (Y + 1, ("1", "2", "3"), "labels count from 1: the classes keep these names"),
        (np.eye(3)[Y], ("0", "1", "2"), "labels are one-hot, a single 1 in each row: taken as classes that"),
    ],
)
def test_labels_that_leave_no_doubt_become_classes(tmp_path: Path, labels: Any, classes: Any, note: str) -> None:
    data = opened(saved(tmp_path, train_labels=labels))
    assert (data.info.task, data.info.classes) == (Task.MULTI_CLASS, classes)
    assert data.train.rows is not None
    assert np.array_equal(data.train.labels, Y[data.train.rows])
    assert any(each.startswith(note) for each in data.notes)


def test_names_as_labels_are_refused_with_the_code(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"np\.unique\(labels, return_inverse=True\)\[1\]"):
        opened(saved(tmp_path, train_labels=np.array(list("abc"))[Y]))


def test_several_labels_stay_several_where_one_row_of_any_split_has_not_exactly_one(tmp_path: Path) -> None:
    none_in_val = np.vstack([np.eye(3, dtype=int)[W[:-1]], np.zeros((1, 3), int)])
    path = saved(tmp_path, train_labels=np.eye(3, dtype=int)[Y], val_images=V, val_labels=none_in_val)
    data = opened(path)
    assert data.info.task is Task.MULTI_LABEL
    assert data.notes[0].startswith("each row of the labels has a single 1")


def test_other_data_have_the_labels_of_the_runs_classes(tmp_path: Path) -> None:
    path = saved(tmp_path, train_labels=np.arange(60) % 2 + 1)
    for classes, expected in ((("1", "2", "3"), [0, 1]), (("0", "1", "2"), [1, 2])):
        source = foreign_source(path, Task.MULTI_CLASS, classes, 1, Residency(1 << 30))
        assert source.parts["train"].labels[:2].tolist() == expected


def table_of_before(resolved: Resolved) -> dict[str, Any]:
    """What a run's file had before it noted the rules."""
    return {name: value for name, value in asdict(resolved).items() if name != "data_rules"}


def test_a_run_of_before_keeps_the_meaning_that_its_data_had(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = saved(tmp_path, train_labels=Y + 1, valid_images=V, valid_labels=W + 1)
    with monkeypatch.context() as before:
        before.setattr("xaitui.jobs.prepare.DATA_RULES", 1)
        before.setattr(Resolved, "table", table_of_before)
        old = start(tmp_path / "runs", data__dataset=str(path), training__epochs=1)
    finish(old)
    assert "data_rules" not in old.run.config.read_text()
    again = take_up(old.run, extend=1)
    data = again.prepared.dataset
    assert (data.info.classes, len(data.val)) == (("0", "1", "2", "3"), 5)
    resumed = [event for event in finish(again) if isinstance(event, RunResumed)]
    assert [event.exact for event in resumed] == [True]
    assert open_data(old.run).info.classes == ("0", "1", "2", "3")


def test_who_looks_at_a_run_uses_its_rules(tmp_path: Path) -> None:
    path = saved(tmp_path, train_labels=np.eye(3, dtype=int)[Y])
    found = made_run(tmp_path / "runs", "20260301-101010-own-aaaa", settings={"data.dataset": str(path)})
    assert open_data(found).info.task is Task.MULTI_LABEL
    found.config.write_text(found.config.read_text() + "\n[resolved]\ndata_rules = 2\n")
    assert open_data(found).info.task is Task.MULTI_CLASS


def test_a_run_trains_on_keras_arrays(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = saved(tmp_path, **NAMES["keras"])
    words = ["train", "--headless", "--threads=1", "--epochs=1", f"--dataset={path}", f"--runs-dir={tmp_path / 'runs'}"]
    assert run(words) == 0
    shown = capsys.readouterr()
    assert "60 train, 12 val, 12 test images" in shown.err + shown.out
