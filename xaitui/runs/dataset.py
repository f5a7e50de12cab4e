"""The dataset of a run, opened without torch."""

from __future__ import annotations

import os

from xaitui.catalog.datasets import DATASETS
from xaitui.config.paths import absolute_path
from xaitui.config.schema import RunConfig
from xaitui.config.toml import read_resolved, to_toml
from xaitui.data.dataset import Dataset
from xaitui.data.open import open_configured
from xaitui.errors import DataError, UsageError, XaituiError
from xaitui.events import Note
from xaitui.runs.directory import RunDirectory
from xaitui.runs.integrity import changed_settings
from xaitui.runs.journal.journal import JournalWriter
from xaitui.runs.lock import owning
from xaitui.runs.preprocessing import grey_range_of
from xaitui.runs.recorded_data import find_place, require_same
from xaitui.system.atomic_files import trouble_of, write_atomic
from xaitui.text import printable


def data_rules(run: RunDirectory) -> int:
    """The version of the rules with which the data of a run were read.

    Raises:
        UsageError: its configuration is not TOML.
        OSError: it cannot be read.
    """
    rules = read_resolved(run.config).get("data_rules", 1)
    return rules if isinstance(rules, int) else 1


def with_place(config: RunConfig, dataset: str) -> RunConfig:
    """The configuration with another path of the dataset."""
    return config.model_copy(update={"data": config.data.model_copy(update={"dataset": dataset})})


def open_data(run: RunDirectory, *, data_dir: str = "", accept_changed: bool = False) -> Dataset:
    """Open the dataset of a run with its original splits.

    Args:
        run: the run.
        data_dir: folder to search first; by default that of the run.
        accept_changed: whether to open data that differ from the run's.

    Raises:
        DataError: the data are missing, or not those of the run.
    """
    try:
        config = run.read_config()
        config = with_place(config, find_place(run, config.data.dataset))
        found = _open(run, config, data_dir)
    except OSError as error:
        raise DataError(trouble_of(error, run.config)) from None
    except (UnicodeDecodeError, XaituiError) as error:
        raise DataError(str(error)) from None
    require_same(run, config.data.dataset, found, accept=accept_changed)
    return found


def _open(run: RunDirectory, config: RunConfig, data_dir: str) -> Dataset:
    return open_configured(
        config,
        data_dir=data_dir or config.data.data_dir,
        rules=data_rules(run),
        grey_range=grey_range_of(run.preprocessing),
    )


def move_data(run: RunDirectory, dataset: str, *, accept_changed: bool = False) -> None:
    """Set the path of a moved dataset in a run's configuration.

    Args:
        run: the run.
        dataset: the new path of the file or folder.
        accept_changed: whether its content may differ from the run's data.

    Raises:
        UsageError: the dataset is of the catalog, or another process writes the run.
        DataError: the content is not that of the run's data, or the configuration cannot be used.
        XaituiError: another process writes the run.
    """
    place = absolute_path(dataset)
    try:
        config = run.read_config()
        if config.data.dataset in DATASETS:
            raise UsageError(
                f"{run.id} is of {config.data.dataset}, a dataset of the catalog: name the folder of its "
                "files with --data-dir"
            )
        moved = with_place(config, place)
        require_same(run, place, _open(run, moved, ""), accept=accept_changed)
        if changed_settings(run):
            raise DataError(f"{run.config} has changed since the run was made: set dataset in it by hand")
        with owning(run.lock, run.heartbeat):
            times = run.config.stat()
            write_atomic(run.config, to_toml(moved, read_resolved(run.config)))
            os.utime(run.config, ns=(times.st_atime_ns, times.st_mtime_ns))  # runs are listed in the order of these
            if run.journal.exists():
                journal = JournalWriter(run.journal)
                journal.append(Note(message=f"the dataset lies in {printable(place)} now"))
                journal.close()
    except OSError as error:
        raise DataError(trouble_of(error, run.config)) from None
