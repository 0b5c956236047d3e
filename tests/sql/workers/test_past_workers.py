"""Workers that left are known by name for a while."""

from __future__ import annotations

from collections.abc import Callable

import psycopg
import pytest

from tests.servers import Travel
from tests.sql.calls import claim_one, complete, enqueue, register, rows, scalar, value
from tests.sql.conftest import Silence

Leave = Callable[[psycopg.Connection, int, Silence], object]
WAYS: dict[str, Leave] = {
    "leaves": lambda conn, gone, _: value(conn, "deregister_worker", worker_id=gone),
    "seen to end": lambda conn, gone, _: value(conn, "report_lost_worker", worker_id=gone),
    "silent": lambda conn, _, silence: (silence("3 hours"), value(conn, "rescue_lost_workers")),
    "by hand": lambda conn, gone, _: conn.execute("delete from pgq.workers where id = %s", [gone]),
}


def past(conn: psycopg.Connection) -> list[str]:
    return [name for (name,) in conn.execute("select name from pgq.past_workers order by id")]


def prune(conn: psycopg.Connection, batch_size: int = 100_000) -> int:
    return int(scalar(conn, "select pgq._prune_past_workers(%s)", batch_size))


@pytest.mark.parametrize("way", WAYS)
def test_a_worker_that_leaves_stays_known(
    conn: psycopg.Connection, silence: Silence, way: str
) -> None:
    worker_id = register(conn, name="vm-1", host="vm", pid=7, lease="1 hour")
    job_id = enqueue(conn)
    held = claim_one(conn, worker_id=worker_id)
    name = "select worker from pgq.job_links where id = %s"
    assert scalar(conn, name, job_id) == "vm-1"
    complete(conn, held)
    assert scalar(conn, name, job_id) == "vm-1"
    assert past(conn) == []
    WAYS[way](conn, worker_id, silence)
    assert scalar(conn, "select count(*) from pgq.workers where id = %s", worker_id) == 0
    kept = conn.execute("select name, host, pid, left_at = pgq._now() from pgq.past_workers")
    (row,) = kept.fetchall()
    assert row[:3] == ("vm-1", "vm", 7)
    assert scalar(conn, name, job_id) == "vm-1"


@pytest.mark.slow
def test_maintenance_forgets_those_that_left_a_month_ago(
    conn: psycopg.Connection, travel: Travel
) -> None:
    value(conn, "deregister_worker", worker_id=register(conn, name="old"))
    travel("29 days")
    value(conn, "deregister_worker", worker_id=register(conn, name="young"))
    assert prune(conn) == 0
    travel("25 hours")
    assert {row["step"]: row["affected"] for row in rows(conn, "maintain")}["past_worker"] == 1
    assert past(conn) == ["young"]


def test_only_the_last_ten_thousand_are_known(conn: psycopg.Connection) -> None:
    conn.execute(
        "insert into pgq.past_workers (id, name, started_at, left_at)"
        " select n, 'w', pgq._now(), pgq._now() from generate_series(1, 10600) as n"
    )
    assert prune(conn, 500) == 500
    assert prune(conn, 500) == 100
    assert prune(conn, 500) == 0
    assert scalar(conn, "select min(id) from pgq.past_workers") == 601


def test_a_worker_whose_id_was_another_ones_takes_its_place(conn: psycopg.Connection) -> None:
    """As when a restored sequence stands where the dump began."""
    worker_id = register(conn, name="new")
    conn.execute(
        "insert into pgq.past_workers (id, name, started_at, left_at)"
        " values (%s, 'other', pgq._now(), pgq._now())",
        (worker_id,),
    )
    value(conn, "deregister_worker", worker_id=worker_id)
    assert past(conn) == ["new"]
