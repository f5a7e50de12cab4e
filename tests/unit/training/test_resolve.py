"""What the machine chooses for a run, and runs of before that know less."""

from __future__ import annotations

from collections.abc import Set

import psutil
import pytest
import torch

from xaitui.config.resolve import build_config
from xaitui.errors import UsageError
from xaitui.training.device import ChosenDevice
from xaitui.training.resolve import Resolved, resolve_machine

HERE = ChosenDevice(torch.device("cpu"), "processor", "asked for")


def resolved(**settings: object) -> Resolved:
    return resolve_machine(
        build_config({name.replace("__", "."): value for name, value in settings.items()}), HERE, 100
    )


@pytest.mark.parametrize(
    ("usable", "cores", "threads"), [(1, 8, 1), (2, 2, 2), (4, 2, 2), (4, 4, 4), (8, 8, 7), (16, 8, 7)]
)
def test_threads_are_cores_and_one_of_many_is_left(
    usable: int, cores: int, threads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def affinity(pid: int) -> Set[int]:
        return set(range(usable))

    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr("os.sched_getaffinity", affinity, raising=False)
    monkeypatch.setattr(psutil, "cpu_count", lambda logical=True: cores)
    assert resolved().threads == threads
    assert resolved(training__threads=3).threads == 3
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    assert resolved().threads == 1
    assert resolved().reasons["threads"] == ("OMP_NUM_THREADS" if threads > 1 else "the cores this process may use")
    assert resolved(training__threads=3).threads == 3


def test_a_table_of_before_is_read_and_an_unknown_key_is_not() -> None:
    table = resolved().table()
    assert Resolved.from_table(table) == resolved()
    old = {key: value for key, value in table.items() if key not in ("micro_batch", "compile")}
    assert Resolved.from_table(old).micro_batch == 0
    assert not Resolved.from_table(old).compile
    with pytest.raises(UsageError, match="'layout'"):
        Resolved.from_table({**table, "layout": 1})
    with pytest.raises(UsageError, match="'threads'"):
        Resolved.from_table({key: value for key, value in table.items() if key != "threads"})
