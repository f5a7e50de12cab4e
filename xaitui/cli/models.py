"""`xaitui models`: which models can be trained, and how large one is."""

from __future__ import annotations

import json as json_module
import textwrap
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from xaitui.catalog.models import FINETUNING, MODELS, OWN_MODEL, PREFIXES, PRETRAINEDMODELS, model_info
from xaitui.catalog.records import ModelInfo
from xaitui.cli.completion import one_of
from xaitui.cli.output.streams import put, say
from xaitui.config.units import format_size
from xaitui.errors import UsageError, nearest
from xaitui.runs.journal.describe import WIDTH
from xaitui.text import printable

if TYPE_CHECKING:
    from xaitui.models.estimate import Memory

SIZE = 28
"""Image side for a model that has no pretrained weights to name a better one."""

app = typer.Typer(rich_markup_mode=None)

AsJson = Annotated[bool, typer.Option("--json", help="One JSON object a model.")]


@app.command("ls")
def list_command(
    everything: Annotated[bool, typer.Option("--all", help="Name each network of the libraries too.")] = False,
    json: AsJson = False,
) -> int:
    """List the models: name, smallest image, image side of the pretrained weights, description."""
    infos = [*MODELS.values(), *(PRETRAINEDMODELS.values() if everything else ())]
    if json:
        for info in infos:
            put(json_module.dumps(asdict(info)))
        return 0
    width = max(len(info.name) for info in infos)
    put(f"{'NAME':<{width}}  {'SMALLEST':>8}  {'PRETRAINED':>10}  DESCRIPTION")
    for info in infos:
        put(_row(info, width))
    for prefix, description in PREFIXES.items():
        say(_hanging(f"{prefix + 'NAME':<21}  ", description))
    own = "A function (num_classes, in_channels, image_size) -> torch.nn.Module of your own."
    say(_hanging(f"{OWN_MODEL:<21}  ", own))
    return 0


def _row(info: ModelInfo, width: int) -> str:
    pretrained = f"{info.pretrained_size} px" if info.pretrained_size else "no"
    return _hanging(f"{info.name:<{width}}  {f'{info.min_size} px':>8}  {pretrained:>10}  ", info.description)


def _hanging(columns: str, description: str) -> str:
    """A row whose last column goes on below itself where a terminal of 80 columns would break a word."""
    return textwrap.fill(columns + description, WIDTH, subsequent_indent=" " * len(columns), break_long_words=False)


@app.command("show")
def show_command(
    name: Annotated[str, typer.Argument(metavar="NAME", help="As --model takes it.", autocompletion=one_of(MODELS))],
    channels: Annotated[int, typer.Option("--channels", help="Channels of an image.", min=1, max=64)] = 3,
    size: Annotated[
        int,
        typer.Option(
            "--size", help="Image side in pixels; 0 is that of the pretrained weights, or 28.", min=0, max=1024
        ),
    ] = 0,
    classes: Annotated[int, typer.Option("--classes", help="Classes to tell apart.", min=2, max=100_000)] = 10,
    finetune: Annotated[
        str,
        typer.Option(
            "--finetune", help=f"What is trained: {', '.join(FINETUNING)}.", autocompletion=one_of(FINETUNING)
        ),
    ] = "full",
    batch_size: Annotated[
        int, typer.Option("--batch-size", "-b", help="Images in a step, for the memory.", min=1, max=65_536)
    ] = 32,
    json: AsJson = False,
) -> int:
    """Build a model and say how large it is and what one image costs. An own model's file is run."""
    if finetune not in FINETUNING:
        raise UsageError(f"--finetune cannot be {finetune!r}{nearest(finetune, FINETUNING)}")
    size = size or model_info(name).pretrained_size or SIZE
    from xaitui.config.resolve import build_config
    from xaitui.models.estimate import estimate

    config = build_config({"model.name": name, "model.finetune": finetune, "training.batch_size": batch_size})
    found = estimate(config, classes=classes, channels=channels, image_size=size)
    if json:
        shape = {"channels": channels, "size": size, "classes": classes, "finetune": finetune, "batch_size": batch_size}
        memory = asdict(found.memory) | {"total": found.memory.total}
        record = {"name": name, **shape, **asdict(found.summary), "memory": memory, "notes": list(found.notes)}
        put(json_module.dumps(record))
        return 0
    put(f"model          {printable(name)}: {model_info(name).description}")
    put(f"image          {size} x {size} px, {channels} channel{'s' if channels > 1 else ''}, {classes} classes")
    put(f"parameters     {found.summary.parameters:,}, of which {found.summary.trainable:,} are trained")
    put(f"multiply-adds  {found.summary.multiply_adds:,} for one image, forward")
    put(_hanging("memory         ", _memory(found.memory, config.optimizer.name, batch_size)))
    for note in found.notes:
        put(f"note           {printable(note)}")
    return 0


def _memory(memory: Memory, optimizer: str, batch_size: int) -> str:
    """What a step takes, in words."""
    parts = {
        "weights": memory.weights,
        "gradients": memory.gradients,
        optimizer: memory.optimizer,
        f"activations of {batch_size} images": memory.activations,
    }
    listed = ", ".join(f"{name} {format_size(size)}" for name, size in parts.items())
    return f"about {format_size(memory.total)} to train: {listed}"
