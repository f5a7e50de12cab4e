"""Time estimates of trials, from similar runs on this machine."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from xaitui.catalog.datasets import DATASETS
from xaitui.config.schema import RunConfig
from xaitui.config.toml import to_values
from xaitui.config.validity import image_side
from xaitui.runs.directory import RunDirectory, list_runs
from xaitui.runs.environment import read_host
from xaitui.runs.listing.run_list import read_row
from xaitui.runs.listing.settings import read_settings
from xaitui.runs.state import State, summarise
from xaitui.studies.folder import list_studies

MOST_READ = 400
"""Runs that are looked at, the newest first."""
_DECIDES = ("model.name", "data.dataset", "data.size", "data.image_size", "training.precision")
"""Settings that must be alike for a run to tell the speed of another."""


@dataclass
class Estimates:
    """Images a second of earlier runs, evaluation and saving included."""

    speeds: dict[tuple[str, ...], list[tuple[int, float]]] = field(default_factory=dict)
    """By what decides the speed: batch size and speed of each run."""

    @staticmethod
    def read(runs_dir: Path) -> Estimates:
        """Look at the runs of a folder and at the trials of its studies."""
        found = Estimates()
        runs = list_runs(runs_dir) + [run for study in list_studies(runs_dir) for run in list_runs(study.trials)]
        for run in runs[:MOST_READ]:
            found._take(run)
        return found

    def _take(self, run: RunDirectory) -> None:
        row = read_row(run)
        started = summarise(run).started if row.state is State.FINISHED else None
        if started is None or not row.seconds or read_host(run.environment) != socket.gethostname():
            return
        settings = read_settings(run)
        key = tuple(str(settings.get(path, "")) for path in _DECIDES)
        images = started.train_size * row.epoch
        self.speeds.setdefault(key, []).append((int(settings.get("training.batch_size", 0)), images / row.seconds))

    def measure(self, config: RunConfig) -> None:
        """Time the model of a configuration for a moment, unless a run like it is known; loads torch.

        What is timed is the training alone: evaluation and saving come on top.

        Raises:
            UsageError: there is no such model.
        """
        if self.seconds(config) is None and train_images(config):
            speed = measured_speed(config, config.training.batch_size)
            self.speeds.setdefault(_key(config), []).append((config.training.batch_size, speed))

    def seconds(self, config: RunConfig) -> float | None:
        """How long a run will take at most, for it may stop early; None where nothing like it was run here."""
        images = train_images(config)
        known = self.speeds.get(_key(config), [])
        same = [speed for batch, speed in known if batch == config.training.batch_size]
        speeds = same or [speed for _, speed in known]
        return images * config.training.epochs / median(speeds) if speeds and images else None


def _key(config: RunConfig) -> tuple[str, ...]:
    values = to_values(config)
    return tuple(str(values[path]) for path in _DECIDES)


def measured_speed(config: RunConfig, batch_size: int) -> float:
    """Images a second that this machine trains with the model of a configuration, measured on made images."""
    from xaitui.jobs.measure.speed import images_per_second

    info = DATASETS.get(config.data.dataset)
    return images_per_second(
        config.model.name,
        classes=len(info.classes) if info else 10,
        channels=info.channels if info else 3,
        image_size=image_side(config),
        batch_size=batch_size,
    )


def train_images(config: RunConfig) -> int:
    """Images of an epoch; 0 where only the data can tell."""
    info = DATASETS.get(config.data.dataset)
    if info is None:
        return 0
    train, val, _ = info.counts
    return round((train if val else train * (1 - config.data.val_fraction)) * config.data.fraction)


def total(seconds: Sequence[float | None]) -> tuple[float, int]:
    """The sum of what is known, and how many are not."""
    return sum(each for each in seconds if each is not None), sum(each is None for each in seconds)
