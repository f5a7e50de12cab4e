"""What is made of the driver's answers; a fake of its module stands for GPUs that this machine may not have."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

import pynvml
import pytest

from tests.fake_nvml import GIB, FakeGpu, FakeNvml
from xaitui.hardware import nvml as nvml_module
from xaitui.hardware.gpus import Gpu, read_driver
from xaitui.hardware.nvml import Nvml
from xaitui.hardware.sample import GpuSample
from xaitui.hardware.visible import Identity, find_hidden

OURS = 4242


@pytest.fixture(autouse=True)
def _no_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.delenv("CUDA_DEVICE_ORDER", raising=False)
    monkeypatch.setattr(nvml_module, "_in_container", lambda: False)


def read(monkeypatch: pytest.MonkeyPatch, *gpus: FakeGpu) -> tuple[GpuSample, ...]:
    FakeNvml(gpus).install(monkeypatch)
    return Nvml().read({OURS})


def test_every_value_has_its_unit(monkeypatch: pytest.MonkeyPatch) -> None:
    gpu = FakeGpu(compute=((OURS, 10 * GIB), (7, 2 * GIB)))
    assert read(monkeypatch, gpu) == (
        GpuSample(
            0,
            "GPU-1111",
            "NVIDIA H100 80GB HBM3",
            hidden=False,
            mig=False,
            utilisation=87,
            memory_used=13 * GIB,
            memory_total=80 * GIB,
            ours=10 * GIB,
            others=2 * GIB,
            temperature=61,
            power=312.0,
            power_limit=700.0,
            clock=1755,
            clock_max=1980,
        ),
    )


VALUES = {
    "utilisation": {"utilisation"},
    "memory": {"memory_used", "memory_total"},
    "temperature": {"temperature"},
    "power": {"power"},
    "limit": {"power_limit"},
    "clock": {"clock"},
    "clock_max": {"clock_max"},
    "compute": {"ours", "others"},
}
"""What is missing when a question is not answered."""


@pytest.mark.parametrize("error", [pynvml.NVMLError_NotSupported, pynvml.NVMLError_NoPermission])
@pytest.mark.parametrize("question", VALUES)
def test_what_is_not_told_is_none_and_the_rest_is_there(
    question: str, error: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    gpu = FakeGpu()
    setattr(gpu, question, error())
    (sample,) = read(monkeypatch, gpu)
    assert {name for name, value in vars(sample).items() if value is None} == VALUES[question]
    assert sample.problem == ""


def test_zero_is_a_value(monkeypatch: pytest.MonkeyPatch) -> None:
    (sample,) = read(monkeypatch, FakeGpu(utilisation=0, memory=(0, 80 * GIB), power=0, clock=0, temperature=0))
    assert (sample.utilisation, sample.memory_used, sample.power, sample.clock, sample.temperature) == (0, 0, 0, 0, 0)
    assert (sample.ours, sample.others) == (0, 0)


@pytest.mark.parametrize("utilisation", [0, pynvml.NVMLError_NotSupported()])
def test_a_divided_gpu_has_no_utilisation(utilisation: object, monkeypatch: pytest.MonkeyPatch) -> None:
    (sample,) = read(monkeypatch, FakeGpu(mig=[1, 1], instances=("MIG-aaaa",), utilisation=utilisation))
    assert sample.mig
    assert sample.utilisation is None
    assert sample.memory_used == 13 * GIB


def test_a_program_that_computes_and_draws_is_counted_once(monkeypatch: pytest.MonkeyPatch) -> None:
    gpu = FakeGpu(compute=((OURS, GIB), (7, GIB)), graphics=((7, GIB), (8, GIB)))
    (sample,) = read(monkeypatch, gpu)
    assert (sample.ours, sample.others) == (GIB, 2 * GIB)


def test_memory_of_a_process_that_is_not_told_makes_the_sum_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    (sample,) = read(monkeypatch, FakeGpu(compute=((OURS, None), (7, GIB))))
    assert (sample.ours, sample.others) == (None, GIB)


def test_in_a_container_no_process_of_ours_is_no_zero(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nvml_module, "_in_container", lambda: True)
    elsewhere, here = read(monkeypatch, FakeGpu(compute=((7, GIB),)), FakeGpu(compute=((OURS, GIB), (7, GIB))))
    assert (elsewhere.ours, elsewhere.others) == (None, None)
    assert (here.ours, here.others) == (GIB, GIB)


def test_a_lost_gpu_says_so_beside_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    lost, sound = read(monkeypatch, FakeGpu(temperature=pynvml.NVMLError_GpuIsLost()), FakeGpu("GPU-2222"))
    assert "lost" in lost.problem
    assert lost.utilisation is lost.memory_used is None
    assert (sound.problem, sound.utilisation) == ("", 87)


def test_a_driver_that_goes_away_is_said_and_stays_away(monkeypatch: pytest.MonkeyPatch) -> None:
    fake = FakeNvml([FakeGpu()]).install(monkeypatch)
    nvml = Nvml()
    assert nvml.problem == ""
    assert len(nvml.read(())) == 1
    fake.error = pynvml.NVMLError_DriverNotLoaded()
    assert nvml.read(()) == ()
    assert nvml.problem == "the NVIDIA driver went away (Driver Not Loaded)"
    fake.error = None
    assert nvml.read(()) == ()
    nvml.close()
    nvml.close()
    assert fake.opened == 0


def test_a_driver_that_answers_with_an_error_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    fake = FakeNvml([FakeGpu()], pynvml.NVMLError_Unknown()).install(monkeypatch)
    driver = read_driver()
    assert driver.gpus == ()
    assert driver.problem == "the NVIDIA driver answers with an error (Unknown Error)"
    assert fake.opened == 0


def test_a_driver_without_gpus_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    FakeNvml([]).install(monkeypatch)
    assert read_driver().problem == "the NVIDIA driver knows no GPU"


def test_the_choice_between_gpus_reads_the_same_driver(monkeypatch: pytest.MonkeyPatch) -> None:
    fake = FakeNvml([FakeGpu(), FakeGpu("GPU-2222", memory=pynvml.NVMLError_NotSupported())]).install(monkeypatch)
    driver = read_driver()
    assert driver.gpus == (Gpu("GPU-1111", "NVIDIA H100 80GB HBM3", 67 * GIB, 80 * GIB, 87),)
    assert (driver.version, driver.problem) == ("570.124", "")
    assert fake.opened == 0


ALIKE = tuple(Identity(index, f"GPU-{index}{index}{index}{index}", "H100") for index in range(3))
MIXED = (ALIKE[0], dataclasses.replace(ALIKE[1], name="A100"), ALIKE[2])
DIVIDED = (dataclasses.replace(ALIKE[0], instances=("MIG-abcd-1", "MIG-efgh-2")), *ALIKE[1:])
PCI = {"CUDA_DEVICE_ORDER": "PCI_BUS_ID"}


@pytest.mark.parametrize(
    ("gpus", "setting", "order", "shown"),
    [
        (ALIKE, "", {}, {}),
        (ALIKE, "-1", {}, {}),
        (ALIKE, "NoDevFiles", {}, {}),
        (ALIKE, "0", {}, {0}),
        (ALIKE, "2, 0", {}, {0, 2}),
        (ALIKE, "0,7,2", {}, {0}),
        (ALIKE, "0,-1,2", {}, {0}),
        (ALIKE, "GPU-1111,GPU-2", {}, {1, 2}),
        (ALIKE, "GPU-9,GPU-2", {}, {}),
        (ALIKE, "MIG-GPU-1111/3/0", {}, {1}),
        (ALIKE, "MIG-nothing", {}, {}),
        (DIVIDED, "MIG-efgh-2", {}, {0}),
        (MIXED, "1", PCI, {1}),
        (MIXED, "GPU-1111", {}, {1}),
        (MIXED, "0,1,2", {}, {0, 1, 2}),
        (MIXED, "", {}, {}),
    ],
)
def test_what_the_setting_hides(
    gpus: tuple[Identity, ...], setting: str, order: Mapping[str, str], shown: set[int]
) -> None:
    hidden = find_hidden(gpus, {"CUDA_VISIBLE_DEVICES": setting, **order})
    assert hidden == tuple(gpu.index not in shown for gpu in gpus)


def test_without_the_setting_nothing_is_hidden() -> None:
    assert find_hidden(MIXED, {}) == (False, False, False)
    assert find_hidden((), {"CUDA_VISIBLE_DEVICES": "0"}) == ()


def test_a_number_tells_nothing_where_cuda_orders_by_speed() -> None:
    assert find_hidden(MIXED, {"CUDA_VISIBLE_DEVICES": "0,1"}) == (None, None, None)


def test_the_setting_reaches_the_samples(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1")
    assert [gpu.hidden for gpu in read(monkeypatch, FakeGpu(), FakeGpu("GPU-2222"))] == [True, False]
