"""Random input as a terminal sends it: keys, escape sequences, the mouse, pastes and what is none of these."""

from __future__ import annotations

import random
import string
from collections.abc import Iterator

SIZES = ((20, 5), (40, 10), (60, 18), (80, 24), (100, 30), (120, 36), (200, 60))
"""Terminals from the smallest to a large one, as columns and rows."""

_ARROWS = (b"\x1b[A", b"\x1b[B", b"\x1b[C", b"\x1b[D")
_PAGES = (b"\x1b[5~", b"\x1b[6~", b"\x1b[H", b"\x1b[F", b"\x1b[2~", b"\x1b[3~", b"\x1b[Z", b"\x1b[1;2C", b"\x1b[1;5D")
_FUNCTIONS = (b"\x1bOP", b"\x1bOQ", b"\x1bOR", b"\x1bOS", b"\x1b[15~", b"\x1b[24~")
_SUSPEND = 0x1A
_CONTROLS = tuple(bytes([code]) for code in range(0x20) if code not in (_SUSPEND, 0x1B))
"""Control keys; a console that is suspended reads nothing."""
_PASTED = (
    b"xaitui train --dataset mnist --epochs 3",
    b"xaitui train --lr nonsense",
    b"lr=0.1,0.2",
    b"",
    b"\xc3\xa4 \xe2\x82\xac",
    b"two\nlines",
    b"[red]no markup[/red]",
    b"x" * 500,
)
_GARBAGE = (
    b"\x1b[",
    b"\x1b]0;title\x07",
    b"\x1b[999;999H",
    b"\x1b[<0;1",
    b"\x1bP",
    b"\x1b[?1;2c",
    b"\x1b[?2026;2$y",
    b"\x1b[8;9t",
    b"\x1b[200~",
    b"\x1b[I",
    b"\x1b[O",
    b"\x1b\x1b\x1b",
    b"\x1b[57399u",
    b"\x1b[97;5u",
    b"\x9b",
    b"\xff\xfe",
    b"\xc3",
    b"\xf0\x9f\x98\x80",
)


def bursts(seed: int, longest: int = 40) -> Iterator[list[bytes]]:
    """Bursts of input without end, the same ones for a seed; each item stands for a key, a click or a paste."""
    draw = random.Random(seed)
    while True:
        burst = [_one(draw) for _ in range(draw.randint(1, longest))]
        yield [*burst, b"\x1b[201~"] if b"\x1b[200~" in burst else burst  # else all that follows would be one paste


def size(draw: random.Random) -> tuple[int, int]:
    """Columns and rows of a terminal."""
    return draw.choice([*SIZES, (draw.randint(20, 200), draw.randint(5, 60))])


def _one(draw: random.Random) -> bytes:
    kind = draw.random()
    if kind < 0.55:
        return draw.choice(string.ascii_letters + string.digits + "/? ,.=-").encode()
    if kind < 0.68:
        return draw.choice((b"\r", b"\r", b"\x1b", b"\t", b" ", b"\x10"))
    if kind < 0.80:
        return draw.choice((*_ARROWS, *_PAGES))
    if kind < 0.86:
        return draw.choice((*_CONTROLS, *_FUNCTIONS))
    if kind < 0.93:
        return _mouse(draw)
    if kind < 0.95:
        return b"\x1b[200~" + draw.choice(_PASTED) + b"\x1b[201~"
    return draw.choice(_GARBAGE) if kind < 0.99 else draw.randbytes(draw.randint(1, 6)).replace(bytes([_SUSPEND]), b"")


def _mouse(draw: random.Random) -> bytes:
    """A click, a movement or a turn of the wheel, maybe outside of the terminal."""
    column, row = draw.randint(1, 220), draw.randint(1, 70)
    if draw.random() < 0.5:
        column, row = draw.randint(1, 80), draw.randint(1, 24)
    place = b"%d;%d" % (column, row)
    button = draw.choice((b"0", b"2", b"32", b"35", b"64", b"65"))
    pressed = b"\x1b[<" + button + b";" + place + b"M"
    return pressed + (b"\x1b[<0;" + place + b"m" if button == b"0" else b"")
