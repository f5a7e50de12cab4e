"""The form of a study as it is seen: a row for each thing that `xaitui sweep` takes."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping

from textual.containers import Vertical
from textual.message import Message
from textual.widget import Widget

from xaitui.catalog.presets import PRESETS
from xaitui.config.fields import FieldRecord
from xaitui.studies.definition import TESTED
from xaitui.studies.form import DEFAULTS, VARY, StudyForm
from xaitui.studies.samplers import PRUNERS, SAMPLERS
from xaitui.text import printable
from xaitui.tui.dialogs.choose import ChooseScreen
from xaitui.tui.forms.field import FieldRow, FieldState
from xaitui.tui.forms.fields import FormFields

_HELP: Mapping[str, str] = {
    "name": "What the study is called; its folder. Empty: what is varied, on what.",
    "base": "A preset, or a TOML file of settings, that all trials have in common.",
    "settings": "Settings over the base: epochs=3 fraction=0.1 dataset=mnist",
    VARY: "A setting and its values: lr=0.001,0.01  lr=1e-4..1e-1:log  epochs=5..20:5",
    "sampler": "How what is tried is chosen.",
    "objective": "Which trial is best: by val_accuracy, val_loss, parameters, seconds. Empty: what is monitored.",
    "seeds": "Runs of each setting, each with another seed.",
    "trials": "Settings that random, tpe, cma-es or nsga2 try.",
    "pruner": "Which trials are given up early; for samplers that learn from trials.",
    "tested": "Of which trials the test split is read in the end.",
    "storage": "Optuna's storage: an SQLAlchemy URL; empty for a file beside the trials.",
    "workers": "Worker processes, one a GPU or share of the cores; 0 works in one process.",
}
"""The fields in their order, each with what it means."""

_CHOICES: Mapping[str, Mapping[str, str]] = {
    "sampler": {info.name: info.description for info in SAMPLERS.values()},
    "pruner": PRUNERS,
    "tested": TESTED,
}
_OPTIONS = {"tested": "--test", VARY: "--vary", "settings": "--settings"}


class StudyFormView(Vertical):
    """A text becomes a new form; everything that is seen follows from that."""

    class Changed(Message):
        """The form is another one."""

        def __init__(self, form: StudyForm) -> None:
            super().__init__()
            self.form = form

    def __init__(self, form: StudyForm, *, ascii_only: bool = False) -> None:
        super().__init__()
        self.form = form
        self._fields = FormFields(ascii_only=ascii_only)

    def compose(self) -> Iterable[Widget]:
        """The fields."""
        yield self._fields

    def on_mount(self) -> None:
        """Show them, and begin with what is varied."""
        self.become(self.form)
        self._fields.focus_on(f"{VARY}0")

    def become(self, form: StudyForm, typed: str = "") -> None:
        """Show another form, and tell; the field `typed` is being written and left alone."""
        self.form = form
        self._fields.show(study_rows(form), typed)
        self.post_message(self.Changed(form))

    def focus_on(self, path: str) -> None:
        """Put the focus on a field."""
        self._fields.focus_on(path)

    async def settle(self) -> None:
        """Take up what was typed and is still on its way: a key that acts at once may overtake it."""
        row = self._fields.row_with_focus
        passed = asyncio.Event()
        if row is None or not row.editor.call_later(passed.set):
            return
        await passed.wait()
        if row.editor.value != printable(row.state.text):
            self.become(self.form.set(row.state.record.path, row.editor.value), typed=row.state.record.path)

    def on_field_row_edited(self, event: FieldRow.Edited) -> None:
        """Take what was written."""
        event.stop()
        self.become(self.form.set(event.path, event.text), typed=event.path)

    def on_field_row_listed(self, event: FieldRow.Listed) -> None:
        """List what is known for a field."""
        event.stop()
        path = event.state.record.path

        def take(value: str | None) -> None:
            if value is not None:
                self.become(self.form.set(path, value))

        self.app.push_screen(ChooseScreen(event.state.record.help, event.state.options, event.state.text), take)


def study_rows(form: StudyForm) -> dict[str, FieldState | str]:
    """The rows by path; below the last line of what is varied there is always an empty one."""
    rows: dict[str, FieldState | str] = {}
    for name, text in _HELP.items():
        paths = [f"{VARY}{number}" for number in range(len(form.vary) + 1)] if name == VARY else [name]
        for path in paths:
            options = _CHOICES.get(name, {})
            record = FieldRecord(
                path=path,
                option=_OPTIONS.get(name, f"--{name}"),
                short="",
                kind="str",
                default="",
                help=text,
                unit="",
                low=None,
                high=None,
                exclusive=False,
                choices=tuple(options),
            )
            if name == "base":
                options = {preset.name: preset.description for preset in PRESETS.values()}
            default = DEFAULTS.get(name, "")
            written = form.text(path)
            rows[path] = FieldState(record, written, default, options, written != default, form.errors.get(path, ""))
    return rows
