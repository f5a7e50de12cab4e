"""The line in which a filter of the list of runs is written."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.message import Message
from textual.widgets import Input

from xaitui.errors import UsageError

if TYPE_CHECKING:
    from xaitui.runs.listing.filter import Filter


class FilterLine(Input):
    """Hidden until it is opened; tells of each filter as it is written."""

    class Written(Message):
        """A filter that can be used."""

        def __init__(self, chosen: Filter) -> None:
            super().__init__()
            self.filter = chosen

    class Unfinished(Message):
        """What is missing for a filter; the one before still holds."""

        def __init__(self, why: str) -> None:
            super().__init__()
            self.why = why

    class Left(Message):
        """The writing is over."""

    def __init__(self) -> None:
        super().__init__(compact=True, placeholder="words dataset:path model:xcep state:failed val_acc>0.98 lr<0.01")

    def open(self) -> None:
        """Show the line, and write in it."""
        self.add_class("-open")
        self.focus()

    def close(self) -> None:
        """Drop the filter."""
        self.value = ""
        self.leave()

    def leave(self) -> None:
        """Keep the filter; an empty one needs no line."""
        self.set_class(bool(self.value.strip()), "-open")
        self.post_message(self.Left())

    def on_input_changed(self, event: Input.Changed) -> None:
        """Read the filter as it stands."""
        from xaitui.runs.listing.filter import parse

        event.stop()
        try:
            self.post_message(self.Written(parse(event.value)))
        except UsageError as error:
            self.post_message(self.Unfinished(str(error)))

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Go back to the list."""
        event.stop()
        self.leave()
