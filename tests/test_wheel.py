"""The package as people install it: built, unpacked away from the checkout, and used from there."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.run_commands import ROOT, environment
from tests.tui.test_terminal import terminal

SOURCE = ("pyproject.toml", "MANIFEST.in", "README.md", "LICENSE")

BUILD = """
import sys
from setuptools import build_meta
_, dist = sys.argv  # which setuptools changes
build_meta.build_sdist(dist)
build_meta.build_wheel(dist)
"""

USE = """
import sys
import xaitui
from xaitui.cli.app import run
print(xaitui.__file__)
sys.exit(max(run(line.split()) for line in sys.argv[1:]))
"""
COMMANDS = (
    "train --headless --dataset digits --model simple-cnn-v1 --epochs 1 --fraction 0.05 --threads 1",
    "report last",
    "doctor",
)


@dataclass(frozen=True)
class Built:
    """The two archives, and the wheel's files in a folder of their own."""

    wheel: Path
    sdist: Path
    site: Path


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    folder = tmp_path_factory.mktemp("built")
    source, dist, site = (folder / name for name in ("source", "dist", "site"))
    shutil.copytree(ROOT / "xaitui", source / "xaitui", ignore=shutil.ignore_patterns("__pycache__"))
    for name in SOURCE:
        shutil.copy(ROOT / name, source)
    own = {name: value for name, value in environment().items() if name != "PYTHONPATH"}
    subprocess.run([sys.executable, "-c", BUILD, str(dist)], cwd=source, env=own, capture_output=True, check=True)
    (wheel,), (sdist,) = dist.glob("*.whl"), dist.glob("*.tar.gz")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    return Built(wheel, sdist, site)


def test_wheel_and_sdist_hold_every_file_of_the_package(built: Built) -> None:
    wanted = {
        str(path.relative_to(ROOT))
        for path in (ROOT / "xaitui").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts and not path.name.startswith(".")
    }
    assert {Path(name).suffix for name in wanted} >= {".py", ".tcss", ".j2"}
    with zipfile.ZipFile(built.wheel) as archive:
        assert wanted - set(archive.namelist()) == set()
    with tarfile.open(built.sdist) as archive:
        assert wanted - {name.partition("/")[2] for name in archive.getnames()} == set()


def test_the_console_opens_from_the_wheel(built: Built, tmp_path: Path) -> None:
    with terminal(cwd=tmp_path, PYTHONPATH=str(built.site)) as at:
        at.read_until(lambda: b"No runs yet" in at.output)
        os.write(at.master, b"\x03")
        assert at.end() == 0


def test_commands_work_from_the_wheel(built: Built, tmp_path: Path) -> None:
    environ = {**environment(), "PYTHONPATH": str(built.site)}
    done = subprocess.run(
        [sys.executable, "-c", USE, *COMMANDS], cwd=tmp_path, env=environ, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[0] == str(built.site / "xaitui" / "__init__.py")
    assert "training can run" in done.stdout
    assert len(list(tmp_path.rglob("report.html"))) == 1
