from __future__ import annotations

from tests.drivers.conftest import node_folder

__all__ = ["node_folder"]
