"""Where the events of a run go: to the journal, before anything else; then to what is made of it for people."""

from __future__ import annotations

from collections.abc import Iterator

from xaitui.events import EpochFinished, Event, LifeCycle, Note
from xaitui.runs.directory import RunDirectory
from xaitui.runs.journal.journal import JournalWriter
from xaitui.runs.journal.metrics_csv import MetricsTable
from xaitui.runs.log import logger


class Recorder:
    """Writes events. What the journal does not take ends a run; the table and the log may be lost without an end.

    A run does not wait for a disk that refuses it the journal or a checkpoint: it stops, its last good checkpoint as it
    was, so that a scheduler sees it and the device is free; once there is room it goes on from there exactly.
    """

    def __init__(self, run: RunDirectory, journal: JournalWriter) -> None:
        self.journal = journal
        self.table = MetricsTable(run.metrics, run.journal)

    def write(self, event: Event) -> Iterator[Event]:
        """Write an event, and hand it on; then what is to be said of its row in the table.

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
        """Write how it ended; it is said even where the disk takes nothing any more."""
        try:
            return self.journal.append(event)
        except OSError as error:
            logger.error("the journal took no end: %s", error)
            return event
