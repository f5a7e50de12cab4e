from __future__ import annotations

import re
from collections.abc import Sequence
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.builders.predictions import predict, right_but
from tests.builders.runs import finished_run, made_run
from xaitui.cli.app import run as run_command
from xaitui.runs.directory import RunDirectory
from xaitui.runs.find import find_run


def report(runs_dir: Path, *words: str) -> int:
    return run_command(["report", *words, "--runs-dir", str(runs_dir)])


class Reader(HTMLParser):
    """The tags of a page with their attributes, and its text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: Sequence[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.words += data


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a real run, of little."""
    runs_dir = tmp_path_factory.mktemp("trained") / "runs"
    line = ["train", "--headless", "--dataset", "digits", "--epochs", "1", "--fraction", "0.2"]
    assert run_command([*line, "--runs-dir", str(runs_dir)]) == 0
    return runs_dir


def test_a_real_run_in_one_file(trained: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = find_run("last", trained)
    assert report(trained, "last") == 0
    assert capsys.readouterr().out == f"report {run.path / 'report.html'}\n"
    page = Reader((run.path / "report.html").read_text())
    for words in (
        "Only 20 % of the training images, 1 epoch",
        "best epoch",
        "val_accuracy",
        "test_accuracy",
        "training.seed",
        "Validation of",
        "Test of",
        "taken for",
        "torch",
        f"xaitui report last --runs-dir {trained}",
    ):
        assert words in page.words, words
    names = [name for name, _ in page.tags]
    assert (names.count("svg"), names.count("script"), names.count("link")) == (4, 0, 0)
    sources = [attributes["src"] or "" for name, attributes in page.tags if name == "img"]
    assert len(sources) == 12
    assert all(source.startswith("data:image/png;base64,") for source in sources)
    ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert not [each for each in ids if re.fullmatch(r"(figure|axes|text|FillBetweenPolyCollection)_\d+", each or "")]


def test_the_same_as_markdown(trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = tmp_path / "a report.md"
    assert report(trained, "last", "--out", str(tmp_path / "r.html"), "--markdown", str(page)) == 0
    assert capsys.readouterr().out == f"report {tmp_path / 'r.html'}\nreport {page}\n"
    text = page.read_text()
    shown = re.findall(r"!\[[^\]]*\]\(([^)]*)\)", text)
    assert len(shown) == 4 + 12
    for link in shown:
        assert (tmp_path / link.replace("%20", " ")).is_file()
    assert "**Only 20 % of the training images, 1 epoch**" in text
    mistake = np.asarray(Image.open(tmp_path / "a report_figures/mistake-1-1.png"))
    assert mistake.shape == (8, 8)


def test_several_runs_are_told_apart(runs_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for lr, seed, wrong in ((0.1, 0, 40), (0.1, 1, 44), (0.2, 0, 10), (0.2, 1, 12)):
        settings = {"data.dataset": "breastmnist", "optimizer.lr": lr, "training.seed": seed}
        predict(finished_run(runs_dir, f"{lr}-{seed}", 1 - wrong / 200, settings=settings), right_but(wrong))
    monkeypatch.chdir(tmp_path)
    assert report(runs_dir, "*") == 0
    page = Reader((tmp_path / "report.html").read_text())
    for words in (
        "4 runs compared",
        "0.9450 +-0.0071 better",
        "not distinguishable",
        "optimizer.lr",
        "Confusion: 0.2-0",
        f"xaitui compare '*' --runs-dir {runs_dir} --curves",
        "The images are not shown: breastmnist.npz is not in",
    ):
        assert words in page.words, words
    assert "Confusion: 0.1-0" not in page.words


def test_a_study_has_its_report_beside_its_trials(runs_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    trials = runs_dir / "studies/rates/trials"
    for trial in ("aa", "bb"):
        predict(finished_run(trials, trial, settings={"run.name": f"lr {trial}"}), right_but(3))
    assert report(runs_dir, "study:rates") == 0
    page = (runs_dir / "studies/rates/report.html").read_text()
    assert capsys.readouterr().out == f"report {runs_dir / 'studies/rates/report.html'}\n"
    assert "Study rates" in page
    assert "lr bb" in page


def hostile(runs_dir: Path) -> RunDirectory:
    name = "<script>alert(1)</script>"
    run = finished_run(runs_dir, "one", settings={"run.note": f"{name} ]]> {{{{ 7 * 7 }}}}", "run.tags": (name,)})
    run.environment.write_text(f'{{"command": ["{name}"], "host": "\\u001b[31m`x`"}}')
    predict(run, right_but(3))
    return run


def test_what_stands_in_files_is_never_markup(runs_dir: Path, tmp_path: Path) -> None:
    run = hostile(runs_dir)
    assert report(runs_dir, "one", "--markdown", str(tmp_path / "r.md")) == 0
    text = (run.path / "report.html").read_text()
    page = Reader(text)
    assert "script" not in [name for name, _ in page.tags]
    assert "<script>alert(1)</script>" in page.words
    assert "{{ 7 * 7 }}" in page.words
    assert "\x1b" not in text
    assert r"\<script>" in (tmp_path / "r.md").read_text()
    assert "\x1b" not in (tmp_path / "r.md").read_text()


def test_a_run_of_which_little_is_there(runs_dir: Path) -> None:
    run = made_run(runs_dir, "begun")
    assert report(runs_dir, "begun") == 0
    page = Reader((run.path / "report.html").read_text())
    for words in (
        "The run is not complete (interrupted",
        "No epoch is over yet.",
        "it has no val predictions",
        "environment.json cannot be read.",
    ):
        assert words in page.words, words


def test_predictions_of_other_images_are_not_illustrated(runs_dir: Path) -> None:
    run = finished_run(runs_dir, "one")
    predict(run, right_but(3))
    assert report(runs_dir, "one") == 0
    text = (run.path / "report.html").read_text()
    assert "The images are not shown: the validation images are not those that were predicted." in text


def test_a_place_that_cannot_be_written_is_one_line(
    runs_dir: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    finished_run(runs_dir, "one")
    for words in (["--out", "nowhere/r.html"], ["--markdown", "nowhere/r.md"]):
        assert report(runs_dir, "one", words[0], str(tmp_path / words[1])) == 2
        message = capsys.readouterr().err
        assert message.count("\n") == 1
        assert message.startswith(f"xaitui: cannot write {tmp_path / words[1]}: No such file or directory; choose")


def test_words_that_mean_nothing(runs_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    finished_run(runs_dir, "one")
    assert report(runs_dir, "tow") == 2
    assert capsys.readouterr().err.startswith("xaitui: there is no run 'tow'")
