"""Other ways to train the same model on the same images: the limit that computing alone sets, and MedMNIST's script.

Every way builds the model with `build_model` from one seed and takes Adam's steps on the cross entropy. What torch
keeps for the whole process (threads, cudnn's search for the fastest kernels, TF32) is what the engine has set: peers
run with it too, where their own scripts leave it at torch's defaults. The clock runs from the end of the first step to
the end of the last one.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset
from torchvision import transforms

from xaitui.models.build import build_model

LR = 0.001

Sample = tuple[Tensor, NDArray[np.int64]]


@dataclass(frozen=True)
class Work:
    """What every way trains, in two steps or more."""

    model: str
    batch_size: int
    images: NDArray[np.uint8]
    """(N, H, W, C)."""
    labels: NDArray[np.int64]
    """(N,)."""
    classes: int
    image_size: int
    """Side in pixels that the model sees."""
    device: str
    precision: str = "float32"

    @property
    def steps(self) -> int:
        """Of one pass over the images."""
        return -(-len(self.images) // self.batch_size)

    def speed(self, seconds: float) -> float:
        """Images a second of a pass whose steps after the first took so long."""
        return (len(self.images) - self.batch_size) / seconds


class PictureSet(Dataset[Sample]):
    """Images one by one, by way of PIL, as MedMNIST's own sets give them: (C, H, W) and label (1,)."""

    def __init__(self, work: Work) -> None:
        grey = work.images.shape[-1] == 1
        self._images = work.images[..., 0] if grey else work.images
        self._labels = work.labels[:, None]
        self._transform = transforms.Compose([transforms.ToTensor(), transforms.Normalize(mean=[0.5], std=[0.5])])

    def __len__(self) -> int:
        return len(self._images)

    def __getitem__(self, index: int) -> Sample:
        return self._transform(Image.fromarray(self._images[index])), self._labels[index]


def build(work: Work) -> nn.Module:
    """The model, in training mode on the processor."""
    torch.manual_seed(0)
    built = build_model(
        work.model, num_classes=work.classes, in_channels=work.images.shape[-1], image_size=work.image_size
    )
    return built.module.train()


def loader(work: Work, workers: int) -> DataLoader[Sample]:
    """Batches of the pictures, shuffled; everything else as torch has it."""
    return DataLoader(PictureSet(work), batch_size=work.batch_size, shuffle=True, num_workers=workers)


def synchronize(device: str) -> None:
    """Wait until the device has done what it was given."""
    if device == "cuda":
        torch.cuda.synchronize()


def limit_speed(work: Work, *, channels_last: bool, fused: bool) -> float:
    """Images a second of training on one batch that lies on the device already, as many steps as a pass has."""
    layout = torch.channels_last if channels_last else torch.contiguous_format
    device = torch.device(work.device)
    model = build(work).to(device).to(memory_format=layout)
    # None, not False: False would turn off the batched update, which is torch's default on a GPU, as well.
    optimizer = torch.optim.Adam(model.parameters(), lr=LR, fused=fused or None)
    inputs, labels = _one_batch(work, layout)

    def step() -> None:
        optimizer.zero_grad(set_to_none=True)
        with torch.autocast(device.type, torch.bfloat16, enabled=work.precision == "bfloat16"):
            logits = model(inputs)
        torch.autograd.backward(F.cross_entropy(logits.float(), labels))
        optimizer.step()

    step()
    synchronize(work.device)
    began = time.perf_counter()
    for _ in range(work.steps - 1):
        step()
    synchronize(work.device)
    return work.speed(time.perf_counter() - began)


def _one_batch(work: Work, layout: torch.memory_format) -> tuple[Tensor, Tensor]:
    images = torch.from_numpy(work.images[: work.batch_size]).to(work.device).permute(0, 3, 1, 2)
    inputs = F.interpolate(images.float().div(255), (work.image_size, work.image_size), mode="bilinear")
    labels = torch.from_numpy(work.labels[: work.batch_size]).to(work.device)
    return inputs.sub(0.5).div(0.5).contiguous(memory_format=layout), labels


def medmnist_speed(work: Work, workers: int) -> float:
    """Images a second of a pass in the manner of MedMNIST's own script: plain loop, the loss read at every step."""
    model = build(work).to(work.device)
    optimizer = torch.optim.Adam(model.parameters(), lr=LR)
    criterion = nn.CrossEntropyLoss()
    losses, began = [], 0.0
    for inputs, targets in loader(work, workers):
        optimizer.zero_grad()
        outputs = model(inputs.to(work.device))
        loss = criterion(outputs, torch.squeeze(targets, 1).long().to(work.device))
        losses.append(loss.item())
        loss.backward()
        optimizer.step()
        if len(losses) == 1:
            synchronize(work.device)
            began = time.perf_counter()
    synchronize(work.device)
    return work.speed(time.perf_counter() - began)
