from __future__ import annotations

import subprocess
import sys

import pytest
import torch
from torch import nn

from xaitui.catalog.models import MODELS
from xaitui.errors import UsageError
from xaitui.models.activations import ACTIVATIONS, watch_activations
from xaitui.models.build import build_model
from xaitui.models.summary import summarize


def test_the_catalog_is_covered() -> None:
    assert len(MODELS) == 10


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("name", MODELS)
def test_forward_and_backward_at_the_smallest_size(name: str, channels: int) -> None:
    size = MODELS[name].min_size
    torch.manual_seed(0)
    built = build_model(name, num_classes=5, in_channels=channels, image_size=size)
    logits = built.module.train()(torch.rand(2, channels, size, size))
    assert logits.shape == (2, 5)
    logits.square().sum().backward()
    gradients = [parameter.grad for parameter in built.module.parameters()]
    assert all(gradient is not None and gradient.isfinite().all() for gradient in gradients)


@pytest.mark.parametrize("name", MODELS)
def test_one_pixel_less_is_too_small(name: str) -> None:
    with pytest.raises(UsageError, match="needs images of at least"):
        build_model(name, num_classes=5, in_channels=3, image_size=MODELS[name].min_size - 1)


@pytest.mark.parametrize("name", ["alexnet", "xception"])
def test_the_smallest_size_is_the_smallest(name: str) -> None:
    size = MODELS[name].min_size
    with torch.device("meta"):
        module = build_model(name, num_classes=5, in_channels=3, image_size=size).module
        with pytest.raises(RuntimeError):
            module(torch.zeros(2, 3, size - 1, size - 1))


@pytest.mark.parametrize("stem", ["small", "imagenet"])
@pytest.mark.parametrize("name", MODELS)
def test_each_activation_is_its_own_module_out_of_place(name: str, stem: str) -> None:
    with torch.device("meta"):
        module = build_model(name, num_classes=5, in_channels=3, image_size=64, stem=stem).module
        output, use = watch_activations(module, torch.zeros(2, 3, 64, 64))
    assert output.shape == (2, 5)
    registered = [
        path for path, layer in module.named_modules(remove_duplicate=False) if isinstance(layer, ACTIVATIONS)
    ]
    assert sorted(use.modules) == sorted(registered)
    assert len(use.modules) >= 2
    assert use.reused == ()
    assert use.functional == 0
    assert use.in_place == ()
    assert not any(getattr(layer, "inplace", False) for layer in module.modules())


@pytest.mark.parametrize("name", MODELS)
def test_no_layer_is_registered_twice(name: str) -> None:
    with torch.device("meta"):
        module = build_model(name, num_classes=5, in_channels=3, image_size=64).module
    places = [layer for _, layer in module.named_modules(remove_duplicate=False)]
    assert len(places) == len(set(map(id, places)))


@pytest.mark.parametrize("name", ["simple-cnn", "resnet18"])
def test_the_seed_decides_the_weights(name: str) -> None:
    def weights(seed: int) -> dict[str, torch.Tensor]:
        torch.manual_seed(seed)
        return build_model(name, num_classes=5, in_channels=1, image_size=28).module.state_dict()

    first, again, other = weights(3), weights(3), weights(4)
    assert all(torch.equal(first[key], again[key]) for key in first)
    assert not all(torch.equal(first[key], other[key]) for key in first)


def test_the_seed_decides_also_for_the_first_model_of_a_process() -> None:
    """Importing pretrainedmodels by itself draws from the generator, because it builds two networks."""
    code = """if True:
        import torch
        from xaitui.models.build import build_model
        def weights():
            torch.manual_seed(0)
            return build_model("xception", num_classes=2, in_channels=3, image_size=32).module.state_dict()
        first, second = weights(), weights()
        assert all(torch.equal(first[key], second[key]) for key in first)
    """
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize(("name", "giga"), [("alexnet", 0.714), ("resnet18", 1.814), ("resnet50", 4.089)])
def test_multiply_adds_are_those_that_torchvision_states(name: str, giga: float) -> None:
    with torch.device("meta"):
        module = build_model(name, num_classes=1000, in_channels=3, image_size=224).module
    assert summarize(module, 3, 224).multiply_adds == pytest.approx(giga * 1e9, rel=2e-3)


def test_a_summary_tells_what_is_trained_and_leaves_the_model_as_it_was() -> None:
    module = nn.Sequential(nn.Conv2d(1, 2, 3), nn.Flatten(), nn.Linear(2 * 6 * 6, 3)).train()
    module[0].requires_grad_(False)
    summary = summarize(module, 1, 8)
    assert (summary.parameters, summary.trainable) == (20 + 219, 219)
    assert summary.multiply_adds == 2 * 9 * 36 + 72 * 3
    assert module.training


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("activation", "rulu", "--activation cannot be 'rulu'; did you mean 'relu'?"),
        ("stem", "smal", "--stem cannot be 'smal'; did you mean 'small'?"),
        ("finetune", "heads", "--finetune cannot be 'heads'; did you mean 'head'?"),
    ],
)
def test_a_wrong_choice_is_answered_with_the_nearest(option: str, value: str, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        build_model("simple-cnn", num_classes=2, in_channels=1, image_size=8, **{option: value})  # type: ignore[arg-type]
    assert str(caught.value) == message
