"""Pictures of where real runs are wrong and what they looked at: `python -m screenshots.make looks --data-dir DIR`."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

from screenshots.environment import RUNS
from screenshots.stage import Stage
from screenshots.training import ROOT, Training, train
from xaitui.console_options import ConsoleOptions
from xaitui.runs.directory import RunDirectory, list_runs
from xaitui.tui.app import ConsoleApp
from xaitui.tui.explain.screen import ExplainScreen

METHODS = ("saliency", "integrated-gradients", "grad-cam", "occlusion")
SCORED = re.compile(r"\bdel(etion)? \d")
LOOKED_AT = {
    "mnist": Training(["--preset", "report-mnist", "--model", "simple-cnn", "--epochs", "6", "--fraction", "0.3"]),
    "pneumoniamnist": Training(["--dataset", "pneumoniamnist", "--monitor", "auc", "--epochs", "6"]),
}
"""How the run on each set is trained."""


async def photograph_looks(folder: Path, size: tuple[int, int], theme: str) -> None:
    """Train the runs that are missing, explain ten of their mistakes, and take four pictures of each."""
    for dataset, training in LOOKED_AT.items():
        run = _run_on(dataset) or _make(dataset, training)
        app = ConsoleApp(ConsoleOptions(runs_dir=RUNS, theme=theme))
        async with app.run_test(size=size) as pilot:
            await _take(Stage(app, pilot, folder), run, f"{dataset}-{size[0]}x{size[1]}")


def _run_on(dataset: str) -> RunDirectory | None:
    found = [run for run in list_runs(RUNS) if run.id.split("-")[2] == dataset and (run.explanations / "done").exists()]
    return found[0] if found else None


def _make(dataset: str, training: Training) -> RunDirectory:
    """Train a run, and explain its ten worst mistakes by four methods.

    Raises:
        subprocess.CalledProcessError: one of them ended with an error.
    """
    train(training)
    run = next(run for run in list_runs(RUNS) if run.id.split("-")[2] == dataset)
    words = ["explain", run.id, "--method", ",".join(METHODS), "--samples", "mistakes:10", f"--runs-dir={RUNS}"]
    subprocess.run([sys.executable, "-m", "xaitui", *words], env=os.environ | {"PYTHONPATH": str(ROOT)}, check=True)
    (run.explanations / "done").touch()
    return run


async def _take(stage: Stage, run: RunDirectory, name: str) -> None:
    stage.app.open("evaluate", run)
    await stage.until_seen("accuracy")
    await stage.press("2")
    await stage.until_seen("rows: true class")
    await stage.take(f"confusion-{name}")
    await stage.press("m")
    await stage.until_seen("misclassified", "▀")
    await stage.take(f"mistakes-{name}")
    await stage.press("escape", "escape")
    stage.app.open("explain", run)
    await stage.until(lambda: isinstance(stage.app.screen, ExplainScreen) and "▀" in stage.text)
    screen = stage.app.screen
    assert isinstance(screen, ExplainScreen)
    screen.select(replace(screen.selection, methods=METHODS))
    await stage.until(lambda: "Saliency" in stage.text and SCORED.search(stage.text))
    await stage.take(f"explain-{name}")
    await stage.press("x")
    await stage.until_seen("maps moved", "▀")
    await stage.press("left", "left")
    await stage.until_drawn()
    await stage.take(f"through-{name}")
    await stage.press("escape", "escape")
