"""Where a screen has the evaluation of a run from: its predictions, stored or computed when that is asked for."""

from __future__ import annotations

import json
import subprocess
from abc import abstractmethod

from textual.content import Content
from textual.widgets import Static

from xaitui.catalog.splits import PREDICTED
from xaitui.errors import XaituiError
from xaitui.evaluation.evaluation import Evaluation
from xaitui.jobs.background import spawn
from xaitui.runs.directory import RunDirectory
from xaitui.system.damaged_files import BAD_RECORD
from xaitui.text import printable
from xaitui.tui.palette import MUTED
from xaitui.tui.screen import ConsoleScreen
from xaitui.tui.threads import in_thread, work


class EvaluationSource(ConsoleScreen):
    """A screen of one run and one split; a subclass says how it looks."""

    def __init__(self, run: RunDirectory) -> None:
        super().__init__()
        self.run = run
        self.evaluation: Evaluation | None = None
        self.split = next((name for name in PREDICTED if (run.predictions / f"{name}.npz").exists()), PREDICTED[0])
        self.process: subprocess.Popen[bytes] | None = None
        """What computes predictions that are missing, going on or over."""

    @abstractmethod
    def take(self, found: Evaluation) -> None:
        """Show what was read."""

    @abstractmethod
    def miss(self, why: str) -> None:
        """Say why there is nothing."""

    @property
    def splits(self) -> list[str]:
        """What can be looked at: what a run predicts by itself, and what else was predicted."""
        stored = sorted(path.stem for path in self.run.predictions.glob("*.npz"))
        return [*PREDICTED, *(name for name in stored if name not in PREDICTED)]

    def say(self, what: str, about: str = "") -> None:
        """Say what is seen, in a line, or in two where there is nothing."""
        lines = [Content.styled(printable(what), "bold"), Content.styled(printable(about), MUTED)]
        gap = "  " if self.evaluation is not None else "\n"
        self.query_one(".head", Static).update(Content(gap).join(lines))

    @work(exclusive=True, group="load")
    async def load(self) -> None:
        """Read what is stored of the split."""
        self.evaluation = None
        try:
            self.evaluation = await in_thread(Evaluation.read, self.run, self.split)
        except (XaituiError, OSError) as error:
            self.miss(str(error))
        else:
            self.take(self.evaluation)

    def action_split(self) -> None:
        """Look at the next split."""
        known = self.splits
        self.split = known[(known.index(self.split) + 1) % len(known)] if self.split in known else known[0]
        self.load()

    def action_compute(self) -> None:
        """Have the predictions computed that are missing."""
        if self.evaluation is None and (self.process is None or self.process.poll() is not None):
            self._compute(self.split)

    @work(exclusive=True, group="compute")
    async def _compute(self, split: str) -> None:
        place = self.console.options.data_dir
        words = ["evaluate", str(self.run.path), f"--split={split}", "--json"]
        self.say(f"{split}: computing...")
        try:
            self.process = process = spawn([*words, *([f"--data-dir={place}"] if place else [])], subprocess.PIPE)
        except OSError as error:
            self.say(f"{split}: cannot be computed", str(error))
            return
        output, _ = await in_thread(process.communicate)
        if split != self.split:
            return  # another one is looked at by now
        lines = output.decode(errors="replace").splitlines() or [f"its process ended with {process.returncode}"]
        if process.returncode == 0:
            self.load()
        else:
            self.say(f"{split}: cannot be computed", _reason(lines[-1]))

    def on_unmount(self) -> None:
        """Nobody waits for its process any more."""
        if self.process is not None:
            self.process.kill()


def _reason(line: str) -> str:
    """Why a command failed: from an object of its own, or as a line."""
    try:
        return str(json.loads(line)["error"])
    except BAD_RECORD:
        return line.removeprefix("xaitui: ")
