from __future__ import annotations

import hashlib
import sys
from pathlib import Path

import pytest
import torch

from xaitui.errors import ExitCode, UsageError
from xaitui.models.build import BuiltModel, build_model

GOOD = '''
from __future__ import annotations
from dataclasses import dataclass
import torch
from torch import nn

@dataclass
class Width:
    hidden: int = 4

def build(num_classes: int, in_channels: int, image_size: int) -> nn.Module:
    """A tiny network."""
    return nn.Sequential(
        nn.Conv2d(in_channels, Width().hidden, 3, padding=1), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
        nn.Linear(Width().hidden, num_classes),
    )

def _private() -> None: ...
NUMBER = 3
'''


def build(path: Path, function: str = "build", **options: object) -> BuiltModel:
    return build_model(f"{path}:{function}", num_classes=3, in_channels=1, image_size=8, **options)  # type: ignore[arg-type]


def written(tmp_path: Path, code: str) -> Path:
    path = tmp_path / "net.py"
    path.write_text(code, encoding="utf-8")
    return path


def test_an_own_model_is_built_hashed_and_ready(tmp_path: Path) -> None:
    path = written(tmp_path, GOOD)
    built = build(path)
    assert built.module(torch.rand(2, 1, 8, 8)).shape == (2, 3)
    assert built.source_path == path
    assert built.source_sha256 == hashlib.sha256(GOOD.encode()).hexdigest()
    assert built.classifier == ("4",)
    assert built.notes == ()
    assert [name for name in sys.modules if name.endswith(built.source_sha256[:16])]
    assert [file.name for file in tmp_path.iterdir()] == ["net.py"]


def test_a_copy_can_stand_in_for_the_file(tmp_path: Path) -> None:
    copy = written(tmp_path, GOOD)
    built = build(tmp_path / "gone.py", source=copy)
    assert built.source_path == copy


def test_its_linear_layer_can_be_probed(tmp_path: Path) -> None:
    built = build(written(tmp_path, GOOD), finetune="linear-probe")
    trained = [name for name, parameter in built.module.named_parameters() if parameter.requires_grad]
    assert trained == ["4.weight", "4.bias"]
    assert built.notes == (
        "linear-probe: 15 of 55 parameters are trained",
        "the frozen layers have the weights that the model's own code gave them",
    )


def test_weights_from_a_file_fill_it(tmp_path: Path) -> None:
    path = written(tmp_path, GOOD)
    torch.manual_seed(1)
    first = build(path)
    torch.save(first.module.state_dict(), tmp_path / "weights.pth")
    second = build(path, weights=str(tmp_path / "weights.pth"))
    assert all(torch.equal(a, b) for a, b in zip(first.module.parameters(), second.module.parameters(), strict=True))
    assert "not verified" in second.notes[0]


def test_trying_it_out_changes_neither_the_generator_nor_its_mode(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        GOOD.replace("nn.Flatten()", "Noise()")
        + """
class Noise(nn.Module):
    def forward(self, x):
        return x.flatten(1) + torch.rand(1)
""",
    )
    torch.manual_seed(0)
    built = build(path)
    after = torch.rand(1)
    torch.manual_seed(0)
    torch.nn.Conv2d(1, 4, 3), torch.nn.Linear(4, 3)
    assert torch.equal(after, torch.rand(1))
    assert built.module.training


BAD = {
    "syntax": ("def build(:", "{path}:1: the file failed: SyntaxError: "),
    "import": ("import nowhere_to_be_found", "{path}:1: the file failed: ModuleNotFoundError: No module named "),
    "null": ("\0", "{path}: the file failed: SyntaxError: "),
    "name": (GOOD.replace("def build", "def bild"), "{path} has no function 'build'; did you mean 'bild'?"),
    "number": (GOOD.replace("def build", "def make") + "build = 3", "{path} has no function 'build'; "),
    "arguments": ("def build(classes):\n    pass", "{path}: build(3, 1, 8) failed: TypeError: build() takes 1 "),
    "raises": (
        "def build(a, b, c):\n\n    raise ValueError('two\\nlines \\x1b[31m')",
        "{path}:3: build(3, 1, 8) failed: ValueError: two lines \\x1b[31m",
    ),
    "type": ("def build(a, b, c):\n    return 3", "build of {path} must return a torch.nn.Module, not int"),
    "channels": (
        GOOD.replace("nn.Conv2d(in_channels", "nn.Conv2d(7"),
        "{path}: the model on a batch (2, 1, 8, 8) failed: RuntimeError: ",
    ),
    "classes": (
        GOOD.replace("hidden, num_classes", "hidden, 8"),
        "the model of {path} must return logits of shape (2, 3), not (2, 8)",
    ),
    "tuple": (
        GOOD + "\nclass Two(nn.Identity):\n    def forward(self, x):\n        return x, x\n"
        "def build(a, b, c):\n    return Two()",
        "the model of {path} must return a tensor of logits, not tuple",
    ),
}


@pytest.mark.parametrize("kind", BAD)
def test_a_mistake_is_one_line_with_its_place(tmp_path: Path, kind: str) -> None:
    code, message = BAD[kind]
    path = written(tmp_path, code)
    with pytest.raises(UsageError) as caught:
        build(path)
    assert str(caught.value).startswith(message.format(path=path))
    assert "\n" not in str(caught.value)
    assert caught.value.exit_code is ExitCode.USAGE


def test_a_missing_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        build(tmp_path / "gone.py")
    assert str(caught.value) == f"cannot read the model file {tmp_path / 'gone.py'}: No such file or directory"


def test_a_reused_activation_is_said(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        """
from torch import nn
class Net(nn.Module):
    def __init__(self, classes, channels):
        super().__init__()
        self.fc, self.out, self.act = nn.Linear(channels * 64, 4), nn.Linear(4, classes), nn.ReLU()
    def forward(self, x):
        return self.out(self.act(self.act(self.fc(x.flatten(1)))))
def build(classes, channels, size):
    return Net(classes, channels)
""",
    )
    assert build(path).notes == (
        "explanations: 1 activations are used more than once and 0 are functions, "
        "so methods that need a module for each cannot be used",
    )
