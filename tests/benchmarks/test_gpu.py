"""`python -m benchmarks.gpu`: parts that pass, fail, run out of time or are left out, and the file of results."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from benchmarks import conditions, gpu

HELPER = """
import json, os, pathlib, signal, sys
folder = pathlib.Path(os.environ["BENCHMARK_RESULTS"])
folder.mkdir(parents=True)
(folder / "figures.json").write_text(json.dumps({"speed": 7}))
print("a figure (goal: at least 5): reached", *sys.argv[1:], flush=True)
if "wait" in sys.argv:
    signal.pause()
sys.exit(3 if "fail" in sys.argv else 0)
"""


@pytest.fixture
def helper(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A module that stands for a benchmark; it is found by the processes of the parts."""
    (tmp_path / "a_benchmark.py").write_text(HELPER)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    return "a_benchmark"


def run(out: Path, parts: Sequence[gpu.Part], monkeypatch: pytest.MonkeyPatch, *words: str) -> dict[str, Any]:
    monkeypatch.setattr(gpu, "PARTS", tuple(parts))
    monkeypatch.setattr(sys, "argv", ["gpu", "--device", "cpu", "--out", str(out), *words])
    gpu.main()
    record: dict[str, Any] = json.loads((out / "results.json").read_text())
    return record


def test_each_part_ends_for_itself_and_is_written(tmp_path: Path, helper: str, monkeypatch: pytest.MonkeyPatch) -> None:
    parts = (
        gpu.Part("one", (helper, "{device}"), 60),
        gpu.Part("two", (helper, "fail"), 60),
        gpu.Part("three", (helper, "wait"), 3),
        gpu.Part("four", (helper,), 60, ("no_such_module",)),
        gpu.Part("five", (helper,), 60, rehearsal=None),
    )
    with pytest.raises(SystemExit):
        run(tmp_path / "out", parts, monkeypatch)
    record = json.loads((tmp_path / "out" / "results.json").read_text())
    ended = {part["part"]: (part["status"], part["why"]) for part in record["parts"]}
    assert ended == {
        "one": ("passed", ""),
        "two": ("failed", "exit code 3"),
        "three": ("out of time", ""),
        "four": ("left out", "no_such_module is not installed"),
        "five": ("left out", "for a GPU alone"),
    }
    assert [part["figures"] for part in record["parts"][:3]] == [{"figures": {"speed": 7}}] * 3
    assert "a figure (goal: at least 5): reached cpu" in (tmp_path / "out" / "table.txt").read_text()


def test_no_part_begins_when_the_time_is_up(tmp_path: Path, helper: str, monkeypatch: pytest.MonkeyPatch) -> None:
    record = run(tmp_path, [gpu.Part("one", (helper,), 60)], monkeypatch, "--minutes", "0.1")
    assert record["parts"][0]["why"] == "no time is left"


SMALL: dict[str, tuple[str, ...]] = {
    "benchmarks.epoch_time": ("--images", "24", "--batch-size", "8"),
    "benchmarks.league_estimate": ("--images", "320", "--model", "simple-cnn"),
    "benchmarks.augmentation_cost": ("--cases", "simple-cnn/32", "--images", "64", "--rounds", "1"),
    "benchmarks.streaming_speed": ("--cases", "simple-cnn/256", "--images", "512", "--rounds", "1"),
    "benchmarks.training_throughput": ("--cases", "simple-cnn/32", "--images", "64", "--rounds", "1"),
}
"""The parts that train, with numbers still smaller than those of a rehearsal."""


@pytest.mark.parametrize("module", SMALL)
def test_the_parts_run_on_the_processor(module: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    part = next(part for part in gpu.PARTS if part.words[0] == module and part.rehearsal is not None)
    words = [word.format(device="cpu", data_dir="") for word in part.words[1:]]
    monkeypatch.setattr(conditions, "RESULTS", tmp_path / "results")
    monkeypatch.setattr(sys, "argv", [module, *words, *SMALL[module]])
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    import_module(module).main()
    assert len(list((tmp_path / "results").glob("*.json"))) == 1


def test_every_part_names_a_module_and_its_options() -> None:
    assert {part.words[0] for part in gpu.PARTS} == {
        *SMALL,
        "pytest",
        "benchmarks.time_to_accuracy",
        "benchmarks.console_training",
    }
    assert len({part.name for part in gpu.PARTS}) == len(gpu.PARTS)
    for part in gpu.PARTS:
        assert "{device}" in part.words or part.words[0] == "pytest"
