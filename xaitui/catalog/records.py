"""Records of the catalog."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Task(StrEnum):
    """Kind of classification, in MedMNIST's terms."""

    MULTI_CLASS = "multi-class"
    BINARY = "binary-class"
    ORDINAL = "ordinal-regression"
    MULTI_LABEL = "multi-label, binary-class"


@dataclass(frozen=True)
class RemoteFile:
    """A file of a dataset, as published."""

    name: str
    """File name, the same on disk and at every mirror."""
    md5: str
    """MD5 of the whole file, in hexadecimal."""
    size: int
    """Length in bytes; 0 where the publisher does not state it."""
    urls: tuple[str, ...]
    """Download addresses, in order of preference."""


@dataclass(frozen=True)
class DatasetInfo:
    """Properties of a dataset that are known before any file is read."""

    name: str
    title: str
    """One-line description."""
    task: Task
    classes: tuple[str, ...]
    channels: int
    sizes: tuple[int, ...]
    """Available image sides in pixels, the default first."""
    counts: tuple[int, int, int]
    """Images in the official train, val and test splits; if val is 0, it is cut from train."""
    licence: str
    files: Mapping[int, tuple[RemoteFile, ...]] = field(default_factory=dict)
    """Files for each size; empty for an embedded dataset."""
    mirror_reason: str = ""
    """Why a horizontal flip would change the class of an image; empty if it would not."""
    preset_augmentation: tuple[str, ...] = ()
    """Names of the augmentations that suit this dataset."""
    test_note: str = ""
    """Caveat for comparing test scores with validation scores."""


@dataclass(frozen=True)
class ModelInfo:
    """A model that can be chosen by name."""

    name: str
    description: str
    min_size: int
    """Smallest image side in pixels."""
    pretrained_size: int = 0
    """Image side of the pretrained weights; 0 if there are none."""
    options: tuple[str, ...] = ()
    """Fields of the model configuration that apply to this model only, besides the common ones."""


@dataclass(frozen=True)
class KindInfo:
    """An optimizer or a schedule."""

    name: str
    description: str
    settings: Mapping[str, object] = field(default_factory=dict)
    """Default of each field that applies to it."""


@dataclass(frozen=True)
class AugmentationInfo:
    """An augmentation."""

    name: str
    description: str
    setting: str = ""
    """Field of the augmentation configuration that sets its strength."""
    mirrors: bool = False
    """Whether it swaps left and right."""
    mixes: bool = False
    """Whether it blends samples and their targets."""
    channels: tuple[int, ...] = (1, 3)
    """Numbers of channels that it supports."""
