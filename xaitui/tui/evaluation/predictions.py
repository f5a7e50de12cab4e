"""Predictions of a run: which splits have them, and a process that computes missing ones."""

from __future__ import annotations

import json
import subprocess

from xaitui.catalog.splits import PREDICTED
from xaitui.jobs.background import spawn
from xaitui.runs.directory import RunDirectory
from xaitui.system.damaged_files import BAD_RECORD
from xaitui.tui.threads import in_thread


def first_split(run: RunDirectory) -> str:
    """The first split with stored predictions, or the first of all."""
    return next((name for name in PREDICTED if (run.predictions / f"{name}.npz").exists()), PREDICTED[0])


def next_split(run: RunDirectory, split: str) -> str:
    """The split after this one: first those that every run predicts, then others with stored predictions."""
    stored = sorted(path.stem for path in run.predictions.glob("*.npz"))
    known = [*PREDICTED, *(name for name in stored if name not in PREDICTED)]
    return known[(known.index(split) + 1) % len(known)] if split in known else known[0]


class PredictionProcess:
    """Held by a screen: computes the predictions of a split in a process of its own."""

    def __init__(self, run: RunDirectory) -> None:
        self._run = run
        self.process: subprocess.Popen[bytes] | None = None
        """The last process, running or ended."""

    @property
    def is_running(self) -> bool:
        """Whether predictions are being computed."""
        return self.process is not None and self.process.poll() is None

    async def compute(self, split: str, data_dir: str) -> str:
        """Compute and store predictions; return the problem, empty if there is none."""
        words = ["evaluate", str(self._run.path), f"--split={split}", "--json"]
        words += [f"--data-dir={data_dir}"] if data_dir else []
        try:
            self.process = process = spawn(words, subprocess.PIPE)
        except OSError as error:
            return str(error)
        output, _ = await in_thread(process.communicate)
        lines = output.decode(errors="replace").splitlines() or [f"its process ended with {process.returncode}"]
        return "" if process.returncode == 0 else _reason(lines[-1])

    def kill(self) -> None:
        """Kill the process, if there is one."""
        if self.process is not None:
            self.process.kill()


def _reason(line: str) -> str:
    """The reason why a command failed, from the last line that it printed: JSON or plain text."""
    try:
        return str(json.loads(line)["error"])
    except BAD_RECORD:
        return line.removeprefix("xaitui: ")
