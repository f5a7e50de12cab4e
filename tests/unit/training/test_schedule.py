"""Each kind of schedule is compared with torch's own scheduler, step by step."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.optim import lr_scheduler

from xaitui.catalog.schedules import SCHEDULES
from xaitui.errors import ExitCode, UsageError
from xaitui.training.schedule import SHAPES, Plateau, Schedule, build_schedule

BASE = 0.3
STEPS, EPOCHS = 7, 12
HORIZON = STEPS * EPOCHS

Scheduler = lr_scheduler.LRScheduler
Make = Callable[[torch.optim.Optimizer], Scheduler]


def build(name: str, **settings: Any) -> Schedule:
    return build_schedule(name, settings, base_lr=BASE, steps_per_epoch=STEPS, epochs=EPOCHS)


def rates_of_torch(make: Make, *, every: int = 1) -> list[float]:
    """The rate of each optimizer step, the scheduler being stepped after every `every` of them."""
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=BASE)
    scheduler = make(optimizer)
    rates = []
    for step in range(HORIZON):
        rates.append(float(optimizer.param_groups[0]["lr"]))
        optimizer.step()
        if (step + 1) % every == 0:
            scheduler.step()
    return rates


CASES: list[tuple[str, dict[str, Any], int, Make]] = [
    ("constant", {}, 1, lambda optimizer: lr_scheduler.ConstantLR(optimizer, factor=1.0)),
    ("step", {"step_epochs": 3, "gamma": 0.5}, STEPS, lambda optimizer: lr_scheduler.StepLR(optimizer, 3, 0.5)),
    ("multistep", {}, STEPS, lambda optimizer: lr_scheduler.MultiStepLR(optimizer, [6, 9], 0.1)),
    (
        "multistep",
        {"milestones": (0.25, 0.5, 0.5), "gamma": 0.2},
        STEPS,
        lambda optimizer: lr_scheduler.MultiStepLR(optimizer, [3, 6, 6], 0.2),
    ),
    ("cosine", {}, 1, lambda optimizer: lr_scheduler.CosineAnnealingLR(optimizer, HORIZON)),
    (
        "cosine",
        {"min_lr_ratio": 0.1},
        1,
        lambda optimizer: lr_scheduler.CosineAnnealingLR(optimizer, HORIZON, eta_min=BASE * 0.1),
    ),
    ("onecycle", {}, 1, lambda o: lr_scheduler.OneCycleLR(o, BASE, total_steps=HORIZON, cycle_momentum=False)),
    *(
        (
            "onecycle",
            {"pct_start": pct, "div_factor": 10.0, "final_div_factor": 100.0},
            1,
            lambda optimizer, pct=pct: lr_scheduler.OneCycleLR(
                optimizer,
                BASE,
                total_steps=HORIZON,
                pct_start=pct,
                div_factor=10.0,
                final_div_factor=100.0,
                cycle_momentum=False,
            ),
        )
        for pct in (0.0, 0.25, 0.333, 0.9)
    ),
    ("plateau", {}, 1, lambda optimizer: lr_scheduler.ConstantLR(optimizer, factor=1.0)),
]


def test_every_kind_has_a_shape_and_a_comparison() -> None:
    assert len(SCHEDULES) == 6
    assert SHAPES.keys() == SCHEDULES.keys() == {name for name, *_ in CASES}


@pytest.mark.parametrize(("name", "settings", "every", "make"), CASES)
def test_rates_are_those_of_torch(name: str, settings: dict[str, Any], every: int, make: Make) -> None:
    schedule = build(name, **settings)
    ours = [schedule.rate(step) for step in range(HORIZON)]
    assert ours == pytest.approx(rates_of_torch(make, every=every), rel=1e-9)


@pytest.mark.parametrize("name", ["constant", "step", "multistep", "plateau"])
def test_warm_up_is_a_linear_ramp_on_top(name: str) -> None:
    warmup = round(1.5 * STEPS)
    schedule, plain = build(name, warmup_epochs=1.5), build(name)
    ramp = rates_of_torch(lambda o: lr_scheduler.LinearLR(o, start_factor=1 / warmup, total_iters=warmup - 1))
    expected = [plain.rate(step) * ramp[step] / BASE for step in range(HORIZON)]
    assert [schedule.rate(step) for step in range(HORIZON)] == pytest.approx(expected, rel=1e-9)


def test_warm_up_on_onecycle_is_a_ramp_on_top() -> None:
    schedule, plain = build("onecycle", warmup_epochs=1), build("onecycle")
    expected = [plain.rate(step) * min(1.0, (step + 1) / STEPS) for step in range(HORIZON)]
    assert [schedule.rate(step) for step in range(HORIZON)] == pytest.approx(expected)


def test_cosine_after_warm_up_is_torchs_sequence_of_both() -> None:
    warmup = 2 * STEPS

    def make(optimizer: torch.optim.Optimizer) -> Scheduler:
        linear = lr_scheduler.LinearLR(optimizer, start_factor=1 / warmup, total_iters=warmup - 1)
        cosine = lr_scheduler.CosineAnnealingLR(optimizer, HORIZON - warmup)
        return lr_scheduler.SequentialLR(optimizer, [linear, cosine], milestones=[warmup])

    schedule = build("cosine", warmup_epochs=2)
    assert [schedule.rate(step) for step in range(HORIZON)] == pytest.approx(rates_of_torch(make), rel=1e-9)


@pytest.mark.parametrize("name", SCHEDULES)
@given(steps=st.integers(1, 40), epochs=st.integers(1, 40), warmup=st.floats(0, 60), step=st.integers(0, 5000))
def test_rate_is_positive_at_most_the_base_and_goes_on_after_the_end(
    name: str, steps: int, epochs: int, warmup: float, step: int
) -> None:
    settings = {"warmup_epochs": warmup}
    schedule = build_schedule(name, settings, base_lr=BASE, steps_per_epoch=steps, epochs=epochs)
    rate = schedule.rate(step)
    assert 0.0 < rate <= BASE * (1 + 1e-12)
    if step >= schedule.total_steps and schedule.warmup_steps <= schedule.total_steps:
        assert rate == schedule.rate(schedule.total_steps - 1)


@pytest.mark.parametrize(("pct_start", "peak"), [(0.25, 0), (1.0, 3)])
def test_onecycle_peaks_at_the_base_rate_where_torch_divides_by_zero(pct_start: float, peak: int) -> None:
    schedule = build_schedule("onecycle", {"pct_start": pct_start}, base_lr=BASE, steps_per_epoch=4, epochs=1)
    assert schedule.rate(peak) == BASE


def test_reductions_count_for_plateau_only() -> None:
    assert build("plateau", plateau_factor=0.5).rate(3, reductions=2) == pytest.approx(BASE / 4)
    assert build("step").rate(3, reductions=2) == BASE


def test_settings_of_other_kinds_are_left_aside() -> None:
    assert build("cosine", gamma=0.0, div_factor=0.0) == build("cosine")


@pytest.mark.parametrize("mode", ["min", "max"])
@given(
    values=st.lists(st.floats(0, 10) | st.just(math.nan), max_size=40),
    patience=st.integers(0, 4),
    threshold=st.sampled_from([0.0, 1e-4, 0.1]),
)
def test_plateau_falls_when_torchs_does(mode: Any, values: list[float], patience: int, threshold: float) -> None:
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    scheduler = lr_scheduler.ReduceLROnPlateau(
        optimizer, mode, factor=0.5, patience=patience, threshold=threshold, eps=0.0
    )
    plateau = Plateau(mode, patience, threshold)
    schedule = build_schedule("plateau", {"plateau_factor": 0.5}, base_lr=1.0, steps_per_epoch=1, epochs=100)
    for epoch, value in enumerate(values):
        before = plateau.reductions
        assert plateau.update(value) == (plateau.reductions > before)
        scheduler.step(value)
        assert schedule.rate(epoch, plateau.reductions) == pytest.approx(optimizer.param_groups[0]["lr"])


def test_plateau_goes_on_from_its_state() -> None:
    values = [0.5, 0.4, 0.6, 0.6, 0.5, 0.5, 0.7, 0.1, 0.1]
    whole, first, second = (Plateau("max", 1, 0.0) for _ in range(3))
    expected = [whole.update(value) for value in values]
    got = [first.update(value) for value in values[:4]]
    second.restore(first.state())
    assert got + [second.update(value) for value in values[4:]] == expected
    assert second == whole


def test_unknown_name_names_the_nearest() -> None:
    with pytest.raises(UsageError, match=r"there is no schedule 'cosin'; did you mean 'cosine'\?") as raised:
        build("cosin")
    assert raised.value.exit_code is ExitCode.USAGE


@pytest.mark.parametrize(
    ("name", "setting"), [("step", "step_epochs"), ("onecycle", "div_factor"), ("onecycle", "final_div_factor")]
)
def test_setting_that_gives_no_schedule_is_refused(name: str, setting: str) -> None:
    with pytest.raises(UsageError, match=rf"schedule\.{setting} is 0; set it to 1 or more"):
        build(name, **{setting: 0})
