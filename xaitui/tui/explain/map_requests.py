"""Requests for maps that are not stored yet, and what became of each."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Iterable
from typing import Any

from xaitui.runs.directory import RunDirectory
from xaitui.system.helper_process import NoAnswerError, Say
from xaitui.tui.explain.client import Explainer, Layer, Question
from xaitui.tui.explain.material import Material

WAITING = "computing..."


class MapRequests:
    """Held by the explanation screen. The process that computes maps starts with the first request."""

    def __init__(self, run: RunDirectory, progress: Say, answered: Callable[[str], Awaitable[None]]) -> None:
        """Prepare to ask.

        Args:
            run: whose best weights are explained.
            progress: takes a word about how far a request is; empty when it is over.
            answered: called after each answer with the problem, which is empty where the map is stored.
        """
        self.explainer = Explainer(run)
        self._progress, self._answered = progress, answered
        self._problems: dict[Question, str] = {}
        """By the questions that were answered."""

    def problem_of(self, question: Question) -> str:
        """The problem with a map that was asked for; empty where none is known."""
        return self._problems.get(question, "")

    def forget(self) -> None:
        """Forget all answers, so that failed requests are made again."""
        self._problems.clear()

    def missing(self, questions: Iterable[Question], material: Material) -> list[Question]:
        """The questions that were not answered and whose maps are not stored."""
        return [each for each in questions if each not in self._problems and material.find(each) is None]

    async def explain(self, question: Question) -> None:
        """Compute and store a map."""
        self._problems[question] = await self._answer(self.explainer.explain(question, self._progress))

    async def judge(self, question: Question) -> str:
        """Compare the maps of a method with reference maps, once for the run; return the problem, if any."""
        return await self._answer(self.explainer.judge(question, self._progress))

    async def layers(self) -> tuple[str, tuple[Layer, ...]]:
        """The problem, or the layers that Grad-CAM can use."""
        try:
            problem, layers = await self.explainer.layers(self._progress)
        except NoAnswerError as error:
            problem, layers = str(error), ()
        self._progress("")
        return problem, layers

    async def _answer(self, asked: Coroutine[Any, Any, str]) -> str:
        try:
            problem = await asked
        except NoAnswerError as error:
            problem = str(error)
        self._progress("")
        await self._answered(problem)
        return problem
