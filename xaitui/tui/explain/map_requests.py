"""What the screen of explanations has computed, by a process of its own, for what is seen and not stored."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

from xaitui.catalog.attributions import ATTRIBUTIONS
from xaitui.runs.directory import RunDirectory
from xaitui.system.helper_process import NoAnswerError
from xaitui.tui.explain.client import Question
from xaitui.tui.explain.material import Material, Subject
from xaitui.tui.explain.selection import ExplainActions
from xaitui.tui.threads import in_thread, work

SETTLED = 0.25
"""Seconds that an image must have been looked at before maps of it are computed."""


class ExplainComputing(ExplainActions):
    """Asks for the maps that are missing, one after another, and for verdicts; its subclass shows them."""

    def __init__(self, run: RunDirectory, split: str = "", index: int | None = None) -> None:
        super().__init__(run, split, index)
        self._states: dict[Question, str] = {}
        """What became of each question so far."""

    async def on_unmount(self) -> None:
        """Nobody waits for maps any more."""
        await self.explainer.close()

    @property
    def seen_methods(self) -> tuple[str, ...]:
        """The methods that are seen."""
        return self.methods[self.first : self.first + self.seen]

    def state_of(self, method: str, subject: Subject) -> str:
        """What was wrong with the map of a method, or that it is being waited for; empty where nothing is known."""
        return self._states.get(self.question_of(method, subject), "")

    def action_again(self) -> None:
        """Try once more what could not be computed."""
        self._states.clear()
        self.redraw()

    def question_of(self, method: str, subject: Subject) -> Question:
        """What is asked for to see a map."""
        layer = self.layer_path if ATTRIBUTIONS[method].layer else ""
        return Question(self.split, subject.index, method, self.class_of(subject), layer)

    def ask_for_missing(self, material: Material, subject: Subject) -> None:
        """Have the maps computed that are seen and are not stored."""
        if self.console.options.readonly:
            return
        questions = [self.question_of(method, subject) for method in self.seen_methods]
        missing = [
            question
            for question in questions
            if question not in self._states
            and material.find(question.method, question.layer, question.index, question.target) is None
        ]
        if missing:
            self._ask(missing)

    @work(exclusive=True, group="ask")
    async def _ask(self, questions: list[Question]) -> None:
        await asyncio.sleep(SETTLED)
        for question in questions:
            self._states[question] = await self._answer(self.explainer.explain(question, self.say_progress))

    @work(exclusive=True, group="ask")
    async def action_judge(self) -> None:
        """Hold the methods that are seen against their floors, once for each on this run."""
        subject = self.subject
        if self.console.options.readonly or subject is None:
            self.console.tell("this console only looks" if subject is not None else "there is no image to begin with")
            return
        for method in self.seen_methods:
            problem = await self._answer(self.explainer.judge(self.question_of(method, subject), self.say_progress))
            self.say_foot(problem, bad=bool(problem))

    async def _answer(self, asked: Coroutine[Any, Any, str]) -> str:
        """Wait for an answer, show what has come of it, and return what was wrong."""
        try:
            problem = await asked
        except NoAnswerError as error:
            problem = str(error)
        self.say_progress("")
        self.take(await in_thread(self.read))
        if problem:
            self.redraw()
        return problem
