from __future__ import annotations

import sys
import threading
from types import FrameType
from typing import Any

import pytest

from xaitui.errors import ExitCode
from xaitui.stop import Stop, StopReason

NOW = StopReason("now", ExitCode.FINISHED)
AFTER_EPOCH = StopReason("after the epoch", ExitCode.FINISHED, after_epoch=True)
HAND_OVER = StopReason("left", ExitCode.FINISHED, hand_over=True)


def test_a_stop_at_once_outdoes_one_after_the_epoch_and_stands() -> None:
    stop = Stop()
    stop.ask(AFTER_EPOCH)
    assert (stop.now, stop.after_epoch) == (None, AFTER_EPOCH)
    stop.ask(NOW)
    stop.ask(HAND_OVER)
    assert (stop.now, stop.after_epoch, stop.hands_over) == (NOW, NOW, False)


@pytest.mark.parametrize(("reason", "stays"), [(NOW, False), (AFTER_EPOCH, False), (HAND_OVER, True)])
def test_a_stop_ends_a_pause_but_for_the_process_that_goes_on(reason: StopReason, stays: bool) -> None:
    stop = Stop()
    stop.paused = True
    stop.ask(reason)
    stop.wait_while_paused()
    assert stop.paused is stays


def test_a_handler_that_asks_in_the_middle_of_a_wait_is_not_waited_for() -> None:
    """A signal handler runs between any two lines, and so does a trace function: here it asks at each of a wait."""
    stop, asked = Stop(), []

    def ask(frame: FrameType, what: str, argument: object) -> Any:
        sys.settrace(None)  # what is asked is not traced
        stop.ask(NOW)
        asked.append(what)
        sys.settrace(ask)
        return ask

    def wait() -> None:
        sys.settrace(ask)
        stop.event.wait(0.0)
        sys.settrace(None)

    thread = threading.Thread(target=wait, daemon=True)
    thread.start()
    thread.join(10)
    assert not thread.is_alive()
    assert stop.event.is_set()
    assert len(asked) > 3
