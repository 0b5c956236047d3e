"""The version of this package, and what it asks of the schema."""

from __future__ import annotations

from typing import Final

__version__: Final = "0.1.0"
OLDEST_SCHEMA: Final = "0.1.0"
# The contract with the schema, as in sql/lib/_protocol.sql: what our calls send and read.
# A schema of this number or of the next one accepts us. When it is raised, OLDEST_SCHEMA becomes
# the version that brings it, so that a new worker waits for the migration.
PROTOCOL: Final = 2
