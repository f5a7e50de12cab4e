"""The base of every screen: title, key bar, keys, and a message for terminals that are too small."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, ClassVar, cast

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Container
from textual.events import Resize
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Static

from xaitui.text import printable
from xaitui.tui.commands import COMMANDS, Command, commands_of
from xaitui.tui.threads import is_there
from xaitui.tui.widgets.key_bar import KeyBar

if TYPE_CHECKING:
    from xaitui.plotting.figure import Cells
    from xaitui.runs.directory import RunDirectory
    from xaitui.tui.console import Console

SMALLEST = (60, 18)
"""Columns and rows below which a screen only says that it is too small."""


def bindings(screen: str) -> list[Binding]:
    """The keys of a screen, from the table of commands."""
    return [
        Binding(
            row.keys, row.action, row.label or row.help, show=bool(row.label), priority=row.everywhere, tooltip=row.help
        )
        for row in COMMANDS
        if row.screen == screen
    ]


class ConsoleScreen(Screen[None]):
    """A screen of the console. A subclass sets NAME and TITLE, and yields its widgets in `compose_body`."""

    NAME: ClassVar[str]
    """The screen's name in the table of commands."""

    _title_said = ""

    def __init_subclass__(cls) -> None:
        """Take the keys from the table of commands."""
        cls.BINDINGS = [*bindings(cls.NAME)] if "NAME" in vars(cls) else []
        super().__init_subclass__()

    @property
    def console(self) -> Console:
        """The app."""
        return cast("Console", self.app)

    @property
    def plot_cells(self) -> Cells:
        """The characters that plots are drawn with."""
        return "ascii" if self.console.options.ascii else "braille"

    def compose(self) -> ComposeResult:
        """The title, the body, the key bar, and the line of a terminal that is too small."""
        yield Static(classes="title", markup=False)
        with Container(classes="body"):
            yield from self.compose_body()
        yield KeyBar(self.commands())
        yield Static(f"a terminal of at least {SMALLEST[0]}x{SMALLEST[1]} is needed", classes="too-small", markup=False)

    def compose_body(self) -> Iterable[Widget]:
        """The widgets between title and key bar."""
        return ()

    def back(self) -> bool:
        """Leave what this screen has open within itself; False where there is nothing, and the screen is left."""
        return False

    def commands(self) -> tuple[Command, ...]:
        """What the key bar shows: the commands that can be carried out here."""
        hidden = self.console.options.readonly
        return tuple(row for row in commands_of(self.NAME) if not (hidden and row.acts))

    def call_after_refresh(self, callback: Callable[..., Any], *arguments: Any, **options: Any) -> bool:
        """Call something once all is drawn, if this screen is still there: the one that is then seen calls it."""
        return super().call_after_refresh(lambda: callback(*arguments, **options) if is_there(self) else None)

    def ask(self, question: str, *lines: str, yes: str, no: str, then: Callable[[], object]) -> None:
        """Ask before something that cannot be taken back, and do it if that is confirmed while this screen is there.

        Args:
            question: one line.
            lines: what will happen.
            yes: what the agreeing button says.
            no: what the other one says.
            then: does it.
        """
        from xaitui.tui.dialogs.confirm import ConfirmScreen

        def answer(agreed: bool | None) -> None:
            if agreed and is_there(self):
                then()

        self.app.push_screen(ConfirmScreen(question, lines, yes=yes, no=no), answer)

    # -- the run that a screen is about

    @property
    def chosen_run(self) -> RunDirectory | None:
        """The run that the keys below act on; None where there is none, or none yet."""
        return None

    def action_evaluate(self) -> None:
        """Show how good the run is, and where it is wrong."""
        if self.chosen_run is not None:
            self.console.open("evaluate", self.chosen_run)

    def action_explain(self) -> None:
        """Show what the run looks at."""
        if self.chosen_run is not None:
            self.console.open("explain", self.chosen_run)

    def action_training_maps(self) -> None:
        """Show what the run looked at after each epoch."""
        if self.chosen_run is not None:
            self.console.open("training_maps", self.chosen_run)

    def action_clone(self) -> None:
        """Set up a new run with the settings of this one."""
        from xaitui.errors import DataError

        if self.chosen_run is None:
            return
        try:
            self.console.open("new", self.chosen_run.read_config())
        except DataError as error:
            self.console.tell(printable(error), "error")

    def ask_to_resume(self, run: RunDirectory) -> None:
        """Resume a run in this console, if confirmed."""
        self.ask(
            "Resume training?",
            printable(run.id),
            "It continues from its last checkpoint, in this console.",
            yes="resume",
            no="leave it",
            then=lambda: self._resume(run),
        )

    def _resume(self, run: RunDirectory) -> None:
        from xaitui.errors import XaituiError

        try:
            self.console.resume_run(run)
        except XaituiError as error:
            self.console.tell(printable(f"{run.id}: {error}"), "warning")

    def say_title(self, text: str) -> None:
        """Say in the first line what is seen; control characters and markup in it mean nothing."""
        if text != self._title_said:
            self._title_said = text
            self.query_one(".title", Static).update(text, layout=False)

    def on_resize(self, event: Resize) -> None:
        """Give way to one line where nothing else has room."""
        self.set_class(event.size.width < SMALLEST[0] or event.size.height < SMALLEST[1], "-too-small")
        self.set_class(event.size.width < 100, "-narrow")
        self.set_class(event.size.height < 30, "-low")
        self.set_class(self.console.options.ascii, "-ascii")

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Refuse what changes something where the console may only look."""
        acting = any(row.acts and row.action.partition("(")[0] == action for row in commands_of(self.NAME))
        return not (acting and self.console.options.readonly)
