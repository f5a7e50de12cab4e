"""A small network that has learnt one cue, and methods to explain it with: what judges of maps are judged on."""

from __future__ import annotations

from functools import cache

import numpy as np
import torch
from torch import Tensor, nn

from xaitui.explain.trust.judged_images import Explain, Subjects

SIDE, PATCH = 16, 4


class CueNet(nn.Module):
    """Two convolutions and a linear layer on RGB images of 16 pixels, for two classes."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(2))
        self.conv2 = nn.Sequential(nn.Conv2d(8, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(), nn.MaxPool2d(2))
        self.out = nn.Linear(16 * (SIDE // 4) ** 2, 2)

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.out(self.conv2(self.conv1(x)).flatten(1))
        return logits


def cue_images(count: int, seed: int) -> tuple[Tensor, Tensor]:
    """Noise with stripes at random places; a red or a blue patch in the upper left corner alone decides the class."""
    draw = np.random.default_rng(seed)
    images = draw.normal(0, 0.5, (count, 3, SIDE, SIDE)).astype(np.float32)
    labels = draw.integers(0, 2, count)
    for image, label, row in zip(images, labels, draw.integers(PATCH + 1, SIDE - 2, count), strict=True):
        image[:, row : row + 2] += 1.5
        image[:, :PATCH, :PATCH] = 0
        image[0 if label else 2, :PATCH, :PATCH] = 2
    return torch.from_numpy(images), torch.from_numpy(labels)


@cache
def trained_net() -> CueNet:
    """The network after sixty steps, in evaluation mode; not to be changed."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        net = CueNet()
        optimizer = torch.optim.Adam(net.parameters(), lr=0.01)
        for step in range(60):
            images, labels = cue_images(32, seed=step)
            optimizer.zero_grad()
            torch.autograd.backward(nn.functional.cross_entropy(net(images), labels))
            optimizer.step()
    return net.eval().requires_grad_(False)


def cue_subjects(count: int = 40, **options: int) -> Subjects:
    """Images that the network has not seen, with the class that it gives them."""
    images, labels = cue_images(count, seed=1_000)
    targets = trained_net()(images).argmax(dim=1)
    assert torch.equal(targets, labels)
    return Subjects(trained_net(), images, targets, range(count), **options)  # type: ignore[arg-type]


def cue_maps(count: int) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    """What a perfect method would say: the patch, and nothing else."""
    maps = np.zeros((count, SIDE, SIDE), np.float32)
    maps[:, :PATCH, :PATCH] = 1
    return maps


def input_x_gradient(net: nn.Module) -> Explain:
    """A method in four lines."""

    def explain(inputs: Tensor, targets: Tensor) -> Tensor:
        images = inputs.detach().requires_grad_()
        (gradients,) = torch.autograd.grad(net(images).gather(1, targets[:, None]).sum(), images)
        return (gradients * images).sum(dim=1).detach()

    return explain
