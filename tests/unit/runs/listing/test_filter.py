from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from xaitui.errors import UsageError
from xaitui.events import Scalars
from xaitui.runs.directory import RunDirectory
from xaitui.runs.listing.filter import parse
from xaitui.runs.listing.run_list import RunRow
from xaitui.runs.listing.sort import SORTS, group_rows, sort_rows
from xaitui.runs.state import State


def row(run_id: str, **values: Any) -> RunRow:
    return RunRow(RunDirectory(Path("/runs") / run_id), **({"state": State.FINISHED, "monitor": "accuracy"} | values))


ROWS = (
    row(
        "20260301-pathmnist-xception-a1b2",
        dataset="pathmnist",
        model="xception",
        best=0.99,
        best_epoch=3,
        began=1.0,
        test={"accuracy": 0.9, "macro_f1": 0.8},
        seconds=7200.0,
        epoch=15,
        epochs=15,
        mode="max",
    ),
    row(
        "20260302-digits-own",
        dataset="digits",
        model="timm:resnet18",
        state=State.FAILED,
        tags=("smoke", "two words"),
        why="the loss is not finite",
        began=2.0,
        epoch=2,
        epochs=15,
        seconds=5.0,
        mode="max",
    ),
    row(
        "20260303-lungs-c3d4",
        name="lungs",
        dataset="/data/My Lungs.npz",
        model="simple-cnn",
        state=State.RUNNING,
        monitor="loss",
        mode="min",
        best=0.25,
        best_epoch=1,
        began=3.0,
        epoch=1,
        epochs=5,
        seconds=60.0,
        eta=240.0,
    ),
)
XCEPTION, OWN, LUNGS = ROWS


class Files:
    """What would be read from the files of a run."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def settings(self, run: RunRow) -> Mapping[str, Any]:
        self.asked.append(run.id)
        return {
            OWN.id: {"optimizer.lr": 0.01, "optimizer.name": "sgd", "model.batch_norm": False},
            LUNGS.id: {"optimizer.lr": 0.001, "optimizer.name": "adam", "model.batch_norm": True},
        }.get(run.id, {})

    def scores(self, run: RunRow) -> Scalars:
        self.asked.append(run.id)
        return {"accuracy": 0.9, "auc": 0.5} if run is LUNGS else {"auc": 0.999}


def chosen(text: str) -> list[RunRow]:
    line = parse(text)
    return [each for each in ROWS if line.matches(each, Files())]


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("", ROWS),
        ("   ", ROWS),
        ("XCEP", [XCEPTION]),
        ("lungs", [LUNGS]),
        ("smoke", [OWN]),
        ("failed", [OWN]),
        ("2026 digits", [OWN]),
        ('"two words"', [OWN]),
        ("-digits", [XCEPTION, LUNGS]),
        ("-digits -lungs", [XCEPTION]),
        ("dataset:path", [XCEPTION]),
        ("data:path model:xcep state:fin", [XCEPTION]),
        ("model:timm:res", [OWN]),
        ('dataset:"my lungs"', [LUNGS]),
        ('-dataset:"my lungs"', [XCEPTION, OWN]),
        ("tag:two", [OWN]),
        ("why:finite", [OWN]),
        ("state=failed", [OWN]),
        ("state=fail", []),
        ("id:a1b2", [XCEPTION]),
        ("val_accuracy>0.98", [XCEPTION]),
        ("val_acc>=0.99", [XCEPTION]),
        ("val_acc>0.99", []),
        ("val_acc<0.95", [LUNGS]),
        ("val_auc>0.9", [XCEPTION, OWN]),
        ("val_loss<0.3", [LUNGS]),
        ("-val_loss<0.3", [XCEPTION, OWN]),
        ("test_acc>0.5", [XCEPTION]),
        ("test_f1=0.8", [XCEPTION]),
        ("best>0.9", [XCEPTION]),
        ("epoch<=2", [OWN, LUNGS]),
        ("epoch:15", [XCEPTION]),
        ("seconds>1h", [XCEPTION]),
        ("seconds<=1m", [OWN, LUNGS]),
        ("eta<5m", [LUNGS]),
        ("optimizer.lr<0.005", [LUNGS]),
        ("lr=1e-2", [OWN]),
        ("optimizer.name:sgd", [OWN]),
        ("model.batch_norm=false", [OWN]),
        ("batch_norm:true", [LUNGS]),
        ("batch_size>1", []),
    ],
)
def test_a_line_picks_runs(text: str, rows: list[RunRow]) -> None:
    assert chosen(text) == list(rows)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("stat:failed", "a run has no 'stat'; did you mean 'state'?"),
        ("optimizer.rl<1", "a run has no 'optimizer.rl'; did you mean 'optimizer.lr'?"),
        ("batch_sise=3", "a run has no 'batch_sise'; did you mean 'batch_size'?"),
        ("val_acuracy>1", "a run has no 'val_acuracy'; did you mean 'val_accuracy'?"),
        ("val_c>1", "a run has no 'val_c'"),
        ("val_>1", "a run has no 'val_'"),
        ("lr<small", "lr< takes a number, not 'small'"),
        ("seconds>soon", "seconds> takes a number, not 'soon'"),
        ("dataset>3", "dataset is no number; write dataset:3"),
        ("lr<", "write a value after lr<"),
        ("dataset:", "write a value after dataset:"),
        ('dataset:""', "write a value after dataset:"),
        ("-", "write a word after -"),
        ('"half', "a quote stands alone"),
        ('a"b', "a quote stands alone"),
    ],
)
def test_what_is_not_understood_is_said(text: str, message: str) -> None:
    with pytest.raises(UsageError) as raised:
        parse(f"digits {text}")
    assert str(raised.value).startswith(message)


def test_files_are_only_read_where_the_line_asks_for_what_is_in_them() -> None:
    files = Files()
    line = parse("xception -smoke val_acc>0.5 epoch>1")
    assert [line.matches(each, files) for each in ROWS] == [True, False, False]
    assert files.asked == []


def test_live_runs_come_first_then_the_newest() -> None:
    assert sort_rows(ROWS) == [LUNGS, OWN, XCEPTION]
    assert sort_rows(ROWS, turned=True) == [LUNGS, XCEPTION, OWN]


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("by", SORTS)
def test_every_order_keeps_every_run_and_puts_what_has_no_value_last(by: str, turned: bool) -> None:
    bare = row("0", monitor="", state=State.BROKEN)
    rows = sort_rows([bare, *ROWS], by, turned=turned)
    assert sorted(each.id for each in rows) == sorted(each.id for each in [bare, *ROWS])
    if by not in ("run", "state"):
        assert bare in rows[{"best": 2, "test": 1, "eta": 1}.get(by, 3) :] or by == "device"
    assert len(SORTS) == 11


def test_the_best_stands_first_whichever_way_is_better() -> None:
    rows = [row(str(best), best=best, mode="min") for best in (0.2, 0.1, math.nan, 0.3)]
    assert [each.best for each in sort_rows(rows, "best")][:3] == [0.1, 0.2, 0.3]
    assert [each.best for each in sort_rows(rows, "best", turned=True)][:3] == [0.3, 0.2, 0.1]


def test_an_order_that_is_not_known_is_said() -> None:
    with pytest.raises(UsageError, match="runs cannot be sorted by 'bset'; did you mean 'best'"):
        sort_rows(ROWS, "bset")


def test_groups_keep_the_order_of_their_runs() -> None:
    rows = sort_rows([*ROWS, row("9", dataset="digits", began=9.0)])
    assert [(name, [each.id[:8] for each in group]) for name, group in group_rows(rows, "dataset")] == [
        ("/data/My Lungs.npz", ["20260303"]),
        ("digits", ["9", "20260302"]),
        ("pathmnist", ["20260301"]),
    ]
