"""parent_results: what a job reads of its parents."""

from __future__ import annotations

import psycopg
import pytest

from tests.sql.calls import claim, complete, enqueue, fail, outcomes, rows, scalar


def answers(conn: psycopg.Connection, job_id: int | None) -> list[tuple[int, str | None, object]]:
    found = rows(conn, "parent_results", job_id=job_id)
    return [(row["parent_id"], row["state"], row["result"]) for row in found]


@pytest.mark.slow
def test_in_the_order_of_depends_on(conn: psycopg.Connection) -> None:
    first, second, third = (enqueue(conn) for _ in range(3))
    child = enqueue(conn, depends_on=[third, first, second], on_parent_failure="run")
    assert answers(conn, child) == [
        (third, "ready", None),
        (first, "ready", None),
        (second, "ready", None),
    ]
    held = {one.job_id: one for one in claim(conn)}
    complete(conn, held[first], held[third], results=['{"rows": 5}', "null"])
    fail(conn, held[second], final=[True])
    rows(conn, "promote_due")
    expected = [
        (third, "succeeded", None),
        (first, "succeeded", {"rows": 5}),
        (second, "failed", None),
    ]
    (running,) = claim(conn)
    assert running.job_id == child
    assert answers(conn, child) == expected
    complete(conn, running)
    assert answers(conn, child) == expected


def test_a_parent_that_is_gone_and_one_named_twice(conn: psycopg.Connection) -> None:
    parent = enqueue(conn)
    child = enqueue(conn, depends_on=[parent, parent])
    outcomes(conn, "discard", parent)
    assert answers(conn, child) == [(parent, None, None)] * 2


@pytest.mark.slow
def test_nobody_has_none(conn: psycopg.Connection) -> None:
    assert answers(conn, enqueue(conn)) == []
    assert answers(conn, 1000) == []
    assert answers(conn, None) == []


@pytest.mark.slow
def test_of_ten_thousand_parents(conn: psycopg.Connection) -> None:
    query = 'select id from pgq.enqueue_many((select jsonb_agg(\'{"task": "x"}\'::jsonb)::text'
    parents = [row[0] for row in conn.execute(f"{query} from generate_series(1, 10000)))".encode())]
    child = enqueue(conn, depends_on=parents)
    assert [parent for parent, _, _ in answers(conn, child)] == parents
    assert scalar(conn, "select count(*) from pgq.parent_results(%s)", child) == 10_000
