"""The process that owns plotext: a figure a line comes in, its rows go out, until the console closes the pipe.

It loads nothing but the standard library and plotext.
"""

from __future__ import annotations

import json
import os
import signal
import sys

from xaitui.tui.plotting.draw import draw
from xaitui.tui.plotting.figure import from_wire

NICE = 5
"""A plot may wait; the training and the keys may not."""


def main() -> None:
    """Answer the requests on standard input, in their order.

    The terminal's signals are meant for the console, which ends this process by closing the pipe.
    """
    for ignored in (signal.SIGINT, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)
    os.nice(NICE)
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # plotext prints its warnings, which are no answers
    for line in sys.stdin.buffer:
        request = json.loads(line)
        rows = draw(from_wire(request["figure"]), request["width"], request["height"])
        answer = json.dumps({"number": request["number"], "rows": rows}, ensure_ascii=False)
        answers.write(answer.encode("utf-8", "backslashreplace") + b"\n")
        answers.flush()


if __name__ == "__main__":
    main()
