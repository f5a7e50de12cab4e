"""Training and evaluation speed on this machine, measured in a few steps, for estimates of a run's time."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from contextlib import closing
from itertools import cycle
from statistics import median, quantiles

import torch
from torch import Tensor, nn

from xaitui.data.device.store import Store
from xaitui.events import Event
from xaitui.models.build import build_model
from xaitui.stop import Stop, StoppedError
from xaitui.training.batch_order import epoch_batches
from xaitui.training.components import Parts
from xaitui.training.evaluate import Predictions
from xaitui.training.numerics import FiniteGuard, wait_for
from xaitui.training.step import TrainingStep
from xaitui.training.trainer import Trainer

WARM_UP = 3
"""Steps that are not counted: the first ones reserve memory, choose kernels and start threads."""
LAP_SECONDS = 0.05
"""How long a lap lasts at least. A GPU is waited for only at its end, for in a run nobody waits for it at each step."""
LEAST_LAPS = 5
"""Laps before they can be called steady: quartiles of fewer say little."""
SPREAD = 0.05
"""The part of the median within which the middle half of the laps must lie; closer is within a machine's own noise."""
SECONDS = 2.0
"""After which it is enough, steady or not, once for the warm-up and once for the laps; at least one lap is done."""
EVALUATED_BATCHES = 4
"""Batches of validation that are timed together: a whole split may take minutes."""


def median_seconds(
    step: Callable[[], object], device: torch.device, clock: Callable[[], float] = time.perf_counter
) -> float:
    """The median time of a step once it is warm, of as many as it takes to be steady, or as fit into some seconds."""
    began = clock()
    for _ in range(WARM_UP):
        first = _seconds(step, 1, device, clock)
        if clock() - began > SECONDS:
            break
    steps = max(1, round(LAP_SECONDS / max(first, 1e-6)))
    began, laps = clock(), [_seconds(step, steps, device, clock)]
    while not _are_steady(laps) and clock() - began < SECONDS:
        laps.append(_seconds(step, steps, device, clock))
    return median(laps)


def _seconds(step: Callable[[], object], steps: int, device: torch.device, clock: Callable[[], float]) -> float:
    """Seconds for each step of a lap."""
    wait_for(device)
    began = clock()
    for _ in range(steps):
        step()
    wait_for(device)
    return (clock() - began) / steps


def _are_steady(laps: list[float]) -> bool:
    if len(laps) < LEAST_LAPS:
        return False
    lower, middle, upper = quantiles(laps, n=4)
    return upper - lower <= SPREAD * middle


def training_steps(parts: Parts, batch_size: int, micro_batch: int, stop: Stop) -> Generator[int, None, None]:
    """Real steps on batches of the first epoch, over and over; each yields its number of images.

    The parts are used up: weights, optimizer and generators go on from step to step.

    Raises:
        StoppedError: a stop was asked for.
        DivergedError: the loss is not finite.
    """
    training, store = parts.config.training, parts.train
    step = TrainingStep(parts, FiniteGuard(parts.numerics.device, parts.optimizer))
    order = epoch_batches(len(store), batch_size, seed=training.seed, epoch=1, device=store.index_device)
    alike = [batch for batch in order if len(batch) == len(order[0])]
    parts.model.train()
    with closing(store.batches(cycle(alike))) as batches:
        for number, (images, labels) in enumerate(batches):
            if stop.now:
                raise StoppedError(stop.now)
            step(images, labels, step=number, rate=parts.schedule.rate(0), micro_batch=micro_batch)
            yield len(labels)


def training_speed(parts: Parts, batch_size: int, micro_batch: int, stop: Stop) -> float:
    """Images a second in training: data, augmentation and the update included.

    Raises:
        StoppedError: a stop was asked for.
        DivergedError: the loss is not finite.
    """
    with closing(training_steps(parts, batch_size, micro_batch, stop)) as steps:
        images = next(steps)
        return images / median_seconds(lambda: next(steps), parts.numerics.device)


def evaluation_speed(trainer: Trainer, stop: Stop) -> float:
    """Images a second in evaluation, on the first batches of validation.

    Raises:
        StoppedError: a stop was asked for.
        OutOfMemoryError: not a single image can be evaluated.
    """
    part = _First(trainer.parts.val, EVALUATED_BATCHES * trainer.batch_sizes.evaluation)

    def evaluate() -> None:
        predicted = _last(trainer.predict(part, stop))
        if predicted is None and stop.now:
            raise StoppedError(stop.now)

    return len(part) / median_seconds(evaluate, trainer.parts.numerics.device)


def _last(work: Generator[Event, None, Predictions | None]) -> Predictions | None:
    """What the work returns; its events, of memory that ran out, are not kept."""
    while True:
        try:
            next(work)
        except StopIteration as end:
            predictions: Predictions | None = end.value
            return predictions


class _First:
    """The first images of a store, as a store."""

    def __init__(self, store: Store, count: int) -> None:
        self.labels = store.labels[:count]
        self.index_device = store.index_device
        self.batches = store.batches

    def __len__(self) -> int:
        return len(self.labels)


def images_per_second(model: str, *, classes: int, channels: int, image_size: int, batch_size: int) -> float:
    """The speed of forward and backward with an Adam step, on made images; on the idlest device that is here.

    Args:
        image_size: side in pixels.
        batch_size: images in the pass that is timed; small ones are slower for each image.
    """
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    built = build_model(model, num_classes=classes, in_channels=channels, image_size=image_size)
    module = built.module.to(device).train()
    optimizer = torch.optim.Adam(module.parameters())
    images = torch.rand(batch_size, channels, image_size, image_size, device=device)
    labels = torch.arange(batch_size, device=device) % classes

    def step() -> Tensor:
        optimizer.zero_grad(set_to_none=True)
        loss = nn.functional.cross_entropy(module(images), labels)
        torch.autograd.backward(loss)
        optimizer.step()
        return loss.detach()

    return batch_size / median_seconds(step, device)
