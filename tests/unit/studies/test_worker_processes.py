from __future__ import annotations

from pathlib import Path

import psutil
import pytest

from tests.builders.studies import made_study
from xaitui.studies.worker_processes import Place, places, start_workers, visible_gpus


def test_each_gpu_has_a_worker_and_the_cores_are_shared_out() -> None:
    assert places(2, [0, 1, 2, 3], ["GPU-a", "GPU-b"], 4) == [Place("GPU-a", (0, 2)), Place("GPU-b", (1, 3))]
    assert places(3, [0, 1, 2], ["GPU-a"], 3) == [Place("GPU-a", (0,)), Place("GPU-a", (1,)), Place("GPU-a", (2,))]


def test_more_workers_than_cores_share_them() -> None:
    assert [place.cores for place in places(3, [0, 1], [], 2)] == [(0,), (1,), (0,)]


def test_one_worker_has_the_whole_machine() -> None:
    assert places(1, [0, 1], [], 2) == [Place("", ())]


def test_threads_are_shared_out_where_a_quota_allows_fewer_than_the_cores() -> None:
    first, second = places(2, range(8), [], 3)
    assert (len(first.cores), first.threads, second.threads) == (4, 1, 1)
    assert first.environment({}) == {"OMP_NUM_THREADS": "1"}
    assert first.environment({"OMP_NUM_THREADS": "2"}) == {}


def test_only_the_gpus_that_are_shown_are_taken() -> None:
    assert visible_gpus({"CUDA_VISIBLE_DEVICES": "GPU-a, 1"}) == ["GPU-a", "1"]
    assert visible_gpus({"CUDA_VISIBLE_DEVICES": ""}) == []


def test_where_one_worker_cannot_be_started_none_is_left(tmp_path: Path) -> None:
    folder = made_study(tmp_path / "runs")
    folder.log(1).mkdir()
    before = psutil.Process().children(recursive=True)
    with pytest.raises(IsADirectoryError):
        start_workers(folder, 2)
    assert folder.log(0).exists()
    assert psutil.Process().children(recursive=True) == before
