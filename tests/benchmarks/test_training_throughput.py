from __future__ import annotations

import sys
from pathlib import Path

import pytest

from benchmarks import conditions, training_throughput


def test_lightning_is_named_where_it_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(training_throughput, "find_spec", lambda name: None)
    monkeypatch.setattr(training_throughput, "chosen_cases", lambda names, device: [])
    monkeypatch.setattr(conditions, "RESULTS", tmp_path)
    monkeypatch.setattr(sys, "argv", ["training_throughput"])
    training_throughput.main()
    assert "Lightning is not compared with" in capsys.readouterr().out
