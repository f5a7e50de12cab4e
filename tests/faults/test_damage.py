from __future__ import annotations

import random
from pathlib import Path

import pytest

from tests.faults.damage import DAMAGES, check_found, check_goes_on, check_verified, copied, files_of, one_round


@pytest.mark.parametrize("damage", DAMAGES)
def test_damage_to_any_file_is_found(damage: str, tmp_path: Path) -> None:
    run, draw = copied(tmp_path), random.Random(0)
    files = files_of(run)
    assert len(files) >= 11
    for path in files:
        before = path.read_bytes()
        path.write_bytes(DAMAGES[damage](bytearray(before), draw))
        check_found(run, path)
        path.write_bytes(before)


def test_a_run_whose_last_checkpoint_is_damaged_in_a_bit_goes_on_from_the_one_before(tmp_path: Path) -> None:
    run = copied(tmp_path)
    run.last.write_bytes(DAMAGES["a bit"](bytearray(run.last.read_bytes()), random.Random(0)))
    resumed = check_goes_on(run)
    assert (resumed.from_step, resumed.checkpoint) == (8, "checkpoints/previous.pt")
    check_verified(run)


@pytest.mark.parametrize("seed", [0, 1])
def test_random_damage(seed: int, tmp_path: Path) -> None:
    one_round(seed, tmp_path)
