"""Models from a user's file: `path/to/file.py:build`, a function (num_classes, in_channels, image_size) -> Module.

Its code runs with all the rights of the user: only a path that the user has named may be given here. It is one file,
so that a run can keep all of it: it imports installed packages only.
"""

from __future__ import annotations

import hashlib
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from torch import nn

from xaitui.catalog.models import split_own_model
from xaitui.errors import UsageError, nearest
from xaitui.models.request import ModelRequest, Net
from xaitui.text import printable

CODE_ERRORS = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    ImportError,
    LookupError,
    NameError,
    OSError,
    RuntimeError,
    SyntaxError,
    SystemExit,
    TypeError,
    ValueError,
)
"""Errors raised by mistakes in a model's code."""


@dataclass(frozen=True)
class OwnSource:
    """Source of an own model."""

    path: Path
    function: str
    code: bytes
    sha256: str


def read_source(name: str, source: Path | None = None) -> OwnSource:
    """Read the file of an own model.

    Args:
        name: ``path/to/file.py:function``.
        source: a copy to read instead, such as the one that a run keeps.

    Raises:
        UsageError: the file cannot be read.
    """
    path, function = split_own_model(name)
    path = source or path
    try:
        code = path.read_bytes()
    except OSError as error:
        raise UsageError(f"cannot read the model file {printable(path)}: {error.strerror}") from None
    return OwnSource(path, function, code, hashlib.sha256(code).hexdigest())


def build_own_model(source: OwnSource, request: ModelRequest) -> Net:
    """Run a user's function.

    Raises:
        UsageError: the file or the function fails, there is no such function, or it returns something else.
    """
    module = _execute(source)
    function = getattr(module, source.function, None)
    if not callable(function):
        functions = [name for name, value in vars(module).items() if callable(value) and not name.startswith("_")]
        hint = nearest(source.function, functions)
        raise UsageError(f"{printable(source.path)} has no function {source.function!r}{hint}")
    with explained(source, f"{source.function}({request.num_classes}, {request.in_channels}, {request.image_size})"):
        model = function(request.num_classes, request.in_channels, request.image_size)
    if not isinstance(model, nn.Module):
        kind = type(model).__name__
        raise UsageError(f"{source.function} of {printable(source.path)} must return a torch.nn.Module, not {kind}")
    return Net(model, first_layer="", classifier=_head(model, request.num_classes))


def _execute(source: OwnSource) -> ModuleType:
    name = f"_xaitui_own_model_{source.sha256[:16]}"
    module = ModuleType(name)
    module.__file__ = str(source.path)
    sys.modules[name] = module  # dataclasses and pickle look a class's module up by name
    with explained(source, "the file"):
        # The hashed source is executed, even if the file changes in between, and no bytecode is written beside it.
        exec(compile(source.code, str(source.path), "exec"), module.__dict__)
    return module


@contextmanager
def explained(source: OwnSource, what: str) -> Iterator[None]:
    """Convert an error of the user's code to one line that names the file and the line of the mistake.

    Raises:
        UsageError: something in the block raised one of `CODE_ERRORS`.
    """
    try:
        yield
    except CODE_ERRORS as error:
        frames = traceback.extract_tb(error.__traceback__)
        lines = [frame.lineno for frame in frames if frame.filename == str(source.path)]
        line = error.lineno if isinstance(error, SyntaxError) else lines[-1] if lines else None
        place = f"{printable(source.path)}:{line}" if line else printable(source.path)
        message = " ".join(str(error).split())
        raise UsageError(f"{place}: {what} failed: {type(error).__name__}: {printable(message)}") from error


def _head(module: nn.Module, num_classes: int) -> tuple[str, ...]:
    """Return the path of the last linear layer if it gives the logits; empty if unknown."""
    layers = [(name, layer) for name, layer in module.named_modules() if isinstance(layer, nn.Linear)]
    return tuple(name for name, layer in layers[-1:] if layer.out_features == num_classes)
