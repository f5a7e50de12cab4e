"""What is on a GPU is in a checkpoint as it is, and can be read where there is none."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from tests.cuda.gpu_runs import EXACT, program_in_child
from tests.run_commands import finish, made_set, start
from xaitui.jobs.verify.state_diff import first_difference
from xaitui.training.checkpoint import load_checkpoint, on_host, save_checkpoint

pytestmark = pytest.mark.cuda

LOAD = """
import sys, torch
from pathlib import Path
from xaitui.training.checkpoint import load_checkpoint

state = load_checkpoint(Path(sys.argv[1]))
assert not torch.cuda.is_available()
print(state["step"], sum(tensor.double().sum().item() for tensor in state["model"].values()))
"""


def a_state(device: str) -> dict[str, Any]:
    """Tensors of each kind that a state has, and of each that could lie otherwise in memory."""
    torch.manual_seed(0)
    images = torch.randn(4, 3, 5, 7, device=device)
    tensors: dict[str, Tensor] = {
        "channels last": images.contiguous(memory_format=torch.channels_last),
        "a part": images[1:3, :, ::2],
        "half": images.bfloat16(),
        "counts": torch.arange(9, device=device),
        "marks": images > 0,
        "one": torch.tensor(2.5, device=device),
        "none": torch.empty(0, 3, device=device),
        "with a gradient": images.clone().requires_grad_(),
        "of the host": torch.arange(3),
        "large": torch.randn(1 << 20, device=device),
    }
    return {"tensors": tensors, "list": [*tensors.values()], "pair": (images, 3), "text": "a", "nothing": None}


def test_copies_are_the_originals(device: str) -> None:
    state = a_state(device)
    copied = on_host(state)
    assert copied["text"] == "a"
    assert copied["nothing"] is None
    assert isinstance(copied["pair"], tuple)
    assert {tensor.device.type for tensor in copied["list"]} == {"cpu"}
    for name, tensor in state["tensors"].items():
        copy = copied["tensors"][name]
        assert (copy.dtype, copy.shape) == (tensor.dtype, tensor.shape), name
        assert torch.equal(copy, tensor.detach().cpu()), name
    assert first_difference(copied, state) == ("", 2 * len(state["tensors"]) + 1)


def test_copies_are_of_the_moment(device: str, tmp_path: Path) -> None:
    """What is changed on the device right after it was saved is in the file as it was before."""
    values = torch.zeros(1 << 22, device=device)
    for number in range(1, 4):
        values.fill_(number)
        save_checkpoint(tmp_path / "state.pt", {"values": values})
        values.fill_(-1)
        assert torch.equal(load_checkpoint(tmp_path / "state.pt")["values"], torch.full((1 << 22,), float(number)))


def test_a_checkpoint_holds_the_state_of_its_run_and_is_read_without_a_gpu(
    device: str, tmp_path: Path, runs_dir: Path
) -> None:
    execution = start(
        runs_dir,
        data__dataset=str(made_set(tmp_path / "set.npz")),
        run__device=device,
        training__ema_decay=0.9,
        **EXACT,
    )
    finish(execution)
    kept, trainer = load_checkpoint(execution.run.last), execution.prepared.trainer
    state = trainer.state()
    best = state["best_model"]  # the averaged model ends with the best weights, for the test
    kept["average"], state["average"] = {}, {}
    difference, count = first_difference(on_host(state), kept, beside=["journal"])
    assert difference == ""
    assert count > 40
    assert {tensor.device.type for tensor in best.values()} == {torch.device(device).type}
    process = program_in_child(LOAD, tmp_path, str(execution.run.last), CUDA_VISIBLE_DEVICES="")
    out, err = process.communicate()
    assert process.returncode == 0, err
    step, total = out.split()
    assert int(step) == kept["step"] == 8
    assert float(total) == pytest.approx(sum(tensor.double().sum().item() for tensor in kept["model"].values()))
