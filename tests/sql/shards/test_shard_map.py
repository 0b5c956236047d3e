from __future__ import annotations

import psycopg

from tests.sql.calls import rows, value
from tests.sql.shards.conftest import NUMBER, OWNERS


def test_a_database_of_its_own_has_none(conn: psycopg.Connection) -> None:
    assert rows(conn, "shard_map") == []


def test_it_tells_number_owners_and_spread_queues(shard: psycopg.Connection) -> None:
    value(shard, "shard_spread", queue="bulk")
    value(shard, "shard_assign", slots=[1], owner=None)
    owners = [OWNERS[0], None, *OWNERS[2:]]
    assert rows(shard, "shard_map") == [{"number": NUMBER, "owners": owners, "spread": ["bulk"]}]
