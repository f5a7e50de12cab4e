"""What several tests of the console have."""

from __future__ import annotations

import pytest

from xaitui.tui.app import ConsoleApp


@pytest.fixture(autouse=True)
def _own_drafts(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """No form begins with what another test wrote."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is said in passing."""
    said: list[str] = []
    monkeypatch.setattr(ConsoleApp, "tell", lambda app, text, severity="information": said.append(text))
    return said
