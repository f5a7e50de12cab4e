"""The files that a trained model can be written to, and how each is read back."""

from __future__ import annotations

import copy
import importlib.util
import io
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from xaitui.catalog.records import Task
from xaitui.errors import UsageError
from xaitui.jobs.predict.agreement import Answer
from xaitui.jobs.predict.images import Pixels
from xaitui.jobs.predict.trained_model import TrainedModel
from xaitui.training.evaluate import probabilities

KEY = "preprocessing.json"
"""Under which each file itself holds what is written beside it."""
INPUT, OUTPUT = "images", "probabilities"
"""Names in the exported graphs."""
OPSET = 20
"""Of ONNX: the oldest that torch's exporter writes without converting, and has resizing with antialias."""


class Graph(nn.Module):
    """The whole way from bytes to probabilities, so that nobody has to prepare images again.

    uint8 (N, channels, S, S), of the size of the set's images, to float32 (N, classes).
    """

    def __init__(self, prepare: nn.Module, model: nn.Module, task: Task) -> None:
        super().__init__()
        self.prepare = prepare
        self.model = model
        self.task = task

    def forward(self, images: Tensor) -> Tensor:
        """Scale, resize, normalise, compute, and turn logits into probabilities."""
        return probabilities(self.model(self.prepare(images)), self.task)


@dataclass(frozen=True)
class Format:
    """One kind of file."""

    file: str
    """Its name."""
    write: Callable[[TrainedModel, Path, str], None]
    """Writes a model to a path, with the record of what belongs to it."""
    read: Callable[[TrainedModel, Path], Answer]
    """Reads the file back; the model lends what the file does not hold."""
    usage: str
    """How it is used, in Python."""


def _write_safetensors(model: TrainedModel, path: Path, record: str) -> None:
    from safetensors.torch import save

    # Copies, for the format refuses weights that are shared
    state = {name: tensor.detach().clone().contiguous() for name, tensor in model.module.state_dict().items()}
    path.write_bytes(save(state, metadata={KEY: record}))  # its own writing raises no OSError where the disk is full


def _read_safetensors(model: TrainedModel, path: Path) -> Answer:
    from safetensors.torch import load_file

    module = copy.deepcopy(model.module)
    module.load_state_dict(load_file(path))
    return _answer_of(Graph(model.prepare, module, model.preprocessing.task))


def _write_torch_export(model: TrainedModel, path: Path, record: str) -> None:
    program = torch.export.export(_graph(model), (_example(model),), dynamic_shapes=_any_number())
    file = io.BytesIO()  # torch's own writing to a path aborts the process where the disk is full
    torch.export.save(program, file, extra_files={KEY: record})
    path.write_bytes(file.getbuffer())


def _read_torch_export(model: TrainedModel, path: Path) -> Answer:
    return _answer_of(torch.export.load(path).module())


def _write_onnx(model: TrainedModel, path: Path, record: str) -> None:
    program = torch.onnx.export(
        _graph(model),
        (_example(model),),
        dynamo=True,
        verbose=False,
        opset_version=OPSET,
        external_data=False,
        input_names=[INPUT],
        output_names=[OUTPUT],
        dynamic_shapes=_any_number(),
    )
    assert program is not None  # it is, with dynamo
    program.model.metadata_props[KEY] = record
    program.save(path, external_data=False)


def _read_onnx(model: TrainedModel, path: Path) -> Answer:
    import onnxruntime

    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])

    def answer(images: Pixels) -> NDArray[np.float32]:
        given: NDArray[np.float32] = session.run([OUTPUT], {INPUT: _channels_first(images)})[0]
        return given

    return answer


FORMATS: dict[str, Format] = {
    "safetensors": Format(
        "model.safetensors",
        _write_safetensors,
        _read_safetensors,
        "model.load_state_dict(safetensors.torch.load_file('model.safetensors'))",
    ),
    "onnx": Format(
        "model.onnx",
        _write_onnx,
        _read_onnx,
        f"onnxruntime.InferenceSession('model.onnx').run(None, {{'{INPUT}': {INPUT}}})[0]",
    ),
    "torch-export": Format(
        "model.pt2",
        _write_torch_export,
        _read_torch_export,
        f"torch.export.load('model.pt2').module()({INPUT})",
    ),
}
"""What `--to` takes."""

NEEDED = {"onnx": ("onnx", "onnxscript", "onnxruntime"), "safetensors": ("safetensors",)}
"""The libraries that a format needs; the last of ONNX's reads the file back."""


def require_libraries(name: str) -> None:
    """Make sure that a format can be written and checked.

    Raises:
        UsageError: a library is not installed.
    """
    missing = [each for each in NEEDED.get(name, ()) if importlib.util.find_spec(each) is None]
    if missing:
        remedy = "pip install 'xaitui[onnx]'" if name == "onnx" else f"pip install {' '.join(missing)}"
        raise UsageError(f"--to {name} needs {', '.join(missing)}: {remedy}")


def _graph(model: TrainedModel) -> Graph:
    return Graph(model.prepare, model.module, model.preprocessing.task).eval()


def _example(model: TrainedModel) -> Tensor:
    """Two images: of one alone the exporter would take their number for a constant."""
    needed = model.preprocessing
    return torch.zeros((2, needed.channels, needed.source_size, needed.source_size), dtype=torch.uint8)


def _any_number() -> dict[str, dict[int, torch.export.Dim]]:
    return {INPUT: {0: torch.export.Dim("number")}}


def _answer_of(module: nn.Module) -> Answer:
    """The answers of a module from bytes to probabilities, on the processor."""

    @torch.inference_mode()
    def answer(images: Pixels) -> NDArray[np.float32]:
        given: NDArray[np.float32] = module(torch.from_numpy(_channels_first(images))).numpy()
        return given

    return answer


def _channels_first(images: Pixels) -> Pixels:
    return np.ascontiguousarray(images.transpose(0, 3, 1, 2))
