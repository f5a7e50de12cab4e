"""Wherever images lie (on the GPU, in pinned memory, on disk), training computes the same.

That all stores give the same batches, bit for bit, is in `tests/unit/data/device/test_store.py`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tests.cuda.gpu_runs import EXACT
from tests.run_commands import assert_equal_weights, finish, made_set, start
from xaitui.data.dataset import Split
from xaitui.data.device.resident import ResidentStore
from xaitui.data.device.store import Store, open_store
from xaitui.data.device.streaming import StreamingStore
from xaitui.data.row_file import RowFile
from xaitui.events import RunFinished
from xaitui.runs.directory import RunDirectory
from xaitui.training import best_weights as final
from xaitui.training import build as setup

pytestmark = pytest.mark.cuda

WAYS: dict[str, tuple[str, type[Store], type]] = {
    "resident": ("resident", ResidentStore, np.ndarray),
    "brought to the device from disk": ("streaming", ResidentStore, RowFile),
    "pinned": ("resident", StreamingStore, np.ndarray),
    "streamed from disk": ("streaming", StreamingStore, RowFile),
}
"""What --storage says, and the store and the images that there are then."""


@pytest.fixture(scope="module")
def settings(device: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    dataset = made_set(tmp_path_factory.mktemp("set") / "set.npz", images=45, side=9, channels=3)
    return {**EXACT, "data__dataset": str(dataset), "run__device": device, "augmentation__rotate": 10}


@pytest.fixture(scope="module")
def resident(settings: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> RunDirectory:
    execution = start(tmp_path_factory.mktemp("resident"), **settings, data__storage="resident")
    assert isinstance(finish(execution)[-1], RunFinished)
    return execution.run


@pytest.mark.parametrize("way", WAYS)
def test_training_gives_the_same_weights_from_each_store(
    way: str, settings: dict[str, Any], resident: RunDirectory, runs_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage, kind, lies = WAYS[way]
    opened: list[Split] = []

    def open_one(split: Split, device: torch.device) -> Store:
        opened.append(split)
        return kind(split, device)  # type: ignore[call-arg]

    for module in (setup, final):
        monkeypatch.setattr(module, "open_store", open_one)
    execution = start(runs_dir, **settings, data__storage=storage)
    assert isinstance(finish(execution)[-1], RunFinished)
    assert [split.name for split in opened] == ["train", "val", "val", "test"]
    assert all(isinstance(split.images, lies) for split in opened)
    assert_equal_weights(execution.run, resident)


def test_images_that_take_more_than_half_of_what_is_free_stay_with_the_host(
    gpu: torch.device, monkeypatch: pytest.MonkeyPatch
) -> None:
    images = np.zeros((64, 8, 8, 3), np.uint8)
    split = Split("train", images, np.zeros(64, np.int64))
    assert isinstance(open_store(split, gpu), ResidentStore)
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (2 * images.nbytes - 1, 1 << 40))
    assert isinstance(open_store(split, gpu), StreamingStore)
