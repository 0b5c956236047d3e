from __future__ import annotations

import psycopg
import pytest

from tests.sql.calls import claim_one, enqueue, refused, rows, scalar, settle, value

OPTIONS = "select queue, paused, backoff from pgq.queue_settings"


def retry_delay(conn: psycopg.Connection, **options: object) -> float:
    """Fail a new job of the queue mail; return the seconds until its retry."""
    enqueue(conn, queue="mail", **options)
    (answer,) = settle(conn, "fail_batch", [claim_one(conn, queues=["mail"])])
    if answer["run_at"] is None:
        return 0.0
    delay = "select extract(epoch from %s - pgq._now())::float8"
    return float(scalar(conn, delay, answer["run_at"]))


def test_the_backoff_of_jobs_that_have_none(conn: psycopg.Connection) -> None:
    value(conn, "configure_queue", queue="mail", backoff="1 hour")
    assert retry_delay(conn) == pytest.approx(3600, abs=5)
    assert retry_delay(conn, backoff="1 minute") == pytest.approx(60, abs=5)


def test_it_counts_for_jobs_that_are_there_already(conn: psycopg.Connection) -> None:
    enqueue(conn, queue="mail")
    enqueue(conn, queue="other")
    value(conn, "configure_queue", queue="mail", backoff="0")
    held = [claim_one(conn, queues=[queue]) for queue in ("mail", "other")]
    states = [answer["state"] for answer in settle(conn, "fail_batch", held)]
    assert states == ["ready", "scheduled"]


def test_null_leaves_the_backoff_and_default_takes_it_back(conn: psycopg.Connection) -> None:
    value(conn, "configure_queue", queue="mail", backoff="1 hour")
    value(conn, "configure_queue", queue="mail", backoff=None)
    assert retry_delay(conn) == pytest.approx(3600, abs=5)
    value(conn, "configure_queue", queue="mail", backoff="default")
    assert 1.7 < retry_delay(conn) <= 2
    assert conn.execute(OPTIONS).fetchall() == [("mail", False, None)]


@pytest.mark.slow
def test_a_pause_and_a_backoff_leave_each_other_alone(conn: psycopg.Connection) -> None:
    value(conn, "pause_queue", queue="mail")
    value(conn, "configure_queue", queue="mail", backoff="30 seconds")
    value(conn, "pause_queue", queue="mail", duration="1 hour")
    rule = {"kind": "constant", "base": 30, "cap": 3600, "jitter": 0}
    assert conn.execute(OPTIONS).fetchall() == [("mail", True, rule)]
    value(conn, "resume_queue", queue="mail")
    assert conn.execute(OPTIONS).fetchall() == [("mail", False, rule)]


@pytest.mark.slow
def test_a_snooze_and_a_release_do_not_wait_for_it(conn: psycopg.Connection) -> None:
    value(conn, "configure_queue", queue="default", backoff="1 hour")
    enqueue(conn)
    (answer,) = settle(conn, "release_batch", [claim_one(conn)])
    assert answer["state"] == "ready"


@pytest.mark.parametrize(
    "options",
    [
        {"queue": None, "backoff": "constant"},
        {"queue": ""},
        {"queue": "q" * 129},
        {"queue": "q", "backoff": "sometimes"},
        {"queue": "q", "backoff": ""},
        {"queue": "q", "backoff": "[]"},
        {"queue": "q", "backoff": "2 years"},
    ],
    ids=lambda options: str(options)[:40],
)
def test_what_is_refused(conn: psycopg.Connection, options: dict[str, object]) -> None:
    with refused("JQ002"):
        value(conn, "configure_queue", **options)
    assert rows(conn, "verify") == []
    assert conn.execute(OPTIONS).fetchall() == []
