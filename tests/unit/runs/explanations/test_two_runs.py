from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from xaitui.errors import DataError
from xaitui.runs.directory import RunDirectory
from xaitui.runs.explanations.two_runs import (
    Against,
    PairedSample,
    against_folder,
    list_against,
    mean_of,
    write_against,
)

SAMPLES = (PairedSample(3, 1, 0.5, 0.25, 0.75), PairedSample(9, 0, math.nan, math.nan, math.nan))
OWN = np.arange(32, dtype=np.float32).reshape(2, 4, 4)


@pytest.fixture
def run(tmp_path: Path) -> RunDirectory:
    return RunDirectory(tmp_path)


def written(run: RunDirectory, method: str = "grad-cam") -> Against:
    path = against_folder(run, "other-run", "test", method)
    found = Against(path, "other-run", "test", method, {"layers": ["a", "b"]}, SAMPLES)
    write_against(found, OWN, -OWN)
    return found


def test_a_set_comes_back_as_it_was_written(run: RunDirectory) -> None:
    written(run)
    (found,) = list_against(run)
    assert (found.other, found.split, found.method) == ("other-run", "test", "grad-cam")
    assert found.settings["layers"] == ["a", "b"]
    assert found.samples[0] == SAMPLES[0]
    assert (found.samples[1].index, math.isnan(found.samples[1].ssim)) == (9, True)
    own, other = found.maps()
    np.testing.assert_array_equal(own, OWN)
    np.testing.assert_array_equal(other, -OWN)
    assert found.picture(1).name == "00009-class-0.png"


def test_means_are_over_what_is_known() -> None:
    assert mean_of(SAMPLES, "spearman_abs") == 0.5
    assert math.isnan(mean_of(SAMPLES[1:], "spearman_abs"))


@pytest.mark.parametrize("name", ["settings.json", "samples.csv"])
def test_a_damaged_set_is_left_out(run: RunDirectory, name: str) -> None:
    damaged, whole = written(run), written(run, "saliency")
    (damaged.path / name).write_bytes(b"\xff{")
    assert [found.method for found in list_against(run)] == [whole.method]


def test_damaged_maps_are_told(run: RunDirectory) -> None:
    found = written(run)
    (found.path / "maps.npz").write_bytes(b"PK")
    with pytest.raises(DataError, match="explain again"):
        found.maps()
