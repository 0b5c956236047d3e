"""The version of this package, and of the oldest schema that it works with."""

from __future__ import annotations

from typing import Final

__version__: Final = "0.1.0"
OLDEST_SCHEMA: Final = "0.1.0"
