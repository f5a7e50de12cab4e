"""Training maps of a run: Grad-CAM of the same few validation images after each epoch."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import closing, contextmanager

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from xaitui.config.schema import RunConfig
from xaitui.config.units import AUTO
from xaitui.errors import DataError
from xaitui.events import EpochFinished, Event, Note
from xaitui.explain.methods.grad_cam import grad_cam
from xaitui.explain.methods.layers import default_layer
from xaitui.explain.probe import choose_probe
from xaitui.metrics.rank_correlation import rank_correlation
from xaitui.models.own_model import CODE_ERRORS
from xaitui.runs.directory import RunDirectory
from xaitui.runs.explanations.training_maps import (
    STILL_EPOCHS,
    Probe,
    Watched,
    WatchedEpoch,
    is_alarm,
    read_watched,
    watched_folder,
    write_epoch,
    write_probe,
)
from xaitui.system.atomic_files import trouble_of
from xaitui.training.components import Parts
from xaitui.training.evaluate import probabilities
from xaitui.training.memory import Undo, free, is_out_of_memory
from xaitui.training.numerics import allow_tf32

DEFAULT_SAMPLES = 8
SMALL_SIDE, FEW_EPOCHS = 64, 200
"""Side in pixels and number of epochs up to which a run is small, and watched unless it says otherwise: the files of
larger images or of more epochs take room that somebody should have asked for."""


def samples_of(config: RunConfig, side: int) -> int:
    """How many images a run watches.

    Args:
        side: in pixels, of the images that the model sees.
    """
    if config.run.watch_samples != AUTO:
        return int(config.run.watch_samples)
    return DEFAULT_SAMPLES if side <= SMALL_SIDE and config.training.epochs <= FEW_EPOCHS else 0


class ProbeMaps:
    """Keeps the maps of a run's probe. The training goes on as if nobody had looked, and never ends because of it."""

    def __init__(self, parts: Parts, run: RunDirectory) -> None:
        self._parts = parts
        self._run = run
        self._wanted = samples_of(parts.config, parts.prepare.image_size)
        self._watched: Watched | None = None
        """The epochs so far."""

    def after(self, event: EpochFinished) -> Iterator[Event]:
        """Keep the maps of an epoch that is over; tell an alarm when it begins, and why nothing more is watched."""
        if not self._wanted:
            return
        rows: tuple[WatchedEpoch, ...] = ()
        trouble = ""
        try:
            rows = self._look(event)
        except OSError as error:
            trouble = trouble_of(error, self._run.explanations)
        except (MemoryError, *CODE_ERRORS) as error:  # a model of one's own may stumble over being looked at
            trouble = "memory ran out" if is_out_of_memory(error) else str(error).partition("\n")[0]
        if trouble:  # outside of the `except`: the error's traceback holds what did not fit
            self._wanted = 0
            free(self._parts.numerics.device)
            yield Note(message=f"what the model looks at is not watched any more: {trouble}")
        elif not rows:
            self._wanted = 0
            if self._parts.config.run.watch_samples != AUTO:
                yield Note(message="nothing is watched: no image has a class, or no layer gives maps of it")
        elif is_alarm(rows) and not is_alarm(rows[:-1]):
            yield Note(
                message=f"epoch {event.epoch}: validation accuracy has stood still for {STILL_EPOCHS} epochs, "
                f"but what the model looks at moves (by {rows[-1].moved:.2f} in this one)"
            )

    def _look(self, event: EpochFinished) -> tuple[WatchedEpoch, ...]:
        """Write the maps of an epoch, and return the rows up to it; none where there is no layer to look at."""
        with _undisturbed(self._parts) as model:
            if self._watched is None:
                self._watched = self._begin(model)
            probe = self._watched.probe
            if not probe.layer:
                return ()
            images = _images(self._parts, probe.indices)
            targets = torch.from_numpy(probe.targets).to(images.device)
            maps, logits = grad_cam(model, probe.layer, self._parts.prepare(images), targets)
            answers = probabilities(logits, self._parts.task)
        return self._keep(event, self._watched, maps, answers)

    def _keep(self, event: EpochFinished, watched: Watched, maps: Tensor, answers: Tensor) -> tuple[WatchedEpoch, ...]:
        found = maps.cpu().numpy()
        rows = tuple(row for row in watched.rows if row.epoch < event.epoch)
        row = write_epoch(
            watched_folder(self._run),
            event.epoch,
            found,
            answers.cpu().numpy(),
            accuracy=event.val.get("accuracy", math.nan),
            moved=_moved(watched, event.epoch, found),
        )
        self._watched = Watched(watched.probe, (*rows, row))
        return self._watched.rows

    def _begin(self, model: nn.Module) -> Watched:
        """Choose what is watched; a run that was taken up again goes on with its series."""
        parts = self._parts
        indices, targets = choose_probe(parts.val.labels.cpu().numpy(), self._wanted)
        images = _images(parts, indices)
        layer = default_layer(model, parts.prepare(images[:1])) if len(indices) else ""
        pixels = np.ascontiguousarray(images.permute(0, 2, 3, 1).cpu().numpy())
        probe = Probe(indices, parts.val.labels[indices].cpu().numpy(), targets, pixels, layer)
        before = read_watched(self._run)
        if before is not None and before.probe.is_same(probe) and before.probe.layer == layer:
            return before
        if layer:
            write_probe(watched_folder(self._run), probe)
        return Watched(probe, ())


def _images(parts: Parts, indices: NDArray[np.int64]) -> Tensor:
    """Validation images, uint8 (n, C, H, W) on the device."""
    with closing(parts.val.batches([torch.from_numpy(indices).to(parts.val.index_device)])) as batches:
        images, _ = next(batches)
    return images


def _moved(watched: Watched, epoch: int, maps: NDArray[np.float32]) -> float:
    """How far maps moved since the epoch before; nan where that is not known, or where no map orders anything."""
    try:
        found = rank_correlation(maps, watched.maps(epoch - 1))
    except (KeyError, DataError):
        return math.nan
    known = found[np.isfinite(found)]
    return float(1 - known.mean()) if len(known) else math.nan


@contextmanager
def _undisturbed(parts: Parts) -> Iterator[nn.Module]:
    """The evaluated model, ready to be explained in float32; afterwards it and torch are as they were."""
    model, device = parts.evaluated_model, parts.numerics.device
    flags, was_training = (torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32), model.training
    undo = Undo(model, device)
    undo.take()
    model.eval()
    allow_tf32(allowed=False)
    try:
        with torch.no_grad():
            yield model
    finally:
        torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32 = flags
        model.train(was_training)
        undo.put_back()
