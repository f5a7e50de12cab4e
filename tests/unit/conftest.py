"""Hypothesis for the unit tests: no deadline, for a busy machine is no bug."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")
