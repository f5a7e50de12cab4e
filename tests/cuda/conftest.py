"""Tests on an NVIDIA GPU: `pytest -m cuda -n 0`.

With XAITUI_REHEARSE=cpu those that a processor can do run on it, so that their code is tried where there is no GPU.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
import torch

from xaitui.cli.app import TORCH_ENVIRONMENT
from xaitui.jobs.preflight.preflight import _torch_as_it_was

REHEARSED = os.environ.get("XAITUI_REHEARSE", "")
"""Read now: what a user has set for xaitui is taken out of the environment of tests."""

for name, value in TORCH_ENVIRONMENT.items():  # as the command line does; cuBLAS reads its part at its first product
    os.environ.setdefault(name, value)


@pytest.fixture(scope="session")
def device() -> str:
    """Where to compute, as `--device` names it."""
    if not REHEARSED and not torch.cuda.is_available():
        pytest.skip("needs a GPU")
    return REHEARSED or "cuda:0"


@pytest.fixture(scope="session")
def gpu() -> torch.device:
    """A real GPU, for what cannot be rehearsed."""
    if REHEARSED or not torch.cuda.is_available():
        pytest.skip("needs a GPU")
    return torch.device("cuda", 0)


@pytest.fixture(autouse=True)
def _as_it_was() -> Iterator[None]:
    """Put back what a test sets for the whole process: precision, determinism, threads, generators, limits."""
    with _torch_as_it_was():
        try:
            yield
        finally:
            if torch.cuda.is_initialized():  # type: ignore[no-untyped-call]
                torch.cuda.set_sync_debug_mode("default")
                torch.cuda.set_per_process_memory_fraction(1.0, 0)
