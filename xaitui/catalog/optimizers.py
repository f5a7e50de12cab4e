"""Optimizers by name, with their settings and defaults."""

from __future__ import annotations

from collections.abc import Mapping

from xaitui.catalog.records import KindInfo

_BETAS = {"beta1": 0.9, "beta2": 0.999}

_OPTIMIZERS = (
    KindInfo(
        "sgd",
        "Stochastic gradient descent with heavy-ball momentum.",
        {"lr": 0.01, "weight_decay": 0.0, "momentum": 0.9},
    ),
    KindInfo(
        "sgd-nesterov",
        "Stochastic gradient descent with Nesterov momentum.",
        {"lr": 0.01, "weight_decay": 0.0, "momentum": 0.9},
    ),
    KindInfo(
        "adam",
        "Adaptive moment estimation (Kingma and Ba 2015); weight decay is added to the gradient.",
        {"lr": 0.001, "weight_decay": 0.0, **_BETAS},
    ),
    KindInfo(
        "adamw",
        "Adam with decoupled weight decay (Loshchilov and Hutter 2019).",
        {"lr": 0.001, "weight_decay": 0.01, **_BETAS},
    ),
    KindInfo(
        "nadam",
        "Adam with Nesterov momentum (Dozat 2016).",
        {"lr": 0.002, "weight_decay": 0.0, **_BETAS},
    ),
    KindInfo(
        "radam",
        "Adam with rectified variance in early steps (Liu et al. 2020).",
        {"lr": 0.001, "weight_decay": 0.0, **_BETAS},
    ),
    KindInfo(
        "rmsprop",
        "Gradients divided by their running root mean square (Hinton 2012).",
        {"lr": 0.001, "weight_decay": 0.0, "momentum": 0.0},
    ),
    KindInfo(
        "adagrad",
        "Gradients divided by the root of their accumulated squares (Duchi et al. 2011).",
        {"lr": 0.01, "weight_decay": 0.0},
    ),
    KindInfo(
        "adadelta",
        "Steps scaled by running averages of gradients and of earlier steps (Zeiler 2012).",
        {"lr": 1.0, "weight_decay": 0.0},
    ),
    KindInfo(
        "adamax",
        "Adam with the infinity norm in place of the second moment (Kingma and Ba 2015).",
        {"lr": 0.002, "weight_decay": 0.0, **_BETAS},
    ),
    KindInfo(
        "muon",
        "Orthogonalised momentum for hidden weights (Jordan et al. 2024); AdamW for the head, biases and norms.",
        {"lr": 0.01, "weight_decay": 0.01, "momentum": 0.95, **_BETAS},
    ),
)

OPTIMIZERS: Mapping[str, KindInfo] = {info.name: info for info in _OPTIMIZERS}
