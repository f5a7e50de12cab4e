"""The form as rows to be shown, with the two choices that are no settings: a preset, and where the run goes on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from xaitui.catalog.presets import PRESETS
from xaitui.config.command_line import DETACH
from xaitui.config.fields import FieldRecord
from xaitui.config.form import GROUPS, OWN_GROUP, Form
from xaitui.tui.forms.field import FieldState

HERE, APART = "in this console", "in its own process"
NO_PRESET = "none"

_WHERE = {HERE: "Leaving the console asks what becomes of it.", APART: "It goes on whatever becomes of the console."}


def _row(path: str, option: str, help_text: str, choices: Sequence[str]) -> FieldRecord:
    return FieldRecord(
        path=path,
        option=option,
        short="",
        kind="str",
        default="",
        help=help_text,
        unit="",
        low=None,
        high=None,
        exclusive=False,
        choices=tuple(choices),
    )


PRESET = _row("preset", "--preset", "Settings that belong together; those of the run itself stay.", list(PRESETS))
WHERE = _row("where", DETACH, "Where the training goes on.", list(_WHERE))


def pages(*, tall: bool) -> tuple[tuple[str, ...], ...]:
    """The groups that are seen together."""
    if not tall:
        return tuple((group,) for group in GROUPS)
    return GROUPS[:4], GROUPS[4:5], GROUPS[5:]


def rows(form: Form, groups: Sequence[str]) -> dict[str, FieldState | str]:
    """The rows of some groups by path, with a heading over each where there are several."""
    found: dict[str, FieldState | str] = {}
    for group in groups:
        if len(groups) > 1:
            found[group] = group
        found.update({state.record.path: state for state in _states(form, group)})
    return found


def _states(form: Form, group: str) -> Iterator[FieldState]:
    if group == GROUPS[0]:
        presets = {name: info.description for name, info in PRESETS.items()}
        yield FieldState(PRESET, form.preset or NO_PRESET, "", presets, bool(form.preset), steps=False)
    if group == OWN_GROUP:
        yield FieldState(WHERE, APART if form.detach else HERE, HERE, _WHERE, form.detach)
    for record in form.visible(group):
        path = record.path
        yield FieldState(
            record,
            form.text(path),
            form.default(path),
            form.options(path),
            path in form.changed,
            form.errors.get(path, ""),
        )


def written(form: Form, path: str, text: str) -> Form:
    """The form once a row of it says something else."""
    if path == PRESET.path:
        return form.apply_preset(text)
    if path == WHERE.path:
        return replace(form, detach=text == APART)
    return form.set(path, text)
