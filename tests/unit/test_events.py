from __future__ import annotations

import json
import math
from dataclasses import fields

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.builders.events import events_of, finished, step
from xaitui.event_codec import CodecError, decode, encode
from xaitui.events import (
    EVENTS,
    Event,
    LifeCycle,
    Note,
    Progress,
)

ANY_EVENT = st.sampled_from(list(EVENTS.values())).flatmap(events_of)


def test_every_event_that_is_defined_is_in_the_table() -> None:
    defined: set[type[Event]] = set()
    waiting: list[type[Event]] = [Event]
    while waiting:
        children = waiting.pop().__subclasses__()
        defined.update(children)
        waiting += children
    assert set(EVENTS.values()) == defined - {LifeCycle, Progress}
    assert len(EVENTS) == 19


@pytest.mark.parametrize("name", EVENTS)
@given(data=st.data())
def test_what_is_read_is_what_was_written(name: str, data: st.DataObject) -> None:
    event = data.draw(events_of(EVENTS[name]))
    line = encode(event)
    assert line.count(b"\n") == 1
    assert line.endswith(b"\n")
    read = decode(line)
    assert repr(read) == repr(event)  # which holds where a nan is not equal to itself
    assert type(read) is type(event)


@given(ANY_EVENT)
def test_a_line_is_strict_json(event: Event) -> None:
    def refuse(constant: str) -> float:
        raise AssertionError(constant)

    record = json.loads(encode(event), parse_constant=refuse)
    assert record.keys() - {"event", "nonfinite"} == {item.name for item in fields(event)}


def test_a_number_that_is_not_finite_is_null_and_named() -> None:
    record = json.loads(encode(finished(best=math.nan, test={"auc": math.inf, "loss": -math.inf, "accuracy": 1.0})))
    assert record["best"] is None
    assert record["test"] == {"auc": None, "loss": None, "accuracy": 1.0}
    assert record["nonfinite"] == {"best": "nan", "test.auc": "inf", "test.loss": "-inf"}


@given(ANY_EVENT, st.data())
def test_a_torn_line_is_no_event(event: Event, data: st.DataObject) -> None:
    line = encode(event)
    length = data.draw(st.integers(0, len(line) - 2))
    with pytest.raises(CodecError):
        decode(line[:length])


@given(ANY_EVENT, st.data())
def test_a_damaged_line_is_an_event_or_an_error_of_the_codec(event: Event, data: st.DataObject) -> None:
    line = bytearray(encode(event))
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(line)))
        line[at : at + data.draw(st.integers(0, 6))] = data.draw(st.binary(max_size=6))
    decode_or_refuse(bytes(line))


@given(st.binary())
@example(b'{"event": "Note", "message": "a", "time": ' + b"9" * 400 + b"}")
@example(b'{"event": "Note", "message": "a", "nonfinite": {"time": []}, "time": null}')
@example(b'{"event": ["Note"]}')
@example(b"[" * 100_000)
@example('{"event": "Note", "message": "é"}'.encode("utf-16"))
def test_any_line_is_an_event_or_an_error_of_the_codec(line: bytes) -> None:
    decode_or_refuse(line)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=4), inner, max_size=2),
    max_leaves=4,
)


@given(ANY_EVENT, JSON, st.data())
def test_a_field_of_another_type_is_refused_or_read(event: Event, value: object, data: st.DataObject) -> None:
    record = json.loads(encode(event))
    record[data.draw(st.sampled_from(sorted(record)))] = value
    decode_or_refuse(json.dumps(record).encode())


def decode_or_refuse(line: bytes) -> None:
    """Nothing else is raised, and what was read can be written again."""
    try:
        event = decode(line)
    except CodecError:
        return
    assert repr(decode(encode(event))) == repr(event)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"", "no JSON"),
        (b"3", "no event"),
        (b'{"time": 1.0}', "no event"),
        (b'{"event": "Nothing"}', "an event this version does not know"),
        (b'{"event": "Note"}', "missing 1 required keyword-only argument: 'message'"),
        (b'{"event": "Note", "message": "a", "more": 1}', "unknown field 'more'"),
        (b'{"event": "Note", "message": 3}', "message is not of type str"),
        (b'{"event": "Note", "message": "a", "time": null}', "time is not of type float"),
        (b'{"event": "Note", "message": "a", "nonfinite": 1}', "nonfinite is no table"),
        (encode(step(3)).replace(b'"step":3', b'"step":true'), "step is not of type int"),
        (encode(finished()).replace(b'{"accuracy":0.5}', b"[0.5]"), "test is no table"),
        (encode(finished()).replace(b'{"accuracy":0.5}', b'{"accuracy":"0.5"}'), "test.accuracy is not of type float"),
    ],
)
def test_what_is_wrong_is_said(line: bytes, reason: str) -> None:
    with pytest.raises(CodecError, match=reason):
        decode(line)


def test_a_whole_number_will_do_for_a_float() -> None:
    assert decode(b'{"event": "Note", "message": "a", "time": 3}') == Note(message="a", time=3.0)


def test_what_an_earlier_version_did_not_write_has_its_default() -> None:
    assert decode(b'{"event": "Note", "message": "a"}') == Note(message="a", time=0.0)
