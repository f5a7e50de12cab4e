from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings

from tests.configs import settings
from xaitui.cli.app import run
from xaitui.cli.config import explain
from xaitui.config.command_line import differences
from xaitui.config.json_schema import json_schema
from xaitui.config.resolve import Layer, build_config, resolve
from xaitui.config.schema import RunConfig
from xaitui.config.toml import from_toml


def test_what_it_shows_is_a_file(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["config", "show", "--preset", "medmnist", "--optimizer", "sgd", "--note", 'a "b" # c']) == 0
    text = capsys.readouterr().out
    config = from_toml(text)
    assert config.model.name == "resnet18"
    assert config.run.note == 'a "b" # c'


def test_it_says_what_differs_from_what_and_who_said_so(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "study.toml"
    file.write_text("[training]\npatience = 3\n")
    monkeypatch.setenv("XAITUI_SEED", "4")
    assert run(["config", "show", "--preset", "report-mnist", "-c", str(file), "--lr", "0.01"]) == 0
    text = capsys.readouterr().out
    assert [line for line in text.splitlines() if line.startswith("#")] == [
        "# what differs from the defaults:",
        '# data.dataset = "mnist"        default "digits", from preset report-mnist',
        '# model.name = "simple-cnn-v1"  default "simple-cnn", from preset report-mnist',
        "# optimizer.lr = 0.01           default 0.001, from --lr",
        "# training.seed = 4             default 0, from the environment",
        f"# training.patience = 3         default 0, from {file}",
    ]


def test_nothing_differs(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["config", "show"]) == 0
    text = capsys.readouterr().out
    assert text.endswith("\n# every setting is at its default\n")
    assert from_toml(text) == RunConfig()


@given(settings())
@hypothesis_settings(deadline=None)
def test_every_difference_has_a_line_and_an_origin(values: dict[str, object]) -> None:
    resolution = resolve([Layer("--x", values)])
    lines = explain(resolution)
    assert len(lines) == 1 + len(differences(build_config(values)))
    assert all(line.isprintable() and line.endswith(", from --x") for line in lines[1:])


def test_the_schema_is_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["config", "schema"]) == 0
    assert json.loads(capsys.readouterr().out) == json_schema()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--lr", "0"], "xaitui: --lr: '0' is not valid; it takes a number above 0 up to 1000\n"),
        (["--preset", "slow"], "xaitui: there is no preset 'slow'; choose one of"),
        (["--config", "absent.toml"], "xaitui: cannot read absent.toml: No such file or directory\n"),
        (["--dataset", "own", "--augment"], "xaitui: no augmentations are known for 'own'; choose them one by one"),
    ],
)
def test_what_is_wrong_is_one_line(words: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["config", "show", *words]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith(message)
    assert captured.err.count("\n") == 1
