"""Resume a run in its own directory, exactly from its last checkpoint."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial

from xaitui.config.schema import RunConfig
from xaitui.config.toml import read_resolved
from xaitui.errors import DataError, UsageError, XaituiError
from xaitui.events import Event, HandingOver, LifeCycle, RunExtended, RunFinished, RunResumed, RunStarted
from xaitui.jobs.prepare import Say, prepare
from xaitui.jobs.train.checkpoints import Restored, has_checkpoint, mend_journal, restore_last
from xaitui.jobs.train.execution import Execution
from xaitui.jobs.train.resume_options import ResumeOptions
from xaitui.jobs.trusted_code import trusted_source
from xaitui.runs.dataset import with_place
from xaitui.runs.directory import RunDirectory
from xaitui.runs.integrity import changed_settings
from xaitui.runs.journal.journal import read_entries, read_journal
from xaitui.runs.preprocessing import grey_range_of
from xaitui.runs.recorded_data import accepted_changes, find_place, require_same, write_record
from xaitui.stop import Stop
from xaitui.system.hash_log import begin_notes
from xaitui.text import quoted
from xaitui.training.resolve import Resolved


def resume(run: RunDirectory, stop: Stop, say: Say, options: ResumeOptions) -> Execution:
    """Prepare to resume a run; nothing is restored or written before its events are iterated over.

    Raises:
        UsageError: it is finished, or contains code that is not trusted.
        DataError: its configuration cannot be used.
    """
    config, resolved = read_made(run, options)
    source = trusted_source(run, trust_model=options.trust_model)
    events = read_journal(run.journal)
    last = [event for event in events if isinstance(event, LifeCycle)][-1:]
    if not options.extend and last and isinstance(last[0], RunFinished):
        raise UsageError(f"{run.id} is finished; to go on, add epochs: xaitui resume {quoted(run.id)} --epochs +5")
    prepared = prepare(
        config, stop, say, resolved=resolved, model_source=source, grey_range=grey_range_of(run.preprocessing)
    )
    found = require_same(run, config.data.dataset, prepared.dataset, accept=options.accept_changed)
    reasons = [*prepared.inexact, *changed_settings(run), found.content, found.decoding, *accepted_changes(events)]
    prepared = replace(prepared, inexact=tuple(filter(None, reasons)))
    # The last event names this process if another one hands the run over to it. The other process may still hold the
    # lock for a moment, and is waited for.
    handed_over = bool(last) and isinstance(last[0], HandingOver) and last[0].pid == os.getpid()
    begin = partial(_begin, options=options, changed_data=found.content)
    return Execution(run, prepared, stop, begin, options.take_over, handed_over)


def read_made(run: RunDirectory, options: ResumeOptions) -> tuple[RunConfig, Resolved]:
    """The configuration of a run, and the machine's choices when it was created.

    Raises:
        DataError: it cannot be used.
    """
    try:
        config = run.read_config()
        resolved = Resolved.from_table(read_resolved(run.config))
        dataset = find_place(run, config.data.dataset)
    except (OSError, UnicodeDecodeError, XaituiError) as error:
        if not run.config.exists() and not run.journal.exists():
            raise DataError(
                f"{run.id} never began: train anew; to remove it: xaitui runs rm {quoted(run.id)}"
            ) from None
        reason = error.strerror if isinstance(error, OSError) else str(error).removeprefix(f"{run.id}: ")
        raise DataError(f"cannot resume {run.id}: {run.config}: {reason}") from None
    changes = {"device": options.device or config.run.device, "max_time": options.max_time}
    return with_place(config.model_copy(update={"run": config.run.model_copy(update=changes)}), dataset), resolved


def _begin(execution: Execution, options: ResumeOptions, changed_data: str) -> Iterable[Event]:
    events = _take_up(execution, options, changed_data)
    return _then_record(execution, events) if changed_data else events


def _then_record(execution: Execution, events: Sequence[Event]) -> Iterator[Event]:
    """Yield the first events, then record the changed data.

    In this order a crash in between leaves the old record beside the new event, and the next resume asks again whether
    the data may differ. In the other order the change could go unreported.
    """
    yield from events
    write_record(execution.run, execution.prepared.dataset)


def _take_up(execution: Execution, options: ResumeOptions, changed_data: str) -> Sequence[Event]:
    """Restore the last checkpoint, if there is one, and return the first events of the resumed run."""
    run, trainer, inexact = execution.run, execution.prepared.trainer, execution.prepared.inexact
    restored = Restored(b"", "")
    begin_notes(run.path)
    if has_checkpoint(run):
        restored = restore_last(run, trainer)
        mend_journal(run.journal, restored.journal)
    # The journal is longer than its copy in the checkpoint if the run continued after saving. Everything from this
    # offset on is repeated; the offset goes into the RunResumed event, by which readers drop the first version.
    offset = len(restored.journal)
    entries = read_entries(run.journal)
    extensions = [(entry.offset, entry.event) for entry in entries if isinstance(entry.event, RunExtended)]
    before = extensions[-1][1].epochs if extensions else trainer.epochs
    trainer.epochs = before + options.extend
    if options.extend or (extensions and extensions[-1][0] >= offset):
        # Added epochs restart the patience; otherwise a run that was stopped early would stop again at once. An
        # extension that came after the checkpoint is not in its state, and restarts the patience again.
        trainer.parts.stopping.counter = 0
    if not any(isinstance(entry.event, RunStarted) for entry in entries):
        return [execution.started()]
    resumed = RunResumed(
        from_step=trainer.at.step,
        journal_offset=offset,
        checkpoint=restored.checkpoint,
        epochs=trainer.epochs,
        exact=not inexact,
        reason="; ".join(inexact),
        changed_data=changed_data,
    )
    extended = [RunExtended(epochs_before=before, epochs=trainer.epochs)] if options.extend else []
    return [resumed, *extended, *restored.notes()]
