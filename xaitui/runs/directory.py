"""The run directory: its files, its creation, and the list of all runs."""

from __future__ import annotations

import math
import os
import secrets
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from xaitui.errors import DataError, UsageError, XaituiError

if TYPE_CHECKING:  # listing runs need not wait for pydantic
    from xaitui.config.schema import RunConfig


STUDIES, TRIALS = "studies", "trials"
"""Folder of the studies beside the runs, and the folder in each study of its trials, which are runs."""


GONE = "its folder was deleted or moved"
"""Message for a run that no longer exists."""


@dataclass(frozen=True)
class RunDirectory:
    """The files of one run."""

    path: Path

    @property
    def id(self) -> str:
        """Name of the folder, which identifies the run."""
        return self.path.name

    @property
    def config(self) -> Path:
        """The resolved configuration, written before any other file."""
        return self.path / "config.toml"

    def read_config(self) -> RunConfig:
        """Read the configuration.

        Raises:
            DataError: it is missing, unreadable or invalid.
        """
        from xaitui.config.toml import from_toml

        try:
            return from_toml(self.config.read_text(encoding="utf-8"))
        except OSError as error:
            raise DataError(f"{self.id}: config.toml cannot be read: {error.strerror}") from None
        except UnicodeDecodeError:
            raise DataError(f"{self.id}: config.toml is not UTF-8 text") from None
        except XaituiError as error:
            raise DataError(f"{self.id}: {error}") from None

    @property
    def environment(self) -> Path:
        """Machine, command, versions and data files with which the run was created."""
        return self.path / "environment.json"

    @property
    def data(self) -> Path:
        """Record of each data file; absent if environment.json is sufficient."""
        return self.path / "data.json.gz"

    @property
    def journal(self) -> Path:
        """The journal of events."""
        return self.path / "events.jsonl"

    @property
    def metrics(self) -> Path:
        """Table with one row per epoch."""
        return self.path / "metrics.csv"

    @property
    def last(self) -> Path:
        """The last checkpoint, from which a run is resumed."""
        return self.path / "checkpoints" / "last.pt"

    @property
    def previous(self) -> Path:
        """The checkpoint before the last, used if the last one is damaged."""
        return self.path / "checkpoints" / "previous.pt"

    @property
    def best(self) -> Path:
        """The weights of the best epoch."""
        return self.path / "checkpoints" / "best.pt"

    @property
    def predictions(self) -> Path:
        """Folder of the predictions of the best weights."""
        return self.path / "predictions"

    @property
    def preprocessing(self) -> Path:
        """Inputs and outputs of the model: image sizes, normalisation, classes."""
        return self.path / "preprocessing.json"

    @property
    def explanations(self) -> Path:
        """Folder of the attribution maps."""
        return self.path / "explanations"

    @property
    def profile(self) -> Path:
        """Folder of the profile of some steps."""
        return self.path / "profile"

    @property
    def log(self) -> Path:
        """Log of warnings and messages."""
        return self.path / "train.log"

    @property
    def lock(self) -> Path:
        """Lock file of the single writer."""
        return self.path / "lock"

    @property
    def heartbeat(self) -> Path:
        """Counter that grows while the writer is alive."""
        return self.path / "heartbeat"

    @property
    def model_source(self) -> Path:
        """Copy of the source of a user's own model."""
        return self.path / "model.py"


def create_run(runs_dir: Path, config: RunConfig, now: float | None = None) -> RunDirectory:
    """Create the directory of a new run; creating it claims the name, also against other processes.

    Raises:
        UsageError: the folder of runs cannot be written.
    """
    stamp = time.strftime("%Y%m%d-%H%M%S", time.localtime(now))
    words = config.run.name or f"{_slug(config.data.dataset)}-{_slug(config.model.name)}"
    while True:
        path = runs_dir.absolute() / f"{stamp}-{words}-{secrets.token_hex(2)}"
        try:
            path.mkdir(parents=True)
            (path / "checkpoints").mkdir()
        except FileExistsError:
            if not runs_dir.is_dir():
                raise UsageError(
                    f"cannot make a run in {runs_dir}: it is no folder; choose another --runs-dir"
                ) from None
            continue
        except OSError as error:
            raise UsageError(f"cannot make a run in {runs_dir}: {error.strerror}; choose another --runs-dir") from None
        return RunDirectory(path)


def _slug(text: str) -> str:
    """A path or name shortened to letters that are safe in a folder name."""
    stem = Path(text.partition(":")[2] if text.startswith(("timm:", "pretrainedmodels:")) else text).stem
    return "".join(letter if letter.isalnum() else "-" for letter in stem)[:40].strip("-") or "own"


def list_runs(runs_dir: Path) -> list[RunDirectory]:
    """All run folders, newest first, without the trials of studies."""
    if not runs_dir.is_dir():
        return []
    with os.scandir(runs_dir) as entries:
        found = (each.name for each in entries if each.is_dir() and not each.name.startswith("."))
        names = sorted((name for name in found if name != STUDIES), reverse=True)
    return [RunDirectory(runs_dir / name) for name in names]


def in_order_made(runs: Iterable[RunDirectory]) -> list[RunDirectory]:
    """Runs sorted by the time of their configuration files; runs without one come last."""
    return sorted(runs, key=lambda run: (_made_at(run), run.id))


def _made_at(run: RunDirectory) -> float:
    try:
        return run.config.stat().st_mtime
    except OSError:
        return math.inf
