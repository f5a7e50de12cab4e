"""The training loop of one run: it yields events and touches neither files nor screens."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from dataclasses import asdict
from typing import Protocol

from xaitui.data.device.store import Store
from xaitui.errors import DivergedError
from xaitui.events import (
    EpochFinished,
    EpochStarted,
    Evaluated,
    Event,
    RunContinued,
    RunPaused,
    StepLogged,
)
from xaitui.metrics.scores import score
from xaitui.stop import Stop
from xaitui.system.fault_points import Point, point
from xaitui.training.bad_step import LabelError, bad_step
from xaitui.training.batch_order import epoch_batches, steps_per_epoch
from xaitui.training.checkpoint import State
from xaitui.training.components import Parts
from xaitui.training.early_stopping import end_reason
from xaitui.training.evaluate import Predictions, predict_within_memory
from xaitui.training.memory import MEMORY_ERRORS, BatchSizes, halve_micro_batch, is_out_of_memory
from xaitui.training.numerics import FiniteGuard, peak_memory
from xaitui.training.observer import Observer
from xaitui.training.progress import Best, Position
from xaitui.training.running_metrics import Meter
from xaitui.training.step import TrainingStep


class Saver(Protocol):
    """Decides when a checkpoint is due, and writes it."""

    def due(self, *, epoch_end: bool) -> bool:
        """Return whether a checkpoint should be written at this step."""

    def save(self, trainer: Trainer) -> Event:
        """Write a checkpoint."""


class Trainer:
    """Trains a model. `state` may be taken at any yield, and an equal trainer continues from it exactly."""

    def __init__(self, parts: Parts, clock: Callable[[], float] = time.monotonic) -> None:
        self.parts = parts
        self.at = Position()
        self.best = Best()
        self.epochs = parts.config.training.epochs
        self.steps_per_epoch = steps_per_epoch(len(parts.train), parts.config.training.batch_size)
        self.finished_because = ""
        """Why the run has no more epochs; empty while it has some."""
        self._clock = clock
        self._began = self._epoch_began = clock()
        self.batch_sizes = BatchSizes(parts.micro_batch, parts.eval_batch_size)
        self._guard = FiniteGuard(parts.numerics.device, parts.optimizer)
        self._step = TrainingStep(parts, self._guard)
        self._meter = Meter(parts.task, parts.numerics, clock)

    @property
    def seconds(self) -> float:
        """Seconds of training, in this process and the earlier ones, without pauses."""
        return self._clock() - self._began

    def fit(self, stop: Stop, saver: Saver) -> Iterator[Event]:
        """Train until the last epoch, early stopping, or a requested stop.

        Raises:
            DivergedError: loss or weights are no longer finite; a `BadStep` event for the batch comes first.
            LabelError: a label is not a class; it is preceded by a `BadStep` event too.
        """
        try:
            yield from self._epochs(stop, saver)
            # The caller saves a checkpoint after the last event, and must not save weights that are not finite.
            self._guard.check_all(self.parts.model, self.at.step)
        except (DivergedError, LabelError) as error:
            yield bad_step(self.parts, error.step, error.what)
            raise

    def _epochs(self, stop: Stop, saver: Saver) -> Iterator[Event]:
        self.finished_because = end_reason(self.parts.stopping, self.at.epoch - 1, self.epochs)
        while not self.finished_because and not stop.now:
            if self.at.batch == 0:
                self._epoch_began = self._clock()
                yield EpochStarted(epoch=self.at.epoch, step=self.at.step, epochs=self.epochs)
            yield from self._train(stop, saver)
            if self.at.batch == self.steps_per_epoch:
                yield from self._close_epoch(stop)
            if self.at.batch == 0 and saver.due(epoch_end=True):
                yield self.save(saver)
            if stop.after_epoch:
                return

    def save(self, saver: Saver) -> Event:
        """Write a checkpoint, after checking that everything in it is finite.

        Raises:
            DivergedError: loss or weights are no longer finite.
        """
        self._guard.check_all(self.parts.model, self.at.step)
        return saver.save(self)

    def observe(self, observer: Observer) -> None:
        """Attach an observer to the phases of each step."""
        self._step.observer = observer

    def _train(self, stop: Stop, saver: Saver) -> Iterator[Event]:
        """Train the remaining steps of the epoch; where memory runs out, repeat the step in smaller micro-batches.

        Raises:
            OutOfMemoryError: the smallest micro-batch does not fit.
            TornUpdateError: memory ran out during an update; only a checkpoint can restore the weights.
        """
        while self.at.batch < self.steps_per_epoch and not stop.now:
            ran_out = False
            try:
                yield from self._steps(stop, saver)
            except MEMORY_ERRORS as error:
                if not is_out_of_memory(error):
                    raise
                ran_out = True
            # This is done after the `except` block, because until that block ends the error's traceback keeps the
            # activations of the failed step alive, and nothing could be freed.
            if ran_out:
                self._step.undo()
                yield self.shrink()

    def _steps(self, stop: Stop, saver: Saver) -> Iterator[Event]:
        parts, training, observer = self.parts, self.parts.config.training, self._step.observer
        order = epoch_batches(
            len(parts.train),
            training.batch_size,
            seed=training.seed,
            epoch=self.at.epoch,
            device=parts.train.index_device,
        )
        parts.model.train()
        self._meter.restart_clock()
        # The order depends on the seed and the epoch alone, so a resumed epoch skips exactly the batches already done.
        with closing(parts.train.batches(order[self.at.batch :])) as batches:
            for images, labels in self._meter.waiting_for(batches, observer):
                if stop.now:
                    return
                point(Point.STEP_BEGUN)
                result = self._step(
                    images, labels, step=self.at.step, rate=parts.rate(self.at.step), micro_batch=self.batch_sizes.micro
                )
                self.at.batch += 1
                self.at.step += 1
                point(Point.STEP_DONE)
                with observer.phase("logging"):
                    self._meter.add(result.loss, result.logits, labels)
                    if self.at.step % parts.log_every == 0:
                        yield self._log()
                for event in observer.step_done(self.at.epoch, self.at.step, len(labels)):
                    yield event
                    self._meter.restart_clock()
                if stop.paused and not stop.now:
                    yield from self._pause(stop, saver)
                if saver.due(epoch_end=False):
                    yield self.save(saver)
                    self._meter.restart_clock()

    def shrink(self) -> Event:
        """Halve the micro-batch from now on.

        Raises:
            OutOfMemoryError: it is already the smallest.
        """
        return halve_micro_batch(self.batch_sizes, self.parts, self.at)

    def _pause(self, stop: Stop, saver: Saver) -> Iterator[Event]:
        """Save and wait; the time of a pause does not count as training time."""
        yield self.save(saver)
        yield RunPaused(epoch=self.at.epoch, step=self.at.step)
        began = self._clock()
        stop.wait_while_paused()
        waited = self._clock() - began
        self._began, self._epoch_began = self._began + waited, self._epoch_began + waited
        self._meter.restart_clock()
        yield RunContinued(epoch=self.at.epoch, step=self.at.step)

    def _log(self) -> Event:
        self._guard.check()
        # Reading the sums waits for the device, so it is done only here and at the end of an epoch.
        means, speed, waiting = self._meter.window()
        lr = float(self.parts.optimizer.param_groups[0]["lr"])
        return StepLogged(
            epoch=self.at.epoch,
            step=self.at.step,
            loss=means.loss,
            lr=lr,
            images_per_second=speed,
            memory=peak_memory(self.parts.numerics.device),
            waiting=waiting,
        )

    def _close_epoch(self, stop: Stop) -> Iterator[Event]:
        """Evaluate, compare with the best epoch, and advance to the next.

        A stop that interrupts the evaluation changes nothing: the position stays at the end of the epoch, so that a
        resumed run repeats the whole evaluation.
        """
        parts, began = self.parts, self._clock()
        self._guard.check_all(self.parts.model, self.at.step)
        predictions = yield from self.predict(parts.val, stop)
        if predictions is None:
            return
        scores = score(parts.task, predictions.probabilities, predictions.labels, parts.classes)
        values = {"loss": predictions.loss, **scores.values}
        yield Evaluated(
            epoch=self.at.epoch,
            step=self.at.step,
            split="val",
            scores=values,
            undefined=scores.undefined,
            averaged=parts.average is not None,
            seconds=self._clock() - began,
        )
        monitored = values[parts.stopping.monitor]
        if parts.stopping.update(self.at.epoch, monitored):
            self.best = Best.of(self.at.epoch, parts.evaluated_model)
        if parts.plateau is not None:
            parts.plateau.update(monitored)
        yield self._summary(values, trained=began - self._epoch_began)
        self.finished_because = end_reason(parts.stopping, self.at.epoch, self.epochs)
        self.at.epoch, self.at.batch = self.at.epoch + 1, 0

    def predict(self, store: Store, stop: Stop | None = None) -> Generator[Event, None, Predictions | None]:
        """Evaluate the model on a split, in smaller batches if memory runs out; None if a stop interrupts.

        Raises:
            OutOfMemoryError: not even a single image fits.
        """
        return predict_within_memory(self.parts.evaluated_model, store, self.parts, self.batch_sizes, self.at, stop)

    def _summary(self, val: dict[str, float], trained: float) -> Event:
        stopping, means = self.parts.stopping, self._meter.epoch()
        return EpochFinished(
            epoch=self.at.epoch,
            step=self.at.step,
            train_loss=means.loss,
            train_accuracy=float("nan") if self.parts.inputs.mixes else means.accuracy,
            val=val,
            lr=float(self.parts.optimizer.param_groups[0]["lr"]),
            images_per_second=means.images / max(trained, 1e-9),
            seconds=self._clock() - self._epoch_began,
            best_epoch=stopping.best_epoch or 0,
            best=float("nan") if stopping.best is None else stopping.best,
            waited=stopping.counter,
            patience=stopping.patience,
        )

    def state(self) -> State:
        """Everything that determines the rest of the run, as tensors and plain values."""
        now = self._clock()
        return {
            "epoch": self.at.epoch,
            "batch": self.at.batch,
            "step": self.at.step,
            "elapsed": now - self._began,
            "epoch_elapsed": now - self._epoch_began,
            "best_epoch": self.best.epoch,
            "best_model": self.best.model,
            "meter": self._meter.state(),
            "batch_sizes": asdict(self.batch_sizes),
            **self.parts.state(),
        }

    def restore(self, state: State) -> None:
        """Continue from the state of an equal trainer.

        Raises:
            KeyError, RuntimeError, ValueError: it is the state of another model or optimizer.
        """
        device, now = self.parts.numerics.device, self._clock()
        self.parts.restore(state)
        self.at = Position(state["epoch"], state["batch"], state["step"])
        self._began, self._epoch_began = now - state["elapsed"], now - state["epoch_elapsed"]
        self.best = Best(state["best_epoch"], {name: tensor.to(device) for name, tensor in state["best_model"].items()})
        self._meter.restore(state["meter"])
        if "batch_sizes" in state:  # checkpoints of older versions, in which the sizes could not change, lack them
            self.batch_sizes = BatchSizes(**state["batch_sizes"])
