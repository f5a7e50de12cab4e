"""What is chosen where, and said. Made records of a driver stand for the GPUs that this machine may not have."""

from __future__ import annotations

import pytest
import torch

from xaitui.errors import ExitCode, UsageError
from xaitui.hardware.gpus import Driver, Gpu, idlest
from xaitui.stop import Stop, StoppedError, StopReason
from xaitui.training.device import ChosenDevice, choose_device

V100 = Gpu("GPU-1", "Tesla V100", 15 << 30, 16 << 30, 0)
no_gpu = pytest.mark.skipif(torch.cuda.is_available(), reason="for machines without a usable GPU")


def choose(wanted: str, driver: Driver, stop: Stop | None = None) -> ChosenDevice:
    return choose_device(wanted, wait_for=0, stop=stop or Stop(), say=lambda text: None, read=lambda: driver)


def test_the_processor_is_taken_when_asked_for() -> None:
    assert choose("cpu", Driver(())) == ChosenDevice(torch.device("cpu"), "processor", "asked for")


@no_gpu
def test_without_a_driver_the_reason_is_the_drivers() -> None:
    assert choose("auto", Driver((), problem="no NVIDIA driver (x)")).reason == "no NVIDIA driver (x)"


@no_gpu
def test_a_gpu_that_torch_cannot_use_is_named_with_the_way_out() -> None:
    reason = choose("auto", Driver((V100,), "470.82")).reason
    assert "Tesla V100" in reason
    assert "driver than 470.82" in reason
    with pytest.raises(UsageError, match="torch cannot use a GPU here: there is a Tesla V100"):
        choose("cuda", Driver((V100,), "470.82"))


@pytest.mark.skipif(torch.backends.mps.is_available(), reason="for machines without mps")
def test_a_kind_that_is_not_here_is_refused() -> None:
    with pytest.raises(UsageError, match="there is no mps"):
        choose("mps", Driver(()))


def test_the_idlest_has_the_most_memory_and_then_the_least_to_do() -> None:
    def gpu(uuid: str, free: int, busy: int | None) -> Gpu:
        return Gpu(uuid, "H200", free, 140, busy)

    assert idlest((gpu("a", 60, 0), gpu("b", 139, 90), gpu("c", 138, 10))).uuid == "c"
    assert idlest((gpu("a", 139, None), gpu("b", 139, 50))).uuid == "b"


def test_a_stop_before_the_first_step_ends_with_its_code() -> None:
    error = StoppedError(StopReason("SIGTERM", ExitCode.TERMINATED))
    assert error.exit_code == 143
    assert "nothing to resume" in str(error)
