"""A trained model as a file for other programs, with all that belongs to it, read back and compared."""

from __future__ import annotations

import io
import json
import logging
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from xaitui.catalog.records import Task
from xaitui.data.dataset import GreyRange
from xaitui.data.picture import range_text
from xaitui.errors import UsageError, nearest
from xaitui.jobs.export.formats import FORMATS, INPUT, KEY, NEEDED, OUTPUT, require_libraries
from xaitui.jobs.predict.agreement import Agreement, require_agreement
from xaitui.jobs.predict.trained_model import TrainedModel
from xaitui.models.own_model import CODE_ERRORS
from xaitui.system.atomic_files import sync_folder, write_atomic
from xaitui.system.file_lock import exclusive
from xaitui.text import printable
from xaitui.version import __version__

FOLDER = "exports"
"""In the run, where nothing else is asked for; each format has a folder of its own there."""
_PLACE = ".export."
"""Beginning of the name of a folder in which a file is written and tried before it takes its place."""


@dataclass(frozen=True)
class Exported:
    """What was written."""

    file: Path
    beside: Path
    """Preprocessing, class names and origin, as JSON."""
    agreement: Agreement


def check_format(name: str) -> None:
    """Make sure that a model can be exported to a format here.

    Raises:
        UsageError: there is no such format, or a library that it needs is not installed.
    """
    if name not in FORMATS:
        raise UsageError(f"--to cannot be {printable(name)!r}{nearest(name, FORMATS)}")
    require_libraries(name)


def export(model: TrainedModel, name: str, folder: Path | None = None) -> Exported:
    """Write a model, which must be on the processor, to a file of the format `name`, and its preprocessing beside it.

    The file is read back and asked about images whose probabilities are known before it takes its place.

    Args:
        folder: where to; that of the format in the run, if it is not given.

    Raises:
        UsageError: the format is not to be had, the model cannot be written so, or the folder cannot be written.
        XaituiError: what was written gives other probabilities.
    """
    check_format(name)
    format_, folder = FORMATS[name], folder or model.run.path / FOLDER / name
    record = _record(model, name)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with _place_beside(folder) as place:
            path = place / format_.file
            with _said(model, name):
                format_.write(model, path, json.dumps(record))
            agreement = require_agreement(model, format_.read(model, path), f"what was exported to {name}")
            path.replace(folder / format_.file)
        sync_folder(folder)
        record["checked"] = {**asdict(agreement), "said": str(agreement)}
        write_atomic(folder / KEY, json.dumps(record, indent=2) + "\n")
    except OSError as error:
        raise UsageError(f"cannot write to {printable(folder)}: {error.strerror}; choose another --out") from None
    return Exported(folder / format_.file, folder / KEY, agreement)


@contextmanager
def _place_beside(folder: Path) -> Iterator[Path]:
    """A folder in `folder` to write in, one export at a time; what a killed one left there is removed."""
    with exclusive(folder / ".lock"):
        for left in folder.glob(f"{_PLACE}*"):
            shutil.rmtree(left, ignore_errors=True)
        with tempfile.TemporaryDirectory(prefix=_PLACE, dir=folder) as place:
            yield Path(place)


@contextmanager
def _said(model: TrainedModel, name: str) -> Iterator[None]:
    """Turn what an exporter raises for a model that it cannot follow into one line, without torch's pages about it."""
    disabled = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    pages = io.StringIO()
    try:
        with redirect_stdout(pages), redirect_stderr(pages):
            yield
    except OSError:
        raise
    except CODE_ERRORS as error:
        reason = printable(_reason(error))
        advice = "" if name == "safetensors" else "; --to safetensors keeps the weights of any model"
        raise UsageError(f"{model.run.id} cannot be exported to {name}: {reason}{advice}") from error
    finally:
        logging.disable(disabled)


def _reason(error: BaseException) -> str:
    """The first line of what made an exporter fail: its own error is pages of coloured hints about itself."""
    while error.__cause__ is not None:
        error = error.__cause__
    return re.sub(r"\x1b\[[0-9;]*m", "", str(error)).strip().partition("\n")[0].strip() or type(error).__name__


def _record(model: TrainedModel, name: str) -> dict[str, Any]:
    """The preprocessing, and where it all comes from."""
    needed, format_ = model.preprocessing, FORMATS[name]
    side = needed.source_size if name != "safetensors" else needed.image_size
    return {
        **needed.record(),
        "format": name,
        "file": format_.file,
        "use": format_.usage,
        "input": {"name": INPUT, "shape": ["N", needed.channels, side, side]} | _input(name, needed.grey_range),
        "output": {"shape": ["N", len(needed.classes)], "dtype": "float32"} | _output(model, name),
        "model": {**model.config.model.model_dump(mode="json"), "dataset": model.config.data.dataset},
        "run": model.run.id,
        "weights": model.weights,
        "sha256": model.sha256,
        "versions": {"xaitui": __version__}
        | {each: metadata.version(each) for each in ("torch", *NEEDED.get(name, ()))},
    }


def _input(name: str, grey_range: GreyRange | None) -> dict[str, str]:
    deep = f"grey levels {range_text(grey_range)} made 0 to 255" if grey_range else "0 to 255"
    if name == "safetensors":
        return {"dtype": "float32", "meaning": f"{deep}, scaled to [0, 1], resized, minus mean, divided by std"}
    return {"dtype": "uint8", "meaning": f"{deep}; scaling, resizing and normalising are part of the file"}


def _output(model: TrainedModel, name: str) -> dict[str, str]:
    if name != "safetensors":
        return {"name": OUTPUT, "meaning": "probabilities of the classes, in their order"}
    function = "sigmoid" if model.preprocessing.task is Task.MULTI_LABEL else "softmax"
    return {"name": "logits", "meaning": f"{function} gives the probabilities of the classes, in their order"}
