"""When a checkpoint is due, and what it holds besides the trainer's state."""

from __future__ import annotations

import errno
import os
import time
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from xaitui.config.schema import RunConfig
from xaitui.events import CheckpointSaved, Note
from xaitui.runs.directory import RunDirectory
from xaitui.runs.journal.journal import JournalWriter
from xaitui.system.atomic_files import write_atomic
from xaitui.system.damaged_files import BAD_CONTENT
from xaitui.system.hash_log import note_second_name
from xaitui.training.checkpoint import (
    CheckpointError,
    State,
    load_checkpoint,
    pack_text,
    save_checkpoint,
    unpack_text,
)
from xaitui.training.memory import is_out_of_memory
from xaitui.training.trainer import Trainer

SHARE = 0.02
"""The largest part of the time that saving may take."""


class RunSaver:
    """Writes the checkpoints of a run.

    Each exact checkpoint carries the best weights and the journal up to its own moment: one file, replaced as a whole,
    from which the run goes on even where the rest of the directory was damaged.
    """

    def __init__(
        self,
        run: RunDirectory,
        journal: JournalWriter,
        config: RunConfig,
        clock: Callable[[], float] = time.monotonic,
        *,
        at: int = -1,
    ) -> None:
        """Save a run whose last checkpoint, if it has one, was written after `at` steps."""
        self._run = run
        self._journal = journal
        self._config = config
        self._clock = clock
        self._saved_at = clock()
        self._cost = 0.0
        self._asked = False
        self._best_epoch = -1
        self._saved_step = at

    def ask(self) -> None:
        """Save at the next step; may be called from any thread."""
        self._asked = True

    def due(self, *, epoch_end: bool) -> bool:
        """At the end of an epoch, every --save-every, or when asked; spaced so that saving stays cheap.

        Where each epoch is to be kept, each is due.
        """
        if epoch_end and self._config.run.keep == "all":
            return True
        since = self._clock() - self._saved_at
        spaced = since >= self._cost / SHARE
        return self._asked or (spaced and (epoch_end or since >= self._config.run.save_every))

    def save(self, trainer: Trainer) -> CheckpointSaved:
        """Write last.pt, and best.pt where there are better weights than it has.

        The one before stays as previous.pt, unless it was written at the same step, or the last is to be kept alone.

        Raises:
            OSError: the disk is full or gone; the checkpoints before are as they were.
        """
        began = self._clock()
        self._asked = False
        self._journal.sync()
        text = self._run.journal.read_bytes()
        self._keep_previous(trainer.at.step)
        save_checkpoint(self._run.last, {**trainer.state(), "journal": pack_text(zlib.compress(text, 1))})
        self._saved_step = trainer.at.step
        if self._config.run.keep != "last" and trainer.best.epoch not in (0, self._best_epoch):
            save_checkpoint(self._run.best, _best(trainer, self._config))
            self._best_epoch = trainer.best.epoch
        if self._config.run.keep == "all" and trainer.at.batch == 0:
            _name_again(self._run.last, self._run.last.with_name(f"epoch-{trainer.at.epoch - 1:04}.pt"))
        self._saved_at = self._clock()
        self._cost = self._saved_at - began
        return CheckpointSaved(
            epoch=trainer.at.epoch, step=trainer.at.step, path=_path_of(self._run.last), seconds=self._cost
        )

    def _keep_previous(self, step: int) -> None:
        if self._config.run.keep != "last" and step != self._saved_step and self._run.last.exists():
            _name_again(self._run.last, self._run.previous)


def _best(trainer: Trainer, config: RunConfig) -> State:
    return {
        "model": trainer.best.model,
        "epoch": trainer.best.epoch,
        "averaged": trainer.parts.average is not None,
        "name": config.model.name,
        "classes": trainer.parts.inputs.classes,
    }


def _name_again(source: Path, target: Path) -> None:
    """Give a file a second name, all at once; the next save replaces the first one only.

    Where the disk knows no second names, the file is renamed: it is there at any moment, under the one or the other.
    """
    if target.exists() and target.samefile(source):
        return
    note_second_name(target, source)
    second = target.with_name(f".{target.name}.new_name")  # removed by `files.remove_leftovers`, as others of its form
    second.unlink(missing_ok=True)
    try:
        os.link(source, second)
    except OSError as error:
        if error.errno not in _NO_SECOND_NAMES:
            raise
        second = source
    second.replace(target)


_NO_SECOND_NAMES = {errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK, errno.EXDEV}


def has_checkpoint(run: RunDirectory) -> bool:
    """Whether there is a checkpoint to go on from, be it damaged."""
    return run.last.exists() or run.previous.exists()


@dataclass(frozen=True)
class Restored:
    """What a trainer was brought to."""

    journal: bytes
    """As it was when the checkpoint was written."""
    checkpoint: str
    """Its path in the run."""
    trouble: str = ""
    """Why it is not the last one, where it is not."""

    def notes(self) -> Iterator[Note]:
        """What a user must be told."""
        if self.trouble:
            yield Note(message=f"{self.trouble}; going on from {self.checkpoint}, the checkpoint before it")


def restore_last(run: RunDirectory, trainer: Trainer) -> Restored:
    """Bring a trainer to the last checkpoint; to the one before it where that is missing or damaged.

    One that is damaged is put aside, and the one before takes its name: the run goes on as if it were the last.

    Raises:
        CheckpointError: there is none that can be used.
        OSError: the disk is full or cannot be written.
    """
    try:
        return Restored(_restore(run.last, trainer), _path_of(run.last))
    except CheckpointError as error:
        if not run.previous.exists() or (run.last.exists() and run.last.samefile(run.previous)):
            raise
        trouble = error
    journal = _restore(run.previous, trainer)
    if run.last.exists():
        run.last.replace(run.last.with_name(f"last.damaged-{int(time.time())}.pt"))
    _name_again(run.previous, run.last)
    return Restored(journal, _path_of(run.previous), str(trouble))


def _path_of(checkpoint: Path) -> str:
    return f"checkpoints/{checkpoint.name}"


def _restore(path: Path, trainer: Trainer) -> bytes:
    state = load_checkpoint(path)
    try:
        trainer.restore(state)
        return saved_journal(state)
    except BAD_CONTENT as error:
        if is_out_of_memory(error):
            raise
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise CheckpointError(f"{path} is no checkpoint of this run: {reason}") from None


def saved_journal(state: State) -> bytes:
    """The journal as it was when the checkpoint was written."""
    return zlib.decompress(unpack_text(state["journal"]))


def mend_journal(path: Path, saved: bytes) -> None:
    """Make sure that the journal begins with what a checkpoint saved of it.

    Where it does not (cut, or written over), it is put aside and replaced: no step before the checkpoint is lost.
    """
    found = path.read_bytes() if path.exists() else b""
    if not found.startswith(saved):
        if found:
            path.replace(path.with_name(f"{path.stem}.damaged-{int(time.time())}{path.suffix}"))
        write_atomic(path, saved, grows=True)
