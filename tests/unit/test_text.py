from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xaitui.text import printable


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Übersicht 3.png", "Übersicht 3.png"),
        ("\x1b[2Jcleared", r"\x1b[2Jcleared"),
        ("two\r\nlines", r"two\r\nlines"),
        ("right-to-left \u202egnp", r"right-to-left \u202egnp"),
        ("not UTF-8: \udcff", r"not UTF-8: \udcff"),
    ],
)
def test_what_a_terminal_would_obey_is_escaped(text: str, shown: str) -> None:
    assert printable(text) == shown


@given(st.text(st.characters()))
def test_any_text_becomes_one_printable_line(text: str) -> None:
    assert printable(text).isprintable()
    assert printable(printable(text)) == printable(text)
