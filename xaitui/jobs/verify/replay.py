"""Train a part of a run again, in memory, and compare it with what the run wrote; no file of the run is written."""

from __future__ import annotations

import math
import platform
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import torch

from xaitui.errors import DivergedError
from xaitui.events import (
    CheckpointSaved,
    EpochFinished,
    Evaluated,
    Event,
    MemoryRanOut,
    Progress,
    RunExtended,
    RunFailed,
    StepLogged,
)
from xaitui.jobs.prepare import Prepared, Say, prepare
from xaitui.jobs.train.checkpoints import saved_journal
from xaitui.jobs.train.resume import read_made
from xaitui.jobs.train.resume_options import ResumeOptions
from xaitui.jobs.trusted_code import trusted_source
from xaitui.jobs.verify.segment import Stretch, find_stretch, since
from xaitui.jobs.verify.state_diff import first_difference
from xaitui.runs.directory import RunDirectory
from xaitui.runs.environment import changed_versions
from xaitui.runs.integrity import FilesFound, JournalFound, check_files, check_journal
from xaitui.runs.journal.journal import Entry, read_entries, read_journal
from xaitui.runs.preprocessing import grey_range_of
from xaitui.runs.recorded_data import accepted_changes, require_same
from xaitui.stop import Stop
from xaitui.system.damaged_files import BAD_CONTENT
from xaitui.training.checkpoint import CheckpointError, State, load_checkpoint
from xaitui.training.trainer import Trainer

STEPS = 200
"""The most steps that are trained again where nobody says how many."""


@dataclass
class Replayed:
    """What training it again gave."""

    stretch: Stretch
    steps: int = 0
    losses: int = 0
    """How many logged losses, with their rates of learning, were compared and are the same."""
    evaluations: int = 0
    """The same of evaluations on the validation split."""
    tensors: int = 0
    """Of the last checkpoint; 0 where its step was not reached."""
    difference: str = ""
    """The first one, and at which step; empty where there is none."""

    def __str__(self) -> str:
        origin = self.stretch.checkpoint or "the first step"
        steps = f"steps {self.stretch.first:,} to {self.stretch.first + self.steps:,} replayed from {origin}"
        if self.difference:
            return f"{steps}: {self.difference}"
        counted = [
            _count(self.losses, "logged loss", "es"),
            _count(self.evaluations, "evaluation", "s"),
            f"all {self.tensors:,} tensors of checkpoints/last.pt" if self.tensors else "",
        ]
        *others, last = [each for each in counted if each] or ["nothing to compare with"]
        together = f"{', '.join(others)} and {last}" if others else last
        return f"{steps}: {together}{' equal, bit for bit' if any(counted) else ''}"


def _count(number: int, what: str, more: str) -> str:
    return f"{number:,} {what}{more if number != 1 else ''}" if number else ""


class _Witness:
    """In the place of a saver: looks at the trainer wherever a checkpoint could be written."""

    def __init__(self, trainer: Trainer, last: State, found: Replayed) -> None:
        self._trainer = trainer
        self._last = last
        self._found = found

    def due(self, *, epoch_end: bool) -> bool:
        """At the place of the last checkpoint, and at the end."""
        return self._is_at_last() or self._is_at_end()

    def save(self, trainer: Trainer) -> Event:
        """Compare, and write nothing."""
        if self._is_at_last() and not self._found.tensors:
            self._found.difference, self._found.tensors = first_difference(
                trainer.state(), self._last, beside=["journal"]
            )
            if self._found.difference:
                self._found.difference = f"at step {trainer.at.step:,} {self._found.difference}"
        return CheckpointSaved(epoch=trainer.at.epoch, step=trainer.at.step, path="", seconds=0.0)

    def is_over(self) -> bool:
        """Whether there is nothing more to train."""
        return bool(self._found.difference) or (self._is_at_end() and not self._is_before_last())

    def _is_at_end(self) -> bool:
        return self._trainer.at.step >= self._found.stretch.last

    def _is_at_last(self) -> bool:
        at = self._trainer.at
        return bool(self._last) and (at.step, at.epoch, at.batch) == tuple(
            self._last[name] for name in ("step", "epoch", "batch")
        )

    def _is_before_last(self) -> bool:
        """Whether the last checkpoint was written at this very step, but after the evaluation that is next."""
        at = self._trainer.at
        return bool(self._last) and at.step == self._last["step"] and at.epoch < self._last["epoch"]


@dataclass(frozen=True)
class Looked:
    """What can be said of a run without training."""

    files: FilesFound
    journal: JournalFound
    last: State = field(repr=False)
    """The last checkpoint; empty where there is none, or where it is damaged."""
    changed_data: tuple[str, ...] = ()
    """How the data were changed since the run was made, a line for each time; then it is not exact."""

    @property
    def damaged(self) -> tuple[str, ...]:
        """A line for each thing that is not what was written."""
        return (*self.files.damaged, *self.journal.damaged)


def look(run: RunDirectory) -> Looked:
    """Compare the files of a run with the notes of them, and its journal with its last checkpoint.

    Raises:
        OSError: a file is there and cannot be read.
    """
    files = check_files(run)
    try:
        last = load_checkpoint(run.last) if run.last.exists() else {}
        saved = saved_journal(last) if last else b""
        if last and not {"step", "epoch", "batch"} <= last.keys():
            raise CheckpointError(f"{run.last} is no checkpoint of a run")
    except (CheckpointError, *BAD_CONTENT) as error:
        last, saved = {}, b""
        if not any(line.startswith("checkpoints/last.pt") for line in files.damaged):  # it is not said yet
            files = replace(files, damaged=(*files.damaged, f"checkpoints/last.pt cannot be used: {error}"))
    changes = tuple(accepted_changes(read_journal(run.journal)))
    return Looked(files, check_journal(run.journal, saved), last, changes)


def replay(
    run: RunDirectory,
    last: State,
    say: Say,
    *,
    steps: int = STEPS,
    trust_model: bool = False,
    accept_changed: bool = False,
) -> Replayed:
    """Train up to `steps` steps of a run again, and compare.

    From the checkpoint before the last where there is one, else from the last to where its journal ends, else from the
    first step on.

    Args:
        run: one that nobody writes.
        last: its last checkpoint, or nothing.
        say: told, before anything is trained, why differences are to be expected, if they are; then how far it is.
        steps: the most to train.
        trust_model: whether the source of a user's own model, which lies in the run, may be executed.
        accept_changed: whether data that differ from the run's are accepted.

    Raises:
        UsageError: the run's own model is not trusted.
        DataError: the data is not here or not that of the run, a file is damaged, or there is nothing to compare with.
    """
    config, resolved = read_made(run, ResumeOptions(trust_model=trust_model))
    source = trusted_source(run, trust_model=trust_model)
    entries = read_entries(run.journal)
    stretch = find_stretch(run, last, entries, steps)
    prepared = prepare(
        config, Stop(), say, resolved=resolved, model_source=source, grey_range=grey_range_of(run.preprocessing)
    )
    found = require_same(run, config.data.dataset, prepared.dataset, accept=accept_changed)
    reasons = (*prepared.inexact, *changed_versions(run.environment), found.content, found.decoding)
    for line in filter(None, reasons):
        say(f"{line}: differences are to be expected")
    return _compared(prepared, stretch, last, entries, say)


def where() -> str:
    """On what it was trained again."""
    threads = _count(torch.get_num_threads(), "thread", "s")
    return f"torch {torch.__version__}, Python {platform.python_version()}, {threads}"


def _extend(trainer: Trainer, stretch: Stretch, entries: Sequence[Entry], offset: int) -> None:
    """Give the trainer the epochs that the run had from here on, as a resume does."""
    for entry in entries:
        if isinstance(entry.event, RunExtended) and entry.offset < offset:
            trainer.epochs = entry.event.epochs
    for at, event in since(entries, stretch.first, offset):
        if isinstance(event, RunExtended) and at == stretch.first:
            trainer.epochs, trainer.parts.stopping.counter = event.epochs, 0


def _compared(prepared: Prepared, stretch: Stretch, last: State, entries: Sequence[Entry], say: Say) -> Replayed:
    """Train, and compare what is yielded with what the journal has, up to the first difference.

    Raises:
        CheckpointError: the checkpoint where it begins is none of this run.
    """
    trainer, found = prepared.trainer, Replayed(stretch)
    if stretch.state:
        try:
            trainer.restore(stretch.state)
        except BAD_CONTENT as error:
            reason = (str(error).splitlines() or [type(error).__name__])[0]
            raise CheckpointError(f"{stretch.checkpoint} is no checkpoint of this run: {reason}") from None
    _extend(trainer, stretch, entries, len(saved_journal(stretch.state)) if stretch.state else 0)
    journal = {_key(entry.event): entry.event for entry in entries if isinstance(entry.event, Progress)}
    witness, said = _Witness(trainer, last if stretch.last >= last.get("step", math.inf) else {}, found), 0
    try:
        for event in trainer.fit(Stop(), witness):
            found.steps = trainer.at.step - stretch.first
            if isinstance(event, Progress) and not found.difference:
                found.difference = _difference(event, journal.get(_key(event)), found)
            if witness.is_over():
                break
            fifth = 5 * found.steps // (stretch.last - stretch.first)
            if fifth > said:
                said = fifth
                say(f"step {trainer.at.step:,} of {stretch.last:,}")
    except DivergedError as error:
        if not any(isinstance(entry.event, RunFailed) and entry.event.kind == "DivergedError" for entry in entries):
            found.difference = f"at step {trainer.at.step:,} it diverged, and did not in the run: {error}"
    return found


def _key(event: Progress) -> tuple[str, int, str]:
    return type(event).__name__, event.step, event.split if isinstance(event, Evaluated) else ""


def _difference(event: Progress, noted: Progress | None, found: Replayed) -> str:
    """Compare what a step or an evaluation gave; what differs, in words."""
    match event:
        case StepLogged():
            names: tuple[str, ...] = ("loss", "lr")
        case Evaluated():
            names = ("scores",)
        case EpochFinished():
            names = ("train_loss", "train_accuracy", "lr", "val", "best_epoch", "best", "waited")
        case MemoryRanOut(during="training"):
            return f"at step {event.step:,} memory ran out here, and did not in the run"
        case _:
            return ""
    if noted is None:
        return f"at step {event.step:,} the journal has no {type(event).__name__}"
    for name in names:
        ours, theirs = getattr(event, name), getattr(noted, name)
        if not isinstance(ours, dict):
            ours, theirs = {name: ours}, {name: theirs}
        for key, value in ours.items():
            if not _is_same(value, theirs.get(key)):
                which = f"{name} {key}" if key != name else name
                return f"at step {event.step:,} the {which} is {value!r}, in the journal {theirs.get(key)!r}"
    found.losses += isinstance(event, StepLogged)
    found.evaluations += isinstance(event, Evaluated)
    return ""


def _is_same(one: float, other: float | None) -> bool:
    return one == other or (other is not None and math.isnan(one) and math.isnan(other))
