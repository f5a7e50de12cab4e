from __future__ import annotations

from pathlib import Path

import pytest

from xaitui.hardware.checks import Level
from xaitui.hardware.compiler import check_compiler, compiler_problem


@pytest.fixture
def headers(tmp_path: Path) -> Path:
    folder = tmp_path / "include"
    folder.mkdir()
    (folder / "Python.h").touch()
    return folder


def programs(folder: Path, *names: str) -> dict[str, str]:
    """An environment whose PATH has these programs and no other."""
    for name in names:
        (folder / name).touch(mode=0o755)
    return {"PATH": str(folder)}


@pytest.mark.parametrize(("device", "name"), [("cpu", "g++"), ("cuda", "gcc"), ("cuda", "clang")])
def test_a_compiler_and_headers_are_enough(device: str, name: str, tmp_path: Path, headers: Path) -> None:
    assert compiler_problem(device, programs(tmp_path, name), headers) is None


@pytest.mark.parametrize(
    ("device", "text", "package"),
    [("cpu", "no C++ compiler (g++) on the PATH", "g++"), ("cuda", "no C compiler (gcc or clang) on the PATH", "gcc")],
)
def test_a_missing_compiler_is_named_with_its_package(
    device: str, text: str, package: str, tmp_path: Path, headers: Path
) -> None:
    problem = compiler_problem(device, programs(tmp_path, "other"), headers)
    assert problem is not None
    assert problem.text == f"there is {text}"
    assert f"apt install {package} python3-dev" in problem.remedy


def test_the_variable_decides_alone(tmp_path: Path, headers: Path) -> None:
    environ = programs(tmp_path, "g++", "mine")
    assert compiler_problem("cpu", {**environ, "CXX": "mine"}, headers) is None
    problem = compiler_problem("cpu", {**environ, "CXX": "none"}, headers)
    assert problem is not None
    assert problem.text == "there is no program 'none', which CXX names"


def test_missing_headers_are_named_with_their_folder(tmp_path: Path) -> None:
    problem = compiler_problem("cpu", programs(tmp_path, "g++"), tmp_path)
    assert problem is not None
    assert problem.text == f"there is no Python.h in {tmp_path}"
    assert "python3-dev" in problem.remedy


def test_a_device_whose_compiler_comes_with_the_system_needs_nothing() -> None:
    assert compiler_problem("mps", {}) is None


def test_doctor_says_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CC", "no-such-compiler")
    check = check_compiler("cuda")
    assert (check.name, check.level) == ("compiler", Level.WARN)
    assert check.text.startswith("--compile cannot be used: there is no program 'no-such-compiler'")
    assert check.remedy
