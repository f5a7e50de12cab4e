"""`xaitui evaluate` on small real runs, and on what can be wrong with one."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.builders.predictions import predict, right_but
from tests.builders.runs import finished_run, made_run
from tests.cases.inputs import save
from tests.run_commands import made_set
from xaitui.cli.app import run as run_command
from xaitui.events import Evaluated, RunStopped
from xaitui.runs.directory import RunDirectory
from xaitui.runs.find import find_run
from xaitui.runs.journal.journal import JournalWriter, read_journal
from xaitui.runs.predictions import read_predictions, write_predictions


def evaluate(runs_dir: Path, *words: str) -> int:
    return run_command(["evaluate", *words, "--runs-dir", str(runs_dir)])


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a real run, of little."""
    runs_dir = tmp_path_factory.mktemp("trained") / "runs"
    line = ["train", "--headless", "--dataset", "digits", "--epochs", "1", "--fraction", "0.2"]
    assert run_command([*line, "--runs-dir", str(runs_dir)]) == 0
    return runs_dir


@pytest.fixture
def copied(trained: Path, tmp_path: Path) -> RunDirectory:
    """A copy of that run, to be changed."""
    return find_run("last", Path(shutil.copytree(trained, tmp_path / "copied")))


def test_everything_stands_within_80_columns(trained: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert evaluate(trained, "last", "--mistakes", "3", "--suspicious", "2") == 0
    captured = capsys.readouterr()
    lines = captured.out.splitlines()
    assert max(map(len, lines)) < 80
    assert "best by validation" in lines[1]
    for words in (
        "SCORE ",
        "Cohen kappa",
        "CLASS ",
        "macro mean",
        "CONFUSION (rows: true",
        "MOST CONFUSED",
        "CALIBRATION ",
        "at temperature",
        "SELECTIVE ",
        "MISTAKES (3 of ",
        "SUSPICIOUS LABELS",
        "(suspicion only: a high loss may be a wrong label or a hard image)",
    ):
        assert any(words in line for line in lines), words
    assert "\x1b" not in captured.out


def test_as_json_it_says_what_the_journal_says(trained: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = find_run("last", trained)
    assert evaluate(trained, "last", "--json") == 0
    record = json.loads(capsys.readouterr().out)
    (event,) = [each for each in read_journal(run.journal) if isinstance(each, Evaluated) and each.split == "test"]
    assert record["scores"] == pytest.approx(dict(event.scores), abs=1e-5)
    for name, (low, high) in record["intervals"].items():
        assert low <= record["scores"][name] <= high, name
    confusion = np.array(record["confusion"])
    assert confusion.trace() / confusion.sum() == pytest.approx(record["scores"]["accuracy"])
    assert record["wrong"] == confusion.sum() - confusion.trace()
    assert [each["loss"] for each in record["mistakes"]] == sorted(
        (each["loss"] for each in record["mistakes"]), reverse=True
    )


def test_mistakes_of_a_pair_are_written_with_their_images(
    trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert evaluate(trained, "last", "--json") == 0
    pair = json.loads(capsys.readouterr().out)["confused_pairs"][0]
    table, sheet = tmp_path / "m.csv", tmp_path / "m.png"
    words = ["--pair", f"{pair['true']}:{pair['predicted']}", "--mistakes", "4"]
    assert evaluate(trained, "last", *words, "--csv", str(table), "--sheet", str(sheet)) == 0
    rows = list(csv.DictReader(table.open()))
    assert 0 < len(rows) == min(4, pair["count"])
    assert {(row["true"], row["predicted"]) for row in rows} == {(str(pair["true"]), str(pair["predicted"]))}
    assert all(float(row["p_predicted"]) >= float(row["p_true"]) for row in rows)
    assert Image.open(sheet).width > 100
    assert evaluate(trained, "last", "--csv", str(table)) == 0
    assert len(list(csv.DictReader(table.open()))) == len(
        read_predictions(find_run("last", trained).predictions / "test.npz").labels
    )


def test_the_sheet_shows_the_images_that_were_predicted(copied: RunDirectory, tmp_path: Path) -> None:
    path = copied.predictions / "test.npz"
    stored = read_predictions(path)
    write_predictions(path, stored.probabilities[::-1], stored.labels[::-1])
    assert evaluate(copied.path.parent, copied.id, "--sheet", str(tmp_path / "s.png")) == 3
    assert not (tmp_path / "s.png").exists()


def test_what_is_missing_is_predicted_as_the_run_predicted_it(
    copied: RunDirectory, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = copied.path.parent
    before = {split: read_predictions(copied.predictions / f"{split}.npz") for split in ("val", "test")}
    shutil.rmtree(copied.predictions)
    tests_before = len([each for each in read_journal(copied.journal) if isinstance(each, Evaluated)])
    assert evaluate(folder, copied.id) == 0
    for split, stored in before.items():
        again = read_predictions(copied.predictions / f"{split}.npz")
        assert again.probabilities == pytest.approx(stored.probabilities, abs=1e-5)
        assert again.weights == stored.weights
    tests = [each for each in read_journal(copied.journal) if isinstance(each, Evaluated)]
    assert len(tests) == tests_before + 1, "to read test is an event"
    assert tests[-1].split == "test"
    assert evaluate(folder, copied.id, "--split", "train") == 0
    rows = read_predictions(copied.predictions / "train.npz").rows
    assert rows is not None
    assert rows.max() > len(rows), "rows are those of the published split, of which a part is used"
    assert evaluate(folder, copied.id, "--split", "val", "--weights-check") == 0
    assert "weights check: probabilities of" in capsys.readouterr().out


def test_a_run_that_was_stopped_is_tested_once(copied: RunDirectory) -> None:
    lines = copied.journal.read_bytes().splitlines(keepends=True)
    copied.journal.write_bytes(b"".join(line for line in lines if b"RunFinished" not in line))
    journal = JournalWriter(copied.journal)
    journal.append(
        RunStopped(
            epoch=1, step=1, reason="asked", exit_code=130, saved=True, weights="", test={}, undefined={}, seconds=1.0
        )
    )
    journal.close()
    (copied.predictions / "test.npz").unlink()
    for _ in range(2):
        assert evaluate(copied.path.parent, copied.id) == 0
    tests = [each for each in read_journal(copied.journal) if isinstance(each, Evaluated) and each.split == "test"]
    assert len(tests) == 2, "once by the run, once more when it was asked for"


def test_other_images_in_folders_by_class(
    copied: RunDirectory, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, count in (("7", 3), ("3", 2)):
        for number in range(count):
            save(tmp_path / "flat.v2" / name / f"{number}.png", np.full((9, 9, 3), 40 * number, np.uint8))
    folder, runs_dir = tmp_path / "flat.v2", copied.path.parent
    sheet = tmp_path / "sheet.png"
    assert evaluate(runs_dir, "last", "--data", str(folder), "--sheet", str(sheet)) == 0
    assert sheet.exists()
    found = read_predictions(copied.predictions / "other-flat.v2.npz")
    assert found.labels.tolist() == [3, 3, 7, 7, 7]
    capsys.readouterr()
    save(folder / "3" / "5.png", np.zeros((20, 9), np.uint8))
    assert evaluate(runs_dir, "last", "--data", str(folder), "--json") == 0
    assert json.loads(capsys.readouterr().out)["images"] == 6, "what has changed is predicted again"
    folder.rename(tmp_path / "moved")
    (tmp_path / "site").mkdir()
    (tmp_path / "moved").rename(tmp_path / "site" / "Val")
    assert evaluate(runs_dir, "last", "--data", str(tmp_path / "site"), "--split", "val", "--json") == 0
    assert json.loads(capsys.readouterr().out)["images"] == 6
    for make, words in (
        (
            lambda: save(tmp_path / "site/Val/cat/0.png", np.zeros((9, 9), np.uint8)),
            "does not know: cat; it knows 0, 1",
        ),
        (lambda: shutil.rmtree(tmp_path / "site/Val/cat"), ""),
        (lambda: (tmp_path / "site/Val/3/0.png").write_text("none"), "1 of 6 images in"),
        (lambda: shutil.rmtree(tmp_path / "site/Val"), "holds no picture"),
    ):
        make()
        assert evaluate(runs_dir, "last", "--data", str(tmp_path / "site")) == (3 if words else 0)
        error = capsys.readouterr().err
        assert words in error
        assert "--skip-damaged" not in error


def test_other_data(tmp_path: Path, runs_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    own = made_set(tmp_path / "own.npz")
    line = ["train", "--headless", "--dataset", str(own), "--epochs", "1", "--batch-size", "8"]
    assert run_command([*line, "--runs-dir", str(runs_dir)]) == 0
    other = made_set(tmp_path / "other site.npz", seed=5)
    capsys.readouterr()
    sheet = tmp_path / "o.png"
    for _ in range(2):
        assert evaluate(runs_dir, "last", "--data", str(other), "--json") == 0
    captured = capsys.readouterr()
    record = json.loads(captured.out.splitlines()[0])
    assert (record["images"], record["split"]) == (14, "other-other site")
    assert captured.err.count("predicting") == 1, "they are stored"
    assert evaluate(runs_dir, "last", "--data", str(other), "--split", "val", "--sheet", str(sheet)) == 0
    assert sheet.exists()
    settings = json.loads((find_run("last", runs_dir).predictions / "other-other site.json").read_text())
    assert (settings["split"], settings["images"]) == ("val", 12)
    for changes, words in (
        ({"classes": 3}, "label"),
        ({"channels": 3}, "has images of 3 channels; the model takes 1"),
    ):
        capsys.readouterr()
        assert evaluate(runs_dir, "last", "--data", str(made_set(tmp_path / "bad.npz", **changes))) == 3
        assert words in capsys.readouterr().err
    with np.load(other) as arrays:
        healthy = arrays["test_labels"].ravel() == 0
        np.savez(
            tmp_path / "part.npz",
            test_images=arrays["test_images"][healthy],
            test_labels=arrays["test_labels"][healthy],
        )
    capsys.readouterr()
    assert evaluate(runs_dir, "last", "--data", str(tmp_path / "part.npz"), "--json") == 0, "a class may be missing"
    assert json.loads(capsys.readouterr().out)["images"] == healthy.sum()
    np.savez(tmp_path / "nothing.npz", images=np.zeros((2, 8, 8), np.uint8))
    assert evaluate(runs_dir, "last", "--data", str(tmp_path / "nothing.npz")) == 3
    assert evaluate(runs_dir, "last", "--data", str(tmp_path / "none.npz")) == 3
    assert evaluate(runs_dir, "last", "--data", str(tmp_path)) == 3


def several(runs_dir: Path) -> RunDirectory:
    run = finished_run(runs_dir, "chest", settings={"data.dataset": "chestmnist"})
    draw = np.random.default_rng(0)
    labels = draw.integers(0, 2, (60, 14))
    probabilities = (labels * 0.3 + draw.random((60, 14)) * 0.7).astype(np.float32)
    probabilities[:, 3] = 0.1
    for split in ("val", "test"):
        write_predictions(run.predictions / f"{split}.npz", probabilities, labels)
    return run


def test_a_set_of_several_labels(runs_dir: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    several(runs_dir)
    assert evaluate(runs_dir, "chest", "--csv", str(tmp_path / "all.csv")) == 0
    text = capsys.readouterr().out
    assert max(map(len, text.splitlines())) < 80
    assert "! label nodule (" not in text
    assert "! label infiltration (" in text
    assert "no confusion matrix and no mistakes: an image of this set may have several labels" in " ".join(text.split())
    assert len((tmp_path / "all.csv").read_text().splitlines()) == 61
    assert evaluate(runs_dir, "chest", "--json") == 0
    record = json.loads(capsys.readouterr().out)
    assert record["kappa"]["value"] is None
    assert record["undefined"]["kappa"] == "an image may have several labels"
    for words in (["--mistakes", "3"], ["--pair", "0:1"], ["--sheet", "s.png"], ["--suspicious", "2"]):
        assert evaluate(runs_dir, "chest", *words) == 2
        captured = capsys.readouterr()
        assert (captured.out, captured.err.count("\n")) == ("", 1)


def test_a_rare_class_that_is_never_found_is_called_out(runs_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = finished_run(runs_dir, "one", settings={"data.dataset": "digits"})
    predict(run, [index % 10 != 4 for index in range(200)], split="test")
    assert evaluate(runs_dir, "one") == 0
    text = capsys.readouterr().out
    assert "! class 4 (20 images) is never recognised" in text
    assert "no temperature: there are no val predictions to fit it on" in text


def test_what_is_wrong_is_one_line(runs_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = finished_run(runs_dir, "one", settings={"data.dataset": "breastmnist"})
    made_run(runs_dir, "begun")
    names = np.full((6, 2), 0.5, np.float32)
    write_predictions(run.predictions / "test.npz", names, np.array([0, 1] * 3))
    write_predictions(run.predictions / "val.npz", np.full((6, 2), np.nan, np.float32), np.array([0, 1] * 3))
    for words, code, message in (
        (["begun"], 3, "begun has no checkpoint"),
        (["one", "--split", "tset"], 2, "there is no split 'tset'; did you mean 'test'?"),
        (["one", "--pair", "malignan:normal, benign"], 2, "there is no class 'malignan'; did you mean 'malignant'?"),
        (["one", "--pair", "malignant"], 2, "name a true and a predicted class"),
        (["one", "--split", "train"], 3, "one has no checkpoint"),
        (["one", "--split", "val"], 3, "its val predictions are not finite"),
        (["one", "--csv", "nowhere/m.csv"], 2, "cannot write nowhere/m.csv"),
        (["two"], 2, "there is no run 'two'"),
    ):
        assert evaluate(runs_dir, *words) == code, words
        err = capsys.readouterr().err
        assert message in err, words
        assert err.count("\n") == 1, err
    (run.predictions / "test.npz").write_bytes(b"PK no archive")
    assert evaluate(runs_dir, "one") == 3
    assert "its test predictions are damaged" in capsys.readouterr().err


def test_test_is_not_read_while_the_run_goes_on(copied: RunDirectory, capsys: pytest.CaptureFixture[str]) -> None:
    from tests.builders.runs import own

    lines = copied.journal.read_bytes().splitlines(keepends=True)
    copied.journal.write_bytes(b"".join(line for line in lines if b"RunFinished" not in line))
    own(copied)
    shutil.rmtree(copied.predictions)
    assert evaluate(copied.path.parent, copied.id) == 2
    assert "is going on: test is read once, in its end; until then: --split val" in capsys.readouterr().err
    assert evaluate(copied.path.parent, copied.id, "--split", "val") == 0
    assert "the weights of epoch 1" in capsys.readouterr().out


def test_names_in_files_cannot_forge_the_terminal(runs_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = finished_run(runs_dir, "one", settings={"data.dataset": "digits"})
    predict(run, right_but(5), split="test")
    record = {
        "task": "multi-class",
        "classes": [f"\x1b[31m{index}" for index in range(10)],
        "channels": 1,
        "source_size": 8,
        "image_size": 8,
        "mean": [0.5],
        "std": [0.5],
    }
    run.preprocessing.write_text(json.dumps(record))
    assert evaluate(runs_dir, "one", "--pair", "x:y") == 2
    assert evaluate(runs_dir, "one") == 0
    captured = capsys.readouterr()
    assert "\x1b" not in captured.out + captured.err
    assert r"\x1b[31m0" in captured.out
