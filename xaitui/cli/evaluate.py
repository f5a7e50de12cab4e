"""`xaitui evaluate`: metrics of a run on a split, their intervals, and its mistakes."""

from __future__ import annotations

import json as json_module
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from numpy.typing import NDArray

from xaitui.catalog.splits import OFFERED, SPLITS
from xaitui.cli.arguments import AcceptChanged, DataDir, Device, MovedTo, RunsDir, RunWord, TrustModel
from xaitui.cli.completion import one_of
from xaitui.cli.output.confusion import put_confusion
from xaitui.cli.output.evaluate import Shown, json_record, text_lines
from xaitui.cli.output.streams import put, say
from xaitui.data.dataset import Split
from xaitui.data.locate import user_path
from xaitui.data.medmnist import own_source
from xaitui.data.source import Residency, Source
from xaitui.errors import DataError, UsageError, nearest
from xaitui.evaluation.evaluation import SEVERAL_LABELS, Evaluation
from xaitui.evaluation.mistakes import Sample
from xaitui.evaluation.mistakes_export import contact_sheet, labels_csv, samples_csv
from xaitui.runs.dataset import move_data, open_data
from xaitui.runs.directory import RunDirectory
from xaitui.runs.find import find_run
from xaitui.runs.folder import runs_folder
from xaitui.runs.listing.settings import read_settings
from xaitui.runs.other_data import open_other
from xaitui.runs.preprocessing import read_preprocessing
from xaitui.runs.state import State, summarise
from xaitui.system.atomic_files import write_atomic
from xaitui.text import printable

LISTED = 5
"""Mistakes that are listed where their number is not given."""
MOST_ON_SHEET = 600
"""Images of a contact sheet."""
How = tuple[str, str, bool, bool]
"""Device, folder of the data, whether the run's model is trusted, whether changed data are accepted."""
WHOLE = 1 << 62
"""Bytes: other data are read into memory."""


def command(
    run: RunWord = "last",
    split: Annotated[
        str,
        typer.Option(
            "--split",
            help="test, val or train; test.",
            show_default=False,
            autocompletion=one_of(OFFERED),
        ),
    ] = "",
    data: Annotated[
        Path | None,
        typer.Option(
            "--data", metavar="OTHER", help="Other data: an .npz or a folder of images by class.", show_default=False
        ),
    ] = None,
    mistakes: Annotated[
        int | None,
        typer.Option(
            "--mistakes", metavar="N", help="List so many mistakes, the worst first.", min=0, show_default=False
        ),
    ] = None,
    suspicious: Annotated[
        int, typer.Option("--suspicious", metavar="N", help="List so many images whose label may be wrong.", min=0)
    ] = 0,
    pair: Annotated[
        str, typer.Option("--pair", metavar="TRUE:PREDICTED", help="Only images of one class taken for another.")
    ] = "",
    csv: Annotated[
        Path | None, typer.Option("--csv", metavar="FILE", help="Write a line an image.", show_default=False)
    ] = None,
    sheet: Annotated[
        Path | None, typer.Option("--sheet", metavar="FILE.png", help="Write the mistakes' images.", show_default=False)
    ] = None,
    weights_check: Annotated[
        bool, typer.Option("--weights-check", help="Predict again, and compare with what is stored.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
    device: Device = "auto",
    data_dir: DataDir = "",
    trust_model: TrustModel = False,
    moved_to: MovedTo = "",
    accept_changed: AcceptChanged = False,
    runs_dir: RunsDir = None,
) -> int:
    """Evaluate a run: scores with intervals, classes, confusion, calibration, mistakes."""
    if split and split not in SPLITS:
        raise UsageError(f"there is no split {split!r}{nearest(split, SPLITS)}")
    if weights_check and data is not None:
        raise UsageError("--weights-check is for the splits of the run's own set; leave out --data")
    found = find_run(run, runs_folder(runs_dir))
    if moved_to:
        move_data(found, moved_to, accept_changed=accept_changed)
    how = (device, data_dir, trust_model, accept_changed)
    evaluation = _evaluation(found, split, data, how)
    asked = mistakes is not None or bool(pair) or sheet is not None or suspicious > 0
    if evaluation.has_several_labels and asked:
        raise UsageError(f"--mistakes, --suspicious, --pair and --sheet are not for this run: {SEVERAL_LABELS}")
    chosen = parse_pair(pair, evaluation.classes) if pair else None
    shown = Shown.of(found, evaluation, LISTED if mistakes is None else mistakes, suspicious, chosen)
    if json:
        put(json_module.dumps(json_record(shown), allow_nan=False))
    else:
        for part in text_lines(shown):
            put(part) if isinstance(part, str) else put_confusion(evaluation)
    if csv is not None:
        _write_csv(csv, shown, only_mistakes=asked)
    if sheet is not None:
        samples = evaluation.rank("mistakes", pair=chosen, limit=mistakes or MOST_ON_SHEET)
        _write(sheet, contact_sheet(_images(found, evaluation, data, how, samples), samples, evaluation.classes))
    if weights_check:
        _check_weights(evaluation, found, how)
    return 0


def _evaluation(run: RunDirectory, split: str, data: Path | None, how: How) -> Evaluation:
    """Read what is stored; torch is loaded only where something is to be predicted."""
    wanted = split or "test"
    is_over = summarise(run).state is State.FINISHED
    if data is None and is_over and (run.predictions / f"{wanted}.npz").exists():
        return Evaluation.read(run, wanted)
    from xaitui.jobs.predict.splits import HowToPredict, evaluate_other, evaluate_split

    if data is not None:
        return evaluate_other(run, data, split, say, HowToPredict(*how))
    return evaluate_split(run, wanted, say, HowToPredict(*how))


def parse_pair(words: str, classes: Sequence[str]) -> tuple[int, int]:
    """The true and the predicted class of ``TRUE:PREDICTED``, each a name or a number.

    Raises:
        UsageError: it is no pair, or there is no such class.
    """
    for place in [index for index, letter in enumerate(words) if letter == ":"]:  # a name may have a colon itself
        true, told = (_class(word.strip(), classes) for word in (words[:place], words[place + 1 :]))
        if true is not None and told is not None:
            return true, told
    parts = [part.strip() for part in words.split(":")]
    if len(parts) < 2:
        raise UsageError(f"--pair {printable(words)}: name a true and a predicted class, as {_example(classes)}")
    unknown = next((part for part in parts if _class(part, classes) is None), words)
    names = [printable(name) for name in classes]
    raise UsageError(f"--pair: there is no class {printable(unknown)!r}{nearest(unknown, names)}")


def _class(word: str, classes: Sequence[str]) -> int | None:
    if word in classes:
        return classes.index(word)
    return int(word) if word.isascii() and word.isdigit() and int(word) < len(classes) else None


def _example(classes: Sequence[str]) -> str:
    return f"--pair '{printable(classes[0])}:{printable(classes[-1])}'"


def _write_csv(path: Path, shown: Shown, *, only_mistakes: bool) -> None:
    evaluation = shown.evaluation
    if evaluation.has_several_labels:
        text = labels_csv(evaluation)
    elif only_mistakes:
        text = samples_csv(evaluation, [*shown.mistakes, *shown.suspicious])
    else:
        text = samples_csv(evaluation, sorted(evaluation.rank("suspicious"), key=lambda each: each.index))
    _write(path, text.encode())


def _write(path: Path, content: bytes) -> None:
    try:
        write_atomic(path, content)
    except OSError as error:
        raise UsageError(f"cannot write {printable(path)}: {error.strerror}; choose another file") from None
    say(f"wrote {printable(path.absolute())}")


def _images(
    run: RunDirectory, evaluation: Evaluation, data: Path | None, how: How, samples: Sequence[Sample]
) -> NDArray[np.uint8]:
    """The images (N, H, W, C) of some samples.

    Raises:
        DataError: the data are not here, or not those that were predicted.
    """
    if data is None:
        split = open_data(run, data_dir=how[1], accept_changed=how[3]).split(evaluation.split)
    else:
        name = json_module.loads((run.predictions / f"{evaluation.split}.json").read_text())["split"]
        part = _other_source(run, user_path(str(data))).parts[name]
        split = Split(name, part.read(), part.labels)
    if not np.array_equal(split.labels, evaluation.predictions.labels):
        raise DataError(f"the {split.name} images are not those that were predicted")
    return split.read(np.array([each.index for each in samples], np.int64))


def _other_source(run: RunDirectory, path: Path) -> Source:
    """The splits of other data, their labels read as those of the run's classes."""
    known = read_preprocessing(run.preprocessing)
    if known is None:
        return own_source(path, Residency(WHOLE))
    skip_damaged = bool(read_settings(run).get("data.skip_damaged"))
    return open_other(path, known, Residency(WHOLE), skip_damaged=skip_damaged)


def _check_weights(evaluation: Evaluation, run: RunDirectory, how: How) -> None:
    from xaitui.jobs.predict.splits import HowToPredict, weights_agree

    difference = weights_agree(evaluation, run, say, HowToPredict(*how))
    put(f"weights check: probabilities of {evaluation.images:,} images within {difference:.1e} of the stored ones")
