"""environment.json: machine, command, versions and data files with which a run was created."""

from __future__ import annotations

import json
import platform
import socket
import subprocess
import sys
from collections.abc import Sequence
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

from xaitui.data.dataset import DataFile
from xaitui.runs.lock import Owner
from xaitui.system.atomic_files import write_atomic
from xaitui.system.damaged_files import RECORD_DAMAGE
from xaitui.version import __version__

PACKAGES = ("torch", "torchvision", "numpy", "scikit-learn", "pretrainedmodels", "medmnist", "pillow")
GIT_SECONDS = 5.0


def write_environment(
    path: Path, command: Sequence[str], files: Sequence[DataFile], model: Path | None, extra: dict[str, Any]
) -> None:
    """Write the record of a new run; `model` is the file of a user's own model."""
    owner = Owner.of_this_process()
    record = {
        "command": list(command),
        "xaitui": __version__,
        "commit": _commit(),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "versions": {name: _version(name) for name in PACKAGES},
        "host": socket.gethostname(),
        "pid": owner.pid,
        "executable": sys.executable,
        "data": [{"path": file.path, "md5": file.md5} for file in files],
        **({"model_commit": own_commit(model)} if model else {}),
        **extra,
        "distributions": installed(),
    }
    write_atomic(path, json.dumps(record, indent=2) + "\n")


def read_data_files(path: Path) -> tuple[DataFile, ...]:
    """The data files of a run; empty if its record cannot be read."""
    try:
        return tuple(DataFile(str(row["path"]), str(row["md5"])) for row in json.loads(path.read_text())["data"])
    except RECORD_DAMAGE:
        return ()


def changed_versions(path: Path) -> list[str]:
    """One line for each change of machine or library since a run was created, except torch."""
    try:
        record = json.loads(path.read_text())
        noted = {**record["versions"], "Python": record["python"]}
        host = str(record["host"])
    except RECORD_DAMAGE:
        return []
    here = {**{name: _version(name) for name in PACKAGES}, "Python": platform.python_version()}
    del here["torch"]  # compared with the run's [resolved] table instead
    lines = [
        f"the run was made with {name} {noted[name]}, this is {version}"
        for name, version in here.items()
        if noted.get(name, version) != version
    ]
    return [*lines, f"the run was made on {host}, another machine"] if host != socket.gethostname() else lines


def read_host(path: Path) -> str:
    """The machine that a run was created on; empty if its record cannot be read."""
    try:
        return str(json.loads(path.read_text())["host"])
    except RECORD_DAMAGE:
        return ""


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "not installed"


@cache
def installed() -> dict[str, str]:
    """Every installed distribution and its version, sorted; for duplicates the version that is imported."""
    versions: dict[str, str] = {}
    for each in metadata.distributions():
        name = each.metadata["Name"]
        if name:
            versions.setdefault(name, each.version)
    return dict(sorted(versions.items(), key=lambda item: item[0].lower()))


def _commit() -> str:
    """The commit of the code, with "+changes" if the checkout is modified; empty for an installed package."""
    folder = Path(__file__).parents[2]
    return _commit_of(folder) if (folder / ".git").exists() else ""


def own_commit(file: Path) -> str:
    """The commit of the checkout of a file, with "+changes" if it is modified; empty if there is none."""
    return _commit_of(file.absolute().parent, file.name)


def _commit_of(folder: Path, file: str = "") -> str:
    """The commit of a folder; a file that git does not track counts as a change, others may be anything."""
    head = _git(folder, "rev-parse", "HEAD")
    changes = [_git(folder, "status", "--porcelain", "--untracked-files=no")]
    if file:
        changes.append(_git(folder, "status", "--porcelain", "--ignored", "--", file))
    return "" if head is None or None in changes else head + ("+changes" if any(changes) else "")


def _git(folder: Path, *words: str) -> str | None:
    """The output of git in a folder; None if it fails."""
    try:
        done = subprocess.run(
            ["git", "--no-optional-locks", "-C", str(folder), *words],
            capture_output=True,
            text=True,
            timeout=GIT_SECONDS,
            check=True,
        )
    except (OSError, ValueError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()
