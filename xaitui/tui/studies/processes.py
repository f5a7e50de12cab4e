"""The processes that this console started for studies; a study goes on in them whatever becomes of the console."""

from __future__ import annotations

import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

from xaitui.errors import ExitCode
from xaitui.studies.folder import StudyFolder
from xaitui.studies.worker_processes import last_words, start_in_background

FINE = (ExitCode.FINISHED, ExitCode.TRIALS_FAILED)


@dataclass
class StudyProcesses:
    """What was started, by the study's folder, until it has ended."""

    _running: dict[Path, subprocess.Popen[bytes]] = field(default_factory=dict)

    def begin(self, folder: StudyFolder, workers: int = 0, *, retried: bool = False) -> None:
        """Have a process carry a study out, or go on with it.

        Args:
            folder: the study.
            workers: as `xaitui sweep --workers`.
            retried: whether failures of before now are tried again.

        Raises:
            OSError: it cannot be started.
        """
        folder.stop.unlink(missing_ok=True)
        more = [f"--retry-before={time.time()}"] if retried else []
        self._running[folder.path] = start_in_background(folder, workers, more)

    def is_running(self, folder: StudyFolder) -> bool:
        """Whether a process of ours is there, though it may have no trial yet."""
        process = self._running.get(folder.path)
        return process is not None and process.poll() is None

    def failure(self, folder: StudyFolder) -> str:
        """The last word of a process of ours that ended badly, said once; nothing otherwise."""
        process = self._running.get(folder.path)
        if process is None or process.poll() is None:
            return ""
        del self._running[folder.path]
        if process.returncode in FINE:
            return ""
        return last_words(folder.words) or f"its process ended with {process.returncode}"
