"""Checkpoint files: tensors and plain values only, written atomically, loaded without executing code."""

from __future__ import annotations

import pickle
import zipfile
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from xaitui.errors import DataError
from xaitui.system.atomic_files import replacing
from xaitui.system.damaged_files import TORCH_DAMAGE

State = dict[str, Any]


class CheckpointError(DataError):
    """A checkpoint that is missing, damaged, or not a checkpoint of a run."""


def save_checkpoint(path: Path, state: State) -> None:
    """Replace a checkpoint file.

    The new file is written beside the old one and read back before it takes its name: a full disk or a crash never
    leaves a run without a usable checkpoint.

    Raises:
        OSError: the disk is full or gone; the old checkpoint is unchanged.
    """
    with replacing(path) as file:
        try:
            torch.save(on_host(state), file)
        except RuntimeError as error:
            # After a failed write torch still tries to close its archive, and that second error hides the OSError.
            raise (error.__context__ if isinstance(error.__context__, OSError) else error) from None
        file.flush()
        _check(Path(file.name))


def on_host(state: Any) -> Any:
    """The same nested tables with all GPU tensors copied to host memory.

    All copies are started before the device is synchronised once. torch.save would wait for each tensor in turn, and
    an optimizer has hundreds.
    """
    devices: set[torch.device] = set()
    copied = _copies(state, devices)
    for device in devices:
        torch.accelerator.synchronize(device)
    return copied if devices else state


def _copies(state: Any, devices: set[torch.device]) -> Any:
    match state:
        case Tensor() if state.is_cuda:
            devices.add(state.device)
            return state.detach().to("cpu", non_blocking=True)  # torch allocates pinned memory for it
        case dict():
            return {name: _copies(value, devices) for name, value in state.items()}
        case list() | tuple():
            return type(state)(_copies(value, devices) for value in state)
    return state


def _check(path: Path) -> None:
    """Verify the checksums inside a checkpoint, a zip archive: torch writes them but does not check them."""
    try:
        with zipfile.ZipFile(path) as archive:
            damaged = archive.testzip()
    except zipfile.BadZipFile as error:
        damaged = str(error)
    if damaged is not None:
        raise OSError(f"the disk did not keep what was written: {damaged} reads back different")


def load_checkpoint(path: Path) -> State:
    """Read a checkpoint into the memory of the host; nothing in it is executed.

    Raises:
        CheckpointError: it is missing, damaged, or holds anything but tensors and plain values.
    """
    try:
        if zipfile.is_zipfile(path):  # any other file is truncated or a bare pickle, and torch refuses both
            _check(path)
        state = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise CheckpointError(f"there is no checkpoint {path}") from None
    except TORCH_DAMAGE as error:
        reason = "it holds code or objects" if isinstance(error, pickle.UnpicklingError) else "it is damaged"
        raise CheckpointError(f"cannot use the checkpoint {path}: {reason}") from None
    if not isinstance(state, dict):
        raise CheckpointError(f"cannot use the checkpoint {path}: it is no checkpoint of a run")
    return state


def pack_text(text: bytes) -> Tensor:
    """Bytes as a tensor: torch.load with weights_only does not accept bytes."""
    return torch.frombuffer(bytearray(text or b"\0"), dtype=torch.uint8)[: len(text)]


def unpack_text(tensor: Tensor) -> bytes:
    """The bytes of `pack_text`."""
    return bytes(tensor.numpy().tobytes())
