"""The report's experiments: their settings, printed results and claims."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal


@dataclass(frozen=True)
class Printed:
    """A row of the report's tables, in percent."""

    setting: str
    """Dotted path of the setting that was varied."""
    value: Any
    train: float
    validation: float


@dataclass(frozen=True)
class Claim:
    """A claim of the report about two settings, made in words or by a figure without numbers."""

    text: str
    better: Mapping[str, Any]
    """Settings, by dotted path, that are claimed to be more accurate, or one side of a claimed equality."""
    than: Mapping[str, Any]
    kind: Literal["better", "alike"] = "better"


@dataclass(frozen=True)
class Part:
    """One study of an experiment."""

    space: Mapping[str, tuple[Any, ...]]
    """Values by dotted path."""
    preset: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    """Base settings in addition to the preset's."""
    sampler: str = "one-at-a-time"
    suffix: str = ""
    """Appended to the experiment's name to name the study."""


@dataclass(frozen=True)
class Experiment:
    """A table or figure of the report."""

    name: str
    title: str
    parts: tuple[Part, ...]
    printed: tuple[Printed, ...] = ()
    claims: tuple[Claim, ...] = ()
    remarks: tuple[str, ...] = ()
    """Caveats for the comparison."""
    heavy: str = ""
    """Why it needs a GPU; empty if it does not."""


_V1, _IMPROVED = "simple-cnn-v1", "simple-cnn"

_TABLE1 = Experiment(
    "table1",
    "Table 1: SimpleCNN v1 on MNIST, one setting at a time",
    (
        Part(
            {
                "optimizer.lr": (0.001, 0.01, 0.1),
                "training.batch_size": (16, 32, 64),
                "training.epochs": (5, 10, 15, 20),
            },
            "report-mnist",
        ),
    ),
    printed=(
        Printed("optimizer.lr", 0.001, 99.6, 98.9),
        Printed("optimizer.lr", 0.01, 97.7, 97.2),
        Printed("optimizer.lr", 0.1, 10.3, 10.0),
        Printed("training.batch_size", 16, 99.7, 98.9),
        Printed("training.batch_size", 32, 99.5, 98.9),
        Printed("training.batch_size", 64, 99.4, 98.9),
        Printed("training.epochs", 5, 99.4, 98.8),
        Printed("training.epochs", 10, 99.6, 99.0),
        Printed("training.epochs", 15, 99.6, 99.0),
        Printed("training.epochs", 20, 99.7, 99.0),
    ),
    remarks=(
        "The report does not define its average accuracy: both the mean over the epochs and the last epoch are given.",
        "It names no optimizer: Adam is used, which fits its rows at 0.001 and 0.01.",
        "Its validation split is probably the 10,000 test images of MNIST: ours is cut from the 60,000, and the test "
        "score is given as well.",
        "Train accuracy is that of the predictions made during the epoch, while the weights change.",
    ),
)

_VARIANTS = Experiment(
    "variants",
    "Table 1: what would explain its learning rates",
    (
        Part(
            {"optimizer.lr": (0.001, 0.01, 0.1), "optimizer.name": ("adam", "nadam", "rmsprop", "sgd")},
            "report-mnist",
            sampler="grid",
        ),
        Part(
            {"optimizer.lr": (0.001, 0.01, 0.1)},
            "report-mnist",
            {"optimizer.name": "sgd", "optimizer.momentum": 0.0},
            "grid",
            "-plain-sgd",
        ),
        Part(
            {"optimizer.lr": (0.001, 0.01, 0.1)},
            "report-mnist",
            {"model.name": "simple-cnn-v1-softmax"},
            "grid",
            "-softmax",
        ),
    ),
    printed=_TABLE1.printed[:3],
    remarks=(
        "The report names no optimizer; its text ends the network with a softmax, its listing with a log-softmax. "
        "Each candidate is compared with its three rows for the learning rate.",
    ),
)

_FIGURE3 = Experiment(
    "figure3",
    "Figure 3: initial and improved SimpleCNN on MNIST",
    (Part({"model.name": (_V1, _IMPROVED)}, "report-mnist"),),
    claims=(
        Claim("the improved network is better than the initial one", {"model.name": _IMPROVED}, {"model.name": _V1}),
    ),
)

_BOTH: dict[str, Any] = {"model.batch_norm": True, "model.dropout": True}
_FIGURE4 = Experiment(
    "figure4",
    "Figure 4: batch norm and dropout on PathMNIST",
    (Part({"model.batch_norm": (True, False), "model.dropout": (True, False)}, "report-pathmnist"),),
    claims=(
        Claim(
            "batch normalisation alone is slightly better than with dropout", {**_BOTH, "model.dropout": False}, _BOTH
        ),
        Claim(
            "batch normalisation alone is better than dropout alone",
            {**_BOTH, "model.dropout": False},
            {**_BOTH, "model.batch_norm": False},
        ),
    ),
    remarks=(
        "The report does not state the patience of its early stopping: 7 epochs are used.",
        "A curve is the mean of the runs still training at each epoch: late epochs are averaged over fewer seeds.",
    ),
)

_ACTIVATIONS = Experiment(
    "activations",
    "ReLU and LeakyReLU in the improved SimpleCNN on MNIST",
    (Part({"model.activation": ("relu", "leaky-relu")}, "report-mnist", {"model.name": _IMPROVED}),),
    claims=(
        Claim(
            "there is no significant difference between ReLU and LeakyReLU",
            {"model.activation": "leaky-relu"},
            {"model.activation": "relu"},
            "alike",
        ),
    ),
    remarks=("The report does not state which of its networks it used: the improved one is used here.",),
)

_FIGURE5 = Experiment(
    "figure5",
    "Figure 5: Xception on PathMNIST at 168 px",
    (Part({"model.pretrained": (True, False), "training.batch_size": (64, 32)}, "report-xception", sampler="grid"),),
    remarks=(
        "The report took 16 minutes an epoch at batch 64 and 10 at batch 32, on a V100; its figure has no numbers.",
        "Its learning rate and number of epochs are not stated: 0.001 and 15 are used.",
    ),
    heavy="an epoch is 89,996 images of 168 px, each 2.8 billion multiply-adds forward",
)

_MODELS = Experiment(
    "models",
    "AlexNet, ResNet-18 and ResNet-50 as in figure 5",
    (Part({"model.name": ("alexnet", "resnet18", "resnet50")}, "report-xception", sampler="grid"),),
    remarks=("The report gives no results for these networks; nothing is compared.",),
    heavy="an epoch is 89,996 images of 168 px, of ResNet-50 each 2.4 billion multiply-adds forward",
)

EXPERIMENTS: Mapping[str, Experiment] = {
    each.name: each for each in (_TABLE1, _VARIANTS, _FIGURE3, _FIGURE4, _ACTIVATIONS, _FIGURE5, _MODELS)
}
