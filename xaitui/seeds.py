"""Seeds for the separate uses of randomness in a run, all derived from the one that the user gives."""

from __future__ import annotations

import hashlib
import json


def derive_seed(seed: int, *words: str | int) -> int:
    """Derive a seed of 63 bits for one use, such as ``derive_seed(seed, "order", epoch)``.

    The result depends on nothing but the arguments, so that a run can begin again at any epoch or step; different
    words give unrelated seeds, so that what one use draws never changes what another draws.
    """
    # JSON keeps ("a", "b"), ("ab",) and ("1",), (1,) apart, and refuses what has no fixed spelling.
    spelled = json.dumps([seed, *words]).encode()
    return int.from_bytes(hashlib.blake2b(spelled, digest_size=8).digest(), "big") >> 1
