"""Train on images that do not fit in memory: proof by a limit that the operating system enforces.

A made set is packed as MedMNIST's files are. A child process imports torch, then forbids itself more private writable
memory (RLIMIT_DATA) than torch took plus some headroom that is less than the images, and trains a small model for an
epoch on rows that it streams. Another one, with the same headroom, tries to load the images as usual and must fail.

RLIMIT_DATA counts what a process asks for: heap, anonymous maps, thread stacks, written pages of libraries. Resident
size would not do, for the kernel's cache of a file that is read counts in it or not, as it likes.

What streaming needs does not grow with the set: three batches of bytes, a block of 1 MiB while unpacking, and the
computation on one batch. PathMNIST-224 has 12.6 GiB of training images; at its scale, from the root of the repository:

    python -m benchmarks.streaming_memory --images 89996 --size 224 --headroom 1GiB

took 24 MiB besides the 842 MiB of torch itself (two cores, torch 2.15), and loading as usual failed.
"""

from __future__ import annotations

import argparse
import json
import mmap
import resource
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path

import numpy as np

from xaitui.config.units import format_size, parse_size

MEMBER = "train_images.npy"
COLOURS = 251
"""Row i has the value i modulo this in every byte, so that a child can tell whether it got the row it asked for."""


def make_npz(path: Path, images: int, size: int) -> None:
    """Write a set of that many RGB images, block by block."""
    pixels = size * size * 3
    header = {"descr": "|u1", "fortran_order": False, "shape": (images, size, size, 3)}
    with (
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
        archive.open(MEMBER, "w", force_zip64=True) as member,
    ):
        np.lib.format.write_array_header_1_0(member, header)
        for row in range(images):
            member.write(bytes([row % COLOURS]) * pixels)


def private_memory() -> int:
    """Bytes that the kernel counts against RLIMIT_DATA."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmData"))


def stream_epoch(npz: Path, cache: Path, batch_size: int, headroom: int) -> dict[str, object]:
    """Train for an epoch below the limit; report what was trained on and what memory it took."""
    import torch
    from torch import nn

    from xaitui.data.array_cache import cached_rows
    from xaitui.data.dataset import Split
    from xaitui.data.device.prepare import Prepare
    from xaitui.data.device.streaming import StreamingStore

    torch.set_num_threads(1)
    model = nn.Sequential(
        nn.Conv2d(3, 8, 8, stride=8), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 2)
    )
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    base = limit_memory(headroom)
    started = time.perf_counter()
    rows = cached_rows(npz, MEMBER, cache_dir=cache)
    unpacked = time.perf_counter()
    prepare = Prepare(0, [0.5] * 3, [0.5] * 3)
    split = Split("train", rows, np.arange(len(rows)) % COLOURS)
    order = torch.randperm(len(rows), generator=torch.Generator().manual_seed(0))
    seen = 0
    for images, labels in StreamingStore(split, torch.device("cpu")).batches(order.split(batch_size)):  # type: ignore[no-untyped-call]
        if not (images[:, 0, 0, 0].equal(labels.byte()) and images[:, -1, -1, -1].equal(labels.byte())):
            raise AssertionError("a row is not the one that was asked for")
        loss = nn.functional.cross_entropy(model(prepare(images)), labels % 2)
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        optimizer.zero_grad()
        seen += len(labels)
    ended = time.perf_counter()
    return {
        "base": base,
        "peak": private_memory(),
        "images": seen,
        "unpack_s": unpacked - started,
        "epoch_s": ended - unpacked,
    }


def load_whole(npz: Path, headroom: int) -> dict[str, object]:
    """Load the images as usual with the same headroom; report whether there was the memory."""
    limit_memory(headroom)
    try:
        with np.load(npz) as arrays:
            return {"loaded": len(arrays[MEMBER.removesuffix(".npy")])}
    except MemoryError as error:
        return {"loaded": 0, "error": str(error)}


def limit_memory(headroom: int) -> int:
    """Forbid this process more private memory than it has and `headroom`; return what it has."""
    base = private_memory()
    resource.setrlimit(resource.RLIMIT_DATA, (base + headroom, base + headroom))
    try:
        mmap.mmap(-1, headroom + (16 << 20), flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS).close()
    except OSError:
        return base
    raise SystemExit("RLIMIT_DATA is not enforced here")


def run_child(options: argparse.Namespace, mode: str, npz: Path) -> dict[str, object]:
    """Run this file again with one of the two ways."""
    arguments = ["--batch-size", str(options.batch_size), "--headroom", str(options.headroom)]
    command = [sys.executable, "-m", "benchmarks.streaming_memory", "--mode", mode, "--npz", str(npz), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{mode}: {done.stderr.strip().splitlines()[-1]}")
    result: dict[str, object] = json.loads(done.stdout)
    return result


def main() -> None:
    """Make the set, run both children, and report as JSON, one object."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=24_000)
    parser.add_argument("--size", type=int, default=64, help="side in pixels")
    parser.add_argument("--batch-size", type=int, default=128)
    parser.add_argument("--headroom", type=parse_size, default=128 << 20, help="memory besides torch's own: 128MiB")
    parser.add_argument("--mode", choices=["stream", "whole"], help=argparse.SUPPRESS)
    parser.add_argument("--npz", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.mode == "stream":
        result = stream_epoch(options.npz, options.npz.parent / "cache", options.batch_size, options.headroom)
    elif options.mode == "whole":
        result = load_whole(options.npz, options.headroom)
    else:
        with tempfile.TemporaryDirectory() as folder:
            npz = Path(folder) / "made.npz"
            make_npz(npz, options.images, options.size)
            size = options.images * options.size**2 * 3
            result = {
                "bytes": size,
                "bytes_text": format_size(size),
                "headroom": options.headroom,
                **run_child(options, "stream", npz),
                "whole": run_child(options, "whole", npz),
            }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
