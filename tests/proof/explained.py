"""Faults that no test can notice, or need not, by their names in tests.proof.mutate, and why."""

from __future__ import annotations

from typing import Final

EXPLAINED: Final[dict[str, str]] = {}
