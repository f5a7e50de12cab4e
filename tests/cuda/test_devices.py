"""Which GPU is taken, and what is said of it; the driver counts them in another order than CUDA does."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.cuda.gpu_runs import SMALL, program_in_child, quiet
from tests.run_commands import finish, made_set, start
from xaitui.config.toml import read_resolved
from xaitui.errors import UsageError
from xaitui.events import Note, RunStarted
from xaitui.hardware.gpus import read_driver
from xaitui.hardware.nvml import Nvml
from xaitui.stop import Stop
from xaitui.training.device import _visible, choose_device

pytestmark = pytest.mark.cuda

CHOOSE = """
import json, torch
from xaitui.errors import UsageError
from xaitui.stop import Stop
from xaitui.training.device import choose_device

def choose(wanted):
    try:
        chosen = choose_device(wanted, wait_for=0, stop=Stop(), say=print)
    except UsageError as error:
        return ["refused", int(error.exit_code), str(error)]
    uuid = str(torch.cuda.get_device_properties(chosen.device).uuid) if chosen.device.type == "cuda" else ""
    return [str(chosen.device), uuid, chosen.reason]

print(json.dumps({wanted: choose(wanted) for wanted in ("auto", "cuda", "cuda:0")}))
"""
"""Prints what is chosen: the device, its UUID, and why."""


def chosen_in_children(folder: Path, *environments: dict[str, str]) -> list[dict[str, list[Any]]]:
    """What is chosen with each of some environments; the processes run beside one another."""
    found = []
    for process in [program_in_child(CHOOSE, folder, **each) for each in environments]:
        out, err = process.communicate()
        assert process.returncode == 0, err
        found.append(json.loads(out.splitlines()[-1]))
    return found


def uuid_of(index: int) -> str:
    """As torch writes it."""
    return str(torch.cuda.get_device_properties(index).uuid).removeprefix("GPU-")


def is_divided() -> bool:
    """Whether a GPU consists of instances, which the driver does not tell from one another here."""
    nvml = Nvml()
    try:
        return any(gpu.mig for gpu in nvml.read(ours=()))
    finally:
        nvml.close()


def test_a_device_that_is_named_is_taken_and_said(device: str, runs_dir: Path, tmp_path: Path) -> None:
    execution = start(runs_dir, data__dataset=str(made_set(tmp_path / "set.npz")), run__device=device, **SMALL)
    prepared = execution.prepared
    assert prepared.trainer.parts.numerics.device == torch.device(device)
    assert {each.device for each in prepared.trainer.parts.model.parameters()} == {torch.device(device)}
    name = torch.cuda.get_device_name(0) if device.startswith("cuda") else "processor"
    events = finish(execution)
    assert [event.device for event in events if isinstance(event, RunStarted)] == [name]
    assert f"{device}: asked for" in [event.message for event in events if isinstance(event, Note)]
    resolved = read_resolved(execution.run.config)
    kind = torch.device(device).type
    assert (resolved["device"], resolved["device_name"], resolved["reasons"]["device"]) == (kind, name, "asked for")


@pytest.mark.usefixtures("device")
def test_a_number_that_is_none_is_refused() -> None:
    with pytest.raises(UsageError, match=r"there is no cuda:99; this process sees \d|torch cannot use a GPU here"):
        choose_device("cuda:99", wait_for=0, stop=Stop(), say=quiet)


@pytest.mark.usefixtures("gpu")
def test_torch_and_the_driver_mean_the_same_gpus() -> None:
    driver = read_driver()
    assert not driver.problem
    if is_divided():
        pytest.skip("the GPU is divided")
    seen = _visible(driver)
    assert list(seen) == list(range(torch.cuda.device_count()))
    for index, found in seen.items():
        assert found.uuid.removeprefix("GPU-") == uuid_of(index)
        assert found.name == torch.cuda.get_device_name(index)
        assert found.total == pytest.approx(torch.cuda.get_device_properties(index).total_memory, rel=0.1)
        assert found.free == pytest.approx(torch.cuda.mem_get_info(index)[0], rel=0.1)


@pytest.mark.usefixtures("gpu")
def test_the_idlest_is_taken_and_how_idle_it_is_is_said() -> None:
    said: list[str] = []
    chosen = choose_device("auto", wait_for=1 << 20, stop=Stop(), say=said.append)
    assert chosen.device.type == "cuda"
    if not is_divided():
        assert chosen.reason.startswith(f"the idlest of {torch.cuda.device_count()} visible: ")
        assert " free" in chosen.reason
    assert said == []


def test_a_gpu_that_is_hidden_is_not_taken_and_the_reason_is_said(device: str, tmp_path: Path) -> None:
    (found,) = chosen_in_children(tmp_path, {"CUDA_VISIBLE_DEVICES": ""})
    assert found["auto"][0] == "cpu"
    for wanted in ("cuda", "cuda:0"):
        assert found[wanted][:2] == ["refused", 2]
        assert found[wanted][2].startswith("torch cannot use a GPU here: ")
    if device.startswith("cuda"):
        assert "CUDA_VISIBLE_DEVICES hides it" in found["auto"][2]
        assert "CUDA_VISIBLE_DEVICES hides it" in found["cuda"][2]


@pytest.mark.usefixtures("gpu")
def test_a_gpu_is_named_by_its_uuid_and_counted_in_either_order(tmp_path: Path) -> None:
    if is_divided():
        pytest.skip("the GPU is divided")
    last = torch.cuda.device_count() - 1
    backwards = ",".join(f"GPU-{uuid_of(index)}" for index in range(last, -1, -1))
    one, reverse, by_bus = chosen_in_children(
        tmp_path,
        {"CUDA_VISIBLE_DEVICES": f"GPU-{uuid_of(last)}"},
        {"CUDA_VISIBLE_DEVICES": backwards},
        {"CUDA_DEVICE_ORDER": "PCI_BUS_ID"},
    )
    for found in (one, reverse):  # the first that is listed is the first that CUDA counts
        assert found["cuda:0"] == ["cuda:0", uuid_of(last), "asked for"]
    assert one["auto"][:2] == ["cuda:0", uuid_of(last)]
    assert one["auto"][2].startswith("the idlest of 1 visible: ")
    assert reverse["auto"][2].startswith(f"the idlest of {last + 1} visible: ")
    visible = {uuid_of(index) for index in range(last + 1)}
    in_order = [uuid for each in read_driver().gpus if (uuid := each.uuid.removeprefix("GPU-")) in visible]
    assert by_bus["auto"][1] in in_order
    if "CUDA_VISIBLE_DEVICES" not in os.environ:
        assert by_bus["cuda:0"][1] == in_order[0]
