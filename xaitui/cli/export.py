"""`xaitui export`: a trained model as a file for other programs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from xaitui.cli.arguments import DataDir, RunsDir, RunWord, TrustModel
from xaitui.cli.completion import one_of
from xaitui.cli.output.streams import put
from xaitui.config.units import format_size
from xaitui.runs.find import find_run
from xaitui.runs.folder import runs_folder
from xaitui.text import printable


def command(
    run: RunWord,
    to: Annotated[
        str,
        typer.Option(
            "--to",
            help="safetensors: the weights; onnx, torch-export: the whole way from bytes to probabilities.",
            autocompletion=one_of(("safetensors", "onnx", "torch-export")),
        ),
    ],
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", metavar="DIR", help="Folder; exports/FORMAT in the run's own.", show_default=False),
    ] = None,
    data_dir: DataDir = "",
    trust_model: TrustModel = False,
    runs_dir: RunsDir = None,
) -> int:
    """Write the trained model to a file, class names and preprocessing beside it; read it back and compare."""
    found = find_run(run, runs_folder(runs_dir))
    from xaitui.jobs.export.export import check_format, export
    from xaitui.jobs.predict.trained_model import load_trained

    check_format(to)
    model = load_trained(found, device="cpu", data_dir=data_dir, trust_model=trust_model)
    exported = export(model, to, out)
    size = format_size(exported.file.stat().st_size)
    put(f"model          {printable(exported.file.absolute())} ({size})")
    put(f"preprocessing  {printable(exported.beside.absolute())}")
    put(f"weights        {printable(model.weights)}")
    put(f"checked        {printable(exported.agreement)}")
    return 0
