"""Maps of all methods on a GPU are those of a processor: the same network, images, classes and noise."""

from __future__ import annotations

from copy import deepcopy

import pytest
import torch
from torch import Tensor

from tests.unit.explain.nets import cue_subjects, trained_net
from xaitui.catalog.attributions import ATTRIBUTIONS, DEFAULT_BASELINE
from xaitui.explain.methods.grad_cam import grad_cam
from xaitui.explain.methods.layers import choose_layer
from xaitui.explain.methods.methods import Explainer
from xaitui.explain.methods.recipe import Recipe
from xaitui.training.numerics import allow_tf32

pytestmark = pytest.mark.cuda

IMAGES = 6
CLOSE, KINKED = 1e-4, 1e-2
"""As parts of the largest value: of all values; and of the few that follow a ReLU which rounding put on its other side,
in methods that add up the gradients of hundreds of points."""
POINTS = frozenset({"integrated-gradients", "smoothgrad", "gradient-shap"})
BASELINES = {"deeplift": "blur"}
"""In a pooled window of a black image all values are the largest, but for rounding; DeepLIFT chooses one of them."""


@pytest.fixture
def _same_noise(monkeypatch: pytest.MonkeyPatch) -> None:
    """Noise is drawn where the images are, and another device draws other numbers: here all draw as a processor."""
    normal = torch.normal

    def drawn(mean: float, deviation: Tensor) -> Tensor:
        return normal(mean, deviation.cpu()).to(deviation.device)

    monkeypatch.setattr(torch, "normal", drawn)


def maps(method: str, device: str) -> Tensor:
    allow_tf32(allowed=False)
    subjects, net = cue_subjects(IMAGES), deepcopy(trained_net()).to(device)
    layer = choose_layer(trained_net(), subjects.inputs[:1]).path if ATTRIBUTIONS[method].layer else ""
    recipe = Recipe(method, layer, BASELINES.get(method, DEFAULT_BASELINE))
    explainer = Explainer(net, recipe, torch.full((3, 1, 1), -1.5, device=device), batch=16)
    found = explainer(subjects.inputs.to(device), subjects.targets.to(device))
    assert found.device == torch.device(device)
    assert found.dtype is torch.float32
    return found.cpu()


@pytest.mark.usefixtures("_same_noise")
@pytest.mark.parametrize("method", ATTRIBUTIONS)
def test_maps_are_those_of_a_processor(method: str, device: str) -> None:
    assert len(ATTRIBUTIONS) == 9
    expected = maps(method, "cpu")
    apart = (maps(method, device) - expected).abs() / expected.abs().max()
    assert float(expected.abs().max()) > 0
    if method in POINTS:
        assert float(apart.flatten().quantile(0.99)) <= CLOSE
    assert float(apart.max()) <= (KINKED if method in POINTS else CLOSE)


def test_the_maps_through_training_are_those_of_a_processor(device: str) -> None:
    allow_tf32(allowed=False)
    subjects = cue_subjects(IMAGES)
    expected = grad_cam(trained_net(), "conv2", subjects.inputs, subjects.targets)
    found = grad_cam(
        deepcopy(trained_net()).to(device), "conv2", subjects.inputs.to(device), subjects.targets.to(device)
    )
    for ours, theirs in zip(found, expected, strict=True):
        torch.testing.assert_close(ours.cpu(), theirs, rtol=0, atol=CLOSE * float(theirs.abs().max()))
