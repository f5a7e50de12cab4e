"""What can be done with a study and its trials from its screen."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence

from xaitui.errors import XaituiError
from xaitui.runs.directory import RunDirectory
from xaitui.studies.folder import StudyFolder
from xaitui.studies.status import TrialStanding
from xaitui.text import printable
from xaitui.tui.commands import Command
from xaitui.tui.polling_screen import PollingScreen
from xaitui.tui.studies.rows import mark
from xaitui.tui.studies.snapshot import StudyLook
from xaitui.tui.studies.table import StudyTable
from xaitui.tui.threads import in_thread, work

LIVE_ONLY, IDLE_ONLY = frozenset({"stop"}), frozenset({"resume", "retry"})


class StudyActions(PollingScreen[StudyLook]):
    """A screen of one study; its subclass says how it looks."""

    def __init__(self, folder: StudyFolder) -> None:
        super().__init__()
        self.folder = folder
        self.seen: StudyLook | None = None
        """The study at the last look."""
        self.marked: frozenset[str] = frozenset()
        """Ids of the marked trials."""

    @property
    def table(self) -> StudyTable:
        """The table of trials, or of settings."""
        return self.query_one(StudyTable)

    @property
    def is_live(self) -> bool:
        """Whether a process works on the study, or is about to."""
        going_on = self.seen is not None and self.seen.standing.is_live
        return going_on or self.console.studies.is_running(self.folder)

    @abstractmethod
    def show(self) -> None:
        """Show what is known."""

    def commands(self) -> tuple[Command, ...]:
        """The keys that can do something for the study as it stands."""
        useless = IDLE_ONLY if self.is_live else LIVE_ONLY
        if self.seen is not None and not self.is_live:
            useless |= {"resume"} if self.seen.standing.is_complete else set()
            useless |= set() if self.seen.standing.has_failures else {"retry"}
        return tuple(row for row in super().commands() if row.action not in useless)

    # -- its trials

    def action_open(self) -> None:
        """Open the trial as a run; of a setting with several runs, all of them beside each other."""
        row = self.table.row
        if row is None:
            return
        runs = _begun(row.trials)
        if not runs:
            self.console.tell("it has not begun yet", "warning")
        elif len(runs) == 1:
            self.console.open("live", runs[0])
        else:
            self.console.open("compare", runs)

    def action_mark(self) -> None:
        """Mark the trial, or all of the setting."""
        row = self.table.row
        if row is not None:
            self.marked = mark(self.marked, row.trials)
            self.table.action_cursor_down()
            self.show()

    def action_compare(self) -> None:
        """Compare the marked trials, as they stand in the table."""
        marked = [each for row in self.table.shown for each in row.trials if each.trial.id in self.marked]
        runs = _begun(marked)
        if len(runs) < 2:
            self.console.tell("mark two trials or more that have begun with space to compare them", "warning")
        else:
            self.console.open("compare", runs)

    # -- the study

    def action_new(self) -> None:
        """Set up a new study from this one."""
        if self.seen is not None:
            self.console.open("new_study", self.seen.standing.study)

    def action_stop(self) -> None:
        """Ask every process that works on the study to save and end, if confirmed."""
        if not self.is_live:
            self.console.tell("nothing works on it")
            return

        self.ask(
            f"Stop the study {self.folder.name} now?",
            "Its running trials are saved; R resumes them, exactly.",
            yes="stop now",
            no="keep training",
            then=self._ask_to_stop,
        )

    def _ask_to_stop(self) -> None:
        try:
            self.folder.stop.touch()
        except OSError as error:
            self.console.tell(f"the study cannot be asked: {error.strerror}", "error")
        else:
            self.console.tell("asked: trials save and end")
            self.look()

    def action_resume(self) -> None:
        """Resume the study in the background, if confirmed."""
        if self.is_live:
            self.console.tell("it is running")
        elif self.seen is not None and self.seen.standing.is_complete:
            self.console.tell("all its trials are finished; F trains failed ones again")
        else:
            self.ask(
                f"Resume the study {self.folder.name}?",
                "Its unfinished trials are trained in the background.",
                yes="resume",
                no="leave it",
                then=lambda: self._begin(retried=False),
            )

    def action_retry(self) -> None:
        """Train failed trials again in the background, if confirmed."""
        if self.is_live:
            self.console.tell("it is running; retry failed trials when it has ended")
        elif self.seen is not None and not self.seen.standing.has_failures:
            self.console.tell("no trial has failed")
        else:
            self.ask(
                f"Retry the failed trials of {self.folder.name}?",
                "They are trained again in the background.",
                yes="retry",
                no="leave them",
                then=lambda: self._begin(retried=True),
            )

    @work(exclusive=True, group="begin")
    async def _begin(self, *, retried: bool) -> None:
        try:
            await in_thread(self._begin_process, retried=retried)
        except (XaituiError, OSError) as error:
            self.console.tell(printable(error), "error")
        self.look()

    def _begin_process(self, *, retried: bool) -> None:
        from xaitui.studies.claim import retry_failed
        from xaitui.studies.create import check_study

        check_study(self.folder.read())
        if retried:
            retry_failed(self.folder)
        self.console.studies.begin(self.folder, retried=retried)


def _begun(trials: Sequence[TrialStanding]) -> list[RunDirectory]:
    return [each.run for each in trials if each.run.journal.exists()]
