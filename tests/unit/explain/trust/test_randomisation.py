from __future__ import annotations

import copy
import json
import math

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from tests.unit.explain.nets import SIDE, cue_subjects, input_x_gradient, trained_net
from xaitui.explain.trust.judged_images import Explain
from xaitui.explain.trust.randomisation import STAGES, Randomisation, randomise
from xaitui.explain.trust.reference_maps import FLOORS


def gradient(net: nn.Module) -> Explain:
    def explain(inputs: Tensor, targets: Tensor) -> Tensor:
        images = inputs.detach().requires_grad_()
        (gradients,) = torch.autograd.grad(net(images).gather(1, targets[:, None]).sum(), images)
        return gradients.sum(dim=1).detach()

    return explain


def edges(net: nn.Module) -> Explain:
    """A method that looks at the image alone."""
    subjects = cue_subjects(8)
    return lambda inputs, targets: FLOORS["edges"].draw(subjects)[: len(inputs)]


def test_gradients_depend_on_the_weights() -> None:
    found = randomise(trained_net(), gradient, cue_subjects(8))
    assert found.layers == ("out", "conv2.1", "conv1.1")
    assert (found.outcome, found.passes, found.badge) == ("passes", True, "")
    assert abs(found.spearman_signed[-1]) < 0.2
    assert len(found.ssim) == 3


def test_a_map_of_the_image_alone_fails() -> None:
    found = randomise(trained_net(), edges, cue_subjects(8))
    assert found.spearman_abs == found.spearman_signed == found.ssim == pytest.approx((1, 1, 1))
    assert (found.outcome, found.passes) == ("fails", False)
    assert found.badge == "fails the model randomisation test"


def test_neither_the_model_nor_torchs_generator_is_touched() -> None:
    net, state = trained_net(), torch.get_rng_state()
    before = copy.deepcopy(net.state_dict())
    first = randomise(net, input_x_gradient, cue_subjects(4))
    assert all(torch.equal(value, before[name]) for name, value in net.state_dict().items())
    assert torch.equal(torch.get_rng_state(), state)
    assert randomise(net, input_x_gradient, cue_subjects(4)) == first
    assert randomise(net, input_x_gradient, cue_subjects(4, seed=1)) != first


def test_deep_networks_lose_several_layers_at_a_time_and_all_in_the_end() -> None:
    net = nn.Sequential(*(nn.Conv2d(3, 3, 1) for _ in range(20)), nn.Flatten(), nn.Linear(3 * SIDE**2, 2)).eval()
    seen: list[int] = []

    def count(copied: nn.Module) -> Explain:
        kept = zip(net.parameters(), copied.parameters(), strict=True)
        seen.append(sum(not torch.equal(one, other) for one, other in kept))
        return gradient(copied)

    found = randomise(net, count, cue_subjects(2))
    assert len(found.layers) == STAGES
    assert found.layers[-1] == "0"
    assert seen == sorted(seen)
    assert (seen[0], seen[-1]) == (0, len(list(net.parameters())))


class Scaled(nn.Module):
    """A network with weights of its own, and a layer that is never called."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.linspace(-1, 1, 3 * SIDE * SIDE).view(3, SIDE, SIDE))
        self.out = nn.Linear(3 * SIDE * SIDE, 2)
        self.spare = nn.Linear(3, 2)

    def forward(self, x: Tensor) -> Tensor:
        return nn.functional.linear((x * self.scale).flatten(1), self.out.weight)


def test_weights_without_a_way_to_be_drawn_are_shuffled() -> None:
    net = Scaled()
    shaken: list[nn.Module] = []

    def keep(module: nn.Module) -> Explain:
        shaken.append(module)
        return gradient(module)

    found = randomise(net, keep, cue_subjects(2))
    assert sorted(found.layers) == ["(the model itself)", "out", "spare"]
    scale = shaken[-1].scale
    assert isinstance(scale, Tensor)
    assert not torch.equal(scale, net.scale)
    assert torch.equal(scale.flatten().sort().values, net.scale.flatten().sort().values)
    assert not torch.equal(shaken[-1].get_parameter("out.weight"), net.out.weight)


@pytest.mark.parametrize("value", [0.0, 1.0, math.nan])
def test_maps_that_say_nothing_say_nothing_of_the_method(value: float) -> None:
    found = randomise(trained_net(), lambda net: lambda inputs, _: inputs[:, 0] * 0 + value, cue_subjects(3))
    assert found.outcome == "cannot be told"
    assert not found.passes
    assert found.reason == "with random weights no map says anything"
    assert json.loads(json.dumps(found.record(), allow_nan=False))["spearman_abs"] == [None] * 3


def test_a_model_without_weights_cannot_be_told() -> None:
    found = randomise(nn.Identity(), lambda net: lambda inputs, _: inputs[:, 0], cue_subjects(2))
    assert (found.layers, found.outcome) == ((), "cannot be told")


@pytest.mark.parametrize(
    ("last", "outcome", "badge"),
    [
        (0.19, "passes", ""),
        (-0.3, "falls partly", "passes model randomisation only in part"),
        (0.5, "fails", "fails the model randomisation test"),
    ],
)
def test_the_rule_looks_at_the_last_stage(last: float, outcome: str, badge: str) -> None:
    found = Randomisation(8, ("out", "conv1"), (0.9, last), (0.0, 0.0), (0.0, 0.0))
    assert (found.outcome, found.badge) == (outcome, badge)
    assert f"{last:.2f}" in found.reason


def test_the_record_is_plain() -> None:
    record = randomise(trained_net(), input_x_gradient, cue_subjects(2)).record()
    assert json.loads(json.dumps(record, allow_nan=False)) == record
    assert np.isfinite(record["ssim"]).all()
