"""Files of weights as trainers write them: state dicts inside other things, under names with prefixes."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor
from torchvision.models import resnet18

from tests.cases.inputs import arrays
from tests.run_commands import finish, made_set, start
from xaitui.cli.app import run
from xaitui.errors import DataError
from xaitui.models.build import BuiltModel, build_model

State = dict[str, Tensor]
MADE = Callable[[State], Any]


@pytest.fixture(scope="module")
def state() -> State:
    torch.manual_seed(0)
    return resnet18(num_classes=1000).state_dict()  # type: ignore[no-any-return]  # torchvision ships no types


def under(prefix: str, state: State) -> State:
    return {prefix + key: tensor for key, tensor in state.items()}


def fresh(state: State) -> State:
    """Other weights of the same shapes."""
    return {key: torch.zeros_like(tensor) for key, tensor in state.items()}


def loaded(path: Path, **options: Any) -> BuiltModel:
    chosen: dict[str, Any] = {"num_classes": 2, "in_channels": 3, "image_size": 32} | options
    return build_model("resnet18", weights=str(path), **chosen)


def is_filled(built: BuiltModel, state: Mapping[str, Tensor]) -> bool:
    ours = built.module.state_dict()
    return all(torch.equal(ours[key], tensor) for key, tensor in state.items() if not key.startswith("fc."))


FILES: dict[str, tuple[MADE, str]] = {
    "plain": (lambda s: s, ""),
    "tutorial": (lambda s: {"epoch": 1, "model_state_dict": s, "optimizer_state_dict": {}}, "from model_state_dict"),
    "net": (lambda s: {"net": s, "epoch": 1}, "from net"),
    "network": (lambda s: {"network": s}, "from network"),
    "weights": (lambda s: {"weights": s}, "from weights"),
    "parallel": (lambda s: {"state_dict": under("module.", s)}, "from state_dict, prefix module."),
    "lightning": (
        lambda s: {"state_dict": under("model.", s) | {"loss.weight": torch.ones(2)}, "loops": {"fit": {}}},
        "from state_dict, prefix model.; 1 tensors beside it are not used: loss.weight",
    ),
    "compiled": (lambda s: under("_orig_mod.", s), "prefix _orig_mod."),
    "both": (lambda s: {"model": under("module.model.", s)}, "from model, prefix module.model."),
    "backbone": (lambda s: under("backbone.", s), "prefix backbone."),
    "parts": (lambda s: {k.replace("layer1.", "layer1.module."): v for k, v in s.items()}, ""),
    "nested": (lambda s: {"checkpoint": {"ema": {"module": s}}}, "from checkpoint.ema.module"),
    "arguments": (lambda s: {"args": Namespace(lr=0.1), "best": np.float64(0.9), "model": s}, "from model"),
    "optimizer": (
        lambda s: {"optimizer": {"state": {0: {"step": torch.ones(1)}}, "lr": torch.ones(1)}, "model": s},
        "from model",
    ),
    "averaged": (lambda s: {"state_dict": s, "state_dict_ema": fresh(s)}, "from state_dict; as good and not used: "),
}


@pytest.mark.parametrize("kind", FILES)
def test_what_trainers_write_is_found_by_its_names_and_said(tmp_path: Path, state: State, kind: str) -> None:
    make, origin = FILES[kind]
    torch.save(make(state), tmp_path / "w.pth")
    built = loaded(tmp_path / "w.pth")
    assert is_filled(built, state)
    (note,) = [note for note in built.notes if note.startswith("weights: ")]
    assert "; not from it but fresh: fc" in note
    assert f"of this model); {origin}" in note if origin else "; from" not in note
    assert "as good" not in note or kind == "averaged"


def test_safetensors_are_read(tmp_path: Path, state: State) -> None:
    path = tmp_path / "w.safetensors"
    save_file({key: tensor.clone() for key, tensor in under("model.", state).items()}, path)
    assert is_filled(loaded(path), state)
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(DataError, match="it is damaged, or not a safetensors file"):
        loaded(path)


def test_what_does_not_match_is_counted_and_named(tmp_path: Path, state: State) -> None:
    wrong = {key: tensor for key, tensor in state.items() if not key.startswith("layer4.1.bn")}
    wrong["conv1.weight"] = torch.zeros(64, 3, 3, 3)
    torch.save({"net": under("module.", wrong)}, tmp_path / "w.pth")
    with pytest.raises(DataError) as caught:
        loaded(tmp_path / "w.pth")
    assert "w.pth is for another model: 9 of 120 tensors do not match: conv1.weight is 64x3x3x3 and should be" in str(
        caught.value
    )
    assert str(caught.value).endswith(
        ", layer4.1.bn1.weight is missing, layer4.1.bn1.bias is missing, ...;"
        " if it has the other stem, give --stem small or --stem imagenet"
    )


def test_a_checkpoint_of_a_run_starts_another(tmp_path: Path) -> None:
    trained = start(
        tmp_path / "runs",
        data__dataset=str(made_set(tmp_path / "set.npz")),
        model__name="resnet18",
        training__epochs=1,
        training__threads=1,
    )
    finish(trained)
    for checkpoint, place in ((trained.run.best, "from model"), (trained.run.last, "from ")):
        built = loaded(checkpoint, in_channels=1, stem="small")
        (note,) = [note for note in built.notes if note.startswith("weights: ")]
        assert f"; {place}" in note
        assert "for grey images, are spread over RGB" in note
        assert "fresh" not in note
    best = torch.load(trained.run.best, weights_only=True)["model"]
    built = loaded(trained.run.best, in_channels=1, stem="small")
    ours = built.module.state_dict()
    assert torch.allclose(ours["conv1.weight"].sum(1, keepdim=True), best["conv1.weight"])
    assert torch.equal(ours["fc.weight"], best["fc.weight"])
    with pytest.raises(DataError, match=r"conv1.weight is 64x3x3x3 .*; if it has the other stem, give --stem small"):
        loaded(trained.run.best, in_channels=1)


def test_a_run_says_where_its_weights_were(tmp_path: Path, state: State, capsys: pytest.CaptureFixture[str]) -> None:
    x, y = arrays(40, 2, 32)
    np.savez(tmp_path / "set.npz", train_images=np.repeat(x[..., None], 3, -1), train_labels=y)
    torch.save(FILES["parallel"][0](state), tmp_path / "dataparallel.pth")
    words = [
        "train",
        "--headless",
        "--threads=1",
        "--epochs=1",
        "--model=resnet18",
        "--image-size=32",
        f"--dataset={tmp_path / 'set.npz'}",
        f"--weights={tmp_path / 'dataparallel.pth'}",
        f"--runs-dir={tmp_path / 'runs'}",
    ]
    assert run(words) == 0
    shown = " ".join("".join(capsys.readouterr()).split())
    assert "from state_dict, prefix module.; not from it but fresh: fc" in shown


def test_frozen_layers_of_an_own_model_are_not_said_to_be_random(tmp_path: Path) -> None:
    """It may have loaded weights by itself, which nobody else knows."""
    (tmp_path / "my_model.py").write_text(
        "from torch import nn\n"
        "def build(classes, channels, size):\n"
        "    pool = nn.AdaptiveAvgPool2d(1), nn.Flatten()\n"
        "    return nn.Sequential(nn.Conv2d(channels, 4, 3), *pool, nn.Linear(4, classes))\n"
    )
    built = build_model(
        f"{tmp_path / 'my_model.py'}:build", num_classes=2, in_channels=1, image_size=8, finetune="head"
    )
    assert "the frozen layers have the weights that the model's own code gave them" in built.notes
    assert not any("random" in note for note in built.notes)
