from __future__ import annotations

import math
import sys
import warnings
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image

from xaitui.report.figures import NUMBERED, Series, confusion_figure, curve_figure, save_figure, svg_text

LOSS = Series("seed 0", [1, 2, 3], [0.9, math.nan, 0.3], low=[0.8, 0.5, 0.2], high=[1.0, 0.7, 0.4])


def texts(svg: str) -> list[str]:
    return ["".join(each.itertext()) for each in ElementTree.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")]


def test_a_figure_is_written_as_picture_and_drawing(tmp_path: Path) -> None:
    figure = curve_figure([LOSS], title="Loss", x_label="epoch", y_label="loss", note="5 % of the training images")
    png, svg = save_figure(figure, tmp_path / "loss.v1")
    assert (png, svg) == (tmp_path / "loss.v1.png", tmp_path / "loss.v1.svg")
    assert np.asarray(Image.open(png).convert("L")).std() > 5
    assert {"Loss", "epoch", "loss", "seed 0", "5 % of the training images"} <= set(texts(svg.read_text()))


def test_the_same_figure_gives_the_same_bytes(tmp_path: Path) -> None:
    written = []
    for name in ("one", "two"):
        figure = curve_figure([LOSS], title="Loss", x_label="epoch", y_label="loss")
        written.append([path.read_bytes() for path in save_figure(figure, tmp_path / name)])
    assert written[0] == written[1]
    assert b"<dc:date>" not in written[0][1]


def test_a_figure_that_cannot_be_written_leaves_the_one_before(tmp_path: Path) -> None:
    figure = curve_figure([LOSS], title="Loss", x_label="epoch", y_label="loss")
    with pytest.raises(OSError):
        save_figure(figure, tmp_path / "nowhere" / "loss")
    assert list(tmp_path.iterdir()) == []


def test_names_are_text_whatever_they_are() -> None:
    names = ["$\\frac{1", "<script>alert(1)</script>", "_hidden", "\x1b[31m", "猫"]
    series = [Series(name, [0, 1], [0, index]) for index, name in enumerate(names)]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        svg = svg_text(curve_figure(series, title="$x", x_label="<x>", y_label="y"))
    assert "<script" not in svg
    shown = {text.strip() for text in texts(svg)}
    assert {"$\\frac{1", "<script>alert(1)</scr...", "_hidden", r"\x1b[31m", "猫", "$x", "<x>"} <= shown


def test_many_series_are_told_apart() -> None:
    series = [Series(f"run {number}", [0, 1], [0, number]) for number in range(20)]
    axes = curve_figure(series, title="t", x_label="x", y_label="y").axes[0]
    assert len({(line.get_color(), line.get_linestyle()) for line in axes.lines}) == 20


def test_a_confusion_matrix_says_shares_and_images() -> None:
    matrix = np.array([[9, 1, 0], [0, 1234, 0], [0, 0, 0]])
    svg = svg_text(confusion_figure(matrix, ["cat", "dog", "none"], "Validation"))
    shown = texts(svg)
    assert {"cat", "dog", "none", "predicted", "true", "Validation"} <= set(shown)
    assert [text for text in shown if "%" in text] == ["90 %", "10 %", "100 %"]
    assert "1,234" in shown


def test_many_classes_have_no_numbers_that_nobody_could_read() -> None:
    count = NUMBERED + 1
    svg = svg_text(confusion_figure(np.eye(count, dtype=np.int64), [str(n) for n in range(count)], "Test"))
    assert not [text for text in texts(svg) if "%" in text]


def test_no_state_is_left_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    import matplotlib

    monkeypatch.delitem(sys.modules, "matplotlib.pyplot", raising=False)  # another test may have loaded it
    with matplotlib.rc_context({"text.usetex": True, "font.size": 30.0}):
        svg_text(curve_figure([LOSS], title="Loss", x_label="epoch", y_label="loss"))
        assert (matplotlib.rcParams["text.usetex"], matplotlib.rcParams["font.size"]) == (True, 30.0)
    assert "matplotlib.pyplot" not in sys.modules
