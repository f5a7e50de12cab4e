from __future__ import annotations

import pytest

from tests.builders.studies import study
from xaitui.config.resolve import build_config
from xaitui.errors import UsageError
from xaitui.studies.search_points import points
from xaitui.studies.trials import check_space, plan, trial_id


def test_one_at_a_time_tries_each_value_once_beside_the_base() -> None:
    trials = plan(study("lr=0.001,0.01", "batch-size=16,32,64"))
    assert [trial.label for trial in trials] == ["baseline", "lr=0.01", "batch-size=16", "batch-size=64"]


def test_a_grid_has_every_combination() -> None:
    trials = plan(study("lr=0.001,0.01", "epochs=1..3:1", sampler="grid"))
    assert [(t.config.optimizer.lr, t.config.training.epochs) for t in trials] == [
        (lr, epochs) for lr in (0.001, 0.01) for epochs in (1, 2, 3)
    ]


def test_seeds_come_one_after_the_other_so_that_all_is_seen_once_early() -> None:
    trials = plan(study("lr=0.001,0.01", seeds=2, settings={"training.seed": 5}))
    assert [(trial.label, trial.seed) for trial in trials] == [
        ("baseline", 5),
        ("lr=0.01", 5),
        ("baseline", 6),
        ("lr=0.01", 6),
    ]
    assert len({trial.id for trial in trials}) == 4


def test_what_is_drawn_is_the_same_each_time_and_within_its_range() -> None:
    made = study(
        "lr=1e-4..1e-1:log", "batch-size=16..64:16", "dropout=true,false", "epochs=1..9", sampler="random", trials=40
    )
    first = list(points(made))
    assert first == list(points(made))
    assert all(1e-4 <= point["optimizer.lr"] <= 1e-1 for point in first)
    assert {point["training.batch_size"] for point in first} == {16, 32, 48, 64}
    assert {point["model.dropout"] for point in first} == {True, False}
    assert {point["training.epochs"] for point in first} <= set(range(1, 10))
    assert list(points(study("lr=1e-4..1e-1:log", sampler="random", trials=41)))[:3] == list(
        points(study("lr=1e-4..1e-1:log", sampler="random", trials=3))
    )


def test_name_device_and_place_make_no_other_trial_and_a_setting_does() -> None:
    base = trial_id(build_config({}))
    assert (
        trial_id(build_config({"run.name": "a", "run.device": "cpu", "data.data_dir": "/x", "run.tags": ("b",)}))
        == base
    )
    assert trial_id(build_config({"training.seed": 1})) != base
    assert trial_id(build_config({"data.dataset": "other.npz"})) != base


def test_one_wrong_value_of_fifty_is_named_before_anything_begins() -> None:
    values = ",".join(str(value) for value in [*range(1, 50), 0])
    with pytest.raises(UsageError) as error:
        plan(study(f"epochs={values}", sampler="grid"))
    assert str(error.value) == (
        "trial 50 of 50 (epochs=0): --epochs: 0 is not valid; it takes a whole number from 1 to 100000"
    )


@pytest.mark.parametrize(
    ("vary", "settings", "reason"),
    [
        (
            "batch-norm=true,false",
            {"model.name": "simple-cnn-v1"},
            "trial 2 of 3 (batch-norm=true): model.batch_norm changes nothing for simple-cnn-v1 on digits",
        ),
        ("momentum=0.1,0.9", {}, "trial 2 of 3 (momentum=0.1): --momentum: optimizer: momentum does not"),
        ("model=alexnet,resnet18", {}, "trial 2 of 3 (model=alexnet): data.image_size: alexnet needs images of at"),
        ("dataset=digits,dgits", {}, "trial 3 of 3 (dataset=dgits): data.dataset: unknown dataset 'dgits'"),
        ("precision=float16,float32", {"run.device": "cpu"}, "trial 2 of 3 (precision=float16): training.precision: "),
    ],
)
def test_a_trial_that_cannot_be_is_named(vary: str, settings: dict[str, object], reason: str) -> None:
    with pytest.raises(UsageError) as error:
        plan(study(vary, settings=settings))
    assert str(error.value).startswith(reason)


def test_another_optimizer_drops_what_only_the_one_before_takes() -> None:
    trials = plan(study("optimizer=adam,sgd"))
    assert trials[1].config.optimizer.momentum == 0.9
    assert trials[1].config.optimizer.lr == 0.001, "the rate is held, as all that is not varied"


def test_the_ends_of_a_space_are_tried_before_a_sampler_begins() -> None:
    with pytest.raises(UsageError, match=r"--lr: 5000\.0 is not valid"):
        check_space(study("lr=0.1..5000", sampler="tpe", trials=3))
    check_space(study("lr=0.1..5", sampler="tpe", trials=3))


@pytest.mark.parametrize("vary", ["lr=0.001,0.01", "batch-size=0,32"])
def test_a_batch_size_that_is_to_be_found_is_refused(vary: str) -> None:
    settings = {} if "batch" in vary else {"training.batch_size": "auto"}
    with pytest.raises(UsageError, match="a study cannot find the batch size"):
        plan(study(vary, settings=settings))
    with pytest.raises(UsageError, match="a study cannot find the batch size"):
        check_space(study(vary, settings=settings, sampler="tpe", trials=3))
