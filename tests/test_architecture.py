"""The directions of imports, and the sizes of things, as tests.

Rooms are the folders of the package; the files beside them are its words. A room may import what stands in its row of
ROOMS, and nothing else. Only a few rooms know torch, and no command that merely lists or shows something loads them.
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping, Set
from pathlib import Path

import pytest

from tests.run_commands import environment
from tests.source_tree import ROOT, Import, Module, closure, modules

ROOMS = (
    "cli",
    "tui",
    "report",
    "studies",
    "jobs",
    "evaluation",
    "plotting",
    "runs",
    "explain",
    "training",
    "models",
    "data",
    "hardware",
    "metrics",
    "system",
    "config",
    "catalog",
)
"""Every folder of the package, from the top floor down. A room imports the rooms below it, and never one above.

The files that stand beside the folders are the lowest floor.
"""
DOORS = frozenset({"xaitui", "xaitui.__main__", "xaitui.api"})
"""The front doors, above every floor: the program, and `xaitui.load` for a notebook."""

TORCH_ROOMS = ("xaitui.models.", "xaitui.training.", "xaitui.jobs.", "xaitui.explain.", "xaitui.data.device.")
TORCH_DOORS = frozenset({"xaitui.api", "xaitui.cli.run_headless", "xaitui.studies.worker"})
"""Modules outside those rooms that load torch with them; they are only imported inside functions."""

TORCH = frozenset({"torch", "torchvision", "pretrainedmodels", "timm"})
SCREENS: dict[str, tuple[str, ...]] = {
    "rich": ("xaitui.cli.", "xaitui.tui."),
    "typer": ("xaitui.cli.",),
    "textual": ("xaitui.tui.",),
    "plotext": ("xaitui.plotting.",),
}
"""What draws or prints, and where it may be."""
HEAVY = frozenset({"pandas", "matplotlib", "scipy", "skimage", "sklearn", "captum", "optuna", "jinja2"})
UNUSED = frozenset({"click", "medmnist"})
"""typer carries a click of its own; importing medmnist makes a folder in the home."""

BROAD_HANDLERS = {"xaitui.cli.app": 1, "xaitui.jobs.train.execution": 1}
"""Where a run's failure becomes an event, and where an error becomes an exit code."""

MAX_FILE, MAX_FUNCTION, MAX_CLASS = 400, 50, 250
"""In lines. Methods are not counted: a limit on them makes chains of base classes."""

FUNCTION = ast.FunctionDef | ast.AsyncFunctionDef


def test_the_package_is_seen() -> None:
    assert {module.room for module in modules().values() if module.is_in_a_room} == set(ROOMS)
    assert len(modules()) > 100


def test_nothing_is_imported_from_a_higher_floor() -> None:
    wrong = [
        f"{module.path}:{each.line}: {module.room} may not import {each.module}"
        for module in modules().values()
        for each in module.imports()
        if each.top == "xaitui" and floor(each.module) < floor(module.name)
    ]
    assert not wrong, "\n".join(wrong)


def floor(name: str) -> int:
    """The floor of a module, counted from the top: the doors, then the rooms, then the files beside them."""
    if name in DOORS:
        return -1
    room = name.split(".")[1]
    return ROOMS.index(room) if room in ROOMS else len(ROOMS)


def test_the_picture_in_the_readme_shows_these_floors() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    picture = text.partition("## How it is built")[2].split("```")[1]
    assert tuple(line.split()[0] for line in picture.strip().splitlines()) == ROOMS


@pytest.mark.parametrize("document", ["CONTRIBUTING.md", "docs/architecture.md"])
def test_the_documents_name_files_and_tables_that_exist(document: str) -> None:
    words = re.findall(r"`([^`\n]+)`", (ROOT / document).read_text(encoding="utf-8"))
    paths = [word for word in words if re.fullmatch(r"[\w./]+/[\w./]*|[\w/]+\.py", word) and word != ".ci/run"]
    named = [path for path in paths if not {"NAME", "ROOM"} & {*re.findall("[A-Z]+", path)}]
    beside = {path.name for path in (ROOT / "xaitui").rglob("*.py")}  # a second file of a folder that was just named
    known = [path for path in named if path in beside or (ROOT / path).exists() or (ROOT / "xaitui" / path).exists()]
    assert named == known
    assert len(named) > 10


def test_a_room_imports_only_libraries_that_suit_it() -> None:
    wrong = [
        f"{module.path}:{each.line}: {each.module}"
        for module in modules().values()
        for each in module.imports()
        if not _suits(module, each)
    ]
    assert not wrong, "\n".join(wrong)


def _suits(module: Module, each: Import) -> bool:
    if each.top in SCREENS:
        return module.name.startswith(SCREENS[each.top])
    if each.top in TORCH:
        return module.name.startswith(TORCH_ROOMS)
    if each.top in HEAVY:
        return each.lazy or each.typing_only or module.name.startswith(TORCH_ROOMS)
    return each.top not in UNUSED


def test_torch_is_loaded_only_with_the_rooms_that_know_it() -> None:
    loaders = {
        module.name
        for module in modules().values()
        if any(each.top in TORCH and not (each.lazy or each.typing_only) for each in module.imports())
    }
    assert loaders
    with_torch = {name for name in modules() if closure(name) & loaders}
    assert {name for name in with_torch if not name.startswith(TORCH_ROOMS)} == TORCH_DOORS


def test_the_doors_to_torch_are_opened_inside_functions_only() -> None:
    opened = [each for module in modules().values() for each in module.imports() if each.module in TORCH_DOORS]
    assert {each.module for each in opened} == TORCH_DOORS
    assert all(each.lazy or each.typing_only for each in opened)


def test_no_module_imports_itself_in_a_circle() -> None:
    graph = {
        module.name: {each.module for each in module.imports()} & modules().keys() for module in modules().values()
    }
    assert [name for name in graph if name in reachable(name, graph)] == [], "type hints and lazy imports count"


def reachable(name: str, graph: Mapping[str, Set[str]]) -> frozenset[str]:
    """The modules that a module imports, directly or through others."""
    seen: set[str] = set()
    waiting = [*graph[name]]
    while waiting:
        current = waiting.pop()
        if current not in seen:
            seen.add(current)
            waiting += graph[current]
    return frozenset(seen)


def test_an_init_imports_nothing() -> None:
    inits = [module for module in modules().values() if module.path.name == "__init__.py"]
    assert len(inits) >= len(ROOMS)
    assert [module.name for module in inits if [each for each in module.imports() if not _is_free(module, each)]] == []


def _is_free(module: Module, each: Import) -> bool:
    """The package's own door imports what stands behind it once it is asked for."""
    return each.module in ("__future__", "typing") or (module.name == "xaitui" and (each.lazy or each.typing_only))


def test_files_classes_and_functions_stay_small() -> None:
    large = [each for module in modules().values() for each in too_large(module)]
    assert not large, "\n".join(large)


def too_large(module: Module) -> Iterator[str]:
    """What of a module passes a limit; a docstring does not count."""
    if len(module.text.splitlines()) > MAX_FILE:
        yield f"{module.path}"
    for node in ast.walk(module.tree):
        if isinstance(node, FUNCTION) and _lines(node) > MAX_FUNCTION:
            yield f"{module.path}:{node.lineno}: {node.name}"
        if isinstance(node, ast.ClassDef) and _lines(node) > MAX_CLASS:
            yield f"{module.path}:{node.lineno}: {node.name}"


def _lines(node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> int:
    first = node.body[1] if ast.get_docstring(node) and len(node.body) > 1 else node.body[0]
    return (node.end_lineno or 0) - first.lineno + 1


def test_at_most_one_base_class_is_between_a_screen_and_the_console_screen() -> None:
    bases = {
        node.name: [ast.unparse(base).partition("[")[0] for base in node.bases]
        for module in modules().values()
        if module.name.startswith("xaitui.tui.")
        for node in ast.walk(module.tree)
        if isinstance(node, ast.ClassDef)
    }
    above = {name: set(_ancestors(name, bases)) for name in bases}
    own = {name: found & bases.keys() - {"ConsoleScreen"} for name, found in above.items() if "ConsoleScreen" in found}
    assert "ExplainScreen" in own
    assert {name for name, found in own.items() if len(found) > 1} == set()


def _ancestors(name: str, bases: Mapping[str, list[str]]) -> Iterator[str]:
    for base in bases.get(name, ()):
        yield base
        yield from _ancestors(base, bases)


def test_broad_handlers_stand_where_they_are_known() -> None:
    found: dict[str, int] = {}
    for module in modules().values():
        for node in ast.walk(module.tree):
            if isinstance(node, ast.ExceptHandler) and _is_broad(node) and not _raises_again(node):
                found[module.name] = found.get(module.name, 0) + 1
    assert found == BROAD_HANDLERS


def _is_broad(handler: ast.ExceptHandler) -> bool:
    kinds = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return any(
        kind is None or (isinstance(kind, ast.Name) and kind.id in ("Exception", "BaseException")) for kind in kinds
    )


def _raises_again(handler: ast.ExceptHandler) -> bool:
    """A handler that tidies up and lets the error go on hides nothing."""
    last = handler.body[-1]
    return isinstance(last, ast.Raise) and last.exc is None


PROGRAM = """
import sys
from xaitui.cli.app import run
for line in sys.argv[2:]:
    code = run(line.split())
    loaded = {name.partition(".")[0] for name in sys.modules} & set(sys.argv[1].split(","))
    if code or loaded:
        sys.exit(f"{line}: {code}, loaded: {', '.join(sorted(loaded))}")
"""

ANYTHING_HEAVY = TORCH | HEAVY | {"medmnist"}
LIGHT_COMMANDS: dict[frozenset[str], tuple[str, ...]] = {
    ANYTHING_HEAVY | {"pydantic", "pydantic_core", "numpy", "psutil", "rich", "typer"}: ("--version",),
    ANYTHING_HEAVY | {"pydantic", "pydantic_core", "numpy", "psutil", "rich"}: ("--help",),
    ANYTHING_HEAVY: (
        "runs --help",
        "train --help",
        "runs ls",
        "data ls",
        "models ls",
        "config show",
        "config schema",
        "train --dry-run",
        "runs ls --filter digits",
        "compare --help",
        "report --help",
        "explain --help",
        "explain --methods",
        "predict --help",
        "export --help",
        "gpu --once",
        "sweep --help",
        "sweep ls",
        "sweep --vary lr=0.1,0.2 --dry-run",
        "reproduce --help",
        "reproduce figure3 --dataset digits --dry-run",
    ),
}
"""Command lines by what they must not load; those of a row run one after another in one process."""


@pytest.mark.parametrize(("kept_out", "lines"), LIGHT_COMMANDS.items(), ids=("version", "help", "others"))
def test_a_light_command_loads_nothing_heavy(kept_out: frozenset[str], lines: tuple[str, ...], tmp_path: Path) -> None:
    words = [sys.executable, "-c", PROGRAM, ",".join(kept_out), *lines]
    done = subprocess.run(words, cwd=tmp_path, env=environment(), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


FIRST_FRAME = """
import sys
import xaitui.tui.app, xaitui.tui.terminal
loaded = {name.partition(".")[0] for name in sys.modules} & set(sys.argv[1].split(","))
sys.exit(f"loaded: {', '.join(sorted(loaded))}" if loaded else 0)
"""


def test_the_first_frame_waits_for_nothing_heavy(tmp_path: Path) -> None:
    heavy = ANYTHING_HEAVY | {"pydantic", "numpy", "psutil", "plotext", "pynvml", "typer"}
    words = [sys.executable, "-c", FIRST_FRAME, ",".join(heavy)]
    done = subprocess.run(words, cwd=tmp_path, env=environment(), capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
