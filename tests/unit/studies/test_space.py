from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xaitui.errors import UsageError
from xaitui.studies.space import Choices, Range, dimension_text, parse_dimension, parse_vary


@pytest.mark.parametrize(
    ("word", "path", "dimension"),
    [
        ("optimizer.lr=0.001,0.01", "optimizer.lr", Choices((0.001, 0.01))),
        ("lr=1e-4..1e-1:log", "optimizer.lr", Range(1e-4, 1e-1, log=True)),
        ("batch-size=16..64:16", "training.batch_size", Range(16, 64, step=16, whole=True)),
        ("--batch_size=16,16,32", "training.batch_size", Choices((16, 32))),
        ("model.dropout=true,false", "model.dropout", Choices((True, False))),
        ("optimizer=adam,sgd", "optimizer.name", Choices(("adam", "sgd"))),
        ("milestones=0.5,0.75;0.9", "schedule.milestones", Choices((("0.5", "0.75"), ("0.9",)))),
        ("dataset=a..b.npz,digits", "data.dataset", Choices(("a..b.npz", "digits"))),
    ],
)
def test_a_word_says_what_is_varied(word: str, path: str, dimension: Choices | Range) -> None:
    assert parse_vary(word) == (path, dimension)


@pytest.mark.parametrize(
    ("word", "reason"),
    [
        ("optimizer.lr", "--vary takes SETTING=VALUE,VALUE or SETTING=LOW..HIGH, not 'optimizer.lr'"),
        ("optimizer.rate=1", "there is no setting 'optimizer.rate'; did you mean 'optimizer.name'?"),
        ("optimizer.lr=", "optimizer.lr: there is nothing to try; write optimizer.lr=VALUE,VALUE"),
        ("dataset=", "data.dataset: there is nothing to try; write data.dataset=VALUE,VALUE"),
        ("optimizer.lr=fast", "optimizer.lr: 'fast' is not valid; it takes a number above 0 up to 1000"),
        ("optimizer.lr=nan", "optimizer.lr: 'nan' is not valid; it takes a number above 0 up to 1000"),
        ("epochs=1.5,2", "training.epochs: '1.5' is not valid; it takes a whole number from 1 to 100000 (epochs)"),
        ("lr=0.1..0.01", "optimizer.lr: the range '0.1..0.01' is empty; its first number must be below its last"),
        ("momentum=0..0.9:log", "optimizer.momentum: a logarithmic range begins above 0, not at 0"),
        ("epochs=5..10:20", "training.epochs: the step 20 does not fit into 5..10"),
        ("seed=1,2", "training.seed cannot be varied: use --seeds"),
        ("run.name=a,b", "run.name cannot be varied"),
        ("device=cpu,cuda", "run.device cannot be varied"),
    ],
)
def test_a_wrong_word_is_answered_in_one_line(word: str, reason: str) -> None:
    with pytest.raises(UsageError) as error:
        parse_vary(word)
    assert str(error.value).startswith(reason.replace(" (epochs)", ""))


@given(st.lists(st.floats(1e-9, 1e3), min_size=1, max_size=5, unique=True))
def test_choices_are_read_back_from_their_text(values: list[float]) -> None:
    dimension = Choices(tuple(values))
    assert parse_dimension("optimizer.lr", dimension_text("optimizer.lr", dimension)) == dimension


@pytest.mark.parametrize("dimension", [Range(1e-4, 0.5, log=True), Range(0.1, 0.9, step=0.2), Range(0.1, 0.9)])
def test_ranges_are_read_back_from_their_text(dimension: Range) -> None:
    assert parse_dimension("optimizer.lr", dimension_text("optimizer.lr", dimension)) == dimension
