"""How deep the queues were, on a clock that stands still."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import psycopg
import pytest

from tests.sql.calls import Row, enqueue, rows, value
from tests.sql.schedules.calls import NOON, set_clock

At = Callable[[float], datetime]


@pytest.fixture
def at(conn: psycopg.Connection) -> At:
    """`at(5)` moves the clock to five minutes past noon."""

    def set_to(minutes: float) -> datetime:
        now = NOON + timedelta(minutes=minutes)
        set_clock(conn, now)
        return now

    set_to(0)
    return set_to


def sample(conn: psycopg.Connection) -> None:
    value(conn, "_sample_depths")


def history(conn: psycopg.Connection, **options: Any) -> list[Row]:
    return rows(conn, "depth_history", **options)


@pytest.mark.slow
def test_the_last_hour_by_minutes_of_all_queues(conn: psycopg.Connection, at: At) -> None:
    for minute in range(4):
        now = at(minute)
        for queue in ("mail", "other"):
            enqueue(conn, queue=queue)
        sample(conn)
    found = history(conn)
    assert [row["at"] for row in found] == [NOON + timedelta(minutes=n) for n in range(4)]
    assert [row["ready"] for row in found] == [2, 4, 6, 8]
    assert [row["enqueued"] for row in found] == [None, 2, 2, 2]
    assert found[-1]["lag"] == now - NOON and not found[-1]["estimated"]
    mail = history(conn, queue="mail")
    assert [(row["ready"], row["enqueued"]) for row in mail] == [(n, None) for n in (1, 2, 3, 4)]


@pytest.mark.slow
def test_a_step_has_the_most_of_its_samples(conn: psycopg.Connection, at: At) -> None:
    for minute in range(10):
        at(minute)
        if minute == 3:
            for _ in range(5):
                enqueue(conn)
        if minute == 5:
            value(conn, "clear_queue", queue="default")
        sample(conn)
    found = history(conn, since=NOON, step="4 minutes")
    assert [row["ready"] for row in found] == [5, 5, 0]
    assert [row["enqueued"] for row in found] == [None, 0, 0]
    found = history(conn, queue="default", since=NOON, until=NOON + timedelta(minutes=2.5))
    assert [row["ready"] for row in found] == [0, 0, 0]


@pytest.mark.slow
def test_ids_that_went_back_are_no_number(conn: psycopg.Connection, at: At) -> None:
    enqueue(conn)
    conn.execute("select setval('pgq.jobs_id_seq', 1000)")
    sample(conn)
    at(1)
    conn.execute("select setval('pgq.jobs_id_seq', 7)")
    sample(conn)
    at(2)
    conn.execute("alter sequence pgq.jobs_id_seq increment by 10")
    for _ in range(3):
        enqueue(conn)
    sample(conn)
    assert [row["enqueued"] for row in history(conn)] == [None, None, 3]


def test_samples_older_than_their_tables_are_not_asked_for(
    conn: psycopg.Connection, at: At
) -> None:
    enqueue(conn)
    sample(conn)
    assert [row["ready"] for row in history(conn, since="-infinity", until="infinity")] == [1]


@pytest.mark.parametrize(
    "options",
    [
        {"since": "infinity"},
        {"until": "-infinity"},
        {"since": "2030-01-01", "until": "2029-01-01"},
        {"step": "59 seconds"},
        {"step": "-1 hour"},
        {"since": "-infinity", "step": "1 minute"},
    ],
)
def test_windows_that_make_no_sense(
    conn: psycopg.Connection, at: At, options: dict[str, str]
) -> None:
    with pytest.raises(psycopg.errors.DatabaseError) as raised:
        history(conn, **options)
    assert raised.value.sqlstate == "JQ002" and raised.value.diag.message_hint
