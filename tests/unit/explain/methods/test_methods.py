from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from captum.attr import DeepLift
from torch import Tensor, nn

from tests.unit.explain.nets import PATCH, cue_subjects, trained_net
from xaitui.catalog.attributions import ATTRIBUTIONS
from xaitui.errors import UsageError
from xaitui.explain.methods.compatibility import check_method, gives_probabilities
from xaitui.explain.methods.layers import choose_layer
from xaitui.explain.methods.methods import Explainer
from xaitui.explain.methods.recipe import Recipe, completeness_error
from xaitui.models.build import build_model

NETS = [("simple-cnn", 28), ("resnet18", 32), ("alexnet", 64), ("xception", 48)]


def built(name: str, side: int, **options: str) -> tuple[nn.Module, Tensor, Tensor]:
    """A network with statistics of its own, so that deep ones do not fade out, and images with their classes."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        module = build_model(name, num_classes=3, in_channels=3, image_size=side, **options).module  # type: ignore[arg-type]
        images = torch.randn(4, 3, side, side)
        with torch.no_grad():
            for layer in module.modules():
                if isinstance(layer, nn.BatchNorm2d):
                    layer.momentum = 1.0
            module.train()(images)
        head = [layer for layer in module.modules() if isinstance(layer, nn.Linear)][-1]
        with torch.no_grad():
            head.weight *= 5 / module.eval()(images).std()
    return module.eval().requires_grad_(False), images[:3], torch.tensor([0, 1, 2])


def explainer(module: nn.Module, method: str, sample: Tensor, batch: int = 16, **options: str | int) -> Explainer:
    layer = choose_layer(module, sample[:1]).path if ATTRIBUTIONS[method].layer else ""
    return Explainer(module, Recipe(method, layer, **options), torch.full((3, 1, 1), -1.5), batch)  # type: ignore[arg-type]


def by_hooks(module: nn.Module, layer: str, images: Tensor, targets: Tensor) -> Tensor:
    """Grad-CAM as its paper writes it, image by image."""
    kept: dict[str, Tensor] = {}
    place = module.get_submodule(layer)

    def keep(_: nn.Module, __: object, output: Tensor) -> None:
        kept["activation"] = output
        output.retain_grad()

    handle = place.register_forward_hook(keep)
    maps = []
    for image, target in zip(images, targets.tolist(), strict=True):
        module(image[None].clone().requires_grad_())[0, target].backward()
        activation, gradient = kept["activation"][0].detach(), kept["activation"].grad
        assert gradient is not None
        coarse = sum(gradient[0, k].mean() * activation[k] for k in range(len(activation)))
        assert isinstance(coarse, Tensor)
        maps.append(F.interpolate(coarse.clamp(min=0)[None, None], images.shape[2:], mode="bilinear")[0, 0])
    handle.remove()
    return torch.stack(maps)


@pytest.mark.parametrize(("name", "side"), NETS)
def test_grad_cam_is_what_hooks_give(name: str, side: int) -> None:
    module, images, targets = built(name, side)
    method = explainer(module, "grad-cam", images, batch=1)  # a batch rounds otherwise: deep nets have ReLUs at zero
    expected = by_hooks(module, method.recipe.layer, images, targets)
    assert float(expected.max()) > 0
    torch.testing.assert_close(method(images, targets), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("method", "name", "side"), [("integrated-gradients", "simple-cnn", 28), *(("deeplift", *net) for net in NETS)]
)
def test_what_is_handed_out_is_the_change_of_the_logit(method: str, name: str, side: int) -> None:
    module, images, targets = built(name, side)
    found = explainer(module, method, images).explain(images, targets)
    with torch.no_grad():
        change = (module(images) - module(torch.full_like(images, -1.5))).double().gather(1, targets[:, None])[:, 0]
    assert float(change.abs().min()) > 0.1
    error = completeness_error(found.values, change)
    torch.testing.assert_close(found.facts["completeness"], error, rtol=1e-3, atol=1e-4)
    assert float(error.max()) < 0.01


def test_only_images_that_need_them_get_more_steps() -> None:
    subjects = cue_subjects(12)
    method = explainer(trained_net(), "integrated-gradients", subjects.inputs, steps=3)
    found = method.explain(subjects.inputs, subjects.targets)
    steps, errors = found.facts["steps"], found.facts["completeness"]
    assert set(steps.tolist()) <= {3.0 * 2**doubled for doubled in range(9)}
    assert len(set(steps.tolist())) > 1
    assert float(errors.max()) < 0.01
    quick = Explainer(trained_net(), method.recipe, method.black, method.batch, exact=False)
    once = quick.explain(subjects.inputs, subjects.targets)
    assert set(once.facts["steps"].tolist()) == {3.0}
    assert torch.equal(once.facts["completeness"] < 0.01, steps == 3)


def test_deeplift_is_captums_where_nothing_is_pooled() -> None:
    torch.manual_seed(0)
    module = nn.Sequential(nn.Conv2d(3, 4, 3), nn.LeakyReLU(), nn.Flatten(), nn.Linear(4 * 36, 3)).eval()
    images, targets = torch.randn(3, 3, 8, 8), torch.tensor([0, 1, 2])
    expected = DeepLift(module).attribute(images, torch.full_like(images, -1.5), target=targets)
    found = explainer(module, "deeplift", images)(images, targets)
    torch.testing.assert_close(found, expected.sum(dim=1).detach())


@pytest.mark.parametrize("method", ATTRIBUTIONS)
def test_a_map_depends_on_its_image_and_the_seed_alone(method: str) -> None:
    subjects = cue_subjects(4)
    one = explainer(trained_net(), method, subjects.inputs, batch=64)
    torch.manual_seed(5)
    before, numbers = torch.get_rng_state(), np.random.get_state(legacy=False)
    maps = one(subjects.inputs, subjects.targets)
    assert torch.equal(torch.get_rng_state(), before)
    assert str(np.random.get_state(legacy=False)) == str(numbers)
    assert maps.shape == (4, 16, 16)
    assert maps.dtype is torch.float32
    assert not maps.requires_grad
    torch.testing.assert_close(one(subjects.inputs[2:], subjects.targets[2:]), maps[2:], rtol=1e-4, atol=1e-5)
    other = Explainer(trained_net(), Recipe(method, one.recipe.layer, seed=1), one.black, one.batch)
    assert torch.equal(other(subjects.inputs, subjects.targets), maps) != ATTRIBUTIONS[method].random
    if not ATTRIBUTIONS[method].signed:
        assert float(maps.min()) >= 0


@pytest.mark.parametrize("method", ATTRIBUTIONS)
def test_little_memory_gives_the_same_maps(method: str) -> None:
    if ATTRIBUTIONS[method].random:
        pytest.skip("what is drawn comes in other portions")
    subjects = cue_subjects(3)
    maps = [
        explainer(trained_net(), method, subjects.inputs, batch=batch)(subjects.inputs, subjects.targets)
        for batch in (1, 64)
    ]
    torch.testing.assert_close(maps[0], maps[1], rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("method", ATTRIBUTIONS)
def test_every_method_finds_a_known_cue(method: str) -> None:
    subjects = cue_subjects(20)
    maps = explainer(trained_net(), method, subjects.inputs, baseline="mean")(subjects.inputs, subjects.targets)
    for_class = maps.clamp(min=0)
    inside = for_class[:, :PATCH, :PATCH].sum(dim=(1, 2)) / for_class.sum(dim=(1, 2)).clamp(min=1e-9)
    chance = (PATCH / maps.shape[1]) ** 2
    assert float(inside.mean()) > 3 * chance


@pytest.mark.parametrize("baseline", ["black", "mean", "blur"])
def test_baselines(baseline: str) -> None:
    subjects = cue_subjects(2)
    method = explainer(trained_net(), "integrated-gradients", subjects.inputs, baseline=baseline)
    assert float(method.explain(subjects.inputs, subjects.targets).facts["completeness"].max()) < 0.01


class Shared(nn.Module):
    """Uses one in-place activation twice, and a function."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Conv2d(3, 4, 3, padding=1), nn.Conv2d(4, 4, 3, padding=1)
        self.act = nn.ReLU(inplace=True)
        self.out = nn.Linear(4, 3)

    def forward(self, x: Tensor) -> Tensor:
        x = self.act(self.second(self.act(self.first(x))))
        logits: Tensor = self.out(F.relu(x).mean(dim=(2, 3)))
        return logits


@pytest.mark.parametrize("method", ATTRIBUTIONS)
def test_reused_and_in_place_activations(method: str) -> None:
    torch.manual_seed(0)
    module, images, targets = Shared().eval().requires_grad_(False), torch.randn(2, 3, 8, 8), torch.tensor([0, 2])
    info = ATTRIBUTIONS[method]
    if info.own_activations:
        with pytest.raises(UsageError, match="1 of its activations are used more than once and 1 are functions"):
            check_method(module, info, images)
        return
    check_method(module, info, images)
    assert torch.isfinite(explainer(module, method, images)(images, targets)).all()


def test_what_a_method_does_not_know_is_refused() -> None:
    sample = torch.randn(1, 3, 28, 28)
    leaky, _, _ = built("simple-cnn-v1", 28)
    softmaxed, _, _ = built("simple-cnn-v1-softmax", 28)
    check_method(leaky, ATTRIBUTIONS["deeplift"], sample)
    with pytest.raises(UsageError, match=r"guided-grad-cam .* does not know: LeakyReLU"):
        check_method(leaky, ATTRIBUTIONS["guided-grad-cam"], sample)
    with pytest.raises(UsageError, match=r"deeplift .* ends in a softmax"):
        check_method(softmaxed, ATTRIBUTIONS["deeplift"], sample)
    with torch.no_grad():
        assert (gives_probabilities(leaky(sample)), gives_probabilities(softmaxed(sample))) == (False, True)
