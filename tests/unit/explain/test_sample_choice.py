from __future__ import annotations

import numpy as np
import pytest

from xaitui.catalog.records import Task
from xaitui.errors import UsageError
from xaitui.explain.sample_choice import Answers, choose, class_index, parse_choice

CLASSES = ("cat", "dog", "a: b", "7")
LABELS = np.array([0, 1, 0, 1, 3, 0])
GIVEN = np.array(
    [
        [0.9, 0.1, 0, 0],
        [0.6, 0.4, 0, 0],
        [0.45, 0.55, 0, 0],
        [0.95, 0.05, 0, 0],
        [0.1, 0.1, 0.1, 0.7],
        [0.6, 0.3, 0.1, 0],
    ],
    np.float32,
)
ANSWERS = Answers(Task.MULTI_CLASS, GIVEN, LABELS)


def chosen(text: str, seed: int = 0) -> list[int]:
    found: list[int] = choose(parse_choice(text), LABELS, CLASSES, ANSWERS, seed).tolist()
    return found


def test_mistakes_come_by_their_loss_and_the_uncertain_by_their_margin() -> None:
    assert chosen("mistakes") == [3, 1, 2]
    assert chosen("mistakes:1") == [3]
    assert chosen("uncertain:2") == [2, 1]
    assert sorted(chosen("correct")) == [0, 4, 5]


def test_others_are_drawn_by_the_seed() -> None:
    assert chosen("all") == [0, 1, 2, 3, 4, 5]
    assert chosen("random:6") == [0, 1, 2, 3, 4, 5]
    assert chosen("random:3") == chosen("random:3")
    assert len({tuple(chosen("random:3", seed)) for seed in range(8)}) > 1
    assert chosen("idx:5,0,5") == [5, 0]


def test_classes_have_names_and_numbers() -> None:
    assert chosen("class:dog") == [1, 3]
    assert len(chosen("class:cat:2")) == 2
    assert chosen("class:7") == chosen("class:3") == [4]
    assert class_index("a: b", CLASSES) == 2
    with pytest.raises(UsageError, match="no image is of the class a: b"):
        chosen("class:a: b")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("mistake:3", "did you mean 'mistakes'"),
        ("mistakes:x", "'x' is no number of images"),
        ("random:0", "'0' is no number of images"),
        ("idx:6", "there is no image '6'; they go from 0 to 5"),
        ("idx:a", "there is no image 'a'"),
        ("class:cart", "there is no class 'cart'; did you mean 'cat'"),
        ("idx", "mistakes:N, uncertain:N"),
        ("", "mistakes:N, uncertain:N"),
    ],
)
def test_what_is_wrong_is_said(text: str, message: str) -> None:
    with pytest.raises(UsageError, match=message.replace("?", r"\?")):
        chosen(text)


def test_where_nothing_is_wrong_another_choice_is_named() -> None:
    right = Answers(Task.MULTI_CLASS, np.eye(4, dtype=np.float32)[LABELS], LABELS)
    with pytest.raises(UsageError, match="no image is misclassified; choose others, such as --samples random:8"):
        choose(parse_choice("mistakes"), LABELS, CLASSES, right, 0)


def test_several_labels() -> None:
    labels = np.array([[1, 0], [0, 1], [1, 1]])
    answers = Answers(Task.MULTI_LABEL, np.array([[0.9, 0.2], [0.6, 0.9], [0.55, 0.1]], np.float32), labels)
    names = ("a", "b")
    assert choose(parse_choice("mistakes"), labels, names, answers, 0).tolist() == [2, 1]
    assert choose(parse_choice("class:b"), labels, names, answers, 0).tolist() == [1, 2]
    assert choose(parse_choice("uncertain:1"), labels, names, answers, 0).tolist() == [2]
