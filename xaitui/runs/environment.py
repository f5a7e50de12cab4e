"""environment.json: where, by what, and from which files a run was made."""

from __future__ import annotations

import json
import platform
import socket
import subprocess
import sys
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

import xaitui
from xaitui.data.dataset import DataFile
from xaitui.files import write_atomic
from xaitui.runs.owner import Owner

PACKAGES = ("torch", "torchvision", "numpy", "scikit-learn", "pretrainedmodels", "medmnist", "pillow")
GIT_SECONDS = 5.0


def write_environment(path: Path, command: Sequence[str], files: Sequence[DataFile], extra: dict[str, Any]) -> None:
    """Write the record of a new run."""
    owner = Owner.of_this_process()
    record = {
        "command": list(command),
        "xaitui": xaitui.__version__,
        "commit": _commit(),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "versions": {name: _version(name) for name in PACKAGES},
        "host": socket.gethostname(),
        "pid": owner.pid,
        "executable": sys.executable,
        "data": [{"path": file.path, "md5": file.md5} for file in files],
        **extra,
    }
    write_atomic(path, json.dumps(record, indent=2) + "\n")


def changed_files(path: Path, files: Sequence[DataFile]) -> list[str]:
    """Which data files are not those that a run was made with, a line each; none where its record cannot be read."""
    try:
        noted = {row["md5"] for row in json.loads(path.read_text())["data"]}
    except (OSError, ValueError, LookupError, TypeError):
        return []
    return [f"{file.path} has changed since the run was made" for file in files if file.md5 not in noted]


def changed_versions(path: Path) -> list[str]:
    """What of the machine and its libraries is not as it was when a run was made, a line each, torch apart."""
    try:
        record = json.loads(path.read_text())
        noted = {**record["versions"], "Python": record["python"]}
        host = str(record["host"])
    except (OSError, ValueError, LookupError, TypeError):
        return []
    here = {**{name: _version(name) for name in PACKAGES}, "Python": platform.python_version()}
    del here["torch"]  # of which the run's own choices speak
    lines = [f"the run was made with {name} {noted[name]}, this is {version}"
             for name, version in here.items() if noted.get(name, version) != version]  # fmt: skip
    return [*lines, f"the run was made on {host}, another machine"] if host != socket.gethostname() else lines


def read_host(path: Path) -> str:
    """The machine that a run was made on; empty where its record cannot be read."""
    try:
        return str(json.loads(path.read_text())["host"])
    except (OSError, ValueError, LookupError, TypeError):
        return ""


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "not installed"


def _commit() -> str:
    """The commit of the code, with "+changes" where the checkout differs; empty for an installed package."""
    folder = Path(xaitui.__file__).parent.parent
    if not (folder / ".git").exists():
        return ""
    try:
        git = ["git", "-C", str(folder)]
        head = subprocess.run(
            [*git, "rev-parse", "HEAD"], capture_output=True, text=True, timeout=GIT_SECONDS, check=True
        )
        dirty = subprocess.run([*git, "status", "--porcelain", "--untracked-files=no"], capture_output=True, text=True,
                               timeout=GIT_SECONDS, check=True)  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        return ""
    return head.stdout.strip() + ("+changes" if dirty.stdout.strip() else "")
