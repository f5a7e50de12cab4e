"""When a checkpoint is due, and what it holds besides the trainer's state."""

from __future__ import annotations

import os
import time
import zlib
from collections.abc import Callable
from pathlib import Path

from xaitui.config.schema import RunConfig
from xaitui.events import CheckpointSaved
from xaitui.files import write_atomic
from xaitui.runs.directory import RunDirectory
from xaitui.runs.journal import JournalWriter
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
        self, run: RunDirectory, journal: JournalWriter, config: RunConfig, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._run = run
        self._journal = journal
        self._config = config
        self._clock = clock
        self._saved_at = clock()
        self._cost = 0.0
        self._asked = False
        self._best_epoch = -1

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

        Raises:
            OSError: the disk is full or gone; the checkpoints before are as they were.
        """
        began = self._clock()
        self._asked = False
        self._journal.sync()
        text = self._run.journal.read_bytes()
        save_checkpoint(self._run.last, {**trainer.state(), "journal": pack_text(zlib.compress(text, 1))})
        if self._config.run.keep != "last" and trainer.best.epoch not in (0, self._best_epoch):
            save_checkpoint(self._run.best, _best(trainer, self._config))
            self._best_epoch = trainer.best.epoch
        if self._config.run.keep == "all" and trainer.at.batch == 0:
            _link(self._run.last, self._run.last.with_name(f"epoch-{trainer.at.epoch - 1:04}.pt"))
        self._saved_at = self._clock()
        self._cost = self._saved_at - began
        return CheckpointSaved(
            epoch=trainer.at.epoch, step=trainer.at.step, path=f"checkpoints/{self._run.last.name}", seconds=self._cost
        )


def _best(trainer: Trainer, config: RunConfig) -> State:
    return {
        "model": trainer.best.model,
        "epoch": trainer.best.epoch,
        "averaged": trainer.parts.average is not None,
        "name": config.model.name,
        "classes": trainer.parts.inputs.classes,
    }


def _link(source: Path, target: Path) -> None:
    """Keep the file under a second name; the next save replaces the first name only."""
    target.unlink(missing_ok=True)
    os.link(source, target)


def restore_last(run: RunDirectory, trainer: Trainer) -> bytes:
    """Bring a trainer to the last checkpoint; return the journal as it was when that was written.

    Raises:
        CheckpointError: it is damaged, or of another run.
    """
    state = load_checkpoint(run.last)
    try:
        trainer.restore(state)
        return saved_journal(state)
    except (KeyError, RuntimeError, ValueError, TypeError, IndexError, AttributeError, zlib.error) as error:
        if is_out_of_memory(error):
            raise
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise CheckpointError(f"{run.last} is no checkpoint of this run: {reason}") from None


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
        write_atomic(path, saved)
