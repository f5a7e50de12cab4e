"""The frozen records that the catalog's tables are made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Task(StrEnum):
    """What a set asks of a model, in MedMNIST's own words."""

    MULTI_CLASS = "multi-class"
    BINARY = "binary-class"
    ORDINAL = "ordinal-regression"
    MULTI_LABEL = "multi-label, binary-class"


@dataclass(frozen=True)
class RemoteFile:
    """One file of a data set, as its publisher serves it."""

    name: str
    """File name, the same on disk and at every mirror."""
    md5: str
    """MD5 of the whole file, in hexadecimal."""
    size: int
    """Length in bytes; 0 where the publisher does not state it."""
    urls: tuple[str, ...]
    """Where it can be had, the first choice first."""


@dataclass(frozen=True)
class DatasetInfo:
    """What is known of a set before any of its files is read."""

    name: str
    title: str
    """One line for people."""
    task: Task
    classes: tuple[str, ...]
    channels: int
    sizes: tuple[int, ...]
    """Image side lengths in pixels that can be had, the default first."""
    counts: tuple[int, int, int]
    """Images in the official train, val and test splits; a val of 0 is cut from train."""
    licence: str
    files: Mapping[int, tuple[RemoteFile, ...]] = field(default_factory=dict)
    """The files for each size; empty for an embedded set."""
    mirror_reason: str = ""
    """Why a horizontal flip would change what an image means; empty where it would not."""
    preset_augmentation: tuple[str, ...] = ()
    """Names of the augmentations that suit this set."""
    test_note: str = ""
    """What a reader must know before comparing a test score with a validation score."""


@dataclass(frozen=True)
class ModelInfo:
    """A model that can be chosen by name."""

    name: str
    description: str
    min_size: int
    """Smallest image side, in pixels, that a forward pass survives."""
    pretrained_size: int = 0
    """Image side that its pretrained weights were made for; 0 where there are none."""
    options: tuple[str, ...] = ()
    """The fields of the model configuration that change this model, besides the common ones."""


@dataclass(frozen=True)
class KindInfo:
    """An optimizer or a schedule: its name, and the settings that it takes with their defaults."""

    name: str
    description: str
    settings: Mapping[str, object] = field(default_factory=dict)
    """Field name to the default that suits this kind; a field that is not here does not apply to it."""


@dataclass(frozen=True)
class AugmentationInfo:
    """One augmentation: what it does to a sample and the setting that sizes it."""

    name: str
    description: str
    setting: str = ""
    """The field of the augmentation configuration that is its strength."""
    mirrors: bool = False
    """Whether it exchanges left and right."""
    mixes: bool = False
    """Whether it blends samples, and so their targets."""
    channels: tuple[int, ...] = (1, 3)
    """The numbers of channels it is defined for."""
