from __future__ import annotations

import pytest

from tests.builders.studies import study
from tests.unit.studies.vary_options import study_of_words
from xaitui.catalog.presets import PRESETS
from xaitui.config.resolve import preset_layer, resolve
from xaitui.errors import UsageError
from xaitui.studies.create import StudyWords, sweep_words
from xaitui.studies.definition import Study
from xaitui.studies.objective import Objective, parse_objective
from xaitui.studies.samplers import PRUNERS, SAMPLERS
from xaitui.studies.space import parse_vary
from xaitui.studies.study_file import from_toml, to_toml


@pytest.mark.parametrize("text", ["test_accuracy", "test", "test_loss:min", "testauc"])
def test_the_test_split_cannot_be_an_objective(text: str) -> None:
    with pytest.raises(UsageError, match="cannot be an objective: what is chosen by the test split"):
        parse_objective(text)


@pytest.mark.parametrize(
    ("text", "objective"),
    [
        ("auc", Objective("val_auc", "max")),
        ("val_loss", Objective("val_loss", "min")),
        ("parameters", Objective("parameters", "min")),
        ("val_accuracy:min", Objective("val_accuracy", "min")),
    ],
)
def test_an_objective_has_a_direction(text: str, objective: Objective) -> None:
    assert parse_objective(text) == objective
    assert parse_objective(objective.text) == objective


def test_the_objective_is_what_the_base_monitors() -> None:
    base = resolve([preset_layer("medmnist")]).config
    assert Study("a", base, dict([parse_vary("lr=0.1,0.2")])).objectives == (Objective("val_auc", "max"),)


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"name": "../a"}, "'../a' cannot name a study"),
        ({"name": ".."}, "'..' cannot name a study"),
        ({"sampler": "gird"}, "there is no sampler 'gird'; did you mean 'grid'?"),
        ({"sampler": "tpe"}, "tpe has no end of its own; add --trials 20"),
        ({"sampler": "grid", "trials": 3}, "grid tries what its space has; leave --trials away"),
        ({"pruner": "median"}, "pruning is for samplers that learn from trials; choose --sampler tpe"),
        ({"sampler": "tpe", "trials": 3, "pruner": "medain"}, "there is no pruner 'medain'; did you mean 'median'?"),
        (
            {"sampler": "nsga2", "trials": 3, "pruner": "asha", "objective": "accuracy,loss"},
            "pruning follows one objective; name one, or leave --pruner away",
        ),
        (
            {"sampler": "tpe", "trials": 3, "pruner": "asha", "objective": "seconds"},
            "seconds is not known before the end; pruning needs a validation metric",
        ),
        ({"sampler": "cma-es", "trials": 3}, "optimizer.lr: cma-es moves through ranges of numbers only"),
        ({"seeds": 0}, "--seeds takes a whole number from 1 to 1000, not 0"),
        ({"storage": "sqlite:///a.db"}, "one-at-a-time needs no storage; leave --optuna-storage away"),
        ({"tested": "some"}, "'some' is not known; did you mean 'none'?"),
    ],
)
def test_what_does_not_go_together_is_refused(values: dict[str, object], reason: str) -> None:
    with pytest.raises(UsageError) as error:
        study(**values)  # type: ignore[arg-type]
    assert str(error.value).startswith(reason)


def test_a_list_of_values_needs_no_range() -> None:
    with pytest.raises(UsageError, match="one-at-a-time tries single values; write them out"):
        study("lr=0.1..0.5")
    study("lr=0.1..0.5:0.1")


def test_every_sampler_and_pruner_is_read_back_from_its_file_and_its_command() -> None:
    seen = 0
    for sampler, info in SAMPLERS.items():
        for pruner in PRUNERS if info.proposes and not info.name.startswith("nsga") else ["none"]:
            trials = 7 if info.counted else 0
            vary = ("lr=0.1..0.5:0.2", "epochs=1..9:2")
            made = study(*vary, sampler=sampler, pruner=pruner, trials=trials, seeds=3, tested="all", note='a "b" \\ c')
            assert from_toml(to_toml(made), "study.toml") == made
            seen += 1
    assert seen == 12


@pytest.mark.parametrize("preset", PRESETS)
def test_the_command_of_a_study_makes_it(preset: str) -> None:
    words = StudyWords(preset, {}, ["lr=0.001,0.01", "epochs=1..9:4"], name="a", seeds=2, objective="auc,parameters")
    made = words.study()
    line = sweep_words(made)
    assert line[0] == "sweep"
    assert study_of_words(line[1:]) == made


def test_the_command_of_a_search_makes_it() -> None:
    made = study(
        "lr=0.1..0.5",
        "storage=resident,streaming",
        sampler="tpe",
        trials=7,
        pruner="asha",
        tested="all",
        storage="sqlite:///a b.db",
        settings={"data.storage": "streaming"},
    )
    assert study_of_words(sweep_words(made)[1:]) == made


def test_a_file_names_its_wrong_key() -> None:
    with pytest.raises(UsageError, match=r"a\.toml: there is no key 'sampeler'; did you mean 'sampler'"):
        from_toml('sampeler = "grid"', "a.toml", "a")
    with pytest.raises(UsageError, match=r"a\.toml: seeds takes a whole number, not '3'"):
        from_toml('seeds = "3"', "a.toml", "a")
    with pytest.raises(UsageError, match=r"a\.toml: optimizer.lr takes a list of values or a range in quotes, not 0.1"):
        from_toml("[space]\n'optimizer.lr' = 0.1", "a.toml", "a")
    with pytest.raises(UsageError, match="there is nothing to vary"):
        from_toml("seeds = 3", "a.toml", "a")


def test_a_file_may_have_a_preset_and_tables() -> None:
    made = from_toml(
        'preset = "report-mnist"\n[space.optimizer]\nlr = "1e-4..1e-1:log"\n[base.training]\nepochs = 3\n'.replace(
            "[space", 'sampler = "random"\ntrials = 5\n[space'
        ),
        "a.toml",
        "a",
    )
    assert made.base.data.dataset == "mnist"
    assert made.base.training.epochs == 3
    assert made.trials == 5


def test_more_seeds_and_trials_are_the_same_search_and_another_space_is_not() -> None:
    made = study("lr=0.1..0.5", sampler="tpe", trials=5)
    assert made.same_search(study("lr=0.1..0.5", sampler="tpe", trials=9, seeds=2))
    assert made.same_search(
        study("lr=0.1..0.5", sampler="tpe", trials=5, settings={"run.device": "cpu", "data.data_dir": "x"})
    )
    assert not made.same_search(study("lr=0.1..0.6", sampler="tpe", trials=5))
    assert not made.same_search(study("lr=0.1..0.5", sampler="tpe", trials=5, settings={"training.epochs": 2}))
