from __future__ import annotations

from pathlib import Path

import pytest

from xaitui.hardware.checks import Level
from xaitui.hardware.logind import check_sessions, ends_user_processes


def put(root: Path, name: str, text: str) -> None:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def setting(value: str) -> str:
    return f"# a comment\n[Login]\nKillUserProcesses={value}\n#KillExcludeUsers=root\n"


@pytest.mark.parametrize(
    ("files", "ends"),
    [
        ({}, False),
        ({"etc/systemd/logind.conf": "[Login]\n"}, False),
        ({"etc/systemd/logind.conf": "[Login]\n#KillUserProcesses=no\n"}, False),
        ({"etc/systemd/logind.conf": "[Login]\n#KillUserProcesses=yes\n"}, True),
        ({"etc/systemd/logind.conf": "[Login]\n#KillUserProcesses=yes\nKillUserProcesses=no\n"}, False),
        ({"usr/lib/systemd/logind.conf": setting("yes")}, True),
        ({"etc/systemd/logind.conf": setting("no"), "usr/lib/systemd/logind.conf": setting("yes")}, False),
        ({"etc/systemd/logind.conf": setting("no"), "usr/lib/systemd/logind.conf.d/90-a.conf": setting("yes")}, True),
        (
            {
                "etc/systemd/logind.conf.d/10-a.conf": setting("yes"),
                "usr/lib/systemd/logind.conf.d/90-a.conf": setting("no"),
            },
            False,
        ),
        (
            {
                "etc/systemd/logind.conf.d/10-a.conf": setting("no"),
                "usr/lib/systemd/logind.conf.d/10-a.conf": setting("yes"),
            },
            False,
        ),
    ],
)
def test_the_file_that_counts(files: dict[str, str], ends: bool, tmp_path: Path) -> None:
    for name, text in files.items():
        put(tmp_path, name, text)
    assert ends_user_processes(tmp_path) == ends


@pytest.mark.parametrize(
    ("group", "warned"),
    [
        ("0::/user.slice/user-1000.slice/session-4.scope\n", True),
        ("0::/user.slice/user-1000.slice/user@1000.service/app.slice/run-1.scope\n", False),
        ("0::/\n", False),
    ],
)
def test_only_what_belongs_to_a_login_ends_with_it(group: str, warned: bool, tmp_path: Path) -> None:
    put(tmp_path, "proc/self/cgroup", group)
    assert check_sessions(tmp_path) is None
    put(tmp_path, "etc/systemd/logind.conf", setting("yes"))
    check = check_sessions(tmp_path)
    assert (check is not None) == warned
    if check is not None:
        assert check.level is Level.WARN
        assert "loginctl enable-linger" in check.remedy
