from __future__ import annotations

from dataclasses import replace

import pytest

from tests.builders.events import epoch_finished, started, step
from xaitui.runs.listing.progress import Progress, progress, time_left

STARTED = started(epochs=4)
"""Ten steps of 32 images an epoch; the steps are made at 1000 images a second, an epoch takes 1.5 s."""


def test_before_the_first_step_nothing_is_known() -> None:
    assert progress(STARTED, 4, None, []) == Progress(1, 4, 0.0, 0.0, None, None)


def test_in_the_first_epoch_the_speed_of_the_steps_tells() -> None:
    at = progress(STARTED, 4, step(5), [])
    assert (at.epoch, at.epoch_part, at.run_part) == (1, 0.5, 0.125)
    assert at.epoch_left == pytest.approx(0.16)
    assert at.run_left == pytest.approx(3.5 * 0.32)


def test_later_the_length_of_the_last_epoch_tells_evaluation_included() -> None:
    at = progress(STARTED, 4, step(15), [epoch_finished(1)])
    assert (at.epoch, at.epoch_part, at.run_part) == (2, 0.5, 0.375)
    assert at.epoch_left == pytest.approx(0.16)
    assert at.run_left == pytest.approx(2.5 * 1.5)


def test_between_two_epochs_the_next_one_is_in_work() -> None:
    at = progress(STARTED, 4, step(10), [epoch_finished(1)])
    assert (at.epoch, at.epoch_part, at.run_part) == (2, 0.0, 0.25)
    during_evaluation = progress(STARTED, 4, step(10), [])
    assert (during_evaluation.epoch, during_evaluation.epoch_part) == (1, 1.0)


def test_a_run_that_went_back_begins_where_its_epochs_end() -> None:
    at = progress(STARTED, 4, None, [epoch_finished(1), epoch_finished(2)])
    assert (at.epoch, at.epoch_part, at.run_part) == (3, 0.0, 0.5)
    assert at.epoch_left is None
    assert at.run_left == pytest.approx(3.0)


def test_a_step_tells_its_epoch_where_the_lines_of_those_before_are_not_read() -> None:
    at = progress(STARTED, 4, step(25), [])
    assert (at.epoch, at.epoch_part, at.run_part) == (3, 0.5, 0.625)


def test_a_run_that_was_given_more_epochs_has_more_to_do() -> None:
    assert progress(STARTED, 8, step(20), [epoch_finished(2)]).run_part == 0.25
    assert progress(STARTED, 8, step(20), [epoch_finished(2)]).run_left == pytest.approx(9.0)


@pytest.mark.parametrize("over", [True, False])
def test_a_run_that_is_done_shows_its_last_epoch_in_full(over: bool) -> None:
    assert progress(STARTED, 4, step(40), [epoch_finished(4)], over=over) == Progress(4, 4, 1.0, 1.0, None, None)


def test_a_run_that_ended_early_shows_its_last_epoch_in_full() -> None:
    assert progress(STARTED, 4, step(20), [epoch_finished(2)], over=True) == Progress(2, 4, 1.0, 0.5, None, None)


def test_a_run_that_was_stopped_within_an_epoch_stands_there() -> None:
    assert progress(STARTED, 4, step(25), [epoch_finished(2)], over=True) == Progress(3, 4, 0.5, 0.625, None, None)
    assert progress(STARTED, 4, step(5), [], over=True) == Progress(1, 4, 0.5, 0.125, None, None)
    assert progress(STARTED, 4, None, [], over=True) == Progress(1, 4, 0.0, 0.0, None, None)


def test_no_number_leads_to_a_division_by_nought() -> None:
    odd = started(epochs=0, steps_per_epoch=0, train_size=0)
    still = replace(step(1), images_per_second=0.0)
    assert progress(odd, 0, still, []).run_left is None
    assert time_left(odd, 0, 1, None, 0.0) is None
    assert time_left(odd, 0, 1, epoch_finished(1), 0.0) == 0.0


def test_an_epoch_in_whose_training_the_process_was_halted_is_no_rule_even_where_there_is_no_other() -> None:
    usual = epoch_finished(1)
    speed = STARTED.train_size / (STARTED.train_size / usual.images_per_second + 8 * 3600)
    halted = replace(usual, seconds=usual.seconds + 8 * 3600, images_per_second=speed)
    left = [progress(STARTED, 4, step(10), [epoch]).run_left for epoch in (usual, halted)]
    assert left[1] == pytest.approx(left[0])


def test_an_epoch_with_a_long_evaluation_is_believed() -> None:
    long = replace(epoch_finished(1), seconds=100.0)
    assert progress(STARTED, 4, step(10), [long]).run_left == pytest.approx(300.0)
