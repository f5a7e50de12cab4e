"""What the console asks of the process that explains; the process itself is in the tests of its screen."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.run_commands import finish, start
from xaitui.jobs.explain.server import Answerer
from xaitui.runs.directory import RunDirectory
from xaitui.runs.explanations.maps import list_explanations


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> RunDirectory:
    execution = start(tmp_path_factory.mktemp("runs"), data__dataset="digits", training__epochs=1, data__fraction=0.2)
    finish(execution)
    return execution.run


def question(run: RunDirectory, what: str, **values: Any) -> dict[str, Any]:
    about = {"split": "test", "index": 3, "method": "saliency", "target": 2, "layer": ""}
    return {"what": what, "run": str(run.path), "data_dir": "", **about, **values}


def nobody(text: str) -> None:
    del text


def test_a_map_is_kept_with_its_picture_for_the_class_that_was_asked_for(run: RunDirectory) -> None:
    answerer, said = Answerer(), list[str]()
    assert answerer.answer(question(run, "explain"), said.append) == {"problem": ""}
    assert said == ["loading the model", "saliency of test 3"]
    [found] = [each for each in list_explanations(run) if each.method == "saliency"]
    assert found.find(3, 2) == 0
    assert found.map(0).any()
    assert found.picture(0).is_file()
    assert answerer.answer(question(run, "explain"), said.append) == {"problem": ""}
    assert said[2:] == ["saliency of test 3"], "the model stays loaded"


def test_the_layers_are_listed_with_the_default_among_them(run: RunDirectory) -> None:
    layers = Answerer().answer(question(run, "layers"), nobody)["layers"]
    assert [layer["path"] for layer in layers if layer["is_default"]] != []
    assert all({"path", "channels", "height", "width", "is_default"} == layer.keys() for layer in layers)


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        ({"method": "grad-cam", "layer": "conv9"}, "there is no layer 'conv9'"),
        ({"method": "magic"}, "there is no method 'magic'"),
        ({"split": "tset"}, "there is no split 'tset'"),
    ],
)
def test_what_is_wrong_is_one_line(run: RunDirectory, values: dict[str, Any], problem: str) -> None:
    said = Answerer().answer(question(run, "explain", **values), nobody)["problem"]
    assert problem in said
    assert "\n" not in said


def test_a_run_without_weights_says_so(tmp_path: Path, run: RunDirectory) -> None:
    bare = RunDirectory(tmp_path / "bare")
    bare.path.mkdir()
    bare.config.write_bytes(run.config.read_bytes())
    assert "has no checkpoint" in Answerer().answer(question(bare, "explain"), nobody)["problem"]
