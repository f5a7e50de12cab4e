"""What several tests of the console have."""

from __future__ import annotations

import pytest

from xaitui.tui.app import Console


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is said in passing."""
    said: list[str] = []
    monkeypatch.setattr(Console, "tell", lambda app, text, severity="information": said.append(text))
    return said
