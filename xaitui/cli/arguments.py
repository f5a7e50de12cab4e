"""Arguments that commands share: the folder of runs, a run, and the options for a trained model."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from xaitui.cli.completion import complete_run, one_of

DEVICES = ("auto", "cpu", "cuda", "mps")
RunsDir = Annotated[
    Path | None, typer.Option("--runs-dir", help="Folder of the runs; XAITUI_RUNS_DIR, or ./runs.", show_default=False)
]
RunWord = Annotated[
    str,
    typer.Argument(
        metavar="RUN",
        help="An id or its beginning, a name, a path, last, or best:val_auc.",
        autocompletion=complete_run,
    ),
]
DataDir = Annotated[
    str, typer.Option("--data-dir", help="Folder of the data files; that of the run.", show_default=False)
]
Device = Annotated[
    str,
    typer.Option("--device", help="Where to compute: auto, cpu, cuda, cuda:N, mps.", autocompletion=one_of(DEVICES)),
]
MovedTo = Annotated[
    str, typer.Option("--dataset", metavar="PATH", help="Where the run's own dataset lies now.", show_default=False)
]
AcceptChanged = Annotated[
    bool, typer.Option("--accept-changed-data", help="Use the data although they are not those of the run.")
]
TrustModel = Annotated[bool, typer.Option("--trust-model", help="Run the model source kept in the run.")]
