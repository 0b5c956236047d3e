from __future__ import annotations

import psycopg
import pytest

from tests.sql.calls import claim_one, complete, enqueue, rows


def counts(conn: psycopg.Connection, **options: object) -> dict[str, int]:
    found = rows(conn, "count_jobs", **{"queue": "mail", **options})
    return {row["waits_for"] or row["state"]: row["jobs"] for row in found}


def test_every_state_of_one_queue(conn: psycopg.Connection) -> None:
    enqueue(conn)
    done, parent, waiter = [enqueue(conn, queue="mail") for _ in range(3)]
    complete(conn, claim_one(conn, queues=["mail"]))
    claim_one(conn, queues=["mail"])
    enqueue(conn, queue="mail", delay="1 hour")
    enqueue(conn, queue="mail", depends_on=[parent])
    for _ in range(2):
        enqueue(conn, queue="mail", concurrency_key="a", concurrency_limit=1)
    rows(conn, "promote_due")
    rows(conn, "cancel", ids=[waiter])
    assert counts(conn) == {
        "succeeded": 1, "running": 1, "scheduled": 1, "parents": 1, "semaphore": 1, "ready": 1,
        "cancelled": 1,
    }  # fmt: skip
    assert counts(conn, states=["ready", "succeeded", "failed"]) == {"ready": 1, "succeeded": 1}
    assert counts(conn, queue="nothing") == counts(conn, states=[]) == {}
    assert done < parent


def test_an_unknown_state_is_refused(conn: psycopg.Connection) -> None:
    with pytest.raises(psycopg.Error, match="states has an entry that is no state") as refused:
        counts(conn, states=["waiting"])
    assert refused.value.sqlstate == "JQ002"
