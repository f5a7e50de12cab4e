"""Final evaluation of a run: its best weights on validation and, once, on test."""

from __future__ import annotations

import time
from collections.abc import Generator
from dataclasses import dataclass

from xaitui.data.dataset import Split
from xaitui.data.device.store import open_store
from xaitui.events import Evaluated, Event
from xaitui.metrics.scores import score
from xaitui.training.evaluate import Predictions
from xaitui.training.trainer import Trainer


@dataclass(frozen=True)
class Verdict:
    """Predictions of a split by the final weights of a run."""

    predictions: Predictions
    event: Evaluated


def load_best(trainer: Trainer) -> str:
    """Load the best weights into the evaluated model, and return a description of them."""
    averaged, monitor = trainer.parts.average is not None, trainer.parts.stopping.monitor
    if not trainer.best.epoch:
        return f"the last weights{' (averaged)' * averaged}, for {monitor} was undefined in every epoch"
    trainer.parts.evaluated_model.load_state_dict(trainer.best.model)
    return best_weights(trainer.best.epoch, monitor, averaged=averaged)


def best_weights(epoch: int, monitor: str, *, averaged: bool) -> str:
    """Description of the weights of the best epoch."""
    return f"the weights of epoch {epoch}{' (averaged)' * averaged}, best by validation {monitor}"


def judge(trainer: Trainer, split: Split) -> Generator[Event, None, Verdict]:
    """Evaluate the current model on a split and return the verdict; yields the events in between."""
    parts, began = trainer.parts, time.monotonic()
    store = open_store(split, parts.numerics.device)
    predictions = yield from trainer.predict(store)
    assert predictions is not None  # without a Stop nothing can interrupt it
    scores = score(parts.task, predictions.probabilities, predictions.labels, parts.classes)
    event = Evaluated(
        epoch=trainer.best.epoch,
        step=trainer.at.step,
        split=split.name,
        scores={"loss": predictions.loss, **scores.values},
        undefined=scores.undefined,
        averaged=parts.average is not None,
        seconds=time.monotonic() - began,
    )
    return Verdict(predictions, event)
