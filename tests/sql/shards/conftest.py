"""A shard: the database of `conn`, with a number, and half of the slots."""

from __future__ import annotations

import psycopg
import pytest

from tests.sql.calls import value

NUMBER = 7
# It takes the even slots; another one, 8, the odd ones.
OWNERS = [NUMBER if slot % 2 == 0 else 8 for slot in range(1024)]


@pytest.fixture
def shard(conn: psycopg.Connection) -> psycopg.Connection:
    """The session `conn`, whose database is shard 7."""
    value(conn, "shard_init", number=NUMBER, owners=OWNERS)
    return conn
