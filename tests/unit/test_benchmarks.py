from __future__ import annotations

import sys

import pytest

from benchmarks.training_throughput import main


def test_lightning_is_named_where_it_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "lightning", None)
    monkeypatch.setattr(sys, "argv", ["training_throughput"])
    with pytest.raises(SystemExit, match=r"Lightning is not here .*: pip install -e '\.\[benchmarks\]'"):
        main()
