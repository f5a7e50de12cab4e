"""Predictions of a run on a split: the stored ones, or made by its weights and stored where there are none."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from xaitui.catalog.splits import OFFERED
from xaitui.config.toml import read_resolved
from xaitui.data.dataset import DataFile, Split
from xaitui.data.device.store import open_store
from xaitui.data.locate import user_path
from xaitui.data.manifest import md5_of
from xaitui.data.source import Residency
from xaitui.errors import DataError, UsageError
from xaitui.evaluation.evaluation import Evaluation
from xaitui.jobs.failures import failure_of
from xaitui.jobs.predict.test_split import score_test
from xaitui.jobs.predict.trained_model import TrainedModel, load_trained
from xaitui.jobs.prepare import Say, resident_limit
from xaitui.jobs.train.final_evaluation import keep_predictions
from xaitui.jobs.trusted_code import trusted_source
from xaitui.metrics.scores import score
from xaitui.runs.directory import RunDirectory
from xaitui.runs.lock import owning
from xaitui.runs.other_data import open_other
from xaitui.runs.predictions import read_predictions, write_predictions
from xaitui.runs.state import RunSummary, State, summarise
from xaitui.stop import Stop
from xaitui.system.atomic_files import write_atomic
from xaitui.system.damaged_files import RECORD_DAMAGE
from xaitui.text import printable
from xaitui.training.evaluate import Predictions, predict
from xaitui.training.memory import MEMORY_ERRORS, BatchSizes, free, is_out_of_memory
from xaitui.training.numerics import Numerics
from xaitui.training.resolve import Resolved


@dataclass(frozen=True)
class HowToPredict:
    """What a user may say of how predictions are made."""

    device: str = "auto"
    data_dir: str = ""
    trust_model: bool = False
    accept_changed: bool = False
    """Whether data that differ from the run's are accepted."""

    def load(self, run: RunDirectory, say: Say) -> TrainedModel:
        """Load the best weights, as `load_trained` does; `say` is told of changed data that are accepted."""
        trained = load_trained(
            run,
            device=self.device,
            data_dir=self.data_dir,
            trust_model=self.trust_model,
            accept_changed=self.accept_changed,
        )
        if trained.changed_data:
            say(f"note   {trained.changed_data}")
        return trained


def evaluate_split(run: RunDirectory, split: str, say: Say, how: HowToPredict) -> Evaluation:
    """Evaluate "train", "val" or "test"; what is not stored yet, or of weights that are no longer the best, is made.

    To read test is an event of the run, once it is over.

    Raises:
        UsageError: test is asked for while the run is going on.
        XaituiError: of the kind of what is wrong.
    """
    summary = summarise(run)
    if summary.state is not State.FINISHED or not (run.predictions / f"{split}.npz").exists():
        try:
            _make(summary, split, say, how)
        except (OSError, MemoryError, RuntimeError) as error:
            raise failure_of(error, run.path) from error
    return Evaluation.read(run, split)


def _make(summary: RunSummary, split: str, say: Say, how: HowToPredict) -> None:
    """Store what is missing of a split, and of validation, on which the temperature is fitted."""
    run = summary.run
    is_stored = (run.predictions / f"{split}.npz").exists()
    if is_stored and not (run.best.exists() or run.last.exists()):
        return
    if split == "test" and summary.state.is_live:
        if not is_stored:
            raise UsageError(f"{run.id} is going on: test is read once, in its end; until then: --split val")
        return
    trained = how.load(run, say)
    for name in dict.fromkeys(("val", split)):
        if _is_of(run, name, trained.weights):
            continue
        if name == "test":
            trusted_source(run, trust_model=how.trust_model)
            with owning(run.lock, run.heartbeat):
                score_test(run, Stop(), say, data_dir=how.data_dir, accept_changed=how.accept_changed)
        else:
            _predict_and_keep(trained, name, say)


def _is_of(run: RunDirectory, split: str, weights: str) -> bool:
    """Whether the stored predictions of a split are of these weights; those of a finished run are of its best."""
    try:
        found = read_predictions(run.predictions / f"{split}.npz")
    except DataError:
        return False
    return found.weights == weights


def _predict_and_keep(trained: TrainedModel, name: str, say: Say) -> None:
    split = trained.split(name, say)
    say(f"predicting {len(split):,} {name} images on {trained.device}")
    found = predict_split(trained, split)
    info = trained.dataset(say).info
    values = score(info.task, found.probabilities, found.labels, info.classes).values
    keep_predictions(trained.run, trained.config, info, split, found, values, trained.weights)


def predict_split(trained: TrainedModel, split: Split) -> Predictions:
    """What a trained model says of a split, from the beginning again in smaller batches where memory runs out.

    Raises:
        OutOfMemoryError: not even a single image fits.
    """
    store, numerics = open_store(split, trained.device), Numerics(trained.device)
    task = trained.preprocessing.task
    batch = Resolved.from_table(read_resolved(trained.run.config)).eval_batch_size
    sizes = BatchSizes(micro=batch, evaluation=batch)
    while True:
        try:
            found = predict(trained.module, store, trained.prepare, task, numerics, sizes.evaluation, None)
            assert found is not None  # nothing can interrupt it
            return found
        except MEMORY_ERRORS as error:
            if not is_out_of_memory(error):
                raise
        free(trained.device)  # outside of the `except`: the error's traceback holds what did not fit
        sizes.halve_evaluation(len(store))


def evaluate_other(run: RunDirectory, path: Path, split: str, say: Say, how: HowToPredict) -> Evaluation:
    """Evaluate a run on other data; the predictions are kept as ``other-<name>.npz``.

    Args:
        run: the run.
        path: an ``.npz`` in MedMNIST's form, or a folder of images by class.
        split: which of its splits; where it is not given, test, or the next best that the data have.
        say: told what takes long.
        how: how predictions are made.

    Raises:
        DataError: the data cannot be used, or do not fit the model.
        XaituiError: of the kind of what is wrong.
    """
    path = user_path(str(path))
    trained = how.load(run, say)
    residency, skip_damaged = Residency(resident_limit(trained.device)), trained.config.data.skip_damaged
    source = open_other(path, trained.preprocessing, residency, skip_damaged=skip_damaged)
    for note in source.notes:
        say(note)
    name = split or next(each for each in OFFERED if each in source.parts)
    if name not in source.parts:
        raise DataError(f"{printable(path)} has no {name} split; it has {', '.join(source.parts)}")
    part = source.parts[name]
    whole = DataFile(str(path.absolute()), md5_of(source.images)) if source.images else source.files[0]
    settings = {
        "file": whole.path,
        "md5": whole.md5,
        "split": name,
        "images": len(part.labels),
        "weights": trained.weights,
        "weights_sha256": trained.sha256,
    }
    stored = run.predictions / f"other-{path.resolve().name if source.images else path.stem}.npz"
    try:
        if not stored.exists() or _settings(stored.with_suffix(".json")) != settings:
            say(f"predicting {len(part.labels):,} images of {printable(path)} on {trained.device}")
            found = predict_split(trained, Split(name, part.read(), part.labels))
            write_predictions(stored, found.probabilities, found.labels, weights=trained.weights)
            write_atomic(stored.with_suffix(".json"), json.dumps(settings, indent=2) + "\n")
    except (OSError, MemoryError, RuntimeError) as error:
        raise failure_of(error, run.path) from error
    return Evaluation.read(run, stored.stem)


def _settings(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except RECORD_DAMAGE:
        return None


def weights_agree(evaluation: Evaluation, run: RunDirectory, say: Say, how: HowToPredict) -> float:
    """Predict a split of the run again, and return the largest difference of a probability to the stored ones.

    Raises:
        DataError: the images are not those that were predicted.
    """
    trained = how.load(run, say)
    split = trained.split(evaluation.split, say)
    if not np.array_equal(split.labels, evaluation.predictions.labels):
        raise DataError(f"the {evaluation.split} images are not those that were predicted")
    again = predict_split(trained, split).probabilities
    return float(np.abs(again - evaluation.predictions.probabilities).max())
