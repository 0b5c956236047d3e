from __future__ import annotations

import psycopg
import pytest

from tests.sql.calls import enqueue, rows, value


def test_it_can_be_taken_back(shard: psycopg.Connection) -> None:
    assert value(shard, "shard_spread", queue="bulk")
    assert not value(shard, "shard_spread", queue="bulk")
    assert value(shard, "shard_spread", queue="bulk", spread=False)
    assert rows(shard, "shard_map")[0]["spread"] == []


@pytest.mark.parametrize("spread", [True, False])
def test_the_queue_must_be_empty(shard: psycopg.Connection, spread: bool) -> None:
    if not spread:
        value(shard, "shard_spread", queue="bulk")
    enqueue(shard, queue="bulk")
    with pytest.raises(psycopg.Error, match="the queue bulk has jobs") as refused:
        value(shard, "shard_spread", queue="bulk", spread=spread)
    assert refused.value.sqlstate == "JQ002"


def test_a_queue_needs_a_name(shard: psycopg.Connection) -> None:
    for queue in ("", None):
        with pytest.raises(psycopg.Error, match="queue is empty"):
            value(shard, "shard_spread", queue=queue)
