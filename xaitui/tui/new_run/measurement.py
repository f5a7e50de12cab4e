"""Measurement of a few real steps in a process of its own, because torch would block the console."""

from __future__ import annotations

import json
import subprocess

from textual.content import Content
from textual.widgets import Static

from xaitui.config.command_line import arguments
from xaitui.config.schema import RunConfig
from xaitui.jobs.background import spawn
from xaitui.jobs.preflight.report import Preflight
from xaitui.text import printable
from xaitui.tui.palette import MUTED
from xaitui.tui.threads import in_thread, work

COMMAND = ("train", "--dry-run", "--probe", "--json")


class Measurement(Static):
    """Nothing until it is asked for; then two lines, or why there are none. Its process ends with it."""

    def __init__(self) -> None:
        super().__init__(markup=False)
        self.display = False
        self._config: RunConfig | None = None
        self.process: subprocess.Popen[bytes] | None = None
        """The last one that was started, going on or over."""
        self._text, self._style = "", ""
        self._is_stale = False

    def measure(self, config: RunConfig) -> None:
        """Measure a run, instead of the one before if that is going on."""
        self._end()
        self._config, self._is_stale = config, False
        self._say("measuring...", MUTED)
        self._measure(config)

    def follow(self, config: RunConfig) -> None:
        """Say whether what is shown is of this run."""
        if self._config is not None:
            self._is_stale = _deciding(config) != _deciding(self._config)
            self._show()

    def on_unmount(self) -> None:
        """Nobody waits for it any more."""
        self._end()

    @work(exclusive=True)
    async def _measure(self, config: RunConfig) -> None:
        try:
            self.process = process = spawn([*COMMAND, *arguments(config)], subprocess.PIPE)
        except OSError as error:
            self._say(f"cannot measure: {printable(error)}", "$text-error")
            return
        output, _ = await in_thread(process.communicate)
        lines = output.decode(errors="replace").splitlines() or [f"its process ended with {process.returncode}"]
        if process.returncode == 0:
            self._say(Preflight.from_record(json.loads(lines[-1])).short_text)
        else:
            self._say(f"cannot measure: {printable(lines[-1].removeprefix('xaitui: '))}", "$text-error")

    def _say(self, text: str, style: str = "") -> None:
        self._text, self._style = text, style
        self._show()

    def _show(self) -> None:
        """Bring what is seen in line."""
        self.display = True
        if self._is_stale:
            self.update(Content.assemble(("stale: ", "$text-warning"), (self._text, MUTED)))
        else:
            self.update(Content.assemble((self._text, self._style)))

    def _end(self) -> None:
        """End the process; it has nothing to save."""
        if self.process is not None:
            self.process.kill()


def _deciding(config: RunConfig) -> RunConfig:
    """A configuration without what cannot change a measurement: the table of the run, but its device."""
    return config.model_copy(update={"run": RunConfig().run.model_copy(update={"device": config.run.device})})
