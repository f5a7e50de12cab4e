from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from xaitui.errors import DataError
from xaitui.runs.directory import RunDirectory
from xaitui.runs.explanations.training_maps import (
    MOVING,
    STILL,
    STILL_EPOCHS,
    Probe,
    Watched,
    WatchedEpoch,
    is_alarm,
    read_watched,
    watched_folder,
    write_epoch,
    write_probe,
)


def made_probe(count: int = 3, side: int = 6) -> Probe:
    labels = np.arange(count)
    images = np.arange(count * side * side, dtype=np.uint8).reshape(count, side, side, 1)
    return Probe(np.arange(count) * 10, labels, labels, images, "conv3")


def made_maps(seed: int, count: int = 3, side: int = 6) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    return np.random.default_rng(seed).random((count, side, side), dtype=np.float32)


@pytest.fixture
def run(tmp_path: Path) -> RunDirectory:
    return RunDirectory(tmp_path)


def written(run: RunDirectory, epochs: int) -> Path:
    folder = watched_folder(run)
    write_probe(folder, made_probe())
    for epoch in range(1, epochs + 1):
        probabilities = np.full((3, 4), 0.25, np.float32)
        moved = float("nan") if epoch == 1 else epoch / 10
        write_epoch(folder, epoch, made_maps(epoch), probabilities, accuracy=0.9, moved=moved)
    return folder


def read(run: RunDirectory, before: Watched | None = None) -> Watched:
    found = read_watched(run, before)
    assert found is not None
    return found


def test_a_series_comes_back_as_it_was_written(run: RunDirectory) -> None:
    written(run, 3)
    watched = read(run)
    assert watched.epochs == (1, 2, 3)
    assert np.isnan(watched.moved[0])
    assert watched.moved[1:] == (0.2, 0.3)
    assert watched.probe.layer == "conv3"
    assert watched.probe.is_same(made_probe())
    assert watched.maps(2).dtype == np.float32
    np.testing.assert_allclose(watched.maps(2), made_maps(2), atol=1e-3)
    assert watched.probabilities(3).shape == (3, 4)
    with pytest.raises(KeyError):
        watched.maps(4)


def test_maps_keep_their_size_however_small_or_large(run: RunDirectory) -> None:
    folder = written(run, 1)
    maps = made_maps(1) * np.array([1e-12, 1e9, 0], np.float32)[:, None, None]
    write_epoch(folder, 1, maps, np.zeros((3, 4), np.float32), accuracy=0.9, moved=0.1)
    np.testing.assert_allclose(read(run).maps(1), maps, rtol=1e-3)


def test_an_epoch_that_is_done_again_replaces_its_file(run: RunDirectory) -> None:
    folder = written(run, 2)
    write_epoch(folder, 2, made_maps(7), np.zeros((3, 4), np.float32), accuracy=0.5, moved=0.1)
    watched = read(run)
    assert [row.accuracy for row in watched.rows] == [0.9, 0.5]
    np.testing.assert_allclose(watched.maps(2), made_maps(7), atol=1e-3)


def test_another_probe_begins_another_series(run: RunDirectory) -> None:
    folder = written(run, 2)
    write_probe(folder, made_probe(count=2))
    assert read(run).epochs == ()
    assert not read(run).probe.is_same(made_probe())


def test_what_has_not_changed_is_not_read_again(run: RunDirectory) -> None:
    folder = written(run, 2)
    before = read(run)
    write_epoch(folder, 3, made_maps(3), np.zeros((3, 4), np.float32), accuracy=0.9, moved=0.1)
    after = read(run, before)
    assert after.rows[0] is before.rows[0]
    assert after.epochs == (1, 2, 3)


def test_a_run_that_was_not_watched_has_no_series(run: RunDirectory) -> None:
    assert read_watched(run) is None


@pytest.mark.parametrize("damage", [b"", b"PK\x03\x04 torn", b"\x93NUMPY"])
def test_a_damaged_epoch_is_left_out_and_a_damaged_probe_is_none(run: RunDirectory, damage: bytes) -> None:
    folder = written(run, 3)
    before = read(run)
    (folder / "epoch-0002.npz").write_bytes(damage)
    assert read(run).epochs == (1, 3)
    with pytest.raises(DataError):
        before.maps(2)
    (folder / "probe.npz").write_bytes(damage)
    assert read_watched(run) is None


def rows(accuracies: list[float], moved: float) -> list[WatchedEpoch]:
    return [WatchedEpoch(number, Path(), value, moved) for number, value in enumerate(accuracies, 1)]


def test_an_alarm_needs_a_standing_accuracy_and_moving_maps() -> None:
    still = [0.9, 0.9 + STILL / 2, 0.9, 0.9]
    assert len(still) == STILL_EPOCHS + 1
    assert is_alarm(rows(still, moved=2 * MOVING))
    assert not is_alarm(rows(still, moved=MOVING / 2))
    assert not is_alarm(rows(still[1:], moved=2 * MOVING))
    assert not is_alarm(rows([0.9, 0.9, 0.9, 0.9 + 2 * STILL], moved=2 * MOVING))
    assert not is_alarm(rows([float("nan"), *still[1:]], moved=2 * MOVING))


def test_a_gap_in_the_series_is_no_alarm() -> None:
    series = rows([0.9] * 4, moved=2 * MOVING)
    assert not is_alarm([*series[:3], replace(series[3], epoch=5)])


def test_the_alarms_of_a_series_are_its_epochs() -> None:
    series = rows([0.5, 0.9, 0.9, 0.9, 0.9, 0.9, 0.95], moved=2 * MOVING)
    assert Watched(made_probe(), tuple(series)).alarms == (5, 6)
