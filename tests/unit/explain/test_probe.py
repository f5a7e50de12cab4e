from __future__ import annotations

from collections import Counter

import numpy as np

from xaitui.explain.probe import choose_probe


def test_classes_take_turns_and_rare_ones_are_there() -> None:
    labels = np.repeat(np.arange(5), [500, 300, 100, 3, 1])
    indices, classes = choose_probe(labels, 12)
    assert list(classes) == list(labels[indices]) == sorted(classes)
    assert Counter(classes.tolist()) == {0: 3, 1: 3, 2: 3, 3: 2, 4: 1}
    assert len(set(indices.tolist())) == 12


def test_fewer_images_than_classes_are_of_different_classes() -> None:
    labels = np.arange(1000) % 20
    indices, classes = choose_probe(labels, 8)
    assert len(set(classes.tolist())) == 8
    again, _ = choose_probe(labels, 8)
    np.testing.assert_array_equal(indices, again)


def test_a_small_split_is_taken_whole() -> None:
    indices, _ = choose_probe(np.array([1, 0, 1]), 8)
    assert sorted(indices.tolist()) == [0, 1, 2]


def test_of_several_labels_the_first_is_the_target_and_rows_without_one_are_left_out() -> None:
    labels = np.array([[0, 0, 0], [0, 1, 1], [0, 0, 1], [0, 0, 0]])
    indices, classes = choose_probe(labels, 8)
    assert (indices.tolist(), classes.tolist()) == ([1, 2], [1, 2])


def test_where_no_image_has_a_label_nothing_is_chosen() -> None:
    indices, classes = choose_probe(np.zeros((4, 3), np.int64), 8)
    assert len(indices) == len(classes) == 0
