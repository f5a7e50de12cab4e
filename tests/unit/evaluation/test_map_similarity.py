from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from tests.builders.runs import finished_run
from xaitui.evaluation.map_similarity import MAPS_SCORE, maps_likeness, with_maps
from xaitui.runs.directory import RunDirectory
from xaitui.runs.explanations.training_maps import Probe, watched_folder, write_epoch, write_probe
from xaitui.runs.listing.comparison import compare

SIDE = 5
RISING = np.arange(2.0 * SIDE * SIDE, dtype=np.float32).reshape(2, SIDE, SIDE)


def watch(run: RunDirectory, *maps: np.ndarray[tuple[int, ...], np.dtype[np.float32]], shade: int = 0) -> RunDirectory:
    """Let a run have kept maps of two images."""
    images = np.full((2, SIDE, SIDE, 1), shade, np.uint8)
    run.path.mkdir(exist_ok=True)
    write_probe(watched_folder(run), Probe(np.arange(2), np.arange(2), np.arange(2), images, "conv"))
    for epoch, each in enumerate(maps, 1):
        write_epoch(watched_folder(run), epoch, each, np.zeros((2, 3), np.float32), accuracy=0.5, moved=math.nan)
    return run


def test_the_maps_after_the_last_epochs_count(tmp_path: Path) -> None:
    baseline = watch(RunDirectory(tmp_path / "a"), RISING)
    assert maps_likeness(watch(RunDirectory(tmp_path / "b"), -RISING, RISING**2), baseline) == pytest.approx(1)
    mixed = np.stack([RISING[0], -RISING[1]])
    assert maps_likeness(watch(RunDirectory(tmp_path / "c"), mixed), baseline) == pytest.approx(0)


def test_maps_that_order_nothing_do_not_count(tmp_path: Path) -> None:
    baseline = watch(RunDirectory(tmp_path / "a"), RISING)
    half = watch(RunDirectory(tmp_path / "b"), np.stack([RISING[0], np.zeros_like(RISING[1])]))
    assert maps_likeness(half, baseline) == pytest.approx(1)
    assert math.isnan(maps_likeness(watch(RunDirectory(tmp_path / "c"), np.zeros_like(RISING)), baseline))


def test_nothing_can_be_told_of_other_images_other_sizes_or_no_maps(tmp_path: Path) -> None:
    baseline = watch(RunDirectory(tmp_path / "a"), RISING)
    others = [
        watch(RunDirectory(tmp_path / "b"), RISING, shade=1),
        watch(RunDirectory(tmp_path / "c"), RISING[:, :3, :3]),
        watch(RunDirectory(tmp_path / "d")),
        RunDirectory(tmp_path / "e"),
    ]
    assert all(math.isnan(maps_likeness(each, baseline)) for each in others)


def test_a_comparison_sets_each_run_beside_the_baseline_with_its_own_seed(runs_dir: Path) -> None:
    rng = np.random.default_rng(0)
    runs = []
    for lr, seed in ((0.1, 0), (0.1, 1), (0.2, 0), (0.2, 1)):
        run = finished_run(runs_dir, f"{lr}-{seed}", settings={"optimizer.lr": lr, "training.seed": seed})
        maps = RISING if seed == 0 else rng.random(RISING.shape, np.float32)
        runs.append(watch(run, maps, shade=seed))  # seeds cut different validation images
    for epoch in watched_folder(runs[1]).glob("epoch-*"):  # the runs of seed 1 have the same maps too
        (watched_folder(runs[3]) / epoch.name).write_bytes(epoch.read_bytes())
    scores = with_maps(compare(runs)).scores
    assert scores[-1].name == MAPS_SCORE
    assert [round(value, 6) for value in scores[-1].values[2:]] == [1, 1]
    assert all(map(math.isnan, scores[-1].values[:2]))


def test_a_comparison_without_maps_stays_as_it_is(runs_dir: Path) -> None:
    comparison = compare([finished_run(runs_dir, name) for name in ("one", "two")])
    assert with_maps(comparison) is comparison
