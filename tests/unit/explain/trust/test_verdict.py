from __future__ import annotations

import json
import math
from collections.abc import Mapping

import numpy as np
import pytest

from tests.unit.explain.nets import SIDE, cue_maps, cue_subjects, input_x_gradient, trained_net
from xaitui.explain.trust.degenerate import problems_of
from xaitui.explain.trust.randomisation import Randomisation
from xaitui.explain.trust.verdict import Scores, Verdict, judge, score_floors, score_maps


@pytest.fixture(scope="module")
def floors() -> Mapping[str, Scores]:
    return score_floors(cue_subjects())


def test_the_map_of_the_cue_beats_noise_and_edges(floors: Mapping[str, Scores]) -> None:
    found = judge(score_maps(cue_subjects(), cue_maps(40)), floors)
    assert [found.beats(floor, score) for floor in floors for score in ("deletion", "insertion")] == [True] * 6
    assert found.badge == ""
    for floor in ("random", "edges"):
        assert found.method["deletion"].mean < found.floors[floor]["deletion"].mean - 0.1
        # the blur leaves the colour of the patch to be seen, so that even noise inserts well
        assert found.method["insertion"].mean > found.floors[floor]["insertion"].mean
        assert found.method["infidelity"].mean < found.floors[floor]["infidelity"].mean


def test_a_method_finds_the_cue(floors: Mapping[str, Scores]) -> None:
    subjects, explain = cue_subjects(), input_x_gradient(trained_net())
    maps = np.asarray(explain(subjects.inputs, subjects.targets))
    found = judge(score_maps(subjects, maps, explain), floors)
    assert found.beats("random", "deletion")
    assert found.method["sensitivity"].mean > 0


def test_a_floor_does_not_beat_itself(floors: Mapping[str, Scores]) -> None:
    found = judge(floors["edges"], floors)
    assert not found.beats("edges", "deletion")
    assert "edges (deletion, insertion)" in found.badge


def test_floors_that_ignore_the_image_are_not_sensitive_to_it(floors: Mapping[str, Scores]) -> None:
    assert not floors["random"]["sensitivity"].any()
    assert not floors["centre"]["sensitivity"].any()
    assert (floors["edges"]["sensitivity"] > 0).all()


DEGENERATE = {
    "all zero": np.zeros((SIDE, SIDE), np.float32),
    "all equal": np.full((SIDE, SIDE), 0.25, np.float32),
    "not finite": np.where(np.eye(SIDE), math.nan, 1).astype(np.float32),
}


@pytest.mark.parametrize("problem", DEGENERATE)
def test_a_map_that_says_nothing_has_no_scores(problem: str) -> None:
    maps = cue_maps(3)
    maps[1] = DEGENERATE[problem]
    explain = input_x_gradient(trained_net())
    assert problems_of(maps) == ["", problem, ""]
    scores = score_maps(cue_subjects(3), maps, explain)
    assert set(scores) == {"deletion", "insertion", "infidelity", "sensitivity", "sparseness"}
    for name, values in scores.items():
        assert np.isnan(values).tolist() == [False, True, False], name
    alone = score_maps(cue_subjects(1), maps[1:2], explain)
    assert set(alone) == set(scores)
    assert all(np.isnan(values).all() for values in alone.values())


def test_an_image_is_scored_alike_in_any_company() -> None:
    maps = cue_maps(6) + np.random.default_rng(0).random((6, SIDE, SIDE)).astype(np.float32)
    whole, alone = score_maps(cue_subjects(6), maps), score_maps(cue_subjects(6).only([3]), maps[3:4])
    for name, values in alone.items():
        assert values == pytest.approx(whole[name][3:4], rel=1e-3, abs=1e-5), name


def made(deletion: list[float], insertion: list[float]) -> Scores:
    return {"deletion": np.array(deletion), "insertion": np.array(insertion)}


def test_lower_deletion_and_higher_insertion_are_better() -> None:
    floor = {"random": made([0.5, 0.6, 0.7], [0.5, 0.6, 0.7])}
    low, high = [0.1, 0.21, 0.29], [0.9, 0.98, 0.99]
    assert judge(made(low, high), floor).badge == ""
    assert judge(made(low, low), floor).badge == "does not beat random (insertion)"
    assert judge(made(high, low), floor).badge == "does not beat random (deletion, insertion)"
    # better in the mean, but not for certain
    assert judge(made([0.0, 0.0, 0.9], high), floor).badge == "does not beat random (deletion)"


def test_one_map_is_too_few() -> None:
    found = judge(made([0.1, math.nan], [0.9, math.nan]), {"random": made([0.5, 0.5], [0.5, 0.5])})
    assert found.badge == "too few maps to tell it from its floors"
    assert found.record()["beats"] == {"random": {"deletion": False, "insertion": False}}


def test_the_record_is_plain_and_takes_up_the_randomisation(floors: Mapping[str, Scores]) -> None:
    verdict: Verdict = judge(floors["random"], floors)
    failed = Randomisation(8, ("out",), (0.8,), (0.7,), (0.9,))
    record = verdict.record(failed)
    assert json.loads(json.dumps(record, allow_nan=False)) == record
    assert record["badge"] == f"{verdict.badge}; fails the model randomisation test"
    assert record["randomisation"]["passes"] is False
    assert record["images"] == 40
    assert record["floors"]["edges"]["deletion"]["n"] == 40
    assert set(record["beats"]) == set(record["differences"]) == {"random", "edges", "centre"}
    unknown = judge(made([math.nan] * 2, [math.nan] * 2), {"random": made([0.5] * 2, [0.5] * 2)})
    assert unknown.record()["method"]["deletion"] == {"n": 0, "mean": None, "low": None, "high": None}
