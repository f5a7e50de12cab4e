"""Text from outside (file names, class names) made safe to show."""

from __future__ import annotations

import shlex
from collections.abc import Iterable


def printable(text: object) -> str:
    r"""Return `text` on one line, each control or invisible character as its escape: a raw ESC becomes ``\x1b``.

    A file name may hold colours, line ends or direction marks, which would let it forge what a terminal shows.
    Markup of a particular screen is the caller's concern.
    """
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in str(text))


def shortened(text: object, most: int = 80) -> str:
    """The beginning and the end of a text that is too long for a line."""
    words = str(text)
    return words if len(words) <= most else f"{words[: most - 10]}...{words[-7:]}"


def listed(items: Iterable[object], most: int = 10) -> str:
    """Join items with commas: `most` of them at most, then how many more there are."""
    words = [printable(item) for item in items]
    return ", ".join(words[:most]) + (f" and {len(words) - most:,} more" if len(words) > most else "")


def last_part(name: str) -> str:
    """The last part of a path, for where there is no room for all of it; another name as it is."""
    return name.rstrip("/").rpartition("/")[2] or name


def quoted(word: object) -> str:
    """A path or name as a word of a command that is shown, so that a shell takes it when it is pasted."""
    return shlex.quote(printable(word))
