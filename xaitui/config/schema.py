"""RunConfig: every setting of a run, declared once with its help, limits and default."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from pydantic import BaseModel, ConfigDict, field_validator

from xaitui.catalog.datasets import DATASETS
from xaitui.catalog.metrics import METRICS
from xaitui.catalog.models import MODELS
from xaitui.catalog.optimizers import OPTIMIZERS
from xaitui.catalog.records import KindInfo
from xaitui.catalog.schedules import SCHEDULES
from xaitui.config.base import Bytes, Command, Count, Fractions, Group, KindGroup, Seconds, Words
from xaitui.config.fields import field_records, setting
from xaitui.config.units import AUTO
from xaitui.errors import nearest
from xaitui.text import shortened

SCHEMA_VERSION = 1

MOST_WATCHED = 64
"""Most images whose training maps can be kept: each costs a pass and a map per epoch."""


class DataConfig(Group):
    """The dataset, and how its images are prepared."""

    dataset: str = setting(
        "digits",
        "A catalog dataset, an .npz file, or a folder of class folders or idx files.",
        option="--dataset",
        short="--data",
        suggestions=tuple(DATASETS),
    )
    size: int = setting(
        0,
        "Side of the source images for datasets published in several sizes; 0 uses the dataset's default.",
        option="--size",
        unit="px",
        low=0,
        high=1024,
    )
    image_size: int = setting(
        0,
        "Side of the images the model receives, resized on the device; 0 keeps the source size.",
        option="--image-size",
        unit="px",
        low=0,
        high=1024,
    )
    data_dir: str = setting("", "Folder to search first for data files.", option="--data-dir")
    fraction: float = setting(
        1.0,
        "Fraction of the training split to use; reports mention any value below 1.",
        option="--fraction",
        above=0,
        high=1,
    )
    val_fraction: float = setting(
        0.1,
        "Fraction of train used for validation if the dataset has no validation split.",
        option="--val-fraction",
        above=0,
        high=0.5,
    )
    normalize: Literal["auto", "half", "train", "imagenet", "none"] = setting(
        "auto",
        "Mean and standard deviation: of the weights if pretrained, else half (0.5); of train or ImageNet; none.",
        option="--normalize",
    )
    storage: Literal["auto", "resident", "streaming"] = setting(
        "auto",
        "Keep the images on the device or stream them from disk; auto decides by free memory.",
        option="--storage",
    )
    skip_damaged: bool = setting(
        False, "Skip damaged images in a folder instead of rejecting the folder.", option="--skip-damaged"
    )


class ModelConfig(Group):
    """The model, and the weights it starts from."""

    name: str = setting(
        "simple-cnn",
        "A catalog model, pretrainedmodels:NAME, timm:NAME, or file.py:function.",
        option="--model",
        suggestions=tuple(MODELS),
    )
    batch_norm: bool = setting(True, "Batch normalisation in simple-cnn.", option="--batch-norm")
    dropout: bool = setting(True, "Dropout in simple-cnn.", option="--dropout")
    activation: Literal["relu", "leaky-relu"] = setting("relu", "Activation of simple-cnn.", option="--activation")
    stem: Literal["auto", "small", "imagenet"] = setting(
        "auto", "First layers of a ResNet; auto uses the small 3x3 stem up to 64 px.", option="--stem"
    )
    pretrained: bool = setting(False, "Start from ImageNet weights.", option="--pretrained")
    weights: str = setting("", "Weights file to start from instead of the published weights.", option="--weights")
    finetune: Literal["full", "head", "linear-probe"] = setting(
        "full", "Train all weights, the classifier, or only the last linear layer.", option="--finetune"
    )


class OptimizerConfig(KindGroup):
    """The optimizer and its settings."""

    name: str = setting("adam", "Optimizer.", option="--optimizer", short="--opt", choices=tuple(OPTIMIZERS))
    lr: float = setting(0.0, "Learning rate before the schedule is applied.", option="--lr", above=0, high=1000)
    weight_decay: float = setting(0.0, "Weight decay.", option="--weight-decay", low=0, high=10)
    momentum: float = setting(0.0, "Momentum.", option="--momentum", low=0, high=0.9999)
    beta1: float = setting(0.0, "Decay of the mean gradient.", option="--beta1", low=0, high=0.99999)
    beta2: float = setting(0.0, "Decay of the mean squared gradient.", option="--beta2", low=0, high=0.999999)

    @classmethod
    def kinds(cls) -> Mapping[str, KindInfo]:
        """The optimizers of the catalog."""
        return OPTIMIZERS


class ScheduleConfig(KindGroup):
    """The learning-rate schedule and its settings."""

    name: str = setting(
        "constant", "Learning-rate schedule.", option="--schedule", short="--sched", choices=tuple(SCHEDULES)
    )
    warmup_epochs: float = setting(
        0.0, "Length of the linear warm-up.", option="--warmup-epochs", unit="epochs", low=0, high=1000
    )
    step_epochs: int = setting(
        0, "Epochs between two reductions.", option="--step-epochs", unit="epochs", low=1, high=100_000
    )
    gamma: float = setting(0.0, "Factor applied at each reduction.", option="--gamma", low=0, high=1)
    milestones: Fractions = setting((), "When the rate is reduced, as fractions of the run.", option="--milestones")
    min_lr_ratio: float = setting(
        0.0, "Final rate as a fraction of the initial rate.", option="--min-lr-ratio", low=0, high=1
    )
    pct_start: float = setting(0.0, "Fraction of the run in which the rate rises.", option="--pct-start", low=0, high=1)
    div_factor: float = setting(0.0, "Peak rate divided by the initial rate.", option="--div-factor", low=1, high=1e6)
    final_div_factor: float = setting(
        0.0, "Initial rate divided by the final rate.", option="--final-div-factor", low=1, high=1e9
    )
    plateau_patience: int = setting(
        0,
        "Epochs without improvement before the rate is reduced.",
        option="--plateau-patience",
        unit="epochs",
        low=0,
        high=10_000,
    )
    plateau_factor: float = setting(0.0, "Factor applied at each reduction.", option="--plateau-factor", low=0, high=1)
    plateau_threshold: float = setting(
        0.0, "Relative change that counts as an improvement.", option="--plateau-threshold", low=0, high=1
    )

    @field_validator("milestones")
    @classmethod
    def _within_the_run(cls, value: tuple[float, ...]) -> tuple[float, ...]:
        for part in value:
            if not 0 < part < 1:
                raise ValueError(f"a milestone is a fraction of the run, above 0 and below 1, not {part:g}")
        return value

    @classmethod
    def kinds(cls) -> Mapping[str, KindInfo]:
        """The schedules of the catalog."""
        return SCHEDULES


class TrainingConfig(Group):
    """Training length, batch sizes, loss, early stopping and numerics."""

    epochs: int = setting(15, "Passes over the training split.", option="--epochs", low=1, high=100_000)
    batch_size: Count = setting(
        32,
        "Images per step; 0 or auto uses the largest batch that fits in memory.",
        option="--batch-size",
        short="-b",
        low=0,
        high=65_536,
    )
    micro_batch_size: int = setting(
        0,
        "Images computed at once within a step; 0 computes all, and fewer if memory runs out.",
        option="--micro-batch-size",
        low=0,
        high=65_536,
    )
    eval_batch_size: int = setting(
        0, "Images per evaluation batch; 0 chooses automatically.", option="--eval-batch-size", low=0, high=65_536
    )
    seed: int = setting(
        0,
        "Random seed of initial weights, data order, augmentation and splits.",
        option="--seed",
        low=0,
        high=2**31 - 1,
    )
    label_smoothing: float = setting(0.0, "Label smoothing.", option="--label-smoothing", low=0, high=0.9)
    class_weights: Literal["none", "balanced"] = setting(
        "none", "Weight classes in the loss by inverse frequency.", option="--class-weights"
    )
    clip_norm: float = setting(0.0, "Clip gradients to this norm; 0 is off.", option="--clip-norm", low=0, high=1e6)
    ema_decay: float = setting(
        0.0,
        "Decay of the moving average of the weights, which is evaluated and saved; 0 is off.",
        option="--ema-decay",
        low=0,
        high=0.99999,
    )
    monitor: str = setting(
        "accuracy",
        "Validation metric that selects the best epoch.",
        option="--monitor",
        short="--eval-metric",
        choices=tuple(METRICS),
    )
    mode: Literal["auto", "min", "max"] = setting(
        "auto", "Whether a lower or a higher metric is better.", option="--mode"
    )
    patience: int = setting(
        0,
        "Epochs without improvement before early stopping; 0 is off.",
        option="--patience",
        unit="epochs",
        low=0,
        high=100_000,
    )
    min_delta: float = setting(
        0.0, "Smallest change that counts as an improvement.", option="--min-delta", low=0, high=1e6
    )
    precision: Literal["float32", "bfloat16", "float16", "auto"] = setting(
        "float32",
        "Precision of forward and backward passes, not of scores; auto uses the fastest on this device.",
        option="--precision",
    )
    deterministic: bool = setting(
        False, "Bit-identical results on a GPU as well, at some cost in speed.", option="--deterministic"
    )
    threads: int = setting(
        0, "CPU threads; 0 uses all that are available to the process.", option="--threads", low=0, high=1024
    )
    channels_last: Literal["auto", "on", "off"] = setting(
        "auto", "Channels-last memory layout of images and weights.", option="--channels-last"
    )
    compile: bool = setting(False, "Compile the model if the run is long enough to benefit.", option="--compile")

    @property
    def assumed_batch_size(self) -> int:
        """Images per step; the default while ``auto`` is unresolved."""
        default: int = type(self).model_fields["batch_size"].default
        return self.batch_size or default

    @field_validator("monitor")
    @classmethod
    def _known(cls, value: str) -> str:
        if value not in METRICS:
            raise ValueError(f"there is no {value!r}{nearest(value, METRICS)}")
        return value


class AugmentationConfig(Group):
    """Random augmentation of training images, drawn anew at each step; zero or false is off."""

    hflip: bool = setting(False, "Random horizontal flip.", option="--hflip")
    vflip: bool = setting(False, "Random vertical flip.", option="--vflip")
    rot90: bool = setting(False, "Random rotation by a multiple of 90 degrees.", option="--rot90")
    rotate: float = setting(
        0.0, "Random rotation by up to this angle.", option="--rotate", unit="degrees", low=0, high=180
    )
    translate: float = setting(
        0.0, "Random shift by up to this fraction of the side.", option="--translate", low=0, high=0.5
    )
    scale: float = setting(0.0, "Random zoom by up to this fraction.", option="--scale", low=0, high=0.9)
    color_jitter: float = setting(0.0, "Strength of colour jitter.", option="--color-jitter", low=0, high=1)
    stain_jitter: float = setting(
        0.0, "Strength of stain jitter in HED space, for histology.", option="--stain-jitter", low=0, high=1
    )
    erasing: float = setting(0.0, "Probability of erasing a rectangle.", option="--erasing", low=0, high=1)
    mixup: float = setting(0.0, "Alpha of mixup.", option="--mixup", low=0, high=10)
    cutmix: float = setting(0.0, "Alpha of cutmix.", option="--cutmix", low=0, high=10)


class ExecutionConfig(Group):
    """Name, device, limits and outputs of the run; none of them changes a result."""

    name: str = setting("", "Name of the run.", option="--name")
    tags: Words = setting((), "Tags, comma-separated.", option="--tag")
    note: str = setting("", "One-line note about the run.", option="--note")
    device: str = setting(
        "auto", "auto, cpu, cuda, cuda:N or mps; auto uses the least busy visible GPU.", option="--device"
    )
    wait_gpu: Bytes = setting(
        0,
        "Wait until a GPU has this much free memory; 0 does not wait.",
        option="--wait-gpu",
        unit="bytes or 10GiB",
        low=0,
    )
    max_time: Seconds = setting(
        0.0,
        "Save a checkpoint and exit with code 75 after this time; 0 is no limit.",
        option="--max-time",
        unit="seconds or 7h50m",
        low=0,
    )
    save_every: Seconds = setting(
        600.0, "Longest time between two checkpoints.", option="--save-every", unit="seconds or 10m", low=0
    )
    keep: Literal["best", "last", "all"] = setting(
        "best", "Checkpoints to keep: the best and the last two, only the last, or also one per epoch.", option="--keep"
    )
    watch_samples: str = setting(
        "auto",
        "Validation images whose Grad-CAM map is stored after each epoch; 0 is off, auto is 8 on small runs.",
        option="--watch-samples",
        suggestions=(AUTO, "0", "8"),
    )
    profile: bool = setting(False, "Profile some steps and record where the time goes.", option="--profile")
    on_end: Command = setting((), "Program to start (without a shell) when the run has ended.", option="--on-end")

    @field_validator("device")
    @classmethod
    def _device(cls, value: str) -> str:
        kind, _, number = value.partition(":")
        if kind not in ("auto", "cpu", "cuda", "mps") or (number and (kind != "cuda" or not number.isdigit())):
            raise ValueError(f"{value!r} is not a device; use auto, cpu, cuda, cuda:0 or mps")
        return value

    @field_validator("watch_samples", mode="before")
    @classmethod
    def _as_text(cls, value: object) -> object:
        return str(value) if type(value) is int else value

    @field_validator("watch_samples")
    @classmethod
    def _number_of_images(cls, value: str) -> str:
        if value == AUTO:
            return value
        if not value.isdecimal() or int(value) > MOST_WATCHED:
            raise ValueError(
                f"{value!r} is not a number of images; use auto or a whole number from 0 to {MOST_WATCHED}"
            )
        return str(int(value))

    @field_validator("name", "tags", "note")
    @classmethod
    def _plain_text(cls, value: str | tuple[str, ...]) -> str | tuple[str, ...]:
        for text in (value,) if isinstance(value, str) else value:
            if any(not character.isprintable() for character in text):
                raise ValueError("control characters are not allowed")
        return value

    @field_validator("tags")
    @classmethod
    def _separable(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for tag in value:
            if not tag or tag != tag.strip() or "," in tag:
                raise ValueError(f"{tag!r} is not a valid tag; tags have no comma and no space at either end")
        return value

    @field_validator("name")
    @classmethod
    def _safe_name(cls, value: str) -> str:
        if value and (len(value) > 80 or value.startswith((".", "-")) or not set(value).isdisjoint('/\\:*?"<>|')):
            given = shortened(repr(value))
            raise ValueError(f"{given} cannot name a folder; use up to 80 letters, digits, '-', '_' and inner dots")
        return value


class RunConfig(BaseModel):
    """All settings of a run. None is optional: "off" is a value."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    data: DataConfig = DataConfig()
    model: ModelConfig = ModelConfig()
    optimizer: OptimizerConfig = OptimizerConfig()
    schedule: ScheduleConfig = ScheduleConfig()
    training: TrainingConfig = TrainingConfig()
    augmentation: AugmentationConfig = AugmentationConfig()
    run: ExecutionConfig = ExecutionConfig()


FIELDS = field_records(RunConfig)
"""Every setting, by dotted path."""
