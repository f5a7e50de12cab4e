from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xaitui.config.units import format_duration, format_size, parse_auto, parse_duration, parse_size


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90", 90),
        ("90s", 90),
        ("10m", 600),
        ("7h50m", 28_200),
        ("1d 2h", 93_600),
        ("1.5h", 5_400),
        ("1e-05", 1e-05),
        (" 2H ", 7_200),
        ("0", 0),
        ("-5", -5),
    ],
)
def test_durations(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("512", 512),
        ("10GiB", 10 * 2**30),
        ("500MB", 500_000_000),
        ("1.5 KiB", 1_536),
        ("2t", 2 * 10**12),
        ("3b", 3),
        (str(2**60 + 1), 2**60 + 1),
    ],
)
def test_sizes(text: str, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "soon", "7x", "1h2h", "5m7h", "h"])
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(ValueError, match="write a duration as 7h50m"):
        parse_duration(text)


@pytest.mark.parametrize("text", ["", "much", "10XB", "-1", "1e3", "9" * 10_000])
def test_what_is_no_size(text: str) -> None:
    with pytest.raises(ValueError):
        parse_size(text)


@pytest.mark.parametrize("value", [3, 2.5, None, True, ["1h"]])
def test_what_is_no_text_is_left_to_others(value: object) -> None:
    assert parse_duration(value) is value
    assert parse_size(value) is value


@pytest.mark.parametrize(
    ("given", "kept"), [("auto", 0), (" AUTO ", 0), ("32", "32"), ("autos", "autos"), (True, True)]
)
def test_a_number_that_is_to_be_found_is_kept_as_nought(given: object, kept: object) -> None:
    assert parse_auto(given) == kept


@given(st.floats(0, allow_infinity=False))
def test_any_number_of_seconds_can_be_written_down(seconds: float) -> None:
    assert parse_duration(repr(seconds)) == seconds


@given(st.integers(0, 10**30))
def test_any_number_of_bytes_can_be_written_down(size: int) -> None:
    assert parse_size(str(size)) == size


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.84, "0.8s"),
        (42, "42s"),
        (192, "3m12s"),
        (28_200, "7h50m"),
        (183_600, "2d03h"),
        (59.7, "1m00s"),
        (9.96, "10s"),
        (3_599.6, "1h00m"),
    ],
)
def test_a_duration_is_shown_in_two_units(seconds: float, text: str) -> None:
    assert format_duration(seconds) == text


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 B"),
        (512, "512 B"),
        (4_299_162, "4.1 MiB"),
        (12.6 * 2**30, "12.6 GiB"),
        (2**42, "4.0 TiB"),
        (2**20 - 1, "1.0 MiB"),
    ],
)
def test_a_size_is_shown_in_binary_units(size: float, text: str) -> None:
    assert format_size(size) == text


@given(st.integers(1, 24 * 60 - 1))
def test_what_is_shown_can_be_read_back(minutes: int) -> None:
    assert parse_duration(format_duration(minutes * 60)) == minutes * 60
