"""What goes into a run's model and what comes out of it: all that is needed beside the weights."""

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
    """How an image becomes an input, and what the outputs are called."""

    task: Task
    classes: tuple[str, ...]
    """Names of the outputs, in their order."""
    channels: int
    """Of an image: 1 is grey, 3 is RGB."""
    source_size: int
    """Side in pixels of the images of the set; others are brought to it first."""
    image_size: int
    """Side in pixels that the model sees."""
    mean: tuple[float, ...]
    """Of each channel, on the scale of [0, 1]; subtracted."""
    std: tuple[float, ...]
    """Of each channel, on the same scale; divided by."""
    grey_range: GreyRange | None = None
    """Grey levels of 16-bit images that become 0 and 255; None, as in runs of before it was kept, divides by 257."""

    def record(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return {**asdict(self), "task": self.task.value}

    @staticmethod
    def from_record(record: dict[str, Any]) -> Preprocessing:
        """Take over what `record` gave.

        Raises:
            KeyError, TypeError, ValueError: it is something else.
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
    """The range by which the 16-bit images of a run were read, from its file.

    Raises:
        DataError: it cannot be read.
    """
    found = read_preprocessing(path)
    return found.grey_range if found else None


def read_preprocessing(path: Path) -> Preprocessing | None:
    """Read what `write_preprocessing` wrote; None where there is none, as in runs of before it was kept.

    Raises:
        DataError: it cannot be read.
    """
    try:
        return Preprocessing.from_record(json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return None
    except RECORD_DAMAGE as error:
        raise DataError(f"{path} is damaged: delete it to have it made again from the data ({error})") from None
