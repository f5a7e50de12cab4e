"""The interface for notebooks: `xaitui.load` gives the trained model of a run."""

from __future__ import annotations

from pathlib import Path

from xaitui.jobs.predict.notebook import LoadedRun, load_run
from xaitui.runs.find import find_run
from xaitui.runs.folder import runs_folder


def load(
    run: str | Path = "last",
    *,
    runs_dir: str | Path | None = None,
    device: str = "auto",
    data_dir: str = "",
    trust_model: bool = False,
) -> LoadedRun:
    """Load the trained model of a run, with its preprocessing and the names of its classes.

    Args:
        run: an id or its beginning, a name, a path, ``last``, or ``best:val_auc``.
        runs_dir: folder of the runs; ``XAITUI_RUNS_DIR``, or ``runs``.
        device: where to compute: "auto", "cpu", "cuda", "cuda:N" or "mps".
        data_dir: folder where the run's data files are looked for first.
        trust_model: whether the source of a user's own model, which lies in the run, may be executed.

    Raises:
        UsageError: no run is meant, or several are; its own model is not trusted.
        DataError: the run has no checkpoint, or its files cannot be used.
    """
    found = find_run(str(run), runs_folder(None if runs_dir is None else Path(runs_dir)))
    return load_run(found, device=device, data_dir=data_dir, trust_model=trust_model)
