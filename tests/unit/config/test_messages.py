from __future__ import annotations

import contextlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xaitui.config.command_line import parse_command_line
from xaitui.config.resolve import Layer, resolve
from xaitui.config.schema import FIELDS
from xaitui.config.toml import from_toml
from xaitui.errors import UsageError

FILES = [
    (
        "[training]\nepoch = 3",
        "the configuration: there is no setting 'training.epoch'; did you mean 'training.epochs'?",
    ),
    ("[trainig]\nepochs = 3", "the configuration: there is no table [trainig]; did you mean 'training'?"),
    (
        "epochs = 3",
        "the configuration: there is no table [epochs]; choose one of data, model, optimizer, schedule, "
        "training, augmentation, run",
    ),
    ("data = 3", "the configuration: data is a table of settings; write them below a line [data]"),
    ("schema = 2", "the configuration has schema 2, this xaitui reads 1; update xaitui"),
    (
        "[training]\nepochs = 0",
        "the configuration: training.epochs: 0 is not valid; it takes a whole number from 1 to 100000 ",
    ),
    (
        "[training]\nepochs = true",
        "the configuration: training.epochs: True is not valid; it takes a whole number from 1 to 100000",
    ),
    (
        "[training]\nepochs.more = 1",
        "the configuration: training.epochs: {'more': 1} is not valid; it takes a whole number from 1 to 100000",
    ),
    (
        "[optimizer]\nname = []",
        "the configuration: optimizer: there is no []; choose one of sgd, sgd-nesterov, adam, "
        "adamw, nadam, radam, rmsprop, adagrad, adadelta, adamax, muon",
    ),
    (
        "[schedule]\nname = 'multistep'\nmilestones = [30, 60]",
        "the configuration: schedule.milestones: a milestone is a fraction of the run, above 0 and below 1, not 30",
    ),
]

OPTIONS = [
    ("optimizer.name", "adm", "--optimizer: optimizer: there is no 'adm'; did you mean 'adam'?"),
    ("schedule.name", "cosin", "--schedule: schedule: there is no 'cosin'; did you mean 'cosine'?"),
    ("training.precision", "fp16", "--precision: 'fp16' is not known; did you mean 'float16'?"),
    ("training.monitor", "acuracy", "--monitor: there is no 'acuracy'; did you mean 'accuracy'?"),
    ("optimizer.lr", "0", "--lr: '0' is not valid; it takes a number above 0 up to 1000"),
    ("optimizer.lr", "fast", "--lr: 'fast' is not valid; it takes a number above 0 up to 1000"),
    ("optimizer.lr", "nan", "--lr: 'nan' is not valid; it takes a number above 0 up to 1000"),
    ("training.batch_size", "1e9", "--batch-size: '1e9' is not valid; it takes a whole number from 0 to 65536"),
    ("augmentation.hflip", "perhaps", "--hflip: 'perhaps' is not valid; it takes true or false"),
    ("run.device", "gpu", "--device: 'gpu' is not a device; use auto, cpu, cuda, cuda:0 or mps"),
    ("run.device", "cpu:1", "--device: 'cpu:1' is not a device; use auto, cpu, cuda, cuda:0 or mps"),
    (
        "run.name",
        "../up",
        "--name: '../up' cannot name a folder; use up to 80 letters, digits, '-', '_' and inner dots",
    ),
    ("run.name", "a\x1b[2J", "--name: control characters are not allowed"),
    ("run.note", "two\nlines", "--note: control characters are not allowed"),
    ("run.tags", ("a,b",), "--tag: 'a,b' is not a valid tag; tags have no comma and no space at either end"),
    (
        "data.dataset",
        "a\0b",
        "--dataset: 'a\\x00b' is not valid: it contains a NUL character or bytes that are not UTF-8",
    ),
    (
        "model.weights",
        "\udcff",
        "--weights: '\\udcff' is not valid: it contains a NUL character or bytes that are not UTF-8",
    ),
    ("run.max_time", "soon", "--max-time: write a duration as 7h50m, 90s or a number of seconds"),
    ("run.max_time", "-5", "--max-time: '-5' is not valid; it takes a number of at least 0 (seconds or 7h50m)"),
    (
        "run.watch_samples",
        "many",
        "--watch-samples: 'many' is not a number of images; use auto or a whole number from 0 to 64",
    ),
    (
        "run.watch_samples",
        65,
        "--watch-samples: '65' is not a number of images; use auto or a whole number from 0 to 64",
    ),
    ("run.wait_gpu", "much", "--wait-gpu: write a size as 10GiB, 500MB or a number of bytes"),
]

LINES = [
    ("xaitui train --epoch 3", "there is no option --epoch; did you mean '--epochs'?"),
    ("xaitui train --epochs", "--epochs needs a value: a whole number from 1 to 100000"),
    ("xaitui train --note 'open", "cannot read the line: No closing quotation"),
    ("xaitui train 3", "there is no option 3"),
]


@pytest.mark.parametrize(("text", "message"), FILES)
def test_of_files(text: str, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        from_toml(text)
    assert str(caught.value).startswith(message.rstrip())


@pytest.mark.parametrize(("path", "value", "message"), OPTIONS)
def test_of_options(path: str, value: Any, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        resolve([Layer(FIELDS[path].option, {path: value})])
    assert str(caught.value) == message


@pytest.mark.parametrize(("line", "message"), LINES)
def test_of_pasted_lines(line: str, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_command_line(line)
    assert str(caught.value).startswith(message)


def test_a_misspelt_path() -> None:
    with pytest.raises(UsageError, match=r"--set: there is no setting 'optimiser\.lr'; did you mean 'optimizer\.lr'\?"):
        resolve([Layer("--set", {"optimiser.lr": 1})])


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@given(st.sampled_from(list(FIELDS)), JUNK)
def test_no_value_breaks_it_otherwise(path: str, value: Any) -> None:
    with contextlib.suppress(UsageError):
        resolve([Layer("--x", {path: value})])


@given(st.text())
def test_no_text_breaks_the_file_otherwise(text: str) -> None:
    with contextlib.suppress(UsageError):
        from_toml(text)


@given(st.text())
def test_no_line_breaks_it_otherwise(line: str) -> None:
    with contextlib.suppress(UsageError):
        parse_command_line(line)
