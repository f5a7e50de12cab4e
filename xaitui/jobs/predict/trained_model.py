"""The trained model of a run, ready to be asked: its best weights in float32, and what belongs before and after it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from functools import partial

import torch
from torch import Tensor, nn

from xaitui.catalog.splits import SPLITS
from xaitui.config.schema import RunConfig
from xaitui.data.dataset import Dataset, Split
from xaitui.data.device.prepare import Prepare
from xaitui.errors import UsageError, nearest
from xaitui.jobs.prepare import Say, build_for, open_data
from xaitui.jobs.trusted_code import trusted_source
from xaitui.models.build import BuiltModel
from xaitui.runs.dataset import data_rules, with_place
from xaitui.runs.directory import RunDirectory
from xaitui.runs.preprocessing import Preprocessing, grey_range_of, read_preprocessing
from xaitui.runs.recorded_data import find_place, require_same
from xaitui.stop import Stop
from xaitui.text import quoted
from xaitui.training.best_weights import best_weights
from xaitui.training.build import (
    Normalisation,
    effective_normalisation,
    image_side,
    normalisation,
    train_statistics,
)
from xaitui.training.checkpoint import CheckpointError, State, load_checkpoint
from xaitui.training.device import choose_device
from xaitui.training.numerics import allow_tf32


@dataclass(frozen=True)
class TrainedModel:
    """A model that is not trained any more. It computes in float32 whatever it was trained in."""

    run: RunDirectory
    config: RunConfig
    built: BuiltModel
    module: nn.Module
    """In evaluation mode, its parameters frozen: float32 (B, channels, side, side) to logits (B, classes)."""
    prepare: Prepare
    """uint8 (B, C, H, W) to what the module takes."""
    preprocessing: Preprocessing
    weights: str
    """Which weights these are."""
    sha256: str
    """Of the weights, by which what was computed from them is told apart."""
    device: torch.device
    changed_data: str = ""
    """How the data differ from those of the run, where that is accepted; empty where they do not."""
    _opened: list[Dataset] = field(default_factory=list)

    @torch.inference_mode()
    def logits(self, images: Tensor) -> Tensor:
        """Logits (B, classes) of uint8 images (B, C, H, W) on any device."""
        output: Tensor = self.module(self.prepare(images.to(self.device)))
        return output.float()

    def dataset(self, say: Say = lambda text: None) -> Dataset:
        """The dataset of the run, opened once.

        Raises:
            DataError: a file is missing or damaged, or the data are not those of the run.
        """
        if not self._opened:
            self._opened.append(_open_data(self.run, self.config, self.device, say)[0])
        return self._opened[0]

    def split(self, name: str, say: Say = lambda text: None) -> Split:
        """A split as the run saw it.

        Raises:
            UsageError: there is no such split.
            DataError: a file is missing or damaged.
        """
        if name not in SPLITS:
            raise UsageError(f"there is no split {name!r}{nearest(name, SPLITS)}")
        return self.dataset(say).split(name)


def load_trained(
    run: RunDirectory,
    *,
    device: str = "auto",
    data_dir: str = "",
    trust_model: bool = False,
    accept_changed: bool = False,
) -> TrainedModel:
    """Load the best weights of a run, those so far where it is going on.

    Args:
        device: where to compute: "auto", "cpu", "cuda", "cuda:N" or "mps".
        data_dir: folder where the run's data files are looked for first; that of the run where it is not given.
        trust_model: whether the source of a user's own model, which lies in the run, may be executed.
        accept_changed: whether data that differ from the run's are accepted; the words on its weights then say so.

    Raises:
        UsageError: the device is not there, or the run's own model is not trusted.
        DataError: the run has no checkpoint, or its files or its data cannot be used.
    """
    config = _read_config(run, data_dir)
    source = trusted_source(run, trust_model=trust_model)
    chosen = choose_device(device, wait_for=0, stop=Stop(), say=lambda text: None).device
    state, weights = _best_weights(run, config)
    preprocessing, dataset, changed_data = read_preprocessing(run.preprocessing), None, ""
    if accept_changed or preprocessing is None:
        dataset, changed_data = _open_data(run, config, chosen, lambda text: None, accept_changed=accept_changed)
        weights += ", on changed data" if changed_data else ""
    if preprocessing is None:  # a run of before it was kept
        assert dataset is not None  # opened above
        shape = len(dataset.info.classes), dataset.info.channels, image_side(config, dataset)
        statistics = partial(train_statistics, dataset)
    else:
        shape = len(preprocessing.classes), preprocessing.channels, preprocessing.image_size
        statistics = partial(_same, (preprocessing.mean, preprocessing.std))
    normalised = normalisation(config, shape[1], statistics)
    built = build_for(config.model, *shape, normalised, source=source, load=False)
    if preprocessing is None:
        assert dataset is not None  # opened above
        preprocessing = preprocessing_of(config, dataset, built)
    try:
        built.module.load_state_dict(state)
    except (RuntimeError, KeyError, TypeError) as error:
        reason = str(error).splitlines()[0]
        raise CheckpointError(f"the checkpoint of {run.id} does not fit its model: {reason}") from None
    allow_tf32(allowed=False)
    module = built.module.to(chosen).eval().requires_grad_(False)
    prepare = Prepare(preprocessing.image_size, preprocessing.mean, preprocessing.std).to(chosen)
    return TrainedModel(
        run,
        config,
        built,
        module,
        prepare,
        preprocessing,
        weights,
        _hash(state),
        chosen,
        changed_data,
        [dataset] if dataset else [],
    )


def _open_data(
    run: RunDirectory, config: RunConfig, device: torch.device, say: Say, *, accept_changed: bool = False
) -> tuple[Dataset, str]:
    """The dataset of a run, and how it differs from what the run was made with, if that is accepted."""
    placed = with_place(config, find_place(run, config.data.dataset))
    dataset = open_data(placed, device, say, data_rules(run), grey_range_of(run.preprocessing))
    return dataset, require_same(run, placed.data.dataset, dataset, accept=accept_changed).content


def _same(normalised: Normalisation) -> Normalisation:
    return normalised


def preprocessing_of(config: RunConfig, dataset: Dataset, built: BuiltModel) -> Preprocessing:
    """How images of a set become inputs of the model that was built for it."""
    info = dataset.info
    mean, std = effective_normalisation(built, info.channels)
    return Preprocessing(
        info.task,
        info.classes,
        info.channels,
        dataset.train.images.shape[1],
        image_side(config, dataset),
        mean,
        std,
        dataset.grey_range,
    )


def _read_config(run: RunDirectory, data_dir: str) -> RunConfig:
    config = run.read_config()
    if not data_dir:
        return config
    return config.model_copy(update={"data": config.data.model_copy(update={"data_dir": data_dir})})


def _best_weights(run: RunDirectory, config: RunConfig) -> tuple[State, str]:
    """The state of the best weights, and which they are.

    Raises:
        CheckpointError: there is none, or it is damaged.
    """
    monitor = config.training.monitor
    if run.best.exists() and config.run.keep != "last":
        best = load_checkpoint(run.best)
        averaged = bool(best.get("averaged"))
        return _part(run, best, "model"), best_weights(best.get("epoch", 0), monitor, averaged=averaged)
    if not run.last.exists():
        raise CheckpointError(
            f"{run.id} has no checkpoint yet; wait for its first one, or: xaitui save {quoted(run.id)}"
        )
    last = load_checkpoint(run.last)
    averaged = bool(last.get("average"))
    if last.get("best_epoch"):
        return _part(run, last, "best_model"), best_weights(last["best_epoch"], monitor, averaged=averaged)
    module = last["average"]["module"] if last.get("average") else _part(run, last, "model")
    return module, f"the last weights{' (averaged)' * averaged}: no epoch is the best yet"


def _part(run: RunDirectory, state: State, name: str) -> State:
    if not isinstance(state.get(name), dict):
        raise CheckpointError(f"the checkpoint of {run.id} holds no weights")
    part: State = state[name]
    return part


def _hash(state: State) -> str:
    digest = hashlib.sha256()
    for name in sorted(state):
        digest.update(name.encode())
        digest.update(state[name].detach().cpu().contiguous().view(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()
