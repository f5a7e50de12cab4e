"""What every test has: a cache, a home and an environment of its own, so that no test meets the user's."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # read once, when torch is loaded

NOT_FAST = (
    "data/device/test_memory.py",
    "data/test_download.py",
    "data/test_open.py",
    "explain/methods/test_methods.py",
    "hardware/test_host_allocator.py",
    "hardware/test_sampler.py",
    "hardware/test_torch_probe.py",
    "jobs/",
    "metrics/test_scores.py",
    "models/test_catalog_models.py",
    "models/test_pretrained.py",
    "models/test_state_dict.py",
    "plotting/test_drawer.py",
    "runs/test_environment.py",
    "runs/test_follower.py",
    "runs/test_lock.py",
    "studies/test_optuna_proposer.py",
    "system/test_helper_process.py",
    "test_fork_server.py",
)
"""Unit tests that start processes, train, or build large networks; the others are marked as fast."""

settings.register_profile("unhurried", deadline=None)  # a busy machine is no bug
settings.load_profile("unhurried")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the fast tests."""
    unit = Path(__file__).parent / "unit"
    for item in items:
        if item.path.is_relative_to(unit) and not item.path.relative_to(unit).as_posix().startswith(NOT_FAST):
            item.add_marker(pytest.mark.fast)


@pytest.fixture(autouse=True, scope="session")
def _own_environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    home = tmp_path_factory.mktemp("home")
    kept = dict(os.environ)
    for name in [name for name in os.environ if name.startswith("XAITUI_")]:
        del os.environ[name]
    os.environ.update(HOME=str(home), XDG_CACHE_HOME=str(home / "cache"), NO_COLOR="1")
    yield
    os.environ.clear()
    os.environ.update(kept)


@pytest.fixture
def runs_dir(tmp_path: Path) -> Path:
    return tmp_path / "runs"
