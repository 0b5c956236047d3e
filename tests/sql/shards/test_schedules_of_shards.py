from __future__ import annotations

import json

import psycopg

from tests.sql.calls import rows, value
from tests.sql.shards.test_shard_slot import by_hand


def sync(conn: psycopg.Connection) -> set[str]:
    """Sync a schedule for each of ten queues, and return those that are here."""
    declared = [
        {"name": f"s{n}", "task": "t", "queue": f"q{n}", "every": "1 day"} for n in range(10)
    ]
    rows(conn, "sync_schedules", source="code", schedules=json.dumps(declared))
    return {name for (name,) in conn.execute("select name from pgq.schedule_status")}


def test_a_sync_makes_those_of_its_queues(shard: psycopg.Connection) -> None:
    """The same call on every shard makes each schedule once."""
    own = {f"s{n}" for n in range(10) if by_hand(f"q{n}") % 2 == 0}
    assert 0 < len(own) < 10
    assert sync(shard) == own
    value(shard, "shard_assign", slots=list(range(1024)), owner=8)
    assert sync(shard) == set()


def test_a_database_of_its_own_makes_all(conn: psycopg.Connection) -> None:
    assert len(sync(conn)) == 10
