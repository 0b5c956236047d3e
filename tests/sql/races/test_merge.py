"""on_conflict => 'merge' between sessions: every element is in one job, once."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import psycopg
import pytest

from tests.sql.calls import claim, claim_one, enqueue, enqueue_many, job, rows, scalar
from tests.sql.races.conftest import Start

KEY: dict[str, Any] = {"unique_key": "k", "on_conflict": "merge", "unique_while": "queued"}


def merge(conn: psycopg.Connection, *items: int, **options: Any) -> int:
    return enqueue(conn, args=json.dumps({"a": items}), **KEY, **options)


def items(conn: psycopg.Connection) -> list[int]:
    found: list[int] = scalar(
        conn, "select array_agg(item::int) from pgq.jobs, jsonb_array_elements(args -> 'a') as item"
    )
    return sorted(found)


def many(conn: psycopg.Connection, first: int) -> None:
    for place in range(first, first + 20):
        if place % 2:
            merge(conn, place)
        else:
            enqueue_many(conn, *({"task": "work", "args": {"a": [each]}, **KEY}
                                 for each in (place, -place)))  # fmt: skip


def claim_some(conn: psycopg.Connection) -> list[Any]:
    return [held.args["a"] for _ in range(30) for held in claim(conn, batch_size=1)]


def test_ten_sessions_enqueue_while_two_claim(conn: psycopg.Connection, start: Start) -> None:
    calls = [start(many, 100 * number) for number in range(1, 9)]
    claiming = [start(claim_some), start(claim_some)]
    for call in calls:
        call.result()
    taken = [item for call in claiming for args in call.result() for item in args]
    taken += [item for held in claim(conn) for item in held.args["a"]]
    wanted = [each for number in range(1, 9) for each in range(100 * number, 100 * number + 20)]
    wanted += [-each for each in wanted if each % 2 == 0]
    assert Counter(taken) == Counter(wanted)
    assert scalar(conn, "select count(*) from pgq.jobs where unique_key is not null") == 0
    assert items(conn) == sorted(wanted)
    assert rows(conn, "verify") == []


@pytest.mark.parametrize("commits", [True, False])
def test_two_merges_at_once(
    conn: psycopg.Connection, other: psycopg.Connection, start: Start, commits: bool
) -> None:
    owner = merge(conn, 1)
    merge(other, 2)
    merging = start(merge, 3)
    assert merging.waits()
    other.commit() if commits else other.rollback()
    assert merging.result() == owner
    assert job(conn, owner)["args"] == {"a": [1, 2, 3] if commits else [1, 3]}


@pytest.mark.parametrize("commits", [True, False])
def test_a_claim_goes_before_a_merge_or_after_it(
    conn: psycopg.Connection, other: psycopg.Connection, start: Start, commits: bool
) -> None:
    owner = merge(conn, 1)
    assert claim_one(other).args == {"a": [1]}
    merging = start(merge, 2)
    assert merging.waits()
    other.commit() if commits else other.rollback()
    assert (merging.result() == owner) == (not commits)
    assert items(conn) == [1, 2]


def test_a_claim_passes_over_a_job_into_which_args_are_merged(
    conn: psycopg.Connection, other: psycopg.Connection, start: Start
) -> None:
    merge(conn, 1)
    merge(other, 2)
    claiming = start(claim)
    assert not claiming.waits() and claiming.result() == []
    other.commit()
    assert claim_one(conn).args == {"a": [1, 2]}


def test_a_live_key_of_a_job_that_is_being_claimed(
    conn: psycopg.Connection, other: psycopg.Connection, start: Start
) -> None:
    """It keeps its key while it runs, so the second enqueue fails and loses nothing."""
    enqueue(conn, args='{"a": [1]}', unique_key="k")
    claim_one(other)
    merging = start(merge, 2)
    assert merging.waits()
    other.commit()
    with pytest.raises(psycopg.Error, match="unique_key is taken"):
        merging.result()
    assert items(conn) == [1]
