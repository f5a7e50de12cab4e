from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.configs import values_of
from xaitui.config.command_line import TrainLine, option_word, setting_text
from xaitui.config.fields import FieldRecord
from xaitui.config.resolve import Layer, resolve
from xaitui.config.schema import FIELDS, RunConfig
from xaitui.errors import UsageError

KINDED = ("optimizer", "schedule")
RANGED = {path: record for path, record in FIELDS.items() if record.low is not None and not path.startswith(KINDED)}


def test_there_are_many() -> None:
    groups = [getattr(RunConfig(), name) for name in RunConfig.model_fields]
    assert len(FIELDS) == sum(len(type(group).model_fields) for group in groups)
    assert len(FIELDS) >= 60
    assert len(RANGED) >= 20


@pytest.mark.parametrize("path", FIELDS)
def test_each_has_what_an_option_and_a_form_need(path: str) -> None:
    record = FIELDS[path]
    assert record.option.startswith("--")
    assert record.option == record.option.lower()
    assert record.help[-1] == "."
    assert record.kind in ("int", "float", "bool", "str", "list")
    if record.choices and path != "optimizer.name":
        assert record.default in record.choices


def test_no_option_is_given_twice() -> None:
    options = [option for record in FIELDS.values() for option in (record.option, record.short) if option]
    assert len(options) == len(set(options))


@given(st.sampled_from(list(FIELDS)), st.data())
def test_an_option_sets_its_setting(path: str, data: st.DataObject) -> None:
    record = FIELDS[path]
    value = data.draw(values_of(record))
    word = option_word(record, setting_text(record, value))
    assert TrainLine.read([word]).settings == {path: setting_text(record, value)}


@pytest.mark.parametrize("path", RANGED)
def test_its_limits_are_taken_and_beyond_is_refused(path: str) -> None:
    record = RANGED[path]
    assert record.low is not None
    highest = [] if record.high is None else [record.high]
    for value in highest if record.exclusive else [record.low, *highest]:
        resolve([Layer("--x", {path: value})])
    for value in [record.low - (not record.exclusive), *(limit + 1 for limit in highest)]:
        with pytest.raises(UsageError) as caught:
            resolve([Layer("--x", {path: value})])
        assert str(caught.value) == f"--x: {value!r} is not valid; it takes {record.takes}"


def record(**values: object) -> FieldRecord:
    base: dict[str, object] = {
        "path": "a.b",
        "option": "--b",
        "short": "",
        "kind": "int",
        "default": 0,
        "help": "",
        "unit": "",
        "low": None,
        "high": None,
        "exclusive": False,
        "choices": (),
    }
    return FieldRecord(**(base | values))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("values", "takes"),
    [
        ({}, "a whole number"),
        ({"kind": "float"}, "a number"),
        ({"kind": "str"}, "text"),
        ({"kind": "list"}, "a comma-separated list"),
        ({"kind": "bool"}, "true or false"),
        ({"kind": "str", "choices": ("a", "b")}, "one of a, b"),
        ({"low": 1, "high": 65_536}, "a whole number from 1 to 65536"),
        ({"low": 1, "high": 2**31 - 1}, "a whole number from 1 to 2147483647"),
        ({"low": 0, "unit": "px"}, "a whole number of at least 0 (px)"),
        ({"kind": "float", "low": 0, "high": 0.5, "exclusive": True}, "a number above 0 up to 0.5"),
        ({"kind": "float", "low": 0, "exclusive": True}, "a number above 0"),
        ({"kind": "float", "low": 0, "high": 0.999999}, "a number from 0 to 0.999999"),
    ],
)
def test_it_says_what_it_takes(values: dict[str, object], takes: str) -> None:
    assert record(**values).takes == takes
