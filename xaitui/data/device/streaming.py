"""A split whose images stay in a file or in host memory, and come to the device batch by batch, read ahead."""

from __future__ import annotations

import contextlib
import weakref
from collections import deque
from collections.abc import Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from math import prod
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from xaitui.data.array_cache import in_use
from xaitui.data.dataset import Split
from xaitui.data.row_file import RowFile
from xaitui.errors import DataError

AHEAD = 3
"""Batches that are read or waiting; with the one in use they are all the host memory that images take."""


class _Rows(Protocol):
    def read(self, rows: NDArray[np.int64], out: NDArray[np.uint8]) -> None: ...


@dataclass(frozen=True)
class _ArrayRows:
    """Rows of an array in host memory, read as those of a file are."""

    images: NDArray[np.uint8]

    def read(self, rows: NDArray[np.int64], out: NDArray[np.uint8]) -> None:
        np.take(self.images, rows, axis=0, out=out)


class StreamingStore:
    """Reads the rows of a batch in ascending order, as a disk likes it, and puts them back in order on the device.

    One thread reads ahead into `AHEAD` buffers that are used in turn, pinned where the device is a GPU, so that the
    copy goes on beside the computation.
    """

    def __init__(self, split: Split, device: torch.device) -> None:
        self.labels = torch.from_numpy(split.labels).to(device)
        self.index_device = torch.device("cpu")
        self._device = device
        self._row_shape = split.images.shape[1:]
        self._rows: _Rows
        if isinstance(split.images, RowFile):
            self._rows = split.images
            guard = contextlib.ExitStack()
            guard.enter_context(in_use(split.images.path))
            weakref.finalize(self, guard.close)
        else:
            self._rows = _ArrayRows(split.images)

    def __len__(self) -> int:
        return len(self.labels)

    def batches(self, batches: Iterable[Tensor]) -> Generator[tuple[Tensor, Tensor], None, None]:
        """See `Store.batches`; raise DataError where the file can no longer be read.

        Closing the generator early, as leaving a loop over it does, ends the reading thread.
        """
        buffers = [_Buffer(pinned=self._device.type == "cuda") for _ in range(AHEAD)]
        pending: deque[tuple[Tensor, _Buffer, Future[NDArray[np.int64]]]] = deque()
        with ThreadPoolExecutor(1, "read-ahead") as reader:
            try:
                for position, indices in enumerate(batches):
                    buffer = buffers[position % AHEAD]
                    buffer.resize((len(indices), *self._row_shape))
                    pending.append((indices, buffer, reader.submit(self._read, indices.cpu().numpy(), buffer)))
                    if len(pending) == AHEAD:
                        yield self._to_device(*pending.popleft())
                while pending:
                    yield self._to_device(*pending.popleft())
            finally:
                for _, _, future in pending:
                    future.cancel()

    def _read(self, indices: NDArray[np.int64], buffer: _Buffer) -> NDArray[np.int64]:
        """Fill the buffer with these rows, ascending; return where each index of the batch finds its row."""
        ascending = np.argsort(indices, kind="stable")
        buffer.wait()
        try:
            self._rows.read(indices[ascending], buffer.images.numpy())
        except OSError as error:
            raise DataError(f"cannot read images: {error}; was the file removed or cut while it was used?") from error
        places = np.empty_like(ascending)
        places[ascending] = np.arange(len(ascending))
        return places

    def _to_device(self, indices: Tensor, buffer: _Buffer, read: Future[NDArray[np.int64]]) -> tuple[Tensor, Tensor]:
        places = torch.from_numpy(read.result()).to(self._device, non_blocking=True)
        # index_select makes a tensor of its own on every device, so that the buffer can be filled again.
        images = buffer.copy_to(self._device).index_select(0, places)
        labels = self.labels.index_select(0, indices.to(self._device, non_blocking=True))
        return images.permute(0, 3, 1, 2), labels


class _Buffer:
    """Host memory for one batch, used again once its copy to the device is over."""

    def __init__(self, *, pinned: bool) -> None:
        self._memory = torch.empty(0, dtype=torch.uint8)
        self._copied = torch.cuda.Event() if pinned else None  # type: ignore[no-untyped-call]
        self.images = self._memory

    def resize(self, shape: tuple[int, ...]) -> None:
        """Make `images` a tensor of this shape, in memory that grows only."""
        if self._memory.numel() < prod(shape):
            self._memory = torch.empty(prod(shape), dtype=torch.uint8, pin_memory=self._copied is not None)
        self.images = self._memory[: prod(shape)].view(shape)

    def copy_to(self, device: torch.device) -> Tensor:
        """Start to copy the images to the device."""
        images = self.images.to(device, non_blocking=self._copied is not None)
        if self._copied is not None:
            self._copied.record(torch.cuda.current_stream(device))
        return images

    def wait(self) -> None:
        """Wait until the last copy is over."""
        if self._copied is not None:
            self._copied.synchronize()
