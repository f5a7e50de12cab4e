from __future__ import annotations

import itertools
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.run_commands import made_set
from xaitui.catalog.attributions import ATTRIBUTIONS
from xaitui.cli.app import run as run_command
from xaitui.data.dataset import Split
from xaitui.jobs.explain.run_explainer import RunExplainer
from xaitui.jobs.explain.store import Wanted
from xaitui.jobs.predict.trained_model import load_trained
from xaitui.runs.directory import RunDirectory
from xaitui.runs.explanations.maps import list_explanations
from xaitui.runs.find import find_run


def explain(runs_dir: Path, *words: str) -> int:
    return run_command(["explain", *words, "--runs-dir", str(runs_dir)])


def train(runs_dir: Path, *words: str) -> RunDirectory:
    assert run_command(["train", "--headless", "--epochs", "1", *words, "--runs-dir", str(runs_dir)]) == 0
    return find_run("last", runs_dir)


@pytest.fixture(scope="module")
def runs_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a real run, of little."""
    folder = tmp_path_factory.mktemp("trained") / "runs"
    train(folder, "--dataset", "digits", "--fraction", "0.3")
    return folder


def answer(runs_dir: Path, capsys: pytest.CaptureFixture[str], *words: str) -> dict[str, Any]:
    capsys.readouterr()
    assert explain(runs_dir, "last", "--json", *words) == 0
    record: dict[str, Any] = json.loads(capsys.readouterr().out)
    return record


def test_the_methods_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command(["explain", "--methods"]) == 0
    text = capsys.readouterr().out
    assert max(map(len, text.splitlines())) < 80
    words = " ".join(text.split())
    for info in ATTRIBUTIONS.values():
        for part in (info.name, info.needs, info.cost, info.limits, info.warning):
            assert part in words


def test_mistakes_by_two_methods_with_their_scores(runs_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert explain(runs_dir, "last", "--samples", "mistakes:3") == 0
    text = capsys.readouterr().out
    assert max(len(line) for line in text.splitlines() if not line.startswith("in ")) < 80
    for words in (
        "Grad-CAM of conv1.2 (8x8)",
        "Integrated gradients, baseline black: 3 of test",
        "floor: edges",
        "means over 100 drawn images",
        "random weights: ",
    ):
        assert words in text
    found = {each.method: each for each in list_explanations(find_run("last", runs_dir))}
    assert found.keys() == {"grad-cam", "integrated-gradients"}
    for each in found.values():
        assert len(each.samples) == 3
        assert all(sample.label != sample.predicted == sample.target for sample in each.samples)
        assert each.samples[0].loss >= each.samples[1].loss
        assert each.settings["trust"]["images"] == 100
        assert {"deletion", "insertion", "infidelity", "sensitivity", "sparseness"} <= each.samples[0].scores.keys()
        assert Image.open(each.picture(0)).size[0] > 2 * 224
    assert all(sample.scores["completeness"] < 0.01 for sample in found["integrated-gradients"].samples)


def test_what_was_found_is_added_to_and_comes_back_the_same(runs_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ("--method", "smoothgrad", "--no-scores")
    first = answer(runs_dir, capsys, *words, "--samples", "idx:3,5")["sets"][0]
    assert [sample["index"] for sample in first["samples"]] == [3, 5]
    run = find_run("last", runs_dir)
    maps = [each.map(0) for each in list_explanations(run) if each.method == "smoothgrad"]
    answer(runs_dir, capsys, *words, "--samples", "idx:5,8,3")
    (grown,) = (each for each in list_explanations(run) if each.method == "smoothgrad")
    assert [sample.index for sample in grown.samples] == [3, 5, 8]
    assert np.array_equal(grown.map(0), maps[0])
    answer(runs_dir, capsys, *words, "--samples", "idx:3", "--seed", "2")
    (fresh,) = (each for each in list_explanations(run) if each.method == "smoothgrad")
    assert [sample.index for sample in fresh.samples] == [3]
    assert not np.array_equal(fresh.map(0), maps[0])


def test_another_class_can_be_explained(runs_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ("--method", "saliency", "--no-scores", "--samples", "idx:1")
    targets = [
        answer(runs_dir, capsys, *words, "--target", target)["sets"][0]["samples"][0]["target"]
        for target in ("7", "true")
    ]
    assert targets[0] == 7
    (found,) = (each for each in list_explanations(find_run("last", runs_dir)) if each.method == "saliency")
    assert {sample.target for sample in found.samples} == set(targets)


def test_all_methods_and_a_layer(runs_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    record = answer(runs_dir, capsys, "--method", "all", "--no-scores", "--samples", "random:2", "--layer", "conv2.2")
    assert [each["method"] for each in record["sets"]] == list(ATTRIBUTIONS)
    assert {each["layer"] for each in record["sets"]} == {"", "conv2.2"}
    cam = next(each for each in record["sets"] if each["method"] == "grad-cam")
    assert cam["settings"]["layer_size"] == "4x4"


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["nosuch"], 2, "nosuch"),
        ([], 2, "name the run to explain, or list the methods"),
        (["last", "--method", "grad-cm"], 2, "there is no method 'grad-cm'; did you mean 'grad-cam'?"),
        (["last", "--samples", "mistake"], 2, "did you mean 'mistakes'?"),
        (["last", "--samples", "idx:99999"], 2, "there is no image '99999'"),
        (["last", "--samples", "class:eleven"], 2, "there is no class 'eleven'"),
        (["last", "--target", "11"], 2, "there is no class '11'"),
        (["last", "--layer", "conv3.22"], 2, "there is no layer 'conv3.22' that gives maps; did you mean 'conv3.2'?"),
        (["last", "--split", "tset"], 2, "there is no split 'tset'; did you mean 'test'?"),
        (["last", "--baseline", "blakc"], 2, "--baseline cannot be 'blakc'; did you mean 'black'?"),
    ],
)
def test_what_is_wrong_is_one_line(
    runs_dir: Path, words: list[str], code: int, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert explain(runs_dir, *words) == code
    captured = capsys.readouterr()
    assert captured.out == ""
    assert message in captured.err
    assert captured.err.count("\n") == 1


def test_a_run_without_a_checkpoint(runs_dir: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bare = tmp_path / "bare"
    bare.mkdir()
    for name in ("config.toml", "events.jsonl", "environment.json"):
        (bare / name).write_bytes((find_run("last", runs_dir).path / name).read_bytes())
    assert explain(runs_dir, str(bare)) == 3
    assert capsys.readouterr().err.startswith("xaitui: bare has no checkpoint")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> RunDirectory:
    """A run of the network with a softmax too many, with a LeakyReLU, on a made set."""
    folder = tmp_path_factory.mktemp("made")
    data = made_set(folder / "made.npz", side=8)
    return train(folder / "runs", "--dataset", str(data), "--model", "simple-cnn-v1-softmax")


def test_a_model_that_a_method_cannot_explain(made: RunDirectory, capsys: pytest.CaptureFixture[str]) -> None:
    assert explain(made.path.parent, "last", "--method", "deeplift", "--samples", "random:2") == 2
    assert "deeplift cannot explain this model: it ends in a softmax" in capsys.readouterr().err
    assert explain(made.path.parent, "last", "--method", "all", "--samples", "random:2", "--no-scores") == 0
    captured = capsys.readouterr()
    assert "left out: guided-grad-cam cannot explain this model" in captured.err
    assert "probabilities where logits are expected" in captured.err
    assert captured.out.count("in     ") == len(ATTRIBUTIONS) - 2


def test_several_labels_need_a_class(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    draw = np.random.default_rng(0)
    arrays = {}
    for split, count in (("train", 32), ("val", 12), ("test", 14)):
        arrays[f"{split}_images"] = draw.integers(0, 255, (count, 8, 8)).astype(np.uint8)
        arrays[f"{split}_labels"] = draw.integers(0, 2, (count, 3)).astype(np.uint8)
    np.savez(tmp_path / "several.npz", **arrays)  # type: ignore[arg-type]
    train(tmp_path / "runs", "--dataset", str(tmp_path / "several.npz"), "--model", "simple-cnn")
    words = ("last", "--samples", "random:2", "--method", "grad-cam")
    assert explain(tmp_path / "runs", *words) == 2
    assert "name the one to explain, --target CLASS: 0, 1, 2" in capsys.readouterr().err
    assert explain(tmp_path / "runs", *words, "--target", "2") == 0
    assert " -       " in capsys.readouterr().out


def test_many_images_are_streamed(made: RunDirectory) -> None:
    """Each batch is on disk, maps and rows, before the next one is computed: nothing is held."""
    explainer = RunExplainer(load_trained(made))
    split = explainer.split("train")
    count, repeated = 10_000, np.arange(10_000) % len(split)
    explainer._splits["train"] = Split("train", split.read(repeated), split.labels[repeated])
    folder = made.explanations / "train-input-x-gradient"
    on_disk: list[tuple[int, int, int]] = []

    def note(done: int, total: int) -> None:
        rows = (folder / "samples.csv").read_bytes().count(b"\n") - 1
        on_disk.append((done, rows, (folder / "maps.npy").stat().st_size // (8 * 8 * 4)))

    found = explainer.explain(
        explainer.resolver.recipe("input-x-gradient"), Wanted("train", range(count), scored=False), note
    )
    assert len(on_disk) > 100
    assert all(done == rows == maps for done, rows, maps in on_disk)
    assert len(found.samples) == count
    assert np.allclose(found.map(9_999), found.map(9_999 % len(split)), atol=1e-6)


def test_progress_is_told_on_stderr_by_passes_through_the_model(
    runs_dir: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("xaitui.cli.output.work_bar.LINE_SECONDS", 0)
    assert (
        explain(runs_dir, "last", "--json", "--samples", "random:2", "--method", "saliency,grad-cam", "--seed", "7")
        == 0
    )
    told = capsys.readouterr()
    assert len(json.loads(told.out)["sets"]) == 2
    shares = [int(share) for share in re.findall(r"^explaining: (\d+)%, about .* left$", told.err, re.M)]
    assert shares == sorted(shares)
    assert shares[0] <= 5
    assert shares[-1] == 100
    assert max(after - before for before, after in itertools.pairwise(shares)) <= 20
