from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from xaitui.errors import DataError, UsageError
from xaitui.runs.directory import RunDirectory
from xaitui.runs.explanations.maps import ExplanationSet, Sample, list_explanations, read_explanations, set_folder
from xaitui.runs.explanations.writer import append, begin_set, explaining

SETTINGS = {
    "split": "test",
    "method": "grad-cam",
    "layer": "conv",
    "baseline": "",
    "steps": 0,
    "seed": 0,
    "weights_sha256": "ab",
    "scored": True,
}


def sample(index: int, target: int = 1, **scores: float) -> Sample:
    return Sample(index, 1, 2, target, 0.25, 0.5, 0.25, 1.5, scores)


def maps(*values: float) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    return np.stack([np.full((3, 4), value, np.float32) for value in values])


@pytest.fixture
def run(tmp_path: Path) -> RunDirectory:
    return RunDirectory(tmp_path)


@pytest.fixture
def folder(run: RunDirectory) -> Path:
    folder = set_folder(run, "test", "grad-cam", "conv")
    begin_set(folder, SETTINGS)
    append(folder, 0, [sample(7, deletion=0.5), sample(9)], maps(1, 2))
    return folder


def test_what_was_written_is_read(run: RunDirectory, folder: Path) -> None:
    assert folder.name == "test-grad-cam@conv"
    (found,) = list_explanations(run)
    assert (found.split, found.method, found.layer) == ("test", "grad-cam", "conv")
    assert found.samples == (sample(7, deletion=0.5), sample(9))
    assert found.map(1).tolist() == maps(2)[0].tolist()
    assert (found.find(9, 1), found.find(9, 2), found.find(8, 1)) == (1, None, None)


def test_a_set_grows(folder: Path) -> None:
    for count in range(2, 1200, 599):  # across the number of digits in the header
        append(folder, count, [sample(1000 + count + each) for each in range(599)], maps(*range(599)))
    found = read_explanations(folder)
    assert len(found.samples) == 2 + 2 * 599
    assert found.map(1)[0, 0] == 2
    assert found.map(2 + 599 + 598)[0, 0] == 598
    with pytest.raises(DataError, match="damaged; explain again"):
        found.map(5000)


def test_what_a_killed_writer_left_is_overwritten(folder: Path) -> None:
    with (folder / "samples.csv").open("a") as file:
        file.write("11,1,2,1,0.2")
    with (folder / "maps.npy").open("ab") as file:
        file.write(maps(5).tobytes()[:20])
    found = read_explanations(folder)
    assert [each.index for each in found.samples] == [7, 9]
    assert found.map(1)[0, 0] == 2
    append(folder, 2, [sample(13)], maps(3))
    found = read_explanations(folder)
    assert [each.index for each in found.samples] == [7, 9, 13]
    assert found.map(2)[0, 0] == 3


@pytest.mark.parametrize("setting", ["steps", "seed", "weights_sha256"])
def test_what_was_made_in_another_way_goes(folder: Path, setting: str) -> None:
    assert begin_set(folder, SETTINGS)[1] is False
    found, replaced = begin_set(folder, {**SETTINGS, setting: 5})
    assert (len(found.samples), replaced) == (0, True)


def test_maps_without_scores_are_made_again_where_scores_are_wanted_and_not_the_other_way(folder: Path) -> None:
    assert len(begin_set(folder, {**SETTINGS, "scored": False})[0].samples) == 2
    begin_set(folder, {**SETTINGS, "seed": 1, "scored": False})
    append(folder, 0, [sample(3)], maps(1))
    assert begin_set(folder, {**SETTINGS, "seed": 1})[0].samples == ()


@pytest.mark.parametrize("name", ["settings.json", "samples.csv"])
@pytest.mark.parametrize("content", ["", "nonsense", "[]", "index\nx\n"])
def test_a_damaged_set_is_left_out(run: RunDirectory, folder: Path, name: str, content: str) -> None:
    (folder / name).write_text(content)
    assert list_explanations(run) == []
    assert begin_set(folder, SETTINGS)[0].samples == ()


def test_damaged_maps_are_said(folder: Path) -> None:
    (folder / "maps.npy").write_bytes(b"nonsense")
    with pytest.raises(DataError, match=r"maps\.npy is damaged; explain again"):
        read_explanations(folder).map(0)


def test_one_process_explains_at_a_time(run: RunDirectory) -> None:
    with explaining(run), pytest.raises(UsageError, match="another process is explaining"), explaining(run):
        raise AssertionError("two at once")
    assert not (run.explanations / ".lock").exists()


def test_badges() -> None:
    assert sample(1, completeness=0.049).badge == ""
    assert sample(1, completeness=0.071).badge == "its sum is 7.1% off"
    assert Sample(1, 1, 1, 1, math.nan, 1, 1, math.nan, {}, "all zero").badge == "all zero"
    trust = {"badge": "does not beat edges (insertion)"}
    judged = ExplanationSet(Path(), "test", "saliency", "", {"trust": trust}, ())
    assert judged.badge == "does not beat edges (insertion)"
    assert ExplanationSet(Path(), "test", "saliency", "", {}, ()).badge == ""
