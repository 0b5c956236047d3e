"""A job that waits for new ones, while it is cancelled, rescued, or its parts are run."""

from __future__ import annotations

import psycopg
import pytest

from tests.conftest import Connect
from tests.sql.calls import (
    claim,
    claim_one,
    complete,
    enqueue,
    outcomes,
    register,
    rows,
    state,
    value,
)
from tests.sql.conftest import Silence
from tests.sql.races.conftest import Start
from tests.sql.settle.test_continue_after import go_on, parts


def test_nobody_sees_a_part_before_the_job_waits_for_it(
    conn: psycopg.Connection, connect: Connect
) -> None:
    job_id = enqueue(conn)
    held = claim_one(conn)
    worker = connect(autocommit=False)
    assert go_on(worker, held) == "ok"
    rows(conn, "promote_due")
    assert claim(conn) == [] and parts(conn) == []
    worker.commit()
    assert complete(conn, claim_one(conn)) == ["ok"]
    assert claim_one(conn).job_id == job_id and rows(conn, "verify") == []


def test_it_is_undone_as_a_whole(conn: psycopg.Connection, connect: Connect) -> None:
    job_id = enqueue(conn)
    held = claim_one(conn)
    worker = connect(autocommit=False)
    go_on(worker, held)
    worker.rollback()
    assert state(conn, job_id) == "running" and parts(conn) == []
    assert go_on(conn, held) == "ok" and rows(conn, "verify") == []


def test_a_cancel_before_its_commit_cancels_it_later(
    conn: psycopg.Connection, connect: Connect, start: Start
) -> None:
    job_id = enqueue(conn)
    held = claim_one(conn)
    worker = connect(autocommit=False)
    go_on(worker, held)
    cancelling = start(outcomes, "cancel", job_id)
    if cancelling.waits():
        worker.commit()
        assert cancelling.result() == ["cancelled"]
    else:
        assert cancelling.result() == ["requested"]
        worker.commit()
        complete(conn, claim_one(conn))
        assert complete(conn, claim_one(conn)) == ["ok"]
    assert rows(conn, "verify") == []


def test_two_calls_of_one_claim_add_once(
    conn: psycopg.Connection, connect: Connect, start: Start
) -> None:
    enqueue(conn)
    held = claim_one(conn)
    first = connect(autocommit=False)
    assert go_on(first, held) == "ok"
    second = start(go_on, held)
    assert second.waits()
    first.commit()
    assert second.result() == "already" and len(parts(conn)) == 1
    assert rows(conn, "verify") == []


@pytest.mark.parametrize("continues_first", [True, False])
def test_a_worker_that_is_given_up(
    conn: psycopg.Connection,
    connect: Connect,
    start: Start,
    silence: Silence,
    continues_first: bool,
) -> None:
    worker_id = register(conn, lease="1 second")
    job_id = enqueue(conn)
    held = claim_one(conn, worker_id=worker_id)
    silence("2 seconds")
    worker, rescuer = connect(autocommit=False), connect(autocommit=False)
    if continues_first:
        assert go_on(worker, held) == "ok"
        rescuing = start(value, "rescue_lost_workers")
        assert not rescuing.waits() and rescuing.result() == 0
        worker.commit()
        assert state(conn, job_id) == "blocked" and len(parts(conn)) == 1
    else:
        assert value(rescuer, "rescue_lost_workers") == 1
        late = start(go_on, held)
        assert late.waits()
        rescuer.commit()
        assert late.result() == "lost" and parts(conn) == []
    assert rows(conn, "verify") == []
