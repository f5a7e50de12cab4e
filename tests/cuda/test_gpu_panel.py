"""`xaitui gpu` and the screen beside what `nvidia-smi` says of the same GPUs."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.cuda.test_devices import is_divided, uuid_of
from tests.tui.console_pilot import open_console, screen_text, until
from xaitui.cli.app import run as run_command
from xaitui.hardware.nvml import _in_container

pytestmark = pytest.mark.cuda

ASKED = ("uuid", "name", "memory.total", "memory.used", "utilization.gpu", "temperature.gpu", "power.draw")
MIB, OURS = 1 << 20, 1 << 30


def by_nvidia_smi() -> dict[str, dict[str, Any]]:
    """By UUID, what the program of the driver says; None where it does not tell."""
    if shutil.which("nvidia-smi") is None:
        pytest.skip("there is no nvidia-smi")
    words = ["nvidia-smi", f"--query-gpu={','.join(ASKED)}", "--format=csv,noheader,nounits"]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    rows = [dict(zip(ASKED, map(str.strip, line.split(",")), strict=True)) for line in done.stdout.splitlines()]
    return {row["uuid"]: {**row, **{name: number(row[name]) for name in ASKED[2:]}} for row in rows}


def number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:  # [N/A], [Not Supported]
        return None


def by_xaitui(capsys: pytest.CaptureFixture[str]) -> dict[str, dict[str, Any]]:
    capsys.readouterr()
    assert run_command(["gpu", "--once", "--json"]) == 0
    sample = json.loads(capsys.readouterr().out)
    assert sample["problem"] == ""
    return {gpu["uuid"]: gpu for gpu in sample["gpus"]}


@pytest.mark.usefixtures("gpu")
def test_it_says_what_nvidia_smi_says(capsys: pytest.CaptureFixture[str]) -> None:
    theirs, ours = by_nvidia_smi(), by_xaitui(capsys)
    assert ours.keys() == theirs.keys()
    # By our name, theirs, the unit, and how far both may be apart, as a part and in units: moments lie between.
    close = {
        "memory_total": ("memory.total", MIB, 0.01, 0),
        "memory_used": ("memory.used", MIB, 0.1, 2048),  # which counts what the driver keeps for itself, or does not
        "temperature": ("temperature.gpu", 1, 0, 8),
        "power": ("power.draw", 1, 0.5, 100),
        "utilisation": ("utilization.gpu", 1, 0, 100),
    }
    for uuid, gpu in ours.items():
        assert gpu["name"] == theirs[uuid]["name"]
        for name, (asked, unit, part, units) in close.items():
            expected = theirs[uuid][asked]
            if expected is None or gpu["mig"]:
                continue
            assert gpu[name] is not None, name
            assert gpu[name] / unit == pytest.approx(expected, rel=part, abs=units), name
        assert gpu["hidden"] in (False, True, None)
        assert gpu["problem"] == ""


def test_what_this_process_takes_is_ours(gpu: torch.device, capsys: pytest.CaptureFixture[str]) -> None:
    if is_divided():
        pytest.skip("the GPU is divided")
    taken = torch.zeros(OURS, dtype=torch.uint8, device=gpu)
    torch.cuda.synchronize(gpu)
    sample = by_xaitui(capsys)[f"GPU-{uuid_of(0)}"]
    assert sample["hidden"] is not True
    assert sample["memory_used"] >= taken.numel()
    if sample["ours"] is None:
        assert _in_container()
        pytest.skip("in this container the driver counts processes by numbers that mean nothing here")
    assert taken.numel() <= sample["ours"] <= sample["memory_used"]


@pytest.mark.usefixtures("gpu")
async def test_the_screen_shows_each_gpu(runs_dir: Path) -> None:
    name = torch.cuda.get_device_name(0).removeprefix("NVIDIA ")
    async with open_console(runs_dir, (100, 30), interval=0.2) as (app, pilot):
        await pilot.press("G")
        await until(app, lambda: name[:8] in screen_text(app))
        await until(app, lambda: "GiB" in screen_text(app))
