from __future__ import annotations

import psycopg
import pytest

from tests.sql.calls import claim_one, complete, enqueue, rows, value
from tests.sql.shards.test_shard_slot import by_hand


def left(conn: psycopg.Connection, **options: object) -> dict[int, tuple[int, int, int]]:
    return {
        row["slot"]: (row["jobs"], row["windows"], row["schedules"])
        for row in rows(conn, "shard_left", **options)
    }


def test_jobs_and_schedules_count_by_their_slots(shard: psycopg.Connection) -> None:
    value(shard, "shard_spread", queue="bulk")
    for _ in range(2):
        enqueue(shard, queue="mail")
    enqueue(shard, queue="bulk", unique_key="u")
    enqueue(shard, queue="bulk", concurrency_key="c")
    enqueue(shard, queue="bulk")  # may be anywhere
    rows(shard, "schedule", name="s", task="t", cron="@daily", queue="mail")
    slots = [by_hand(key) for key in ("mail", "u", "c")]
    assert left(shard, slots=slots) == {
        slots[0]: (2, 0, 1),
        slots[1]: (1, 0, 0),
        slots[2]: (1, 0, 0),
    }
    assert left(shard, slots=[slots[0]]) == {slots[0]: (2, 0, 1)}


def test_without_slots_those_of_others(shard: psycopg.Connection) -> None:
    value(shard, "shard_assign", slots=[by_hand("mail")], owner=7)
    enqueue(shard, queue="mail")
    assert left(shard) == {}
    value(shard, "shard_assign", slots=[by_hand("mail")], owner=None)
    assert left(shard) == {by_hand("mail"): (1, 0, 0)}


def test_a_key_that_is_taken_for_a_time_is_still_there(shard: psycopg.Connection) -> None:
    value(shard, "shard_spread", queue="bulk")
    enqueue(shard, queue="bulk", unique_key="u", unique_for="1 hour")
    complete(shard, claim_one(shard))
    assert left(shard, slots=[by_hand("u")]) == {by_hand("u"): (0, 1, 0)}


def test_it_looks_at_a_bounded_number(shard: psycopg.Connection) -> None:
    for _ in range(3):
        enqueue(shard)
    with pytest.raises(psycopg.Error, match="more than 2 live jobs") as refused:
        rows(shard, "shard_left", max_looked_at=2)
    assert refused.value.sqlstate == "JQ002"
    assert left(shard, max_looked_at=3) is not None
