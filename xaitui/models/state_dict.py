"""Loading of state dicts whose keys may be spelt differently."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from xaitui.errors import DataError
from xaitui.models.request import Net
from xaitui.models.weights import StateDicts
from xaitui.text import listed, printable

NAMED = 3
"""Most mismatched tensors that a message names."""

_LONGEST = 6
"""Parts of a name that are tried as its prefix."""

_SPELLINGS = (
    ("fc.", "last_linear."),
    ("last_linear.", "fc."),
    ("classifier.", "last_linear."),
    ("features.", "_features."),
    ("classifier.0.", "linear0."),
    ("classifier.1.", "linear0."),
    ("classifier.3.", "linear1."),
    ("classifier.4.", "linear1."),
    ("classifier.6.", "last_linear."),
    ("classifier.1.", "last_conv."),
)
"""Other names for the same layers: torchvision's, and pretrainedmodels' before and after a model is finished."""


_DENSE_LAYER = re.compile(r"(\.denselayer\d+\.(?:norm|conv))\.(?=[12]\.)")
"""DenseNet's published files spell norm1 as norm.1, which has not been a legal name since PyTorch 0.4.1."""


_WRAPPER = re.compile(r"(?<=\.)(?:module|_orig_mod)\.")
"""DataParallel and torch.compile around a part of a network add these to its keys."""


def _respelt(key: str, wanted: Mapping[str, Tensor]) -> str:
    key = _DENSE_LAYER.sub(r"\1", key)
    if key not in wanted:
        key = _WRAPPER.sub("", key)
    for old, new in _SPELLINGS:
        if key not in wanted and key.startswith(old) and new + key.removeprefix(old) in wanted:
            return new + key.removeprefix(old)
    return key


def _within(key: str, paths: Iterable[str]) -> bool:
    return any(key.startswith(f"{path}.") for path in paths)


def _differences(wanted: Mapping[str, Tensor], given: Mapping[str, Tensor]) -> Iterator[str]:
    """Yield why tensors do not fit."""
    for key, tensor in wanted.items():
        if key in given and given[key].shape != tensor.shape:
            yield f"{key} is {_shape(given[key])} and should be {_shape(tensor)}"
        if key not in given and not key.endswith(".num_batches_tracked"):  # files older than PyTorch 0.4.1 lack these
            yield f"{key} is missing"
    for key in given:
        if key not in wanted:
            yield f"{printable(key)} is not a layer of this model"


def _shape(tensor: Tensor) -> str:
    return "x".join(map(str, tensor.shape)) or "a scalar"


@dataclass(frozen=True)
class Filled:
    """Result of loading a file."""

    anew: tuple[str, ...]
    """Paths of the layers that the file could not fill."""
    origin: tuple[str, ...]
    """Location of the tensors in the file, and conversions."""


@dataclass(frozen=True)
class _Reading:
    """The tensors of a state dict under the names of a network."""

    place: str
    """Keys that lead to it in the file."""
    prefix: str
    """Additional prefix of its names."""
    given: Mapping[str, Tensor]
    unused: tuple[str, ...]
    """Names without the prefix."""
    matches: int
    """Number of tensors with matching name and shape."""


def fill(net: Net, states: StateDicts, path: Path) -> Filled:
    """Load the state dict of a file that matches the network best.

    Left at their initialisation are the head, where the file's has another number of classes, and the layers that the
    network has anew, where the file's have another shape. Kernels of 1x1 convolutions may be 2-D, as in old files.

    Args:
        states: the state dicts of the file.
        path: where they are from, for the message.

    Raises:
        DataError: a layer is missing, unknown or of another shape: the file belongs to another model.
    """
    wanted = net.module.state_dict()
    readings = [_read(net, wanted, place, state) for place, state in states.items()]
    best = max(readings, key=lambda reading: (reading.matches, len(reading.given)))
    given, notes = dict(best.given), list(_origin(best, readings))
    first = f"{net.first_layer}.weight"
    if net.bgr and first in given:
        given[first] = given[first].flip(1)
    if _is_grey(given.get(first), wanted.get(first)):
        given[first] = given[first].repeat(1, 3, 1, 1) / 3
        notes.append("the kernels of its first layer, for grey images, are spread over RGB")
    anew = tuple(layer for layer in net.fresh if not _fits(layer, given, wanted))
    anew = (*anew, net.head) if _other_classes(net.head, given, wanted) else anew
    given = {key: tensor for key, tensor in given.items() if not _within(key, anew)}
    expected = {key: tensor for key, tensor in wanted.items() if not _within(key, anew)}
    if differences := list(_differences(expected, given)):
        count = f"{len(differences)} of {len(expected.keys() | given.keys())} tensors do not match"
        named = ", ".join(differences[:NAMED]) + (", ..." if len(differences) > NAMED else "")
        raise DataError(f"the weights file {printable(path)} is for another model: {count}: {named}")
    net.module.load_state_dict(given, strict=False)
    return Filled(anew, tuple(notes))


def _read(net: Net, wanted: Mapping[str, Tensor], place: str, state: Mapping[str, Tensor]) -> _Reading:
    prefix = _prefix(state, wanted)
    inside = {key.removeprefix(prefix): tensor for key, tensor in state.items() if key.startswith(prefix)}
    given = {_respelt(key, wanted): tensor for key, tensor in inside.items() if not _within(key, net.dropped)}
    given = {key: _four_dimensional(tensor, wanted.get(key)) for key, tensor in given.items()}
    matches = sum(key in wanted and wanted[key].shape == tensor.shape for key, tensor in given.items())
    unused = tuple(key for key in state if not key.startswith(prefix))
    return _Reading(place, prefix, given, unused, matches)


def _prefix(state: Mapping[str, Tensor], wanted: Mapping[str, Tensor]) -> str:
    """Return the prefix to remove so that more than half of the expected names match."""
    counts = Counter[str]()
    for key in state:
        parts = key.split(".")
        for length in range(min(len(parts), _LONGEST)):
            if _respelt(".".join(parts[length:]), wanted) in wanted:
                counts["".join(f"{part}." for part in parts[:length])] += 1
    prefix = max(counts, key=lambda prefix: (counts[prefix], -len(prefix)), default="")
    return prefix if 2 * counts[prefix] > len(wanted) else ""


def _origin(best: _Reading, readings: Iterable[_Reading]) -> Iterator[str]:
    if best.place or best.prefix:
        place = printable(f"from {best.place}" if best.place else "")
        yield ", ".join(filter(None, (place, printable(f"prefix {best.prefix}") if best.prefix else "")))
    if others := [reading.place for reading in readings if reading is not best and reading.matches == best.matches]:
        yield printable(f"as good and not used: {listed(others)}")
    if best.unused:
        yield printable(f"{len(best.unused)} tensors beside it are not used: {listed(best.unused, NAMED)}")


def _fits(layer: str, given: Mapping[str, Tensor], wanted: Mapping[str, Tensor]) -> bool:
    keys = [key for key in wanted if _within(key, (layer,))]
    return all(key in given and given[key].shape == wanted[key].shape for key in keys)


def _is_grey(theirs: Tensor | None, ours: Tensor | None) -> bool:
    """Return whether the file's kernels have one channel and the network's have three."""
    return theirs is not None and ours is not None and theirs.dim() == 4 and theirs.shape[1] == 1 != ours.shape[1] == 3


def _other_classes(head: str, given: Mapping[str, Tensor], wanted: Mapping[str, Tensor]) -> bool:
    """Return whether the two heads differ only in the number of classes."""
    theirs, ours = given.get(f"{head}.weight"), wanted.get(f"{head}.weight")
    if theirs is None or ours is None:
        return False
    return theirs.shape[1:] == ours.shape[1:] and len(theirs) != len(ours)


def _four_dimensional(tensor: Tensor, like: Tensor | None) -> Tensor:
    if like is not None and tensor.dim() == 2 and like.dim() == 4:
        return tensor[:, :, None, None]
    return tensor
