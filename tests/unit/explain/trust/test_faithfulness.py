from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter
from torch import nn

from tests.unit.explain.nets import SIDE, cue_maps, cue_subjects, trained_net
from xaitui.explain.trust.faithfulness import blur, deletion, insertion
from xaitui.explain.trust.judged_images import Subjects


def area(subjects: Subjects, row: int, values: NDArray[np.float32], *, inserting: bool) -> float:
    """RISE's loop, written plainly, for one image."""
    image = subjects.inputs[row].numpy().reshape(3, -1)
    empty = blur(subjects.inputs[row : row + 1])[0].numpy().reshape(3, -1) if inserting else np.zeros_like(image)
    state, finish = (empty.copy(), image) if inserting else (image.copy(), empty)
    order = np.argsort(-values.ravel(), kind="stable")
    scores = []
    for step in range(SIDE + 1):
        logits = trained_net()(torch.from_numpy(state.reshape(1, 3, SIDE, SIDE)))
        scores.append(float(logits.softmax(1)[0, int(subjects.targets[row])]))
        pixels = order[step * SIDE : (step + 1) * SIDE]
        state[:, pixels] = finish[:, pixels]
    return (sum(scores) - scores[0] / 2 - scores[-1] / 2) / SIDE


@pytest.mark.parametrize("batch", [7, 500])
def test_areas_are_those_of_a_plain_loop(batch: int) -> None:
    subjects = cue_subjects(5, batch=batch)
    drawn = np.random.default_rng(0).normal(size=(5, SIDE, SIDE))
    maps = drawn.round(1).astype(np.float32)  # some are equal, some negative
    lost, won = deletion(subjects, torch.from_numpy(maps)), insertion(subjects, maps)
    assert lost == pytest.approx(
        [area(subjects, row, each, inserting=False) for row, each in enumerate(maps)], abs=1e-5
    )
    assert won == pytest.approx([area(subjects, row, each, inserting=True) for row, each in enumerate(maps)], abs=1e-5)
    assert np.ptp(lost) > 0.01


def test_what_speaks_against_a_class_goes_last() -> None:
    subjects = cue_subjects(8)
    maps = torch.from_numpy(cue_maps(8) + np.random.default_rng(0).random((8, SIDE, SIDE)) / 100)
    assert (deletion(subjects, -maps) > deletion(subjects, maps)).all()
    assert deletion(subjects, maps * 7 - 3) == pytest.approx(deletion(subjects, maps))


def test_a_model_of_several_labels_answers_with_its_sigmoid() -> None:
    layer = nn.Linear(4, 2, bias=False)
    nn.init.ones_(layer.weight)
    model = nn.Sequential(nn.Flatten(), layer).requires_grad_(False)
    inputs, targets = torch.ones(1, 1, 2, 2), torch.tensor([0])
    maps = np.array([[[4, 3], [2, 1]]], np.float32)
    areas = deletion(Subjects(model, inputs, targets, [0], several_labels=True), maps)
    sure, less, none = torch.tensor([4.0, 2.0, 0.0]).sigmoid().tolist()
    assert areas == pytest.approx([(sure / 2 + less + none / 2) / 2])
    assert deletion(Subjects(model, inputs, targets, [0]), maps) == pytest.approx([0.5])


def test_the_blur_is_that_of_rise() -> None:
    point = torch.zeros(1, 2, 41, 41)
    point[0, 1, 20, 20] = 1
    expected = np.zeros((11, 11))
    expected[5, 5] = 1
    assert blur(point)[0, 1, 15:26, 15:26].numpy() == pytest.approx(gaussian_filter(expected, 5), abs=1e-6)
    assert not blur(point)[0, 0].any()


@pytest.mark.parametrize(("side", "seen"), [(22, 11), (21, 9), (16, 7), (8, 3), (4, 1), (2, 1)])
def test_small_images_are_blurred_less(side: int, seen: int) -> None:
    point = torch.zeros(1, 1, side, side)
    point[0, 0, side // 2, side // 2] = 1
    assert blur(point).count_nonzero() == seen**2
