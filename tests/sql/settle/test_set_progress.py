from __future__ import annotations

import psycopg
import pytest

from tests.sql.calls import claim_one, complete, enqueue, job, refused, value


def test_progress_shows_while_the_job_runs(conn: psycopg.Connection) -> None:
    enqueue(conn)
    held = claim_one(conn)
    fence = {"job_id": held.job_id, "claim_id": held.claim_id}
    assert value(conn, "set_progress", **fence, progress="0.5") == "ok"
    assert job(conn, held.job_id)["progress"] == 0.5
    assert value(conn, "set_progress", **fence, progress='{"page": 3}') == "ok"
    assert job(conn, held.job_id)["progress"] == {"page": 3}
    assert value(conn, "set_progress", **fence, progress=None) == "ok"
    assert job(conn, held.job_id)["progress"] is None
    complete(conn, held)
    assert value(conn, "set_progress", **fence, progress="1") == "lost"


def test_a_stale_claim_is_lost(conn: psycopg.Connection) -> None:
    enqueue(conn)
    held = claim_one(conn)
    stale = held.claim_id ^ 1
    answer = value(conn, "set_progress", job_id=held.job_id, claim_id=stale, progress="1")
    assert answer == "lost"
    assert job(conn, held.job_id)["progress"] is None
    assert value(conn, "set_progress", job_id=None, claim_id=None, progress="1") == "lost"


@pytest.mark.parametrize(
    ("progress", "sqlstate"),
    [("{", "JQ001"), ('"\\u0000"', "JQ001"), ('"' + "x" * 70_000 + '"', "JQ002")],
    ids=["broken", "nul", "long"],
)
def test_what_is_refused(conn: psycopg.Connection, progress: str, sqlstate: str) -> None:
    enqueue(conn)
    held = claim_one(conn)
    with refused(sqlstate, "progress"):
        value(conn, "set_progress", job_id=held.job_id, claim_id=held.claim_id, progress=progress)
