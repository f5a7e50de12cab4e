"""The learning-rate schedules that can be chosen by name, each with its settings; warm-up goes with every one."""

from __future__ import annotations

from collections.abc import Mapping

from xaitui.catalog.records import KindInfo

_WARMUP = {"warmup_epochs": 0.0}

_SCHEDULES = (
    KindInfo("constant", "The same rate throughout.", {**_WARMUP}),
    KindInfo("step", "The rate times gamma, every step_epochs epochs.", {**_WARMUP, "step_epochs": 10, "gamma": 0.1}),
    KindInfo(
        "multistep",
        "The rate times gamma at each milestone, a part of the run.",
        {**_WARMUP, "milestones": (0.5, 0.75), "gamma": 0.1},
    ),
    KindInfo(
        "cosine",
        "Half a cosine down to a part of the rate (Loshchilov and Hutter 2017).",
        {**_WARMUP, "min_lr_ratio": 0.0},
    ),
    KindInfo(
        "onecycle",
        "Up to the rate and far down again, in one cycle (Smith and Topin 2018).",
        {**_WARMUP, "pct_start": 0.3, "div_factor": 25.0, "final_div_factor": 1e4},
    ),
    KindInfo(
        "plateau",
        "The rate times a factor whenever the monitored metric has stopped improving.",
        {**_WARMUP, "plateau_patience": 5, "plateau_factor": 0.1, "plateau_threshold": 1e-4},
    ),
)

SCHEDULES: Mapping[str, KindInfo] = {info.name: info for info in _SCHEDULES}
