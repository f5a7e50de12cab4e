from __future__ import annotations

import pytest
import torch
from captum.attr import LayerAttribution, LayerGradCam
from torch import Tensor, nn

from xaitui.explain.methods.grad_cam import grad_cam
from xaitui.models.build import build_model


def captums(module: nn.Module, layer: str, inputs: Tensor, targets: Tensor) -> Tensor:
    method = LayerGradCam(module, module.get_submodule(layer))
    coarse = method.attribute(inputs, targets, relu_attributions=True)
    maps: Tensor = LayerAttribution.interpolate(coarse, inputs.shape[-2:], interpolate_mode="bilinear")
    return maps[:, 0].detach()


@pytest.mark.parametrize(
    ("name", "side", "layer"),
    [("simple-cnn", 28, "conv3.2"), ("simple-cnn-v1", 28, "conv2.1"), ("resnet18", 28, "layer3")],
)
def test_it_is_captums(name: str, side: int, layer: str) -> None:
    torch.manual_seed(0)
    module = build_model(name, num_classes=4, in_channels=1, image_size=side).module.eval()
    inputs, targets = torch.randn(5, 1, side, side), torch.tensor([0, 1, 2, 3, 3])
    maps, logits = grad_cam(module, layer, inputs, targets)
    assert maps.shape == (5, side, side)
    assert float(maps.max()) > 0
    torch.testing.assert_close(maps, captums(module, layer, inputs, targets), rtol=1e-5, atol=1e-6)
    with torch.no_grad():
        torch.testing.assert_close(logits, module(inputs))


class InPlace(nn.Module):
    """A network whose activation overwrites what the layer gave."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, 4, 3)
        self.act = nn.ReLU(inplace=True)
        self.out = nn.Linear(4, 2)

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.out(self.act(self.conv(x)).mean(dim=(2, 3)))
        return logits


def test_a_layer_whose_output_is_overwritten_can_be_explained() -> None:
    torch.manual_seed(0)
    inputs, targets = torch.randn(2, 1, 8, 8), torch.tensor([0, 1])
    module = InPlace().eval()
    maps, _ = grad_cam(module, "conv", inputs, targets)
    module.act.inplace = False
    torch.testing.assert_close(maps, captums(module, "conv", inputs, targets))


def test_nothing_is_left_on_the_model() -> None:
    torch.manual_seed(0)
    module = InPlace().eval().requires_grad_(False)
    grad_cam(module, "conv", torch.randn(2, 1, 8, 8), torch.tensor([0, 1]))
    assert all(parameter.grad is None for parameter in module.parameters())
    assert not module.conv._forward_hooks
    with pytest.raises(RuntimeError, match="the layer out gives no maps of an image"):
        grad_cam(module, "out", torch.randn(2, 1, 8, 8), torch.tensor([0, 1]))
    assert not module.out._forward_hooks
