from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from tests.fake_nvml import FakeGpu, FakeNvml
from tests.run_commands import command, environment
from tests.shared_data import shared_file
from xaitui.cli.app import run
from xaitui.cli.doctor import check_data, check_driver, lines
from xaitui.hardware.checks import Check, Level

NAMES = [
    "python",
    "packages",
    "torch",
    "torchvision",
    "device",
    "machine",
    "runs",
    "data",
    "optional",
    "compiler",
    "terminal",
]


def test_this_machine_can_train_and_it_fits_a_screen(runs_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["doctor", "--runs-dir", str(runs_dir)]) == 0
    text = capsys.readouterr().out
    assert text.endswith("training can run: xaitui train --headless\n")
    assert "FAIL" not in text
    assert text.count("\n") <= 24
    assert not runs_dir.exists()


def test_what_is_broken_is_said_and_is_the_exit_code(tmp_path: Path) -> None:
    """A torchvision that cannot be imported, and a folder that cannot be written."""
    (tmp_path / "torchvision.py").write_text("raise RuntimeError('operator torchvision::nms does not exist')")
    path = os.pathsep.join([environment()["PYTHONPATH"], str(tmp_path)][::-1])
    done = subprocess.run(
        command("doctor", "--json", "--runs-dir", "/proc/runs"),
        cwd=tmp_path,
        check=False,
        text=True,
        env={**environment(), "PYTHONPATH": path},
        capture_output=True,
    )
    assert done.returncode == 1, done.stderr
    records = {record["name"]: record for record in map(json.loads, done.stdout.splitlines())}
    assert list(records)[: len(NAMES)] == NAMES
    assert [name for name, record in records.items() if record["level"] == "FAIL"] == ["torchvision", "runs"]
    assert records["torchvision"]["remedy"].startswith("pip install")
    assert records["device"]["level"] == "warn"


def test_the_sets_that_are_here(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    check = check_data()
    assert check.text == "digits (embedded)"
    assert "xaitui data get" in check.remedy
    monkeypatch.setenv("XAITUI_DATA_DIR", str(shared_file()))
    check = check_data()
    assert check.text.startswith("digits (embedded), mnist, ")
    assert check.remedy == ""


def test_the_gpus_of_the_driver_and_its_version(monkeypatch: pytest.MonkeyPatch) -> None:
    fake = FakeNvml([*[FakeGpu()] * 8, FakeGpu(name="NVIDIA T4", memory=(0, 16 * 2**30))]).install(monkeypatch)
    check = check_driver()
    assert check is not None
    assert check.text == "570.124: 8 x NVIDIA H100 80GB HBM3 (80.0 GiB), NVIDIA T4 (16.0 GiB)"
    fake.gpus = []
    assert check_driver() is None


def test_a_line_fits_80_columns_and_keeps_commands_whole() -> None:
    shown = lines(Check("torch", Level.FAIL, "word " * 40, "pip install --a-long-option\x1b[2J " + "x" * 90))
    assert shown[0].startswith("FAIL  torch       word")
    assert all(len(line) <= 80 for line in shown if "xxx" not in line)
    assert any(line.strip() == "x" * 90 for line in shown)
    assert any(line.startswith(" " * 18 + "-> pip install --a-long-option\\x1b[2J") for line in shown)
