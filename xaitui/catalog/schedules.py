"""Learning-rate schedules by name; each supports warm-up."""

from __future__ import annotations

from collections.abc import Mapping

from xaitui.catalog.records import KindInfo

_WARMUP = {"warmup_epochs": 0.0}

_SCHEDULES = (
    KindInfo("constant", "Constant rate.", {**_WARMUP}),
    KindInfo(
        "step", "Multiply the rate by gamma every step_epochs epochs.", {**_WARMUP, "step_epochs": 10, "gamma": 0.1}
    ),
    KindInfo(
        "multistep",
        "Multiply the rate by gamma at each milestone, a fraction of the run.",
        {**_WARMUP, "milestones": (0.5, 0.75), "gamma": 0.1},
    ),
    KindInfo(
        "cosine",
        "Cosine decay to a fraction of the rate (Loshchilov and Hutter 2017).",
        {**_WARMUP, "min_lr_ratio": 0.0},
    ),
    KindInfo(
        "onecycle",
        "One cycle: rise to the rate, then decay far below the start (Smith and Topin 2018).",
        {**_WARMUP, "pct_start": 0.3, "div_factor": 25.0, "final_div_factor": 1e4},
    ),
    KindInfo(
        "plateau",
        "Reduce the rate by a factor when the monitored metric stops improving.",
        {**_WARMUP, "plateau_patience": 5, "plateau_factor": 0.1, "plateau_threshold": 1e-4},
    ),
)

SCHEDULES: Mapping[str, KindInfo] = {info.name: info for info in _SCHEDULES}
