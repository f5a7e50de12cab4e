"""Contents of a dataset card, gathered in a thread: it reads files, and loads torch for augmentation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from xaitui.catalog.augmentations import refuse_channels, refuse_mirrors
from xaitui.catalog.datasets import check_size, dataset_info, is_own_data
from xaitui.catalog.records import DatasetInfo
from xaitui.data.download import PATIENCE
from xaitui.data.fetch import bring_set, check_file, files_here, find_set
from xaitui.data.locate import get_command, replacement_advice
from xaitui.data.preview import Pictures, Preview, preview
from xaitui.data.verify import FileState, set_status
from xaitui.errors import DataError, XaituiError

if TYPE_CHECKING:
    from xaitui.config.schema import DataConfig, RunConfig
    from xaitui.tui.datasets.download import Transfer

VARIANTS = 3
"""Augmented pictures beside each real one: those of the first steps."""

_TIMEOUT = 10.0
"""Seconds without a byte before a server is given up; a thread that waits for one holds up the end of the console."""

_WORDS: Mapping[FileState, str] = {
    FileState.EMBEDDED: "none are needed",
    FileState.VERIFIED: "here, and verified",
    FileState.HERE: "here, not verified yet",
    FileState.PARTIAL: "a part of them is here",
    FileState.ABSENT: "not here",
    FileState.DAMAGED: "damaged, or not what was published",
}


@dataclass(frozen=True)
class Look:
    """What there is of a set."""

    info: DatasetInfo | None = None
    """None where the name is not known, or own data cannot be read."""
    size: int = 0
    files: str = ""
    """What of its files is here, in words; empty for own data."""
    preview: Preview | None = None
    problem: str = ""
    """Why there is nothing to be seen."""


def look(data: DataConfig, per_class: int) -> Look:
    """Gather what can be said of the data of a configuration, with so many pictures of each class."""
    known = Look()
    try:
        if is_own_data(data.dataset):
            seen = _preview(data, per_class)
            return Look(seen.info, seen.size, preview=seen)
        info = dataset_info(data.dataset)
        size = data.size or info.sizes[0]
        check_size(info, size)
        state, _ = set_status(info, size, data.data_dir)
        known = Look(info, size, _WORDS[state])
        if state in (FileState.ABSENT, FileState.PARTIAL):
            return replace(known, files=f"{known.files}: {get_command(info.name, size, data.data_dir)}")
        return replace(known, preview=_preview(data, per_class))
    except (XaituiError, OSError) as error:
        return replace(known, problem=str(error))


def _preview(data: DataConfig, per_class: int) -> Preview:
    return preview(
        data.dataset, size=data.size, data_dir=data.data_dir, image_size=data.image_size, per_class=per_class
    )


def augmented_samples(seen: Preview, config: RunConfig) -> list[list[Pictures]]:
    """For each class its first picture as the first training steps would see it; this loads torch.

    Raises:
        UsageError: an augmentation does not suit the set.
    """
    settings = {name: float(value) for name, value in config.augmentation.model_dump().items()}
    refuse_mirrors(seen.info, settings)
    refuse_channels(seen.info, settings)
    from xaitui.data.device.preview import augmented

    firsts = [pictures[0] for pictures in seen.samples if len(pictures)]
    seed = config.training.seed
    steps = [iter(augmented(_stack(firsts), settings, seed=seed, step=step)) for step in range(VARIANTS)]
    return [[next(step) for step in steps] if len(pictures) else [] for pictures in seen.samples]


def _stack(pictures: Sequence[Pictures]) -> Pictures:
    import numpy as np

    return np.stack(pictures)


def fetch(data: DataConfig, transfer: Transfer) -> str:
    """Bring the files of a set here and verify them; say so."""
    info, size = find_set(data.dataset, data.size)
    patience = replace(PATIENCE, timeout=_TIMEOUT, pause=transfer.pause)
    brought = list(bring_set(info, size, data.data_dir, transfer.progress, patience=patience))
    return f"{info.name} is here and verified" if brought else f"{info.name} needs no files"


def verify(data: DataConfig, transfer: Transfer) -> str:
    """Read the files of a set that are here; say that they are right."""
    info, size = find_set(data.dataset, data.size)
    here = [(file, path) for _, at_size, file, path in files_here(info.name, data.data_dir) if at_size == size]
    states = [check_file(file, path, transfer.progress) for file, path in here]
    if FileState.DAMAGED in states:
        advice = replacement_advice(info.name, size, data.data_dir)
        raise DataError(f"the files of {info.name} are damaged, or not what was published: {advice}")
    if not info.files:
        return f"{info.name} needs no files"
    return f"{info.name}: " + ("verified" if set(states) == {FileState.VERIFIED} else "not all of it is here")
