from __future__ import annotations

import csv
import io

import pytest

from xaitui.report.tables import Table, to_csv, to_markdown

TABLE = Table(("run", "val|accuracy"), (("a|b", "0.9"), ("<b>*x*</b>\n", "")))


def test_a_cell_is_never_markup() -> None:
    assert to_markdown(TABLE).splitlines() == [
        r"| run               | val\|accuracy |",
        "| ----------------- | ------------- |",
        r"| a\|b              | 0.9           |",
        r"| \<b>\*x\*\</b>\\n |               |",
    ]


def test_csv_is_read_back() -> None:
    table = Table(("run", "note"), (("a,b", 'say "x"'), ("c", "two\nlines")))
    assert list(csv.reader(io.StringIO(to_csv(table)))) == [["run", "note"], ["a,b", 'say "x"'], ["c", "two\nlines"]]


def test_a_table_without_rows_has_its_header() -> None:
    assert to_markdown(Table(("a",), ())) == "| a   |\n| --- |\n"


def test_rows_are_as_long_as_the_header() -> None:
    with pytest.raises(ValueError, match="every row has 2 cells"):
        Table(("a", "b"), (("1",),))
