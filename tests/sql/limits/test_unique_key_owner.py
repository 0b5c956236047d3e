from __future__ import annotations

from datetime import timedelta

import psycopg
import pytest

from tests.servers import Travel
from tests.sql.calls import claim_one, complete, enqueue, job, outcomes, rows


@pytest.mark.slow
def test_a_free_key_has_no_owner(conn: psycopg.Connection) -> None:
    enqueue(conn, unique_key="other")
    assert rows(conn, "unique_key_owner", unique_key="k") == []
    assert rows(conn, "unique_key_owner", unique_key=None) == []


@pytest.mark.slow
def test_a_live_job_owns_its_key(conn: psycopg.Connection) -> None:
    owner = enqueue(conn, unique_key="k", delay="1 hour")
    found = {"job_id": owner, "state": "scheduled", "until_at": None}
    assert rows(conn, "unique_key_owner", unique_key="k") == [found]
    outcomes(conn, "cancel", owner)
    assert rows(conn, "unique_key_owner", unique_key="k") == []


def test_a_claim_frees_a_queued_key(conn: psycopg.Connection) -> None:
    enqueue(conn, unique_key="k", unique_while="queued")
    claim_one(conn)
    assert rows(conn, "unique_key_owner", unique_key="k") == []


@pytest.mark.slow
def test_a_window_owns_its_key(conn: psycopg.Connection, travel: Travel) -> None:
    owner = enqueue(conn, unique_key="k", unique_for="1 hour")
    until = job(conn, owner)["created_at"] + timedelta(hours=1)
    for state in ("ready", "running", "succeeded", None):
        found = {"job_id": owner, "state": state, "until_at": until}
        assert rows(conn, "unique_key_owner", unique_key="k") == [found]
        if state == "ready":
            held = claim_one(conn)
        elif state == "running":
            complete(conn, held)
        else:
            outcomes(conn, "discard", owner)
    travel("61 minutes")
    assert rows(conn, "unique_key_owner", unique_key="k") == []
