"""Where runs are kept."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

RunsDir = Annotated[
    Path | None, typer.Option("--runs-dir", help="Folder of the runs; XAITUI_RUNS_DIR, or ./runs.", show_default=False)
]
RunWord = Annotated[
    str, typer.Argument(metavar="RUN", help="An id or its beginning, a name, a path, last, or best:val_auc.")
]
