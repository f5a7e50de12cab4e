"""Whether this machine can compile a model: that takes a compiler and Python's headers.

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
    """A compiler that may be asked for."""

    language: str
    variable: str
    """Of the environment; it decides alone where it is set."""
    names: tuple[str, ...]
    package: str

    def find(self, environ: Mapping[str, str]) -> str:
        """Its path; empty where there is none."""
        names = (environ[self.variable],) if self.variable in environ else self.names
        return next(filter(None, (shutil.which(name, path=environ.get("PATH")) for name in names)), "")

    def missing(self, environ: Mapping[str, str]) -> str:
        """What was looked for in vain."""
        if self.variable in environ:
            return f"there is no program {environ[self.variable]!r}, which {self.variable} names"
        return f"there is no {self.language} compiler ({' or '.join(self.names)}) on the PATH"


COMPILERS: Mapping[str, Compiler] = {
    "cpu": Compiler("C++", "CXX", ("g++",), "g++"),
    "cuda": Compiler("C", "CC", ("gcc", "clang"), "gcc"),
}
"""By the class of the device that is compiled for."""


@dataclass(frozen=True)
class Problem:
    """What is missing, and how to get it."""

    text: str
    remedy: str


def compiler_problem(
    device: str, environ: Mapping[str, str] = os.environ, headers: Path | None = None
) -> Problem | None:
    """Why a model cannot be compiled for a class of devices; None where nothing is missing.

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
    """Whether `--compile` can be used on a class of devices."""
    if problem := compiler_problem(device):
        return Check("compiler", Level.WARN, f"--compile cannot be used: {problem.text}", problem.remedy)
    found = COMPILERS[device].find(os.environ) if device in COMPILERS else "nothing else is needed"
    return Check("compiler", Level.OK, f"--compile can be used ({found})")
