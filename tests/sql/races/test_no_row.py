"""A job that leaves no row when it succeeds, and others who begin to need it meanwhile."""

from __future__ import annotations

import psycopg
import pytest

from tests.sql.calls import claim_one, complete, enqueue, rows, settle, state, value
from tests.sql.races.conftest import Start


@pytest.fixture(params=[None, ["1"]], ids=["one", "many"])
def results(request: pytest.FixtureRequest) -> list[str] | None:
    """What lets complete_batch end a single job, or end it as it ends many."""
    return request.param


@pytest.mark.parametrize("needed_by", ["child", "client"])
def test_what_is_needed_while_the_settle_waits_for_its_claim(
    conn: psycopg.Connection,
    other: psycopg.Connection,
    start: Start,
    results: list[str] | None,
    needed_by: str,
) -> None:
    value(conn, "configure_retention", succeeded="0")
    job_id = enqueue(conn)
    held = claim_one(conn)
    assert settle(other, "release_batch", [held])[0]["outcome"] == "ok"
    ending = start(complete, held, results=results)
    assert ending.waits()
    if needed_by == "child":
        enqueue(conn, depends_on=[job_id])
    else:
        assert value(conn, "await_jobs", ids=[job_id]) == 1
    other.rollback()
    assert ending.result() == ["ok"]
    assert state(conn, job_id) == "succeeded"
    assert rows(conn, "verify") == []


def test_a_child_that_promotion_finds_reads_its_parent(
    conn: psycopg.Connection, other: psycopg.Connection, start: Start, results: list[str] | None
) -> None:
    """Promotion holds the parent for share, so the end of the parent waits, and then asks."""
    value(conn, "configure_retention", succeeded="0")
    parent = enqueue(conn)
    held = claim_one(conn)
    child = enqueue(other, queue="c", depends_on=[parent])
    rows(other, "promote_due")
    ending = start(complete, held, results=results)
    assert ending.waits()
    other.commit()
    assert ending.result() == ["ok"]
    rows(conn, "promote_due")
    assert claim_one(conn, queues=["c"]).job_id == child
    (found,) = rows(conn, "parent_results", job_id=child)
    assert (found["state"], found["result"]) == ("succeeded", results and 1)
