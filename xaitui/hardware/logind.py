"""Detection of login managers that end a user's processes at logout, from their configuration files.

The files and their order are those of logind.conf(5). A vendor's file shows the compiled-in defaults as comments.
"""

from __future__ import annotations

import re
from pathlib import Path

from xaitui.hardware.checks import Check, Level

_FOLDERS = ("etc/systemd", "run/systemd", "usr/local/lib/systemd", "usr/lib/systemd")
"""The first one that has a file of some name is the one that counts."""

_SETTING = re.compile(r"^(?P<comment>[#;]?)\s*KillUserProcesses\s*=\s*(?P<value>\w+)\s*$", re.MULTILINE)


def check_sessions(root: Path = Path("/")) -> Check | None:
    """Return a warning if a logout ends this process and its children; None if it does not, or if unknown."""
    if not (_in_session(root) and ends_user_processes(root)):
        return None
    return Check(
        "logout",
        Level.WARN,
        "the login manager ends your programs when you log out, a run in tmux or with nohup too",
        "loginctl enable-linger, then begin with: systemd-run --user --scope tmux",
    )


def ends_user_processes(root: Path = Path("/")) -> bool:
    """Return whether KillUserProcesses is on; False if no file sets it."""
    value = ""
    for path in _files(root):
        for match in _SETTING.finditer(_read(path)):
            if not match["comment"] or not value:
                value = match["value"].lower()
    return value in ("yes", "true", "on", "1")


def _files(root: Path) -> list[Path]:
    """The main file, then the drop-ins in the order of their names."""
    main = [path for folder in _FOLDERS if (path := root / folder / "logind.conf").is_file()][:1]
    drop_ins: dict[str, Path] = {}
    for folder in _FOLDERS:
        for path in (root / folder / "logind.conf.d").glob("*.conf"):
            drop_ins.setdefault(path.name, path)
    return [*main, *(drop_ins[name] for name in sorted(drop_ins))]


def _in_session(root: Path) -> bool:
    """Return whether this process is in the scope of a login session."""
    return bool(re.search(r"/session-[^/]+\.scope", _read(root / "proc/self/cgroup")))


def _read(path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except OSError:
        return ""
