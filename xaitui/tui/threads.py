"""Work beside the event loop, and what becomes of it when whoever asked for it is gone."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from textual.dom import NoScreen
from textual.widget import Widget

P = ParamSpec("P")
T = TypeVar("T")


async def in_thread(widget: Widget, work: Callable[P, T], *arguments: P.args, **options: P.kwargs) -> T:
    """Do something in a thread, on behalf of a widget or a screen, and return what it returned.

    A screen that is left loses its widgets before its workers are cancelled: what came too late must not look for them.

    Raises:
        asyncio.CancelledError: the widget has been taken away meanwhile, which ends its worker without a word.
    """
    try:
        return await asyncio.to_thread(work, *arguments, **options)
    finally:
        give_up_without(widget)


def give_up_without(widget: Widget) -> None:
    """Go on only if a widget is still there.

    Raises:
        asyncio.CancelledError: it has been taken away, or is about to be.
    """
    try:
        is_there = widget.is_attached and widget.screen.display
    except NoScreen:
        is_there = False
    if not is_there:
        raise asyncio.CancelledError
