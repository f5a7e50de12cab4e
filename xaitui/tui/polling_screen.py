"""Screens that read something again and again, beside the event loop."""

from __future__ import annotations

from abc import abstractmethod
from typing import Generic, TypeVar

from textual.widgets import Static

from xaitui.errors import XaituiError
from xaitui.text import printable
from xaitui.tui.screen import ConsoleScreen
from xaitui.tui.threads import in_thread, work

T = TypeVar("T")


class PollingScreen(ConsoleScreen, Generic[T]):
    """Looks now, once an interval while it is seen, and when it is seen again; what goes wrong stands at its foot.

    A subclass yields a ``Static(classes="foot")`` among its widgets.
    """

    _is_looking = False

    @abstractmethod
    def read(self) -> T:
        """Read what is new; called in a thread, never twice at once.

        Raises:
            XaituiError, OSError: it cannot be read, which is said.
        """

    @abstractmethod
    def take(self, found: T) -> None:
        """Show what was read; called on the event loop, while the screen stands."""

    def on_mount(self) -> None:
        """Look at once, and once an interval."""
        self.call_after_refresh(self.look)
        self.set_interval(self.console.options.interval, self._look_if_seen)

    def on_screen_resume(self) -> None:
        """See what has changed while another screen was shown."""
        self.look()

    def _look_if_seen(self) -> None:
        if self.is_active:
            self.look()

    def look(self) -> None:
        """Read in a thread, unless that is being done."""
        if not self._is_looking:
            self._is_looking = True
            self._look()

    @work(group="look")
    async def _look(self) -> None:
        try:
            found = await in_thread(self.read)
        except OSError as error:
            self.say_foot(f"{error.filename or 'it'} cannot be read: {error.strerror or error}", bad=True)
        except XaituiError as error:
            self.say_foot(str(error), bad=True)
        else:
            self.take(found)
        finally:
            self._is_looking = False

    def say_foot(self, text: str, *, bad: bool = False) -> None:
        """Say a line at the foot of the screen; foreign text in it is made printable."""
        foot = self.query_one(".foot", Static)
        foot.set_class(bad, "-bad")
        foot.update(printable(text))
