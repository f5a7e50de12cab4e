"""Parts of a trainer, and their state."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from xaitui.catalog.records import Task
from xaitui.config.schema import RunConfig
from xaitui.data.device.prepare import Prepare
from xaitui.data.device.store import Store
from xaitui.training.averaging import WeightAverage
from xaitui.training.checkpoint import State
from xaitui.training.early_stopping import EarlyStopping
from xaitui.training.inputs import TrainingInputs
from xaitui.training.losses import Loss
from xaitui.training.numerics import Numerics
from xaitui.training.schedule import Plateau, Schedule


@dataclass(frozen=True)
class Parts:
    """Everything needed for a training step or an evaluation."""

    config: RunConfig
    task: Task
    classes: tuple[str, ...]
    """Names of the model's outputs."""
    numerics: Numerics
    model: nn.Module
    forward: Callable[[Tensor], Tensor]
    """The model in training, possibly compiled: float (B, C, H, W) to logits (B, classes)."""
    train: Store
    val: Store
    inputs: TrainingInputs
    """Turns a batch of stored images into inputs and targets, with augmentation."""
    prepare: Prepare
    """Preprocessing for evaluation: resize and normalise, nothing random."""
    loss: Loss
    optimizer: torch.optim.Optimizer
    scaler: torch.amp.GradScaler
    """Active in float16 only."""
    schedule: Schedule
    plateau: Plateau | None
    average: WeightAverage | None
    stopping: EarlyStopping
    log_every: int
    micro_batch: int
    """Images computed at once in training, until memory runs out."""
    eval_batch_size: int

    @property
    def evaluated_model(self) -> nn.Module:
        """The model that is evaluated and saved: the averaged one if weights are averaged."""
        return self.average.module if self.average else self.model

    def rate(self, step: int) -> float:
        """The learning rate of a step, counted from 0: a function of the step and of the plateau's reductions."""
        return self.schedule.rate(step, self.plateau.reductions if self.plateau else 0)

    def state(self) -> State:
        """State of all parts, as tensors and plain values."""
        device = self.numerics.device
        return {
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "scaler": self.scaler.state_dict(),
            "stopping": self.stopping.state(),
            "plateau": self.plateau.state() if self.plateau else {},
            "average": self.average.state_dict() if self.average else {},
            "generator": torch.get_rng_state(),
            "generator_cuda": torch.cuda.get_rng_state(device) if device.type == "cuda" else torch.empty(0),
        }

    def restore(self, state: State) -> None:
        """Restore the state returned by `state`.

        Raises:
            KeyError, RuntimeError, ValueError: it is the state of another model or optimizer.
        """
        self.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.scaler.load_state_dict(state["scaler"])
        self.stopping.restore(state["stopping"])
        if self.plateau is not None:
            self.plateau.restore(state["plateau"])
        if self.average is not None:
            self.average.load_state_dict(state["average"])
        torch.set_rng_state(state["generator"])
        if self.numerics.device.type == "cuda" and len(state["generator_cuda"]):
            torch.cuda.set_rng_state(state["generator_cuda"], self.numerics.device)
