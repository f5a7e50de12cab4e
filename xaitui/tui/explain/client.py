"""Maps that are not stored yet are computed in a process of their own, which stores them in the run: no torch here."""

from __future__ import annotations

from asyncio.subprocess import Process
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from xaitui.runs.directory import RunDirectory
from xaitui.system.helper_process import HelperProcess, Say, python_module

COMMAND = python_module("xaitui.jobs.explain.server")


@dataclass(frozen=True)
class Question:
    """What a map is wanted of."""

    split: str
    index: int
    method: str
    target: int
    """Class whose logit is explained."""
    layer: str = ""
    """Of methods that look at one; empty for the model's default."""


@dataclass(frozen=True)
class Layer:
    """A layer that Grad-CAM can look at."""

    path: str
    channels: int
    height: int
    width: int
    is_default: bool


class Explainer:
    """Asks for maps of one run. The process starts with the first question, and stays: a model is loaded once."""

    def __init__(self, run: RunDirectory, data_dir: str = "", command: Sequence[str] = COMMAND) -> None:
        self._about = {"run": str(run.path.absolute()), "data_dir": data_dir}
        self._process = HelperProcess(command, "explaining")

    @property
    def process(self) -> Process | None:
        """The process, where there is one."""
        return self._process.process

    async def explain(self, question: Question, said: Say) -> str:
        """Compute a map and its scores, and store them in the run.

        Returns:
            What is wrong, in a line; empty where the map is stored.

        Raises:
            NoAnswerError: the process did not survive it.
        """
        return str((await self._ask("explain", asdict(question), said))["problem"])

    async def judge(self, question: Question, said: Say) -> str:
        """Judge the method of a question on this run, as `explain` does for a map; takes minutes for a large model.

        Raises:
            NoAnswerError: the process did not survive it.
        """
        return str((await self._ask("judge", asdict(question), said))["problem"])

    async def layers(self, said: Say) -> tuple[str, tuple[Layer, ...]]:
        """What is wrong, in a line, or the layers that can be looked at, in the order in which they are passed.

        Raises:
            NoAnswerError: the process did not survive it.
        """
        answer = await self._ask("layers", {}, said)
        return str(answer["problem"]), tuple(Layer(**layer) for layer in answer.get("layers", ()))

    async def close(self) -> None:
        """End the process."""
        await self._process.close()

    async def _ask(self, what: str, question: Mapping[str, Any], said: Say) -> dict[str, Any]:
        return await self._process.ask({"what": what, **self._about, **question}, said)
