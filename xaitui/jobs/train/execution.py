"""Carry out a run: join a trainer to a run directory.

Every event is in the journal before it is handed on, so that whoever reads the journal knows what the caller knows.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import time
import traceback
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from queue import SimpleQueue

from xaitui.config.toml import to_toml
from xaitui.errors import ExitCode
from xaitui.events import (
    EpochFinished,
    Event,
    HandingOver,
    LifeCycle,
    MemoryRanOut,
    Note,
    RequestAnswered,
    RunFailed,
    RunFinished,
    RunResumed,
    RunStarted,
    RunStopped,
)
from xaitui.jobs.background import HANDOVER_SECONDS, start_resume
from xaitui.jobs.failures import disk_of, failure_of, failure_of_run
from xaitui.jobs.predict.trained_model import preprocessing_of
from xaitui.jobs.prepare import Prepared
from xaitui.jobs.train.checkpoints import RunSaver, has_checkpoint, restore_last
from xaitui.jobs.train.final_evaluation import Ending, judge_best
from xaitui.jobs.train.recorder import Recorder
from xaitui.jobs.train.request_watcher import watching
from xaitui.jobs.train.training_maps import ProbeMaps
from xaitui.runs.directory import RunDirectory
from xaitui.runs.environment import write_environment
from xaitui.runs.journal.journal import JournalWriter
from xaitui.runs.lock import owning
from xaitui.runs.log import logger, logging_to, run_program
from xaitui.runs.preprocessing import write_preprocessing
from xaitui.runs.recorded_data import write_record
from xaitui.runs.requests import Request, ask, take
from xaitui.stop import Stop, StopReason
from xaitui.system.atomic_files import write_atomic
from xaitui.system.hash_log import begin_notes
from xaitui.training.memory import TornUpdateError
from xaitui.training.profile import profiling


@dataclass
class Execution:
    """A run that is being carried out in this process; iterating over `events` does the work."""

    run: RunDirectory
    prepared: Prepared
    stop: Stop
    begin: Callable[[Execution], Iterable[Event]] = lambda execution: [execution.started()]
    """Called once the run is owned: does what is to be done before the first step, and says what to write of it."""
    take_over: bool = False
    handed_over: bool = False
    """Whether the process before is letting the run go for this one."""
    owned: bool = False
    """Whether the caller owns the run for as long as the events are iterated over."""
    tests: bool = True
    """Whether the best weights are tested in the end; of a study only once its choice has been made."""
    error: Exception | None = None
    """What made the run fail, if it did."""
    _goes_on: bool = False
    """Whether another process has been started to go on."""
    _began: float = field(default_factory=time.monotonic)
    _ending: Ending = field(default_factory=Ending)
    _answered: SimpleQueue[RequestAnswered] = field(default_factory=SimpleQueue)

    def events(self) -> Iterator[Event]:
        """Train, and yield each event once it is in the journal. A failure is an event too, the last one.

        Raises:
            XaituiError: another process writes this run, or it cannot be taken up: what was saved of it is as it was.
        """
        with disk_of(self.run.path), logging_to(self.run.log), self._ownership():
            if not self.handed_over:
                take(self.run.path)  # a request that waited was meant for an earlier process
            first = self.begin(self)
            journal = JournalWriter(self.run.journal)
            try:
                yield from self._guarded(Recorder(self.run, journal), first)
            finally:
                journal.close()
        if not self._goes_on:
            self._on_end()

    def _ownership(self) -> contextlib.AbstractContextManager[object]:
        if self.owned:
            return contextlib.nullcontext()
        patience = HANDOVER_SECONDS if self.handed_over else 0.0
        return owning(self.run.lock, self.run.heartbeat, take_over=self.take_over, patience=patience)

    def _guarded(self, recorder: Recorder, first: Iterable[Event]) -> Iterator[Event]:
        try:
            for event in self._work(recorder, first):
                yield from recorder.write(event)
        except KeyboardInterrupt:
            yield recorder.write_last(self._stopped(StopReason("interrupted at once", ExitCode.INTERRUPTED), False))
        except Exception as error:  # noqa: BLE001 -- the one place where a run's failure becomes an event
            self.error = error
            logger.error("%s", "".join(traceback.format_exception(error)))
            yield recorder.write_last(self._failed(error))

    def _work(self, recorder: Recorder, first: Iterable[Event]) -> Iterator[Event]:
        trainer = self.prepared.trainer
        saver = RunSaver(self.run, recorder.journal, self.prepared.config, at=trainer.at.step)
        maps = ProbeMaps(trainer.parts, self.run)
        yield from first
        yield from (Note(message=note) for note in self.prepared.notes)
        yield from recorder.table.write()
        with watching(
            self.run.path,
            self.stop,
            max_time=self.prepared.config.run.max_time,
            save_now=saver.ask,
            answered=lambda request: self._answered.put(RequestAnswered(request=request.value)),
        ):
            with profiling(trainer, self.run.profile, wanted=self.prepared.config.run.profile) as missing:
                for event in self._fit(saver, recorder):
                    yield event
                    yield from self._remarks(event, maps)
                yield from missing()
            yield trainer.save(saver)
            yield from self._answers()
            reason = None if trainer.finished_because else self.stop.after_epoch
            if reason is not None and reason.hand_over:
                yield self._hand_over()
                return
            if reason is None or (reason.test and trainer.best.epoch):
                splits = ("val", "test") if self.tests else ("val",)
                yield from judge_best(trainer, self.prepared, self.run, self._ending, splits)
        yield from self._answers()
        yield from recorder.table.complete()
        yield self._finished() if reason is None else self._stopped(reason, saved=True)

    def _fit(self, saver: RunSaver, recorder: Recorder) -> Iterator[Event]:
        """Train; from the last checkpoint on where memory ran out in the middle of an update."""
        trainer, is_torn = self.prepared.trainer, True
        while is_torn:
            is_torn = False
            try:
                yield from trainer.fit(self.stop, saver)
            except TornUpdateError:
                if not has_checkpoint(self.run):
                    raise
                is_torn = True
            if is_torn:
                sizes, restored = trainer.batch_sizes, restore_last(self.run, trainer)
                trainer.batch_sizes = sizes
                yield RunResumed(
                    from_step=trainer.at.step,
                    journal_offset=len(restored.journal),
                    epochs=trainer.epochs,
                    exact=False,
                    checkpoint=restored.checkpoint,
                    reason="memory ran out in the middle of an update",
                )
                yield from restored.notes()
                yield from recorder.table.write()
                yield trainer.shrink()

    def _remarks(self, event: Event, maps: ProbeMaps) -> Iterator[Event]:
        if isinstance(event, EpochFinished):
            yield from maps.after(event)
        if isinstance(event, MemoryRanOut) and event.during == "training" and self.prepared.resolved.compile:
            yield Note(message=f"the model is compiled again for {event.after} images; the next steps wait for that")
        yield from self._answers()

    def _answers(self) -> Iterator[Event]:
        while not self._answered.empty():
            yield self._answered.get()

    def started(self) -> RunStarted:
        """The event of a first start."""
        prepared, trainer = self.prepared, self.prepared.trainer
        return RunStarted(
            dataset=prepared.config.data.dataset,
            model=prepared.config.model.name,
            device=prepared.resolved.device_name,
            parameters=sum(parameter.numel() for parameter in prepared.built.module.parameters()),
            train_size=len(prepared.dataset.train),
            val_size=len(prepared.dataset.val),
            test_size=prepared.dataset.test_size,
            epochs=trainer.epochs,
            steps_per_epoch=trainer.steps_per_epoch,
            log_every=prepared.resolved.log_every,
            monitor=trainer.parts.stopping.monitor,
            mode=trainer.parts.stopping.mode,
            patience=trainer.parts.stopping.patience,
            classes=prepared.dataset.describe_classes(),
        )

    def _finished(self) -> RunFinished:
        trainer, test = self.prepared.trainer, self._ending.test
        best = trainer.parts.stopping.best
        return RunFinished(
            epoch=trainer.at.epoch - 1,
            step=trainer.at.step,
            reason=trainer.finished_because,
            best_epoch=trainer.best.epoch,
            best=float("nan") if best is None else best,
            weights=self._ending.weights,
            test=test.scores if test else {},
            undefined=test.undefined if test else {},
            seconds=trainer.seconds,
        )

    def _stopped(self, reason: StopReason, saved: bool) -> RunStopped:
        trainer, test = self.prepared.trainer, self._ending.test
        return RunStopped(
            epoch=trainer.at.epoch,
            step=trainer.at.step,
            reason=reason.text,
            exit_code=int(reason.exit_code),
            saved=saved,
            weights=self._ending.weights,
            test=test.scores if test else {},
            undefined=test.undefined if test else {},
            seconds=trainer.seconds,
        )

    def _hand_over(self) -> LifeCycle:
        """Start the process that goes on, paused where this one is; it waits for this one to let the run go.

        Raises:
            OSError: it cannot be started.
        """
        trainer, limit = self.prepared.trainer, self.prepared.config.run.max_time
        if self.stop.paused:
            ask(self.run.path, Request.PAUSE)
        left = max(1.0, limit - (time.monotonic() - self._began)) if limit else 0.0
        process = start_resume(self.run, max_time=left, device=self.prepared.config.run.device)
        self._goes_on = True
        return HandingOver(
            epoch=trainer.at.epoch,
            step=trainer.at.step,
            pid=process.pid,
            host=socket.gethostname(),
            deadline=time.time() + HANDOVER_SECONDS,
        )

    def _failed(self, error: Exception) -> RunFailed:
        trainer = self.prepared.trainer
        known = failure_of_run(error, self.run.path)
        return RunFailed(
            epoch=trainer.at.epoch,
            step=trainer.at.step,
            kind=type(error).__name__,
            message=str(known),
            exit_code=int(known.exit_code),
        )

    def _on_end(self) -> None:
        command = self.prepared.config.run.on_end
        if command:
            with logging_to(self.run.log):
                run_program(command, {**os.environ, "XAITUI_RUN": str(self.run.path)})


def create(prepared: Prepared, run: RunDirectory, stop: Stop, command: Sequence[str]) -> Execution:
    """Write what a new run is, before its first step.

    Raises:
        XaituiError: the disk is full or cannot be written.
    """
    try:
        begin_notes(run.path)
        write_atomic(run.config, to_toml(prepared.config, prepared.resolved.table()))
        if prepared.built.source_path is not None:
            write_atomic(run.model_source, prepared.built.source_path.read_bytes())
        extra = {
            "device": prepared.resolved.device_name,
            "model_source_sha256": prepared.built.source_sha256,
            "weights_sha256": prepared.built.weights_sha256,
            "left_out": list(prepared.dataset.left_out),
            "notes": list(prepared.notes),
        }
        write_environment(run.environment, command, prepared.dataset.files, prepared.built.source_path, extra)
        if prepared.dataset.images:
            write_record(run, prepared.dataset)
        write_preprocessing(run.preprocessing, preprocessing_of(prepared.config, prepared.dataset, prepared.built))
    except OSError as error:
        shutil.rmtree(run.path, ignore_errors=True)
        raise failure_of(error, run.path) from error
    return Execution(run, prepared, stop)
