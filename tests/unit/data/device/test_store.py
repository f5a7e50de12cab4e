from __future__ import annotations

import gc
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from torch import Tensor

from xaitui.data.array_cache import cached_rows, remove_cache
from xaitui.data.dataset import Split
from xaitui.data.device import resident
from xaitui.data.device.resident import ResidentStore
from xaitui.data.device.store import Store, open_store
from xaitui.data.device.streaming import AHEAD, StreamingStore
from xaitui.data.row_file import RowFile
from xaitui.data.splits import select_rows
from xaitui.errors import DataError

CPU = torch.device("cpu")
needs_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
DEVICES = [CPU, pytest.param(torch.device("cuda"), marks=[pytest.mark.cuda, needs_gpu])]
IMAGES = np.random.default_rng(0).integers(0, 256, (50, 6, 5, 3), dtype=np.uint8)
LABELS = np.arange(50) % 7


@pytest.fixture(scope="module")
def on_disk(tmp_path_factory: pytest.TempPathFactory) -> Split:
    folder = tmp_path_factory.mktemp("store")
    np.savez_compressed(folder / "own.npz", train_images=IMAGES)
    return Split("train", cached_rows(folder / "own.npz", "train_images.npy", cache_dir=folder / "cache"), LABELS)


@pytest.fixture(scope="module")
def in_memory() -> Split:
    return Split("train", IMAGES, LABELS)


def reading_threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("read-ahead")]


def shuffled(size: int = 8) -> list[Tensor]:
    return list(torch.split(torch.randperm(50, generator=torch.Generator().manual_seed(0)), size))


def assert_same_batches(store: Store, batches: list[Tensor], labels: NDArray[np.int64] = LABELS) -> None:
    given = list(store.batches(batches))
    assert len(given) == len(batches)
    for (images, targets), indices in zip(given, batches, strict=True):
        assert images.dtype == torch.uint8
        assert images.is_contiguous(memory_format=torch.channels_last), "every store gives the same strides"
        np.testing.assert_array_equal(images.cpu().numpy(), IMAGES[indices.cpu().numpy()].transpose(0, 3, 1, 2))
        np.testing.assert_array_equal(targets.cpu().numpy(), labels[indices.cpu().numpy()])


@pytest.mark.parametrize("device", DEVICES, ids=str)
@pytest.mark.parametrize("kind", [ResidentStore, StreamingStore])
@pytest.mark.parametrize("source", ["in_memory", "on_disk"])
def test_all_stores_give_the_same_batches(
    request: pytest.FixtureRequest, source: str, kind: type[ResidentStore | StreamingStore], device: torch.device
) -> None:
    split: Split = request.getfixturevalue(source)
    store = kind(split, device)
    assert len(store) == 50
    assert_same_batches(store, shuffled())
    assert_same_batches(store, [batch.to(store.index_device) for batch in shuffled()])


@settings(max_examples=50, deadline=None)
@given(st.lists(st.lists(st.integers(0, 49), min_size=1, max_size=12), max_size=8))
def test_streaming_gives_any_rows_in_any_order(on_disk: Split, asked: list[list[int]]) -> None:
    assert_same_batches(StreamingStore(on_disk, CPU), [torch.tensor(rows) for rows in asked])


def test_rows_of_a_selection(on_disk: Split) -> None:
    rows = np.array([3, 7, 20, 21, 49])
    split = Split("train", select_rows(on_disk.images, rows), LABELS[rows])
    ((images, labels),) = StreamingStore(split, CPU).batches([torch.tensor([4, 0, 2])])
    np.testing.assert_array_equal(images.numpy(), IMAGES[[49, 3, 20]].transpose(0, 3, 1, 2))
    assert labels.tolist() == LABELS[[49, 3, 20]].tolist()


def test_labels_of_several_columns(in_memory: Split) -> None:
    labels = np.random.default_rng(0).integers(0, 2, (50, 14))
    for kind in (ResidentStore, StreamingStore):
        assert_same_batches(kind(Split("train", IMAGES, labels), CPU), shuffled(), labels)


def test_rows_are_brought_to_the_device_in_parts(on_disk: Split, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resident, "_UPLOAD_BYTES", 7 * IMAGES[0].nbytes)
    assert_same_batches(ResidentStore(on_disk, CPU), shuffled())


def test_the_kind_of_images_decides_on_a_processor(on_disk: Split, in_memory: Split) -> None:
    assert isinstance(open_store(in_memory, CPU), ResidentStore)
    assert isinstance(open_store(on_disk, CPU), StreamingStore)


@pytest.mark.cuda
@needs_gpu
@pytest.mark.parametrize(("free", "kind"), [(1 << 30, ResidentStore), (1000, StreamingStore)])
def test_free_memory_decides_on_a_gpu(
    on_disk: Split, in_memory: Split, monkeypatch: pytest.MonkeyPatch, free: int, kind: type
) -> None:
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda _: (free, 1 << 40))
    for split in (on_disk, in_memory):
        assert isinstance(open_store(split, torch.device("cuda")), kind)


def test_only_a_few_batches_are_drawn_ahead(on_disk: Split) -> None:
    drawn = 0

    def batches() -> Iterator[Tensor]:
        nonlocal drawn
        for batch in shuffled(2):
            drawn += 1
            yield batch

    stream = StreamingStore(on_disk, CPU).batches(batches())
    assert drawn == 0
    for used in range(1, 20):
        next(stream)
        assert drawn == min(used + AHEAD - 1, 25)


def test_leaving_the_loop_early_ends_the_thread(on_disk: Split) -> None:
    store = StreamingStore(on_disk, CPU)
    for _ in store.batches(shuffled()):
        assert len(reading_threads()) == 1
        break
    gc.collect()
    assert reading_threads() == []
    stream = store.batches(shuffled())
    next(stream)
    stream.close()
    assert reading_threads() == []
    assert_same_batches(store, shuffled())


def test_what_breaks_the_drawing_of_batches_is_seen(on_disk: Split) -> None:
    def batches() -> Iterator[Tensor]:
        yield torch.tensor([0])
        raise RuntimeError("no more")

    with pytest.raises(RuntimeError, match="no more"):
        list(StreamingStore(on_disk, CPU).batches(batches()))
    assert reading_threads() == []


@pytest.mark.parametrize("harm", ["removed", "cut"])
def test_a_file_that_is_lost_meanwhile_is_one_line(tmp_path: Path, harm: str) -> None:
    path = tmp_path / "rows"
    path.write_bytes(IMAGES.tobytes())
    stream = StreamingStore(Split("train", RowFile(path, 0, (50, 6, 5, 3)), LABELS), CPU).batches(shuffled())
    if harm == "removed":
        path.unlink()
    else:
        path.write_bytes(IMAGES.tobytes()[:-1])
    with pytest.raises(DataError, match=r"cannot read images: .*; was the file removed or cut while it was used"):
        list(stream)
    assert reading_threads() == []


def test_the_cache_is_kept_while_a_store_uses_it(tmp_path: Path) -> None:
    np.savez_compressed(tmp_path / "own.npz", train_images=IMAGES)
    rows = cached_rows(tmp_path / "own.npz", "train_images.npy", cache_dir=tmp_path / "cache")
    store = StreamingStore(Split("train", rows, LABELS), CPU)
    assert remove_cache(tmp_path / "cache") == (0, [rows.path])
    del store
    gc.collect()
    assert remove_cache(tmp_path / "cache") == (rows.offset + rows.nbytes, [])
