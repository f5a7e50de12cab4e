"""Checkpoints of a run: when they are due, what they contain besides the trainer's state, and how they are restored."""

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
"""Largest share of the time that saving may take."""


class RunSaver:
    """Writes the checkpoints of a run.

    Each checkpoint contains the best weights and the journal up to that moment. It is one file, replaced atomically, so
    that its parts always agree and a run can resume from it even if the rest of the directory is damaged.
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
        """Save a run whose existing checkpoint, if any, was written after `at` steps."""
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
        """Request a checkpoint at the next step; may be called from any thread."""
        self._asked = True

    def due(self, *, epoch_end: bool) -> bool:
        """Return whether to save: at the end of an epoch, every --save-every, or when requested.

        Checkpoints are spaced by the time that the last one took, so that saving takes at most `SHARE` of the time even
        if epochs are short or the disk is slow. With `--keep all`, which keeps a file for each epoch, every epoch is
        saved.
        """
        if epoch_end and self._config.run.keep == "all":
            return True
        since = self._clock() - self._saved_at
        spaced = since >= self._cost / SHARE
        return self._asked or (spaced and (epoch_end or since >= self._config.run.save_every))

    def save(self, trainer: Trainer) -> CheckpointSaved:
        """Write last.pt, and best.pt if the best weights are newer than those in it.

        The old last.pt is kept as previous.pt, for the case that the new one is damaged later. It is not kept with
        `--keep last`, nor if it was written at the same step, where it would replace a file of an earlier step.

        Raises:
            OSError: the disk is full or gone; earlier checkpoints are unchanged.
        """
        began = self._clock()
        self._asked = False
        self._journal.sync()  # the journal on the disk must never be shorter than its copy in a checkpoint
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
    """Give a file a second name atomically, as a hard link: the next save replaces only the first name.

    A link takes no time and no space, unlike a copy. On a disk without hard links the file is renamed instead; it then
    exists under one of the two names at any moment.
    """
    if target.exists() and target.samefile(source):
        return
    note_second_name(target, source)
    second = target.with_name(f".{target.name}.new_name")  # `remove_leftovers` deletes such a name after a crash
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
    """Whether there is a checkpoint to resume from, possibly a damaged one."""
    return run.last.exists() or run.previous.exists()


@dataclass(frozen=True)
class Restored:
    """The checkpoint that a trainer was restored from."""

    journal: bytes
    """The journal at the time of the checkpoint."""
    checkpoint: str
    """Its path within the run."""
    trouble: str = ""
    """Why it is not the last checkpoint; empty if it is."""

    def notes(self) -> Iterator[Note]:
        """Notes for the user."""
        if self.trouble:
            yield Note(message=f"{self.trouble}; going on from {self.checkpoint}, the checkpoint before it")


def restore_last(run: RunDirectory, trainer: Trainer) -> Restored:
    """Restore a trainer from the last checkpoint, or from the previous one if the last is missing or damaged.

    A damaged checkpoint is moved aside, and the previous one takes its name, so that the next save keeps the good file
    as previous.pt instead of the damaged one.

    Raises:
        CheckpointError: there is no usable checkpoint.
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
    """The journal at the time of the checkpoint."""
    return zlib.decompress(unpack_text(state["journal"]))


def mend_journal(path: Path, saved: bytes) -> None:
    """Make sure that the journal begins with the copy in the checkpoint.

    If it was cut or overwritten, it is moved aside and replaced by that copy, so that no event before the checkpoint is
    lost. Events after the checkpoint need no repair, because the resumed run repeats them.
    """
    found = path.read_bytes() if path.exists() else b""
    if not found.startswith(saved):
        if found:
            path.replace(path.with_name(f"{path.stem}.damaged-{int(time.time())}{path.suffix}"))
        write_atomic(path, saved, grows=True)
