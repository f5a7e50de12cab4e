"""Images on disk: an array of fixed-size rows, read row by row."""

from __future__ import annotations

import os
from dataclasses import dataclass
from math import prod
from pathlib import Path

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class RowFile:
    """A file that holds uint8 images (N, H, W, C) one after the other from `offset` on, in C order.

    Rows are read with pread into a buffer of the caller: no page of the file is ever mapped into the process, so
    that a set of any size needs the memory of one batch only.
    """

    path: Path
    offset: int
    shape: tuple[int, int, int, int]
    """(N, H, W, C)."""

    @property
    def nbytes(self) -> int:
        """Bytes of all rows together."""
        return prod(self.shape)

    def __len__(self) -> int:
        return self.shape[0]

    def read(self, rows: NDArray[np.int64], out: NDArray[np.uint8]) -> None:
        """Read `rows` (ascending is fastest) into `out`, uint8 of shape (len(rows), H, W, C) and C-contiguous."""
        stride = prod(self.shape[1:])
        descriptor = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            for row, target in zip(rows.tolist(), out, strict=True):
                view = memoryview(target).cast("B")
                done = 0
                while done < stride:
                    got = os.preadv(descriptor, [view[done:]], self.offset + row * stride + done)
                    if got == 0:
                        raise OSError(f"{self.path} ends before row {row}")
                    done += got
        finally:
            os.close(descriptor)
