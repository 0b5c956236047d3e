"""Each cure that health() prints heals the state that it is printed for, and nothing else.

It is run as the role that it is printed to: the operator, unless the hint names another.
"""

from __future__ import annotations

from collections.abc import Callable

import psycopg
import pytest

from pgq.version import PROTOCOL, __version__
from tests.servers import Travel
from tests.sql.calls import enqueue, register, rows, value
from tests.sql.health.cures import bystanders, check, content, cure, sick

Stage = Callable[[psycopg.Connection, Travel], None]


@pytest.fixture
def well(conn: psycopg.Connection) -> psycopg.Connection:
    """A session on a database that is well, with jobs in every place."""
    register(conn, lease="1 day", version=__version__, protocol=PROTOCOL)
    rows(conn, "maintain")
    bystanders(conn)
    rows(conn, "promote_due")
    assert sick(conn) == {}
    return conn


def paused_workers(conn: psycopg.Connection, travel: Travel) -> None:
    value(conn, "order_worker", worker_id=1, instruction="pause")


def silent_worker(conn: psycopg.Connection, travel: Travel) -> None:
    register(conn, name="silent", lease="1 second", version=__version__, protocol=PROTOCOL)
    for _ in range(2):
        travel("10 seconds")
        rows(conn, "heartbeat", worker_id=1)
    # Silence counts from the start of the server at the earliest.
    conn.execute("select pg_sleep_until(pg_postmaster_start_time() + interval '1.1 s')")


def strange_task(conn: psycopg.Connection, travel: Travel) -> None:
    conn.execute("update pgq.workers set tasks = '{done,mine,lost}' where id = 1")
    for _ in range(3):
        enqueue(conn, "it's", queue="q")
    enqueue(conn, "it's", queue="q", delay="1 day")
    travel("31 seconds")


def late_promotion(conn: psycopg.Connection, travel: Travel) -> None:
    enqueue(conn, "late", queue="q", delay="1 minute")
    travel("75 seconds")


def late_schedule(conn: psycopg.Connection, travel: Travel) -> None:
    value(conn, "schedule", name="often", task="t", every="1 minute")
    travel("3 minutes 1 second")


def late_maintenance(conn: psycopg.Connection, travel: Travel) -> None:
    travel("3 minutes")


def broken_schedule(conn: psycopg.Connection, travel: Travel) -> None:
    value(conn, "schedule", name="it's", task="t", every="1 minute")
    conn.execute("update pgq.schedules set job = '{\"task\": \"\"}' where name = 'it''s'")
    travel("61 seconds")
    rows(conn, "fire_due_schedules")
    conn.execute("update pgq.schedules set job = '{\"task\": \"t\"}' where name = 'it''s'")


def forgotten_pause(conn: psycopg.Connection, travel: Travel) -> None:
    conn.execute("update pgq.workers set lease = '3 days'")
    value(conn, "pause_queue", queue="it's")
    value(conn, "pause_queue", queue="another", duration="100 days")
    travel("25 hours")
    rows(conn, "maintain")


# The check, how to make its state, and the tables whose rows the cure deletes or changes.
STATES: dict[str, tuple[str, Stage, set[str]]] = {
    "workers that are told to pause": ("workers", paused_workers, set()),
    "a worker that died": ("lost_workers", silent_worker, {"workers"}),
    "a task that nobody has": ("unserved_tasks", strange_task, {"jobs", "ready"}),
    "jobs that are due": ("promotion", late_promotion, {"scheduled"}),
    "a schedule that is due": ("schedules", late_schedule, {"schedules"}),
    "maintenance that is due": ("maintenance", late_maintenance, set()),
    "a schedule that paused itself": ("broken_schedules", broken_schedule, {"schedules"}),
    "a queue that was forgotten in its pause": ("pauses", forgotten_pause, {"queues"}),
}


@pytest.mark.slow
@pytest.mark.parametrize(("name", "stage", "tables"), STATES.values(), ids=STATES.keys())
def test_the_cure_heals_and_touches_nothing_else(
    well: psycopg.Connection, travel: Travel, name: str, stage: Stage, tables: set[str]
) -> None:
    bystanding = content(well)
    stage(well, travel)
    assert check(well, name)["status"] != "ok"
    before = content(well)
    cure(well, name)
    assert check(well, name)["status"] == "ok"
    gone = before - content(well)
    assert {table for table, _ in gone} == tables
    assert not gone & bystanding
