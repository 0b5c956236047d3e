from __future__ import annotations

import psycopg

from tests.sql.calls import claim_one, complete, enqueue, fail, rows


def test_a_row_per_id_in_the_order_asked(conn: psycopg.Connection) -> None:
    done = enqueue(conn, "done")
    complete(conn, claim_one(conn), results=['{"n": 1}'])
    failed = enqueue(conn, "failed", max_attempts=1)
    fail(conn, claim_one(conn), messages=["no"])
    retrying = enqueue(conn, "retrying", backoff="1 hour")
    fail(conn, claim_one(conn))
    running = enqueue(conn, "running")
    claim_one(conn)
    ready, blocked = enqueue(conn), enqueue(conn, concurrency_key="k")

    asked = [ready, done, 999, failed, blocked, running, retrying, done]
    found = rows(conn, "results", ids=asked)
    assert [row["job_id"] for row in found] == asked
    assert [row["state"] for row in found] == [
        *("ready", "succeeded", None, "failed"),
        *("blocked", "running", "scheduled", "succeeded"),
    ]
    by_id = {row["job_id"]: row for row in found}
    assert by_id[done]["result"] == {"n": 1}
    assert by_id[failed]["error"]["message"] == "no"
    assert by_id[retrying]["error"] is not None
    assert by_id[ready]["error"] is None
    ended = {job_id for job_id, row in by_id.items() if row["finished_at"]}
    assert ended == {done, failed}
    assert set(by_id[999].values()) == {999, None}


def test_it_says_of_each_job_what_result_says(conn: psycopg.Connection) -> None:
    ids = [enqueue(conn, max_attempts=1, priority=number) for number in range(4)]
    complete(conn, claim_one(conn), results=["[1]"])
    fail(conn, claim_one(conn))
    claim_one(conn)
    for row in rows(conn, "results", ids=ids):
        (single,) = rows(conn, "result", job_id=row.pop("job_id"))
        assert row == single


def test_no_ids_no_rows(conn: psycopg.Connection) -> None:
    assert rows(conn, "results", ids=[]) == []
    assert rows(conn, "results", ids=None) == []
    (row,) = rows(conn, "results", ids=[None])
    assert row["state"] is None
