"""Filling a network with a state dict whose keys may be spelt in another way."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from torch import Tensor

from xaitui.errors import DataError
from xaitui.models.net import Net
from xaitui.text import printable

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


def _respelt(key: str, wanted: Mapping[str, Tensor]) -> str:
    key = _DENSE_LAYER.sub(r"\1", key)
    for old, new in _SPELLINGS:
        if key not in wanted and key.startswith(old) and new + key.removeprefix(old) in wanted:
            return new + key.removeprefix(old)
    return key


def _within(key: str, paths: Iterable[str]) -> bool:
    return any(key.startswith(f"{path}.") for path in paths)


def _difference(wanted: Mapping[str, Tensor], given: Mapping[str, Tensor]) -> str:
    """Say what the first thing is that does not fit; nothing if all does."""
    for key, tensor in wanted.items():
        if key in given and given[key].shape != tensor.shape:
            return f"{key} is {_shape(given[key])} and should be {_shape(tensor)}"
        if key not in given and not key.endswith(".num_batches_tracked"):  # files older than PyTorch 0.4.1 lack these
            return f"{key} is missing"
    unknown = next((key for key in given if key not in wanted), "")
    return f"{printable(unknown)} is not a layer of this model" if unknown else ""


def _shape(tensor: Tensor) -> str:
    return "x".join(map(str, tensor.shape)) or "a scalar"


def fill(net: Net, state: Mapping[str, Tensor], path: Path) -> tuple[str, ...]:
    """Load `state` into the network.

    Left at their initialisation are the head, where the file's has another number of classes, and the layers that the
    network has anew. Kernels of 1x1 convolutions may be 2-D, as in old files.

    Args:
        path: where the state is from, for the message.

    Returns:
        Paths of the layers that the file could not fill.

    Raises:
        DataError: a layer is missing, unknown or of another shape: the file belongs to another model.
    """
    wanted = net.module.state_dict()
    given = {_respelt(key, wanted): tensor for key, tensor in state.items() if not _within(key, net.dropped)}
    given = {key: _four_dimensional(tensor, wanted.get(key)) for key, tensor in given.items()}
    first = f"{net.first_layer}.weight"
    if net.bgr and first in given:
        given[first] = given[first].flip(1)
    anew = (*net.fresh, net.head) if _other_classes(net.head, given, wanted) else net.fresh
    given = {key: tensor for key, tensor in given.items() if not _within(key, anew)}
    expected = {key: tensor for key, tensor in wanted.items() if not _within(key, anew)}
    if difference := _difference(expected, given):
        raise DataError(f"the weights file {printable(path)} is for another model: {difference}")
    net.module.load_state_dict(given, strict=False)
    return anew


def _other_classes(head: str, given: Mapping[str, Tensor], wanted: Mapping[str, Tensor]) -> bool:
    """Whether the two heads differ in the number of classes, and in nothing else."""
    theirs, ours = given.get(f"{head}.weight"), wanted.get(f"{head}.weight")
    if theirs is None or ours is None:
        return False
    return theirs.shape[1:] == ours.shape[1:] and len(theirs) != len(ours)


def _four_dimensional(tensor: Tensor, like: Tensor | None) -> Tensor:
    if like is not None and tensor.dim() == 2 and like.dim() == 4:
        return tensor[:, :, None, None]
    return tensor
