from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from tests.unit.explain.nets import SIDE, cue_subjects
from xaitui.explain.trust.judged_images import Subjects
from xaitui.explain.trust.reference_maps import FLOORS


def test_every_floor_gives_a_map_an_image() -> None:
    subjects = cue_subjects(6)
    for floor in FLOORS.values():
        maps = floor.draw(subjects)
        assert maps.shape == (6, SIDE, SIDE)
        assert maps.dtype == np.float32
        others = floor.draw(replace(subjects, inputs=subjects.inputs.flip(2)))
        assert np.array_equal(maps, others) is not floor.sees_image
    assert list(FLOORS) == ["random", "edges", "centre"]


def test_noise_belongs_to_an_image_and_a_seed() -> None:
    draw, subjects = FLOORS["random"].draw, cue_subjects(6)
    maps = draw(subjects)
    assert np.array_equal(draw(subjects.only([4, 2])), maps[[4, 2]])
    assert not np.array_equal(maps[0], maps[1])
    assert not np.array_equal(draw(replace(subjects, seed=1)), maps)


def test_edges_are_where_brightness_changes() -> None:
    image = torch.zeros(1, 3, 12, 12)
    image[:, :, :, 6:] = 1
    edges = FLOORS["edges"].draw(Subjects(torch.nn.Identity(), image, torch.tensor([0]), [0]))[0]
    assert set(np.flatnonzero(edges.any(axis=0))) == {5, 6}


def test_the_centre_is_the_middle() -> None:
    bell = FLOORS["centre"].draw(cue_subjects(1))[0]
    assert bell == pytest.approx(bell[::-1, ::-1])
    middle = SIDE // 2
    assert bell.max() == bell[middle, middle]
    # one standard deviation, a quarter of the side, from the middle
    assert bell[middle, middle + SIDE // 4] / bell[middle, middle] == pytest.approx(np.exp(-((4.5**2 - 0.5**2) / 32)))
