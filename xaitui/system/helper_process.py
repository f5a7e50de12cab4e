"""Helper processes that answer questions, so that slow work does not block the console.

A question is a line of JSON on its standard input, an answer one on its standard output. It ends with the pipe.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import select
import signal
import sys
import threading
from asyncio.subprocess import PIPE, Process
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

LONGEST_LINE = 2**24
NICE = 5
"""Answers may wait; the training and the keys may not."""

Say = Callable[[str], None]
"""Called with the progress of an answer."""
Answer = Callable[[Mapping[str, Any], Say], Mapping[str, Any]]


def python_module(module: str) -> tuple[str, ...]:
    """The words that start a module of ours with this Python.

    -P: what lies in the folder in which the user happens to stand (a `torch.py` beside the data) is not to be imported.
    """
    return sys.executable, "-P", "-m", module


class NoAnswerError(OSError):
    """The helper process could not be started, failed or was too slow; it has been ended."""


class HelperProcess:
    """Client of a helper process, which starts with the first question and restarts after a failure."""

    def __init__(self, command: Sequence[str], name: str, patience: float | None = None) -> None:
        """Prepare to ask.

        Args:
            command: the program and its arguments.
            name: what it does, for words about it.
            patience: seconds after which an answer no longer comes; without it, it is waited for.
        """
        self._command, self._name, self._patience = command, name, patience
        self._process: Process | None = None
        self._turn = asyncio.Lock()
        self._number = 0
        self.closed = False

    @property
    def process(self) -> Process | None:
        """The one that is asked, going on or over; None before the first question."""
        return self._process

    async def ask(self, question: Mapping[str, Any], said: Say = lambda text: None) -> dict[str, Any]:
        """Ask after the questions before; who no longer waits for an answer may be cancelled.

        Raises:
            NoAnswerError: the process did not survive the question; the next one starts another.
        """
        async with self._turn:
            if self.closed:
                raise NoAnswerError(f"the {self._name} process was ended")
            try:
                return await asyncio.wait_for(self._ask(question, said), self._patience)
            except (OSError, ValueError, KeyError, TimeoutError) as error:
                last = await self._end()
                raise NoAnswerError(str(error) or last or f"no answer of the {self._name} process") from None

    async def close(self) -> None:
        """End the process and discard its work."""
        self.closed = True
        self._kill()
        async with self._turn:
            await self._end()

    async def _ask(self, question: Mapping[str, Any], said: Say) -> dict[str, Any]:
        if self._process is None:
            self._process = await asyncio.create_subprocess_exec(
                *self._command, stdin=PIPE, stdout=PIPE, stderr=PIPE, limit=LONGEST_LINE
            )
        requests, answers = self._process.stdin, self._process.stdout
        assert requests is not None
        assert answers is not None
        self._number += 1
        requests.write(json.dumps({"number": self._number, "question": question}).encode() + b"\n")
        await requests.drain()
        while line := await answers.readline():
            reply = json.loads(line)
            if reply["number"] != self._number:
                continue  # an answer to a cancelled question
            if "answer" in reply:
                answer: dict[str, Any] = reply["answer"]
                return answer
            said(reply["said"])
        raise OSError(await self._end() or f"the {self._name} process ended")

    def _kill(self) -> None:
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()

    async def _end(self) -> str:
        """End the process, and return its last output."""
        self._kill()
        process, self._process = self._process, None
        if process is None:
            return ""
        if process.stdin is not None:
            process.stdin.close()
        _, errors = await process.communicate()
        return errors.decode(errors="replace").strip().rpartition("\n")[2]


def serve(answer: Answer, *, latest_only: bool = False) -> None:
    """Answer the questions on standard input in order, until it is closed.

    It ends then in the middle of an answer too: a console that was killed ends nothing, and an answer may take minutes.
    The terminal's signals are meant for the console, which ends this process by closing the pipe.

    Args:
        answer: makes an answer.
        latest_only: leave out questions that were asked before another one: nobody waits for them any more.
    """
    for ignored in (signal.SIGINT, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)
    os.nice(NICE)
    threading.Thread(target=_end_with_the_console, name="console", daemon=True).start()
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # output of libraries is not an answer

    def send(number: int, **reply: object) -> None:
        text = json.dumps({"number": number, **reply}, ensure_ascii=False)
        out.write(text.encode("utf-8", "backslashreplace") + b"\n")
        out.flush()

    for lines in _lines_at_once():
        for line in lines[-1:] if latest_only else lines:
            request = json.loads(line)
            number: int = request["number"]

            def say(text: str, number: int = number) -> None:
                send(number, said=text)

            send(number, answer=answer(request["question"], say))


def _end_with_the_console() -> None:
    """Wait for the other end of standard input to be closed."""
    poll = select.poll()
    poll.register(0, 0)  # a hang-up is always reported
    while not any(happened & (select.POLLHUP | select.POLLERR) for _, happened in poll.poll()):
        pass
    os._exit(1)


def _lines_at_once() -> Iterator[list[bytes]]:
    """The lines of standard input, those together that have come by the time when the ones before are done with."""
    rest = b""
    while chunk := os.read(0, LONGEST_LINE):
        *lines, rest = (rest + chunk).split(b"\n")
        if lines:
            yield lines
