"""Where the pictures are taken: a home of its own, a machine without a name, nothing of whoever takes them."""

from __future__ import annotations

import os
import socket
from pathlib import Path

RUNS = Path("runs")
"""The folder of the runs, as it is shown."""
HOST = "localhost"


def settle(home: Path, data_dir: Path | None) -> None:
    """Make `home` this process's home and working directory, before anything of xaitui is loaded.

    A folder of data files is put where they are looked for without being told, for its path would be seen.
    """
    if data_dir is not None and not (home / "data").exists():
        (home / "data").symlink_to(data_dir.resolve(), target_is_directory=True)
    for name in [name for name in os.environ if name.startswith(("XAITUI_", "XDG_"))]:
        del os.environ[name]
    os.environ |= {"HOME": str(home), "COLORTERM": "truecolor"}
    os.environ.pop("NO_COLOR", None)
    os.chdir(home)
    hide_host()


def hide_host() -> None:
    """Let this process take its machine for `localhost`."""
    socket.gethostname = lambda: HOST
