"""Requirements for compiling models: a compiler and Python's headers.

A processor's kernels are made by torch's inductor, with CXX or g++; a GPU's by Triton, which makes their launchers with
CC, gcc or clang. Both include Python.h.
"""

from __future__ import annotations

import os
import shutil
import sysconfig
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from xaitui.hardware.checks import Check, Level


@dataclass(frozen=True)
class Compiler:
    """A compiler."""

    language: str
    variable: str
    """Environment variable that overrides the search."""
    names: tuple[str, ...]
    package: str

    def find(self, environ: Mapping[str, str]) -> str:
        """Return its path; empty if there is none."""
        names = (environ[self.variable],) if self.variable in environ else self.names
        return next(filter(None, (shutil.which(name, path=environ.get("PATH")) for name in names)), "")

    def missing(self, environ: Mapping[str, str]) -> str:
        """Return the names that were not found."""
        if self.variable in environ:
            return f"there is no program {environ[self.variable]!r}, which {self.variable} names"
        return f"there is no {self.language} compiler ({' or '.join(self.names)}) on the PATH"


COMPILERS: Mapping[str, Compiler] = {
    "cpu": Compiler("C++", "CXX", ("g++",), "g++"),
    "cuda": Compiler("C", "CC", ("gcc", "clang"), "gcc"),
}
"""Compilers by device type."""


@dataclass(frozen=True)
class Problem:
    """A missing requirement, and how to install it."""

    text: str
    remedy: str


def compiler_problem(
    device: str, environ: Mapping[str, str] = os.environ, headers: Path | None = None
) -> Problem | None:
    """Return why models cannot be compiled for a device type; None if they can.

    Args:
        headers: the folder of Python's headers; None is that of this Python.
    """
    compiler = COMPILERS.get(device)
    if compiler is None:
        return None
    if not compiler.find(environ):
        return Problem(compiler.missing(environ), f"install one: apt install {compiler.package} python3-dev")
    headers = headers or Path(sysconfig.get_path("include"))
    if not (headers / "Python.h").exists():
        return Problem(f"there is no Python.h in {headers}", "install Python's headers: apt install python3-dev")
    return None


def check_compiler(device: str) -> Check:
    """Check whether `--compile` can be used on a device type."""
    if problem := compiler_problem(device):
        return Check("compiler", Level.WARN, f"--compile cannot be used: {problem.text}", problem.remedy)
    found = COMPILERS[device].find(os.environ) if device in COMPILERS else "nothing else is needed"
    return Check("compiler", Level.OK, f"--compile can be used ({found})")
