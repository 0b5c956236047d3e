from __future__ import annotations

import hashlib

import psycopg
import pytest

from tests.sql.calls import value


def by_hand(key: str) -> int:
    """The slot of a key, as every language can compute it."""
    return int.from_bytes(hashlib.sha256(key.encode()).digest()[:2]) % 1024


@pytest.mark.parametrize("queue", ["default", "mail", "\u00e4\u20ac\U0001f600"])
def test_a_queue_has_a_slot(conn: psycopg.Connection, queue: str) -> None:
    assert value(conn, "shard_slot", queue=queue, unique_key="k") == by_hand(queue)


def test_a_job_without_a_queue_is_in_the_default_one(conn: psycopg.Connection) -> None:
    assert value(conn, "shard_slot") == by_hand("default")


def test_a_job_of_a_spread_queue_goes_by_its_first_key(shard: psycopg.Connection) -> None:
    value(shard, "shard_spread", queue="bulk")
    keys = {"unique_key": "u", "concurrency_key": "u", "partition_key": "p"}
    assert value(shard, "shard_slot", queue="bulk", **keys) == by_hand("u")
    assert value(shard, "shard_slot", queue="bulk", concurrency_key="c") == by_hand("c")
    assert value(shard, "shard_slot", queue="bulk", partition_key="p") == by_hand("p")
    assert value(shard, "shard_slot", queue="bulk") is None


def test_two_keys_that_differ_are_refused(shard: psycopg.Connection) -> None:
    keys = {"unique_key": "u", "concurrency_key": "c"}
    assert value(shard, "shard_slot", queue="mail", **keys) == by_hand("mail")
    value(shard, "shard_spread", queue="mail")
    with pytest.raises(psycopg.Error, match="unique_key and the concurrency_key") as refused:
        value(shard, "shard_slot", queue="mail", **keys)
    assert refused.value.sqlstate == "JQ001"
