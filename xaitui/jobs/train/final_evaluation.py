"""The end of a run: its best weights are judged, test last and once, and their predictions kept."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from xaitui.catalog.medmnist import MEDMNIST
from xaitui.catalog.records import DatasetInfo
from xaitui.config.schema import RunConfig
from xaitui.data.dataset import Split
from xaitui.data.duplicates import note_about_test
from xaitui.events import Evaluated, Event, Note
from xaitui.jobs.prepare import Prepared
from xaitui.runs.directory import RunDirectory
from xaitui.runs.predictions import write_medmnist_result, write_predictions
from xaitui.training.best_weights import judge, load_best
from xaitui.training.evaluate import Predictions
from xaitui.training.trainer import Trainer


@dataclass
class Ending:
    """What the test of the best weights gave."""

    weights: str = ""
    test: Evaluated | None = None


def judge_best(
    trainer: Trainer, prepared: Prepared, run: RunDirectory, ending: Ending, splits: Sequence[str]
) -> Iterator[Event]:
    """Predict splits with the best weights and keep the predictions; the scores of test are an event, never silent."""
    ending.weights = load_best(trainer)
    dataset = prepared.dataset
    for name in splits:
        split = dataset.read_test() if name == "test" else dataset.val
        if name == "test" and (note := note_about_test(dataset, split)):
            yield Note(message=note)
        verdict = yield from judge(trainer, split)
        event = verdict.event
        keep_predictions(run, prepared.config, dataset.info, split, verdict.predictions, event.scores, ending.weights)
        if name == "test":
            ending.test = event
            yield event


def keep_predictions(
    run: RunDirectory,
    config: RunConfig,
    info: DatasetInfo,
    split: Split,
    predictions: Predictions,
    scores: Mapping[str, float],
    weights: str,
) -> None:
    """Keep what was said of a split of the run's own set; of MedMNIST's also as its evaluator reads it.

    Raises:
        OSError: the disk is full or cannot be written.
    """
    path = run.predictions / f"{split.name}.npz"
    write_predictions(path, predictions.probabilities, predictions.labels, rows=split.rows, weights=weights)
    if info in MEDMNIST and split.rows is None:  # its evaluator knows whole splits only
        size = config.data.size or info.sizes[0]
        write_medmnist_result(run.predictions, info, size, split.name, scores, predictions.probabilities)
