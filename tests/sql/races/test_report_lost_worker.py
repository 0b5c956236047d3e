"""A worker that is reported as lost, while somebody else has its row or its claims."""

from __future__ import annotations

import psycopg
import pytest

from tests.sql.calls import claim_one, complete, enqueue, register, scalar, state, value, violations
from tests.sql.races.conftest import Start


@pytest.mark.parametrize("commits", [True, False])
def test_it_passes_over_a_settle_under_way(
    conn: psycopg.Connection, other: psycopg.Connection, start: Start, commits: bool
) -> None:
    job_id, worker_id = enqueue(conn), register(conn)
    held = claim_one(conn, worker_id=worker_id)
    assert complete(other, held) == ["ok"]
    reporting = start(value, "report_lost_worker", worker_id=worker_id)
    assert not reporting.waits()
    assert reporting.result() == 0
    other.commit() if commits else other.rollback()
    # A claim that a worker left behind is nothing wrong, and is rescued like any other.
    assert violations(conn) == []
    assert value(conn, "rescue_lost_workers") == (0 if commits else 1)
    assert state(conn, job_id) == ("succeeded" if commits else "ready")


def test_it_waits_for_a_claim_under_way_and_takes_its_jobs(
    conn: psycopg.Connection, other: psycopg.Connection, start: Start
) -> None:
    job_id, worker_id = enqueue(conn), register(conn)
    claim_one(other, worker_id=worker_id)
    reporting = start(value, "report_lost_worker", worker_id=worker_id)
    assert reporting.waits()
    other.commit()
    assert reporting.result() == 1
    assert state(conn, job_id) == "ready"


def test_a_claim_waits_for_it_and_is_refused(
    conn: psycopg.Connection, other: psycopg.Connection, start: Start
) -> None:
    job_id, worker_id = enqueue(conn), register(conn)
    assert value(other, "report_lost_worker", worker_id=worker_id) == 0
    claiming = start(claim_one, worker_id=worker_id)
    assert claiming.waits()
    other.commit()
    with pytest.raises(psycopg.Error) as caught:
        claiming.result()
    assert caught.value.sqlstate == "JQ004"
    assert state(conn, job_id) == "ready"


def test_two_reports_at_once_fail_a_run_once(
    conn: psycopg.Connection, other: psycopg.Connection, start: Start
) -> None:
    job_id, worker_id = enqueue(conn), register(conn)
    claim_one(conn, worker_id=worker_id)
    assert value(other, "report_lost_worker", worker_id=worker_id) == 1
    reporting = start(value, "report_lost_worker", worker_id=worker_id)
    assert reporting.waits()
    other.commit()
    assert reporting.result() == 0
    assert scalar(conn, "select attempt from pgq.jobs where id = %s", job_id) == 1
