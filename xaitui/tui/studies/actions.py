"""Stop, resume and retry a study, each after a question."""

from __future__ import annotations

from functools import partial

from xaitui.errors import XaituiError
from xaitui.studies.folder import StudyFolder
from xaitui.text import printable
from xaitui.tui.polling_screen import PollingScreen
from xaitui.tui.studies.snapshot import StudyLook
from xaitui.tui.threads import in_thread, while_there

LIVE_ONLY, IDLE_ONLY = frozenset({"stop"}), frozenset({"resume", "retry"})


class StudyActions:
    """Held by the screen of a study."""

    def __init__(self, screen: PollingScreen[StudyLook], folder: StudyFolder) -> None:
        self._screen, self._folder = screen, folder

    def is_live(self, look: StudyLook | None) -> bool:
        """Whether a process works on the study, or is about to."""
        return (look is not None and look.standing.is_live) or self._screen.console.studies.is_running(self._folder)

    def useless(self, look: StudyLook | None) -> frozenset[str]:
        """The actions that can do nothing for the study in its present state."""
        if self.is_live(look):
            return IDLE_ONLY
        if look is None:
            return LIVE_ONLY
        return (
            LIVE_ONLY
            | (frozenset({"resume"}) if look.standing.is_complete else frozenset())
            | (frozenset() if look.standing.has_failures else frozenset({"retry"}))
        )

    def stop(self, look: StudyLook | None) -> None:
        """Ask every process that works on the study to save and end."""
        if not self.is_live(look):
            self._screen.console.tell("nothing works on it")
            return
        self._screen.ask(
            f"Stop the study {self._folder.name} now?",
            "Its running trials are saved; R resumes them, exactly.",
            yes="stop now",
            no="keep training",
            then=self._ask_to_stop,
        )

    def _ask_to_stop(self) -> None:
        try:
            self._folder.stop.touch()
        except OSError as error:
            self._screen.console.tell(f"the study cannot be asked: {error.strerror}", "error")
        else:
            self._screen.console.tell("asked: trials save and end")
            self._screen.look()

    def resume(self, look: StudyLook | None) -> None:
        """Resume the study in the background."""
        if self.is_live(look):
            self._screen.console.tell("it is running")
        elif look is not None and look.standing.is_complete:
            self._screen.console.tell("all its trials are finished; F trains failed ones again")
        else:
            self._screen.ask(
                f"Resume the study {self._folder.name}?",
                "Its unfinished trials are trained in the background.",
                yes="resume",
                no="leave it",
                then=lambda: self._begin(retried=False),
            )

    def retry(self, look: StudyLook | None) -> None:
        """Train failed trials again in the background."""
        if self.is_live(look):
            self._screen.console.tell("it is running; retry failed trials when it has ended")
        elif look is not None and not look.standing.has_failures:
            self._screen.console.tell("no trial has failed")
        else:
            self._screen.ask(
                f"Retry the failed trials of {self._folder.name}?",
                "They are trained again in the background.",
                yes="retry",
                no="leave them",
                then=lambda: self._begin(retried=True),
            )

    def _begin(self, *, retried: bool) -> None:
        begun = while_there(self._screen, partial(self._begin_in_thread, retried=retried))
        self._screen.run_worker(begun, group="begin", exclusive=True)

    async def _begin_in_thread(self, *, retried: bool) -> None:
        try:
            await in_thread(self._begin_process, retried=retried)
        except (XaituiError, OSError) as error:
            self._screen.console.tell(printable(error), "error")
        self._screen.look()

    def _begin_process(self, *, retried: bool) -> None:
        from xaitui.studies.claim import retry_failed
        from xaitui.studies.create import check_study

        check_study(self._folder.read())
        if retried:
            retry_failed(self._folder)
        self._screen.console.studies.begin(self._folder, retried=retried)
