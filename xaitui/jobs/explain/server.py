"""The process that explains for the console: questions come in, maps are kept with the run, problems go out.

It stays while a screen is open, so that torch and the model are loaded once; see `xaitui.system.helper_process`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from xaitui.errors import XaituiError
from xaitui.explain.methods.recipe import Recipe
from xaitui.jobs.explain.pictures import draw_pictures
from xaitui.jobs.explain.run_explainer import RunExplainer
from xaitui.jobs.explain.store import Wanted
from xaitui.jobs.explain.trust import judge_method
from xaitui.jobs.failures import failure_of
from xaitui.jobs.predict.splits import HowToPredict
from xaitui.runs.directory import RunDirectory
from xaitui.system.helper_process import Say, serve
from xaitui.text import printable

Question = Mapping[str, Any]


class Answerer:
    """Answers about one run after another; the model of the last one stays loaded, as long as its weights do."""

    def __init__(self) -> None:
        self._explainer: RunExplainer | None = None
        self._of: object = None

    def answer(self, question: Question, say: Say) -> dict[str, Any]:
        """Do what is asked; what is wrong is said in one line, never raised."""
        work: Callable[[RunExplainer, Question, Say], dict[str, Any]] = {
            "explain": _explain,
            "judge": _judge,
            "layers": _layers,
        }[question["what"]]
        run = RunDirectory(Path(question["run"]))
        try:
            try:
                found = work(self._load(run, question["data_dir"], say), question, say)
            except (OSError, RuntimeError, MemoryError) as error:
                raise failure_of(error, run.path) from error
        except XaituiError as error:
            return {"problem": printable(error)}
        return {"problem": "", **found}

    def _load(self, run: RunDirectory, data_dir: str, say: Say) -> RunExplainer:
        """The explainer of a run's best weights, which a run that is going on replaces."""
        of = (run, data_dir, *((path.stat().st_mtime_ns if path.exists() else 0) for path in (run.best, run.last)))
        if self._explainer is None or of != self._of:
            say("loading the model")
            self._explainer, self._of = RunExplainer(HowToPredict(data_dir=data_dir).load(run, say), say), of
        return self._explainer


def _recipe(explainer: RunExplainer, question: Question) -> Recipe:
    return explainer.resolver.recipe(question["method"], layer=question["layer"])


def _explain(explainer: RunExplainer, question: Question, say: Say) -> dict[str, Any]:
    recipe = _recipe(explainer, question)
    say(f"{recipe.method} of {question['split']} {question['index']}")
    found = explainer.explain(recipe, Wanted(question["split"], [question["index"]], question["target"]))
    row = found.find(question["index"], question["target"])
    draw_pictures(explainer, found, [row] if row is not None else [])
    return {}


def _judge(explainer: RunExplainer, question: Question, say: Say) -> dict[str, Any]:
    judge_method(explainer, question["split"], _recipe(explainer, question), say)
    return {}


def _layers(explainer: RunExplainer, question: Question, say: Say) -> dict[str, Any]:
    del question, say
    default = explainer.resolver.recipe("grad-cam").layer
    return {"layers": [{**vars(layer), "is_default": layer.path == default} for layer in explainer.resolver.layers()]}


if __name__ == "__main__":
    serve(Answerer().answer, latest_only=True)
