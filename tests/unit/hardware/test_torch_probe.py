"""Broken installations are made for real: packages of these names that fail as the real ones do when badly paired."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from xaitui.hardware.checks import Level
from xaitui.hardware.torch_probe import TorchProbe, check_torch, check_torchvision, probe_torch

CPU_ONLY = "__version__ = '2.15.0+cpu'\nclass version: cuda = None\n"
WITH_CUDA = "__version__ = '2.15.0+cu132'\nclass version: cuda = '13.2'\n"
NO_OPERATOR = "raise RuntimeError('operator torchvision::nms does not exist')"


def probe(folder: Path, torch: str, torchvision: str, timeout: float = 120) -> TorchProbe:
    for name, code in (("torch", torch), ("torchvision", torchvision)):
        package = folder / name
        package.mkdir()
        (package / "__init__.py").write_text(code)
    return probe_torch({**os.environ, "PYTHONPATH": str(folder)}, timeout)


def test_the_ones_that_are_installed_here_work() -> None:
    found = probe_torch()
    assert found.error == ""
    assert check_torch(found).level is Level.OK
    assert check_torchvision(found).level is Level.OK
    assert found.torch in check_torch(found).text
    assert found.torchvision in check_torchvision(found).text


def test_a_build_without_cuda_beside_a_torchvision_of_the_registry(tmp_path: Path) -> None:
    found = probe(tmp_path, CPU_ONLY, NO_OPERATOR)
    assert (found.torch, found.gpu_toolkit, found.torchvision) == ("2.15.0+cpu", "", "")
    assert check_torch(found).text == "2.15.0+cpu, a build without CUDA"
    check = check_torchvision(found)
    assert check.level is Level.FAIL
    assert check.text == (
        "does not fit this torch, a build without CUDA: RuntimeError: operator torchvision::nms does not exist"
    )
    assert check.remedy.startswith(
        "pip install --upgrade --force-reinstall torch torchvision (both from the same index"
    )


def test_two_versions_that_do_not_fit(tmp_path: Path) -> None:
    check = check_torchvision(probe(tmp_path, WITH_CUDA, NO_OPERATOR))
    assert check.level is Level.FAIL
    assert check.text.startswith("does not fit torch 2.15.0+cu132: RuntimeError: ")


def test_no_torchvision(tmp_path: Path) -> None:
    check = check_torchvision(
        probe(tmp_path, WITH_CUDA, "raise ModuleNotFoundError(\"No module named 'torchvision'\")")
    )
    assert (check.level, check.text, check.remedy) == (Level.FAIL, "is not installed", "pip install torchvision")


@pytest.mark.parametrize(
    ("torch", "text"),
    [
        ("import no_such_module", "cannot be imported: ModuleNotFoundError: No module named 'no_such_module'"),
        (
            "import os, signal\nos.kill(os.getpid(), signal.SIGILL)",
            "cannot be imported: the import was ended by SIGILL",
        ),
        ("import sys\nsys.exit(3)", "cannot be imported: no reason was given"),
    ],
)
def test_a_torch_that_does_not_come_up(torch: str, text: str, tmp_path: Path) -> None:
    found = probe(tmp_path, torch, "")
    assert check_torch(found).level is Level.FAIL
    assert check_torch(found).text == text
    assert check_torchvision(found).level is Level.FAIL


def test_an_import_that_never_ends(tmp_path: Path) -> None:
    found = probe(tmp_path, "import signal\nwhile True: signal.pause()", "", timeout=0.1)
    assert check_torch(found).text == "cannot be imported: the import took longer than 0.1 seconds"
