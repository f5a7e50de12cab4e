"""The package as its source says it is: which file imports what, and where."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parent.parent


@dataclass(frozen=True)
class Import:
    """One imported module."""

    module: str
    line: int
    lazy: bool
    """Whether it stands in a function, and so is paid by whoever calls it."""
    typing_only: bool
    """Whether only a type checker sees it."""

    @property
    def top(self) -> str:
        """The package it belongs to."""
        return self.module.partition(".")[0]


@dataclass(frozen=True)
class Module:
    """One file of the package."""

    name: str
    path: Path
    text: str
    tree: ast.Module

    @property
    def room(self) -> str:
        """Its folder, or its own name where it stands beside the folders."""
        return self.name.split(".")[1] if "." in self.name else ""

    @property
    def is_in_a_room(self) -> bool:
        """Whether it stands in a folder of the package, not beside the folders."""
        return len(self.path.relative_to(ROOT / "xaitui").parts) > 1

    def imports(self) -> Iterator[Import]:
        """Everything that it imports, wherever that stands."""
        yield from _imports(self.tree, lazy=False, typing_only=False)


def _imports(node: ast.AST, *, lazy: bool, typing_only: bool) -> Iterator[Import]:
    for child in ast.iter_child_nodes(node):
        match child:
            case ast.Import(names=names):
                yield from (Import(alias.name, child.lineno, lazy, typing_only) for alias in names)
            case ast.ImportFrom(module=module, names=names, level=0):
                yield from (
                    Import(_target(module or "", alias.name), child.lineno, lazy, typing_only) for alias in names
                )
            case ast.ImportFrom():
                raise AssertionError(f"a relative import in line {child.lineno}")
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                yield from _imports(child, lazy=True, typing_only=typing_only)
            case ast.If(test=ast.Name(id="TYPE_CHECKING")):
                yield from _imports(child, lazy=lazy, typing_only=True)
            case _:
                yield from _imports(child, lazy=lazy, typing_only=typing_only)


def _target(module: str, name: str) -> str:
    """`from xaitui.cli import app` imports a module, `from xaitui.errors import DataError` one of its names."""
    inner = f"{module}.{name}"
    return inner if inner in _names() else module


@cache
def _names() -> frozenset[str]:
    return frozenset(_name(path) for path in (ROOT / "xaitui").rglob("*.py"))


def _name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def modules() -> dict[str, Module]:
    """Every file of the package by its dotted name."""
    found = {}
    for path in sorted((ROOT / "xaitui").rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        found[_name(path)] = Module(_name(path), path, text, ast.parse(text))
    return found


@cache
def eager_imports() -> dict[str, frozenset[str]]:
    """For each module, what is loaded with it, its parent packages included; the package's own modules only."""
    graph = {}
    for module in modules().values():
        loaded = {each.module for each in module.imports() if not (each.lazy or each.typing_only)}
        loaded |= {parent for name in (module.name, *loaded) for parent in _parents(name)}
        graph[module.name] = frozenset(loaded & modules().keys()) - {module.name}
    return graph


def _parents(name: str) -> list[str]:
    parts = name.split(".")
    return [".".join(parts[:count]) for count in range(1, len(parts))]


def closure(name: str) -> frozenset[str]:
    """Everything of the package that is loaded with a module."""
    seen: set[str] = set()
    waiting = [name]
    while waiting:
        current = waiting.pop()
        if current not in seen:
            seen.add(current)
            waiting += eager_imports()[current]
    return frozenset(seen)
