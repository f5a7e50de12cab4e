from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from tests.unit.explain.nets import SIDE, cue_subjects, input_x_gradient, trained_net
from xaitui.explain.trust.judged_images import Subjects
from xaitui.explain.trust.robustness import RADIUS, infidelity, sensitivity, sparseness


def linear(count: int = 6) -> tuple[Subjects, Tensor]:
    """A model whose exact explanation is known: the products of weights and inputs."""
    draw = torch.Generator().manual_seed(0)
    layer = nn.Linear(3 * 8 * 8, 4)
    model = nn.Sequential(nn.Flatten(), layer)
    inputs = torch.randn(count, 3, 8, 8, generator=draw)
    targets = torch.arange(count) % 4
    weights = layer.weight.detach().view(4, 3, 8, 8)[targets]
    return Subjects(model.requires_grad_(False), inputs, targets, range(count)), (weights * inputs).sum(dim=1)


def test_the_exact_explanation_of_a_linear_model_foretells_everything() -> None:
    subjects, exact = linear()
    assert infidelity(subjects, exact) == pytest.approx(np.zeros(6), abs=1e-5)
    assert infidelity(subjects, exact * 50) == pytest.approx(np.zeros(6), abs=1e-5)  # units do not matter
    assert (infidelity(subjects, exact.flip(1)) > 1e-3).all()


def test_a_map_is_asked_about_its_own_class() -> None:
    subjects, exact = linear()
    others = replace(subjects, targets=(subjects.targets + 1) % 4)
    assert (infidelity(others, exact) > 1e-3).all()


@pytest.mark.parametrize("batch", [3, 45])
def test_an_image_is_judged_alike_in_every_batch(batch: int) -> None:
    whole, parted = cue_subjects(6), cue_subjects(6, batch=batch)
    explain = input_x_gradient(trained_net())
    maps = explain(whole.inputs, whole.targets)
    assert infidelity(parted, maps) == pytest.approx(infidelity(whole, maps), rel=1e-3, abs=1e-5)
    assert sensitivity(parted, explain) == pytest.approx(sensitivity(whole, explain), rel=1e-3)
    alone = whole.only([4])
    assert infidelity(alone, maps[4:5]) == pytest.approx(infidelity(whole, maps)[4:5], rel=1e-3, abs=1e-5)
    assert sensitivity(alone, explain) == pytest.approx(sensitivity(whole, explain)[4:5], rel=1e-3)


def test_what_is_drawn_follows_the_seed_and_leaves_torchs_generator_alone() -> None:
    subjects, state = cue_subjects(4), torch.get_rng_state()
    explain = input_x_gradient(trained_net())
    maps = explain(subjects.inputs, subjects.targets)
    first = infidelity(subjects, maps), sensitivity(subjects, explain)
    again = infidelity(subjects, maps), sensitivity(subjects, explain)
    other = infidelity(replace(subjects, seed=1), maps), sensitivity(replace(subjects, seed=1), explain)
    assert np.array_equal(first, again)
    assert not np.equal(first, other).any()
    assert torch.equal(torch.get_rng_state(), state)


def test_sensitivity_is_how_far_the_noise_moves_a_map() -> None:
    subjects, _ = linear()
    assert not sensitivity(subjects, lambda inputs, targets: torch.ones(len(inputs), 8, 8)).any()
    own = replace(subjects, inputs=torch.full_like(subjects.inputs, 2.0))
    moved = sensitivity(own, lambda inputs, targets: inputs[:, 0])
    # a map of twos moves by noise that is uniform within the radius: its size is that over the root of three
    assert moved == pytest.approx(np.full(6, RADIUS / 2 / 3**0.5), rel=0.3)
    assert (moved <= RADIUS / 2).all()


def test_sparseness_is_ginis_index() -> None:
    one_pixel, all_equal = np.zeros((4, 4), np.float32), np.ones((4, 4), np.float32)
    one_pixel[1, 2] = -5
    half = np.repeat([0.0, 1.0], 8).reshape(4, 4).astype(np.float32)
    assert sparseness(np.stack([one_pixel, all_equal, half])) == pytest.approx([1 - 1 / 16, 0, 0.5])
    values = np.random.default_rng(0).random((1, SIDE, SIDE)).astype(np.float32)
    flat = values.ravel()
    pairs = np.abs(flat[:, None] - flat[None, :]).sum()
    assert sparseness(values) == pytest.approx([pairs / (2 * flat.size * flat.sum())], rel=1e-5)
