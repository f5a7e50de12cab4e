from __future__ import annotations

import json
import re

import pytest

from xaitui.catalog.models import MODELS, OWN_MODEL, PREFIXES, PRETRAINEDMODELS
from xaitui.cli.app import run


def test_every_model_of_the_catalog_is_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["models", "ls"]) == 0
    captured = capsys.readouterr()
    rows = re.split(r"\n(?=\S)", captured.out)  # a description goes on below itself, indented
    assert len(rows) == 1 + len(MODELS) >= 10
    for row, info in zip(rows[1:], MODELS.values(), strict=True):
        assert row.split()[0] == info.name
        assert info.description in " ".join(row.split())
        assert f" {info.min_size} px " in row
    for family in (*PREFIXES, OWN_MODEL):
        assert family in captured.err


def test_the_networks_of_a_library_are_listed_when_asked(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["models", "ls", "--all", "--json"]) == 0
    records = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [record["name"] for record in records] == [*MODELS, *PRETRAINEDMODELS]
    assert records[-1].keys() == {"name", "description", "min_size", "pretrained_size", "options"}


def test_a_model_is_built_and_measured(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["models", "show", "simple-cnn-v1", "--channels", "1"]) == 0
    text = capsys.readouterr().out
    assert "image          28 x 28 px, 1 channel, 10 classes" in text
    assert "parameters     50,186, of which 50,186 are trained" in text
    assert "memory         about " in text
    assert "adam 392.1 KiB, activations of 32 images" in " ".join(text.split())

    assert run(["models", "show", "resnet18", "--size", "28", "--finetune", "linear-probe", "--json"]) == 0
    record = json.loads(capsys.readouterr().out)
    assert record["trainable"] == 512 * 10 + 10
    assert record["size"] == 28
    assert record["memory"]["gradients"] == 4 * record["trainable"]
    assert record["memory"]["total"] == sum(size for part, size in record["memory"].items() if part != "total")
    assert record["notes"][0].startswith("small stem")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["rsnet18"], "xaitui: there is no model 'rsnet18'; did you mean 'resnet18'?\n"),
        (["alexnet", "--size", "28"], "xaitui: alexnet needs images of at least 63 px: add --image-size 64\n"),
        (["resnet18", "--finetune", "haed"], "xaitui: --finetune cannot be 'haed'; did you mean 'head'?\n"),
        (["resnet18", "--classes", "1"], "xaitui: Invalid value for '--classes'"),
    ],
)
def test_what_is_wrong_is_one_line(words: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["models", "show", *words]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith(message)
    assert captured.err.count("\n") == 1


def test_the_list_fits_a_terminal_of_80_columns(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["models", "ls"]) == 0
    captured = capsys.readouterr()
    assert max(map(len, (captured.out + captured.err).splitlines())) < 80
