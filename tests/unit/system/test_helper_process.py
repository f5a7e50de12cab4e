"""Both ends of a process that answers questions."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys

import pytest

from xaitui.system.helper_process import HelperProcess, NoAnswerError

ECHO = """
import sys
from xaitui.system.helper_process import serve
def answer(question, say):
    print("what a library prints is no answer")
    say("thinking")
    if question.get("ends"):
        sys.exit("it is too much for me")
    return {"heard": question["word"]}
serve(answer, latest_only=True)
"""
COMMAND = (sys.executable, "-c", ECHO)


async def test_an_answer_comes_after_words_about_it() -> None:
    helper, said = HelperProcess(COMMAND, "echoing"), list[str]()
    assert helper.process is None
    assert await helper.ask({"word": "a\nb 損失"}, said.append) == {"heard": "a\nb 損失"}
    assert said == ["thinking"]
    await helper.close()


async def test_its_last_words_are_told_and_the_next_question_starts_another() -> None:
    helper = HelperProcess(COMMAND, "echoing")
    with pytest.raises(NoAnswerError, match=r"^it is too much for me$"):
        await helper.ask({"ends": True})
    assert await helper.ask({"word": "again"}) == {"heard": "again"}
    await helper.close()
    with pytest.raises(NoAnswerError, match="was ended"):
        await helper.ask({"word": "more"})


FOREVER = """
import threading
from xaitui.system.helper_process import serve
def answer(question, say):
    say("begun")
    threading.Event().wait()
serve(answer)
"""


@pytest.mark.parametrize("kind", ["pipe", "socket"])  # asyncio gives one or the other, as Python's version is
def test_it_ends_in_the_middle_of_an_answer_when_its_console_is_gone(kind: str) -> None:
    """As after a SIGKILL, when nobody is left to end it."""
    if kind == "pipe":
        theirs, ours = os.pipe()
    else:
        theirs, ours = (end.detach() for end in socket.socketpair())
    process = subprocess.Popen([sys.executable, "-c", FOREVER], stdin=theirs, stdout=subprocess.PIPE)
    os.close(theirs)
    with process:
        assert process.stdout is not None
        os.write(ours, b'{"number": 1, "question": {}}\n')
        assert b"begun" in process.stdout.readline()
        os.close(ours)
        assert process.wait(30) == 1


async def test_who_no_longer_waits_does_not_hold_up_the_next_question() -> None:
    helper = HelperProcess(COMMAND, "echoing")
    await helper.ask({"word": "first"})
    waiting = [asyncio.create_task(helper.ask({"word": str(number)})) for number in range(5)]
    await asyncio.sleep(0)
    for task in waiting[:-1]:
        task.cancel()
    assert await waiting[-1] == {"heard": "4"}
    await helper.close()
