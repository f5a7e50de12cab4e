from __future__ import annotations

import pickle
import random
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from xaitui.training.checkpoint import CheckpointError, load_checkpoint, pack_text, save_checkpoint, unpack_text


def test_tensors_and_plain_values_come_back(tmp_path: Path) -> None:
    state = {"model": {"weight": torch.arange(6.0).view(2, 3)}, "step": 7, "best": None, "seconds": 1.5, "off": {}}
    save_checkpoint(tmp_path / "last.pt", state)
    found = load_checkpoint(tmp_path / "last.pt")
    assert torch.equal(found.pop("model")["weight"], torch.arange(6.0).view(2, 3))
    assert found == {"step": 7, "best": None, "seconds": 1.5, "off": {}}
    assert [path.name for path in tmp_path.iterdir()] == ["last.pt"]


@given(st.binary(max_size=300))
def test_text_is_packed_as_a_tensor(text: bytes) -> None:
    assert unpack_text(pack_text(text)) == text


class _Code:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return (print, ("executed",))


def test_code_is_refused_and_not_executed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    torch.save({"model": _Code()}, tmp_path / "zip.pt")
    (tmp_path / "pickle.pt").write_bytes(pickle.dumps(_Code()))
    for name in ("zip.pt", "pickle.pt"):
        with pytest.raises(CheckpointError, match="it holds code or objects"):
            load_checkpoint(tmp_path / name)
    assert "executed" not in capsys.readouterr().out


def test_whatever_is_cut_or_changed_is_a_checkpoint_error_or_reads_back(tmp_path: Path) -> None:
    path = tmp_path / "last.pt"
    save_checkpoint(path, {"model": torch.zeros(3), "step": 1})
    whole = path.read_bytes()
    for length in range(0, len(whole), 41):
        path.write_bytes(whole[:length])
        with pytest.raises(CheckpointError):
            load_checkpoint(path)
    with pytest.raises(CheckpointError, match="there is no checkpoint"):
        load_checkpoint(tmp_path / "nothing.pt")


def test_a_changed_bit_is_never_taken_for_what_was_saved(tmp_path: Path) -> None:
    """What torch reads of a file it does not compare with the checksums that it wrote there."""
    path, draw = tmp_path / "last.pt", random.Random(0)
    state = {"model": {"weight": torch.arange(500.0)}, "step": 7}
    save_checkpoint(path, state)
    whole, refused = path.read_bytes(), 0
    for _ in range(300):
        changed = bytearray(whole)
        changed[draw.randrange(len(whole))] ^= 1 << draw.randrange(8)
        path.write_bytes(changed)
        try:
            found = load_checkpoint(path)
        except CheckpointError:
            refused += 1
        else:
            assert torch.equal(found.pop("model").pop("weight"), state["model"]["weight"])  # type: ignore[index]
            assert found == {"step": 7}
    assert refused > 200
