"""The end of a run: the best weights are tested once, their predictions kept."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from xaitui.catalog.medmnist import MEDMNIST
from xaitui.config.schema import RunConfig
from xaitui.data.dataset import Dataset, Split
from xaitui.events import Evaluated, Event
from xaitui.runs.directory import RunDirectory
from xaitui.runs.predictions import write_medmnist_result, write_predictions
from xaitui.training.final import judge, load_best
from xaitui.training.trainer import Trainer


@dataclass
class Ending:
    """What the test of the best weights gave."""

    weights: str = ""
    test: Evaluated | None = None


def test_best(
    trainer: Trainer, dataset: Dataset, config: RunConfig, run: RunDirectory, ending: Ending
) -> Iterator[Event]:
    """Predict validation and test with the best weights, keep the predictions, and yield the scores of test."""
    ending.weights = load_best(trainer)
    for split in (dataset.val, dataset.read_test()):
        event = _judge_and_keep(trainer, split, dataset, config, run)
        if split.name == "test":
            ending.test = event
            yield event


def _judge_and_keep(
    trainer: Trainer, split: Split, dataset: Dataset, config: RunConfig, run: RunDirectory
) -> Evaluated:
    verdict = judge(trainer, split)
    predictions = verdict.predictions
    write_predictions(run.predictions / f"{split.name}.npz", predictions.probabilities, predictions.labels)
    if dataset.info in MEDMNIST:
        size = config.data.size or dataset.info.sizes[0]
        write_medmnist_result(
            run.predictions, dataset.info, size, split.name, verdict.event.scores, predictions.probabilities
        )
    return verdict.event
