from __future__ import annotations

import csv
import math
from pathlib import Path

import pytest

from tests.builders.events import epoch_finished, started, step
from xaitui.catalog.metrics import METRICS
from xaitui.events import EpochFinished
from xaitui.runs.journal.metrics_csv import COLUMNS, append_metrics, write_metrics


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "metrics.csv"


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_a_row_an_epoch_and_a_column_a_metric(path: Path) -> None:
    write_metrics(path, [started(), step(1), epoch_finished(1, accuracy=0.75), step(11), epoch_finished(2)])
    table = rows(path)
    assert [row["epoch"] for row in table] == ["1", "2"]
    assert list(table[0]) == list(COLUMNS)
    assert {f"val_{name}" for name in METRICS} <= set(COLUMNS)
    assert table[0]["val_accuracy"] == "0.75"
    assert table[0]["train_loss"] == "0.25"
    assert table[1]["step"] == "20"


def test_what_is_undefined_is_empty(path: Path) -> None:
    write_metrics(path, [epoch_finished(1, loss=math.inf)])
    assert rows(path)[0]["val_auc"] == ""
    assert rows(path)[0]["val_loss"] == ""


def test_a_row_that_is_added_is_the_row_that_is_written_anew(path: Path) -> None:
    events = [epoch_finished(number, loss=1 / number) for number in range(1, 4)]
    write_metrics(path, events)
    whole = path.read_bytes()
    write_metrics(path, [])
    assert rows(path) == []
    for event in events:
        append_metrics(path, event)
    assert path.read_bytes() == whole


def test_whole_numbers_stay_whole(path: Path) -> None:
    write_metrics(path, [EpochFinished(**{**vars(epoch_finished(1)), "step": 1_234_567_890})])
    assert rows(path)[0]["step"] == "1234567890"
