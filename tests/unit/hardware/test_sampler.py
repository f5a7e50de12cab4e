"""The machine this runs on is really read; only the driver is made up where GPUs are needed."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator

import psutil
import pynvml
import pytest

from tests.fake_nvml import FakeGpu, FakeNvml
from xaitui.hardware.host import Host, ProcessTree
from xaitui.hardware.sampler import KEPT, Reader, Sampler

PARENT = """
import subprocess, sys
child = subprocess.Popen([sys.executable, "-c", "print('up', flush=True); input()"], stdout=subprocess.PIPE, text=True)
print(child.stdout.readline(), child.pid, flush=True)
input()
child.kill()
"""


@pytest.fixture
def family() -> Iterator[tuple[int, int]]:
    """The pids of a process that is a child of this one, and of a child of that."""
    with subprocess.Popen(
        [sys.executable, "-c", PARENT], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == "up\n"
        grandchild = int(parent.stdout.readline())
        yield parent.pid, grandchild
        parent.communicate("\n")


def test_this_machine() -> None:
    sample = Host().read(frozenset())
    assert len(sample.cores) == psutil.cpu_count()
    assert all(0 <= percent <= 100 for percent in sample.cores)
    assert sample.processor is not None
    assert 0 < sample.memory_used < sample.memory_total
    assert sample.our_memory > 1 << 20
    assert 0 <= sample.our_processor <= 100 * len(sample.cores)  # also where the time between two readings is short


def test_children_of_children_are_ours(family: tuple[int, int]) -> None:
    tree = ProcessTree()
    tree.update(frozenset())
    assert {os.getpid(), *family} <= tree.pids
    with_children = tree.usage()[1]
    assert with_children > psutil.Process().memory_info().rss


def test_a_named_process_is_ours_at_once_and_not_longer_than_it_is_named(family: tuple[int, int]) -> None:
    stranger = os.getppid()
    tree = ProcessTree()
    tree.update(frozenset())
    assert stranger not in tree.pids
    tree.update({stranger})
    assert stranger in tree.pids
    for _ in range(10):
        tree.update(frozenset())
    assert stranger not in tree.pids


def test_a_process_that_ended_is_forgotten() -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    tree = ProcessTree()
    tree.update(frozenset())
    assert child.pid in tree.pids
    child.communicate(b"\n")
    tree.usage()
    assert child.pid not in tree.pids
    tree.update({child.pid})
    assert child.pid not in tree.pids


@pytest.fixture
def sampled(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Sampler, threading.Event]]:
    """A sampler in a hurry, and an event that comes once it has taken more samples than it keeps."""
    monkeypatch.setattr("xaitui.hardware.sampler.FIRST_SECONDS", 0.0)
    enough, count = threading.Event(), 0

    def pids() -> set[int]:
        nonlocal count
        count += 1
        if count > KEPT + 10:
            enough.set()
        return set()

    sampler = Sampler(pids, interval=0.0)
    yield sampler, enough
    sampler.stop()


def test_a_thread_samples_until_it_is_stopped(sampled: tuple[Sampler, threading.Event]) -> None:
    sampler, enough = sampled
    assert (sampler.latest, sampler.history) == (None, ())
    sampler.start()
    sampler.start()
    assert enough.wait(60)
    sampler.stop()
    history = sampler.history
    assert len(history) == KEPT
    assert sampler.latest is history[-1]
    assert [sample.time for sample in history] == sorted(sample.time for sample in history)
    assert "sampler" not in [thread.name for thread in threading.enumerate()]
    sampler.stop()


def test_the_driver_is_opened_once_and_let_go(
    sampled: tuple[Sampler, threading.Event], monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = FakeNvml([FakeGpu()]).install(monkeypatch)
    sampler, enough = sampled
    sampler.start()
    assert enough.wait(60)
    assert fake.opened == 1
    sampler.stop()
    assert fake.opened == 0
    assert all(len(sample.gpus) == 1 for sample in sampler.history)


def test_a_driver_lost_midway_is_in_the_samples_from_then_on(monkeypatch: pytest.MonkeyPatch) -> None:
    fake = FakeNvml([FakeGpu()]).install(monkeypatch)
    reader = Reader()
    assert len(reader.read().gpus) == 1
    fake.error = pynvml.NVMLError_Uninitialized()
    sample = reader.read()
    assert sample.gpus == ()
    assert sample.problem == "the NVIDIA driver went away (Uninitialized)"
    assert sample.host.memory_total > 0
    reader.close()


def test_memory_of_the_processes_that_are_named_is_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    FakeNvml([FakeGpu(compute=((os.getpid(), 5), (os.getppid(), 7)))]).install(monkeypatch)
    assert [(gpu.ours, gpu.others) for gpu in Reader(lambda: {os.getppid()}).read().gpus] == [(12, 0)]
