"""Recorder of the events of a run: first to the journal, then to the table and the log."""

from __future__ import annotations

from collections.abc import Iterator

from xaitui.events import EpochFinished, Event, LifeCycle, Note
from xaitui.runs.directory import RunDirectory
from xaitui.runs.journal.journal import JournalWriter
from xaitui.runs.journal.metrics_csv import MetricsTable
from xaitui.runs.log import logger


class Recorder:
    """Writes events. A failure of the journal ends the run; a failure of the table or the log does not.

    A run does not wait for a disk that refuses the journal or a checkpoint. It stops with its last good checkpoint
    intact, so that a scheduler sees the failure and the device is free, and can be resumed exactly once there is room.
    """

    def __init__(self, run: RunDirectory, journal: JournalWriter) -> None:
        self.journal = journal
        self.table = MetricsTable(run.metrics, run.journal)

    def write(self, event: Event) -> Iterator[Event]:
        """Write an event and yield it, followed by any notes about its row in the table.

        Raises:
            OSError: the journal cannot be written.
        """
        event = self.journal.append(event)
        if isinstance(event, Note):
            logger.info("%s", event.message)
        notes = list(self.table.add(event)) if isinstance(event, EpochFinished) else []
        yield event
        for note in notes:
            yield from self.write(note)

    def write_last(self, event: LifeCycle) -> Event:
        """Write the last event of a process; it is returned even if it cannot be written."""
        try:
            return self.journal.append(event)
        except OSError as error:
            logger.error("the journal took no end: %s", error)
            return event
