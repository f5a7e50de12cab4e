"""What can be done to the form of a new run: lines pasted into it and copied from it, presets, groups."""

from __future__ import annotations

from textual.events import Paste
from textual.widgets import Input

from xaitui.errors import UsageError
from xaitui.text import printable
from xaitui.tui.forms.drafting import DraftingScreen
from xaitui.tui.forms.field import is_command_line
from xaitui.tui.new_run.form import RunForm


class FormActions(DraftingScreen):
    """A screen with a form, which cards may cover; its subclass says how it looks."""

    @property
    def run_form(self) -> RunForm:
        """The form."""
        return self.query_one(RunForm)

    # -- the command line

    def on_paste(self, event: Paste) -> None:
        """Fill the form from a line that the terminal pastes."""
        event.stop()
        self._fill(event.text)

    def _fill(self, line: str) -> None:
        try:
            form = self.run_form.form.paste(line.strip())
        except UsageError as error:
            self.console.tell(printable(error), "error")
            return
        self.run_form.become(form)
        self.console.tell("the form is filled from the line")

    async def action_copy(self) -> None:
        """Copy the command line."""
        await self.run_form.settle()
        self.app.copy_to_clipboard(self.run_form.form.command_line)
        self.console.tell("copied")

    def action_paste(self) -> None:
        """Paste what was copied in the console: a command line into the form, anything else into the field."""
        text, focused = self.app.clipboard, self.focused
        if is_command_line(text):
            self._fill(text)
        elif isinstance(focused, Input) and text:
            focused.action_paste()
        else:
            self.console.tell("paste the line with the terminal's own key, often ctrl+shift+v")

    # -- the form

    def action_preset(self) -> None:
        """Choose a preset."""
        self.run_form.choose_preset()

    async def action_augment(self) -> None:
        """Turn on the augmentations that suit the data set, and show them."""
        await self.run_form.settle()
        try:
            self.run_form.become(self.run_form.form.augment())
        except UsageError as error:
            self.console.tell(printable(error), "error")
        else:
            await self.action_group("augmentation")

    def action_default(self) -> None:
        """Put the field that has the focus back to its default."""
        self.run_form.reset_field()

    async def action_group(self, group: str) -> None:
        """Show a group of settings."""
        await self.run_form.settle()
        self.remove_class("-cards")
        self.run_form.show_group(group)

    async def action_next_group(self, by: int = 1) -> None:
        """Show the groups after these."""
        await self.run_form.settle()
        self.remove_class("-cards")
        self.run_form.next_group(by)

    async def action_previous_group(self) -> None:
        """Show the groups before these."""
        await self.action_next_group(-1)
