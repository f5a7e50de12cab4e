"""Forms whose values are kept while they are being written."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any

from xaitui.tui.screen import ConsoleScreen


class DraftingScreen(ConsoleScreen):
    """A screen with a form; its subclass says what is written in it."""

    _written: Mapping[str, Any] | None = None
    """The record of the form; None until it is shown."""

    @property
    @abstractmethod
    def empty_record(self) -> Mapping[str, Any]:
        """The record of an empty form."""

    @abstractmethod
    def start_over(self) -> None:
        """Show an empty form."""

    def keep_draft(self, written: Mapping[str, Any]) -> None:
        """Keep what is written, once something has been; nothing is kept of an empty form."""
        before, self._written = self._written, written
        if before is None or written == before:
            return
        if written == self.empty_record:
            self.console.drafts.discard(self.NAME)
        else:
            self.console.drafts.keep(self.NAME, written)

    def back(self) -> bool:
        """Say that what was written is kept."""
        if self.console.drafts.get(self.NAME) is not None:
            self.console.tell("this form is kept as a draft; n opens it again")
        return False

    def action_discard(self) -> None:
        """Empty the form, if confirmed."""
        self.ask(
            "Discard this draft?",
            "Every setting goes back to its default.",
            yes="discard",
            no="keep",
            then=self.start_over,
        )

    def action_stay(self) -> None:
        """Say how the form and the console are left."""
        self.console.tell("esc leaves this form, ctrl+q the console; a draft is kept")
