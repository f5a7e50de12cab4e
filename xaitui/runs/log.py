"""train.log: warnings and words of a run; never the screen."""

from __future__ import annotations

import contextlib
import logging
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

logger = logging.getLogger("xaitui")

ON_END_SECONDS = 60.0


@contextlib.contextmanager
def logging_to(path: Path) -> Iterator[None]:
    """Send what is logged, Python's warnings included, to a file for the length of the block."""
    handler = _QuietFileHandler(path, encoding="utf-8", delay=True)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    loggers = (logger, logging.getLogger("py.warnings"))
    logger.setLevel(logging.INFO)
    for each in loggers:
        each.addHandler(handler)
        each.propagate = False
    try:
        yield
    finally:
        for each in loggers:
            each.removeHandler(handler)
            each.propagate = True
        handler.close()


class _QuietFileHandler(logging.FileHandler):
    """Log handler that ignores errors: a log that cannot be written must neither end a run nor disturb the screen."""

    def emit(self, record: logging.LogRecord) -> None:
        with contextlib.suppress(OSError):
            super().emit(record)

    def close(self) -> None:
        with contextlib.suppress(OSError):  # what a full disk did not take is tried once more, and fails again
            super().close()

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 -- the name is logging's
        del record


def last_lines(path: Path, count: int) -> list[str]:
    """The last lines of a log; empty if it cannot be read."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - 4096))
            return file.read().decode(errors="replace").splitlines()[-count:]
    except OSError:
        return []


def run_program(command: Sequence[str], environment: dict[str, str]) -> None:
    """Run the program of --on-end without a shell, and log its result."""
    try:
        done = subprocess.run(
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=ON_END_SECONDS,
            check=False,
        )
    except (OSError, subprocess.SubprocessError) as error:
        logger.warning("--on-end: %s", error)
        return
    logger.info(
        "--on-end: %s ended with %d: %s", command[0], done.returncode, (done.stdout + done.stderr).strip()[-2000:]
    )
