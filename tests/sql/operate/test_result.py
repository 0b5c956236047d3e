from __future__ import annotations

import psycopg
import pytest

from tests.sql.calls import claim_one, complete, enqueue, fail, rows


@pytest.mark.slow
def test_through_a_jobs_life(conn: psycopg.Connection) -> None:
    job_id = enqueue(conn, backoff="0", delay="1 hour")

    def result() -> tuple[object, object, object, bool]:
        (row,) = rows(conn, "result", job_id=job_id)
        error = row["error"] and row["error"]["message"]
        return row["state"], row["result"], error, row["finished_at"] is not None

    assert result() == ("scheduled", None, None, False)
    rows(conn, "retry", ids=[job_id])
    assert result() == ("ready", None, None, False)
    held = claim_one(conn)
    assert result() == ("running", None, None, False)
    fail(conn, held, messages=["first"])
    fail(conn, claim_one(conn), messages=["second"])
    assert result() == ("ready", None, "second", False)
    complete(conn, claim_one(conn), results=['{"answer": 42}'])
    assert result() == ("succeeded", {"answer": 42}, "second", True)


def test_an_unknown_job_has_no_row(conn: psycopg.Connection) -> None:
    assert rows(conn, "result", job_id=99) == []
    assert rows(conn, "result", job_id=None) == []
