"""Search, verification and safe reading of pretrained weights files."""

from __future__ import annotations

import re
import warnings
from argparse import Namespace
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import torch
from numpy._core.multiarray import scalar
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from xaitui.data.download import fetch
from xaitui.data.locate import cache_home
from xaitui.errors import DataError
from xaitui.system.damaged_files import TORCH_DAMAGE
from xaitui.system.disk import Report, digest
from xaitui.text import printable


@dataclass(frozen=True)
class WeightsFile:
    """A published file of pretrained weights."""

    name: str
    """File name, the same in every cache and at every mirror."""
    urls: tuple[str, ...]
    """Download addresses, in order of preference."""
    sha256_prefix: str
    """The first digits of its SHA-256: by torch.hub's convention the end of its name."""
    label: str
    """Publisher's description of the weights."""

    @classmethod
    def from_url(cls, url: str, label: str) -> WeightsFile:
        """Make the record of a file whose name ends in its hash: ``resnet18-f37072fd.pth``."""
        name = PurePosixPath(urlsplit(url).path).name
        found = re.search(r"-([0-9a-f]{8,})\.", name)
        return cls(name, (url,), found.group(1) if found else "", label)


@dataclass(frozen=True)
class FoundWeights:
    """A file of weights on this machine."""

    path: Path
    sha256: str
    """Of the whole file, in hexadecimal."""
    known: WeightsFile | None
    """The published file it is; None if its hash is unknown, so that it is unverified."""

    @property
    def description(self) -> str:
        """Name, origin, hash, and whether that was verified."""
        origin = f"{self.known.label}, verified" if self.known else "not verified: not a published file of this model"
        return f"{printable(self.path.name)} (sha256 {self.sha256[:16]}, {origin})"


def weights_dir() -> Path:
    """Return the folder of downloaded weights."""
    return cache_home() / "weights"


def sha256_of(path: Path) -> str:
    """Hash a file.

    Raises:
        DataError: it cannot be read.
    """
    try:
        return digest(path, "sha256")
    except OSError as error:
        raise DataError(f"cannot read the weights file {printable(path)}: {error.strerror}") from None


def find_weights(
    model: str, known: tuple[WeightsFile, ...], given: Path | None = None, report: Report | None = None
) -> FoundWeights:
    """Find the weights of a model: the given file, else the default one in a cache, else by download.

    A file in a cache that does not have its hash is passed over, for it is damaged.

    Raises:
        DataError: the file given cannot be read, or the default one is nowhere and cannot be downloaded.
    """
    if given is not None:
        sha256 = sha256_of(given)
        match = next((row for row in known if row.sha256_prefix and sha256.startswith(row.sha256_prefix)), None)
        return FoundWeights(given, sha256, match)
    wanted = known[0]
    for path in _cached(wanted.name):
        sha256 = sha256_of(path)
        if sha256.startswith(wanted.sha256_prefix):
            return FoundWeights(path, sha256, wanted)
    return _download(model, wanted, report)


def _cached(name: str) -> Iterator[Path]:
    for folder in (weights_dir(), Path(torch.hub.get_dir()) / "checkpoints"):
        if (folder / name).is_file():
            yield folder / name


def _download(model: str, wanted: WeightsFile, report: Report | None) -> FoundWeights:
    target = weights_dir() / wanted.name
    try:
        fetch(wanted.urls, target, sha256_prefix=wanted.sha256_prefix, report=report)
    except DataError as error:
        raise DataError(
            f"the weights of {model} are not here and could not be downloaded ({error}): "
            f"put {wanted.name} into {weights_dir()}, or give --weights FILE"
        ) from None
    return FoundWeights(target, sha256_of(target), wanted)


StateDicts = Mapping[str, Mapping[str, Tensor]]
"""Tensors by name, by the path of keys that leads to them in a file: "", "state_dict", "ema.model"."""


def read_state_dicts(path: Path) -> StateDicts:
    """Read the tensors of a weights file by name; nothing in it is executed.

    It may be a state dict, a safetensors file, or a checkpoint that holds state dicts beside other things.

    Raises:
        DataError: it is a web page, damaged, holds code or objects, or no tensors by name.
    """
    try:
        with warnings.catch_warnings(), torch.serialization.safe_globals(_HARMLESS):
            warnings.simplefilter("ignore")  # damage is reported below, in one line
            content = _load(path)
    except (*TORCH_DAMAGE, MemoryError, SafetensorError) as error:
        raise DataError(f"cannot use the weights file {printable(path)}: {_reason(path, error)}") from None
    found = dict(_state_dicts(content))
    if not found:
        raise DataError(f"cannot use the weights file {printable(path)}: it does not hold tensors by name")
    return found


def _load(path: Path) -> Any:
    if path.suffix.lower() == ".safetensors":
        return load_file(path)
    return torch.load(path, map_location="cpu", weights_only=True)


def _state_dicts(content: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, dict[str, Tensor]]]:
    if not isinstance(content, Mapping) or not all(isinstance(key, str) for key in content):
        return
    if tensors := {key: value for key, value in content.items() if isinstance(value, Tensor)}:
        yield ".".join(path), tensors
    if len(path) < _DEPTH:
        for key, value in content.items():
            yield from _state_dicts(value, (*path, key))


_DEPTH = 3
"""Depth of keys that may lead to a state dict."""

_HARMLESS: list[Any] = [Namespace, scalar, np.dtype, *map(type, map(np.dtype, ("f4", "f8", "i4", "i8", "?")))]
"""Harmless types that trainers save beside their weights: parsed arguments, NumPy scalars."""


def _reason(path: Path, error: Exception) -> str:
    try:
        with path.open("rb") as file:
            head = file.read(512).lstrip().lower()
    except OSError as problem:
        return str(problem.strerror)
    if head.startswith(b"<"):
        return "it is a web page, which a server sent instead; download it again"
    if re.search(r"unsupported (global|class)", str(error), re.IGNORECASE):
        return (
            "it holds code or objects, which are never run; only tensors are taken: "
            "torch.save(model.state_dict(), 'weights.pth')"
        )
    kind = "safetensors" if path.suffix.lower() == ".safetensors" else "PyTorch"
    return f"it is damaged, or not a {kind} file"
