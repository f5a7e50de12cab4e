"""Preprocessing of a run: everything needed besides the weights to use its model."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from xaitui.catalog.records import Task
from xaitui.data.dataset import GreyRange
from xaitui.errors import DataError
from xaitui.system.atomic_files import write_atomic
from xaitui.system.damaged_files import RECORD_DAMAGE


@dataclass(frozen=True)
class Preprocessing:
    """Conversion of images to inputs, and the names of the outputs."""

    task: Task
    classes: tuple[str, ...]
    """Names of the outputs, in order."""
    channels: int
    """Channels of an image: 1 for grey, 3 for RGB."""
    source_size: int
    """Side of the dataset's images in pixels; other images are first resized to it."""
    image_size: int
    """Side of the model's inputs in pixels."""
    mean: tuple[float, ...]
    """Mean of each channel on the scale [0, 1]; subtracted."""
    std: tuple[float, ...]
    """Standard deviation of each channel on the same scale; the divisor."""
    grey_range: GreyRange | None = None
    """Grey levels of 16-bit images that become 0 and 255; None, as in older runs, divides by 257."""

    def record(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return {**asdict(self), "task": self.task.value}

    @staticmethod
    def from_record(record: dict[str, Any]) -> Preprocessing:
        """Read the values returned by `record`.

        Raises:
            KeyError, TypeError, ValueError: the record has another form.
        """
        return Preprocessing(
            Task(record["task"]),
            tuple(map(str, record["classes"])),
            int(record["channels"]),
            int(record["source_size"]),
            int(record["image_size"]),
            tuple(map(float, record["mean"])),
            tuple(map(float, record["std"])),
            _range(record.get("grey_range")),
        )


def _range(pair: Any) -> GreyRange | None:
    return None if pair is None else (float(pair[0]), float(pair[1]))


def write_preprocessing(path: Path, preprocessing: Preprocessing) -> None:
    """Write it as JSON.

    Raises:
        OSError: the disk is full or cannot be written.
    """
    write_atomic(path, json.dumps(preprocessing.record(), indent=2) + "\n")


def grey_range_of(path: Path) -> GreyRange | None:
    """The grey range with which the 16-bit images of a run were read.

    Raises:
        DataError: it cannot be read.
    """
    found = read_preprocessing(path)
    return found.grey_range if found else None


def read_preprocessing(path: Path) -> Preprocessing | None:
    """Read the preprocessing of a run; None if there is none, as in older runs.

    Raises:
        DataError: it cannot be read.
    """
    try:
        return Preprocessing.from_record(json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return None
    except RECORD_DAMAGE as error:
        raise DataError(f"{path} is damaged: delete it to have it made again from the data ({error})") from None
