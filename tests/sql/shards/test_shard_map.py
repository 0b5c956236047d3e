from __future__ import annotations

import psycopg
import pytest

from tests.sql.calls import rows, value
from tests.sql.shards.conftest import NUMBER, OWNERS


def test_a_database_of_its_own_has_none(conn: psycopg.Connection) -> None:
    assert rows(conn, "shard_map") == []


def test_it_tells_number_owners_and_spread_queues(shard: psycopg.Connection) -> None:
    value(shard, "shard_spread", queue="bulk")
    value(shard, "shard_assign", slots=[1], owner=None)
    owners = [OWNERS[0], None, *OWNERS[2:]]
    assert rows(shard, "shard_map") == [{"number": NUMBER, "owners": owners, "spread": ["bulk"]}]


def test_ids_that_would_not_tell_the_shard_are_noticed(shard: psycopg.Connection) -> None:
    """Every client asks for the map first."""
    shard.execute("alter sequence pgq.jobs_id_seq increment by 1")
    with pytest.raises(psycopg.Error, match="the ids of shard 7 are not 1,024 apart"):
        rows(shard, "shard_map")
    shard.execute("alter sequence pgq.jobs_id_seq increment by 1024")
    assert len(rows(shard, "shard_map")) == 1
