"""`xaitui predict`: predicted classes of image files."""

from __future__ import annotations

import glob
import json as json_module
import os
import textwrap
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from xaitui.catalog.records import Task
from xaitui.cli.arguments import DataDir, Device, RunsDir, RunWord, TrustModel
from xaitui.cli.output.streams import put, say
from xaitui.errors import ExitCode, UsageError
from xaitui.runs.find import find_run
from xaitui.runs.folder import runs_folder
from xaitui.runs.journal.describe import WIDTH
from xaitui.runs.preprocessing import Preprocessing
from xaitui.text import last_part, printable

if TYPE_CHECKING:
    from xaitui.jobs.predict.images import Prediction
    from xaitui.jobs.predict.trained_model import TrainedModel


def command(
    run: RunWord,
    images: Annotated[
        list[str],
        typer.Argument(metavar="IMAGE...", help="Image files, or folders of them: PNG, JPEG, BMP, GIF, TIFF, WebP ..."),
    ],
    top: Annotated[int, typer.Option("--top", help="The most probable classes to show.", min=1)] = 3,
    explain: Annotated[bool, typer.Option("--explain", help="Grad-CAM of the best class, a PNG in the run.")] = False,
    invert: Annotated[bool, typer.Option("--invert", help="Exchange light and dark first.")] = False,
    json: Annotated[bool, typer.Option("--json", help="One JSON object an image.")] = False,
    device: Device = "auto",
    data_dir: DataDir = "",
    trust_model: TrustModel = False,
    runs_dir: RunsDir = None,
) -> int:
    """Predict the classes of image files; if one cannot be read, the others are predicted, and the exit code is 3."""
    found = find_run(run, runs_folder(runs_dir))
    paths = list(files_meant(images))
    from xaitui.jobs.predict.images import Unreadable, predict_pictures, training_border
    from xaitui.jobs.predict.trained_model import load_trained

    model = load_trained(found, device=device, data_dir=data_dir, trust_model=trust_model)
    for line in _about(model, invert=invert):
        say(line)
    code = ExitCode.FINISHED
    border = None if invert else training_border(model)
    for each in predict_pictures(model, paths, invert=invert, border=border):
        if isinstance(each, Unreadable):
            code = ExitCode.DATA
            if json:
                put(json_module.dumps({"image": str(each.path), "error": each.reason}))
            say(f"xaitui: {printable(each.reason)}")
            continue
        explained = _explain(each, model) if explain else {}
        if json:
            put(json_module.dumps(_record(each, model, top) | explained))
        else:
            for line in _lines(each, model, top):
                put(line)
            for name, value in explained.items():
                put(f"  {name}: {printable(value)}")
        if each.looks_inverted:
            say(
                _wrapped(
                    "note   ",
                    f"{printable(each.path)} looks inverted: light where the training images are dark, "
                    "or the other way round; --invert exchanges them",
                )
            )
        if model.preprocessing.grey_range and not each.picture.is_deep:
            say(
                _wrapped(
                    "note   ", f"{printable(each.path)} has 8 bits, the training images have 16: it is used as it is"
                )
            )
    return int(code)


def _explain(each: Prediction, model: TrainedModel) -> dict[str, str]:
    """Where the picture of the map is, and the layer it is of; or why there is none.

    Raises:
        UsageError: the model has no layer that gives maps, or the run cannot be written.
    """
    from xaitui.jobs.explain.prediction import explain_prediction

    try:
        path, said = explain_prediction(model, each)
    except OSError as error:
        raise UsageError(f"cannot write to {printable(model.run.explanations)}: {error.strerror}") from None
    return {"problem": f"its map is {said}"} if path is None else {"map": str(path), "layer": said}


def files_meant(words: Sequence[str]) -> Iterator[Path]:
    """The files of some words: of a folder all its images, of a pattern that the shell has left alone what it matches.

    Raises:
        UsageError: a folder has no image, or a pattern matches nothing.
    """
    from xaitui.data.folder_listing import images_below

    for word in words:
        path = Path(word).expanduser()
        if os.path.isdir(path):  # noqa: PTH112 -- one that may not be entered is none, and is told as a file
            found = images_below(path)
            if not found:
                raise UsageError(f"there is no image in {printable(path)}")
            yield from found
        elif os.path.exists(path) or not glob.has_magic(word):  # noqa: PTH110
            yield path
        else:
            matching = sorted(Path(each) for each in glob.glob(_pattern(path)))  # noqa: PTH207 -- may begin at the root
            if not matching:
                raise UsageError(f"no file matches {printable(word)}")
            yield from matching


def _pattern(path: Path) -> str:
    """A pattern whose first folders are taken literally, as far as they exist."""
    literal = Path()
    for index, part in enumerate(path.parts):
        if not os.path.exists(literal / part):  # noqa: PTH110
            return str(Path(glob.escape(str(literal)), *path.parts[index:]))
        literal /= part
    return glob.escape(str(path))


def _about(model: TrainedModel, *, invert: bool) -> Iterator[str]:
    """Which model this is, and what it is given."""
    config = model.config
    name, dataset = last_part(config.model.name), last_part(config.data.dataset)
    yield _wrapped("model  ", printable(f"{name} on {dataset}, {model.weights}"))
    yield _wrapped("input  ", _preparation(model.preprocessing, invert=invert))
    if model.preprocessing.task is Task.MULTI_LABEL:
        yield _wrapped("note   ", "an image may have several labels: each has a probability of its own")


def _preparation(needed: Preprocessing, *, invert: bool) -> str:
    """What happens to a picture, in words."""
    from xaitui.data.picture import decoding_rules

    kind, inverted = "grey" if needed.channels == 1 else "RGB", ", light and dark exchanged" if invert else ""
    resized = f", then to {needed.image_size} px" if needed.image_size != needed.source_size else ""
    mean, std = (", ".join(f"{value:.3g}" for value in values) for values in (needed.mean, needed.std))
    return (
        f"{decoding_rules(needed.grey_range)}, made {kind}, scaled to {needed.source_size} px{inverted}{resized}, "
        f"brought to 0 to 1, minus {mean}, divided by {std}"
    )


def _wrapped(head: str, text: str) -> str:
    return textwrap.fill(head + text, WIDTH, subsequent_indent=" " * len(head), break_long_words=False)


def _ranked(each: Prediction, model: TrainedModel, top: int) -> list[tuple[int, str, float]]:
    """Index, name and probability of the most probable classes."""
    order = (-each.probabilities).argsort(kind="stable")[:top]
    return [(int(k), model.preprocessing.classes[k], float(each.probabilities[k])) for k in order]


def _lines(each: Prediction, model: TrainedModel, top: int) -> Iterator[str]:
    side, kind = each.picture.short_side, "grey" if each.picture.is_grey else "colour"
    whole = each.picture.width == each.picture.height
    yield (
        f"{printable(each.path)}  {kind} {each.picture.width}x{each.picture.height}"
        f"{'' if whole else f', its middle {side}x{side}'}"
    )
    for _, name, probability in _ranked(each, model, top):
        yield f"  {100 * probability:6.2f} %  {printable(name)}"


def _record(each: Prediction, model: TrainedModel, top: int) -> dict[str, Any]:
    ranked = [{"index": k, "class": name, "probability": value} for k, name, value in _ranked(each, model, top)]
    return {
        "image": str(each.path),
        "width": each.picture.width,
        "height": each.picture.height,
        "top": ranked,
        "looks_inverted": each.looks_inverted,
    }
