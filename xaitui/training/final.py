"""The last word on a run: its best weights on validation and, once, on test."""

from __future__ import annotations

import time
from dataclasses import dataclass

from xaitui.data.dataset import Split
from xaitui.data.device.store import open_store
from xaitui.events import Evaluated
from xaitui.training.evaluate import Predictions, predict
from xaitui.training.metrics import score
from xaitui.training.trainer import Trainer


@dataclass(frozen=True)
class Verdict:
    """Predictions of a split by the weights that a run ends with."""

    predictions: Predictions
    event: Evaluated


def load_best(trainer: Trainer) -> str:
    """Put the best weights into the model that is evaluated, and say which they are."""
    averaged = " (averaged)" if trainer.parts.average else ""
    if not trainer.best.epoch:
        return f"the last weights{averaged}, for {trainer.parts.stopping.monitor} was undefined in every epoch"
    trainer.evaluated_model.load_state_dict(trainer.best.model)
    return f"the weights of epoch {trainer.best.epoch}{averaged}, best by validation {trainer.parts.stopping.monitor}"


def judge(trainer: Trainer, split: Split) -> Verdict:
    """Evaluate the model as it is on a split."""
    parts, began = trainer.parts, time.monotonic()
    store = open_store(split, parts.numerics.device)
    predictions = predict(
        trainer.evaluated_model, store, parts.prepare, parts.task, parts.numerics, parts.eval_batch_size, None
    )
    assert predictions is not None  # nothing can interrupt it
    scores = score(parts.task, predictions.probabilities, predictions.labels)
    event = Evaluated(
        epoch=trainer.best.epoch, step=trainer.at.step, split=split.name,
        scores={"loss": predictions.loss, **scores.values}, undefined=scores.undefined,
        averaged=parts.average is not None, seconds=time.monotonic() - began,
    )  # fmt: skip
    return Verdict(predictions, event)
