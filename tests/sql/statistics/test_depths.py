"""How deep the queues are: what is counted, sampled, estimated and kept."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import psycopg
import pytest
from psycopg import sql

from tests.conftest import Connect
from tests.servers import Travel
from tests.sql.calls import Row, buffers, claim, enqueue, rows, scalar, value

STATES = ("ready", "scheduled", "blocked", "running")


def depths(conn: psycopg.Connection) -> dict[str, Row]:
    return {row["queue"]: row for row in rows(conn, "depths")}


def numbers(row: Row) -> tuple[int, ...]:
    return tuple(row[state] for state in STATES)


def sample(conn: psycopg.Connection) -> None:
    steps = {row["step"]: row["affected"] for row in rows(conn, "maintain")}
    assert steps["depth"] is not None and steps.get("depth_prune", 0) is not None


def test_all_states_of_each_queue_are_counted(conn: psycopg.Connection) -> None:
    for _ in range(5):
        enqueue(conn, queue="mail")
    claim(conn, ["mail"], 2)
    parent = enqueue(conn, queue="other")
    enqueue(conn, queue="mail", depends_on=[parent])
    enqueue(conn, queue="other", delay="1 hour")
    value(conn, "configure_queue", queue="empty", max_running=3)
    found = depths(conn)
    assert {queue: numbers(row) for queue, row in found.items()} == {
        "empty": (0, 0, 0, 0),
        "mail": (3, 0, 1, 2),
        "other": (1, 1, 0, 0),
    }
    assert all(row["estimated"] == [] for row in found.values())
    assert found["empty"]["lag"] is None


def test_the_lag_is_that_of_the_oldest_job_without_pauses(
    conn: psycopg.Connection, travel: Travel
) -> None:
    enqueue(conn, queue="mail", priority=9)
    travel("10 minutes")
    enqueue(conn, queue="mail", priority=1)
    value(conn, "pause_queue", queue="mail")
    travel("5 minutes")
    value(conn, "resume_queue", queue="mail")
    lag = depths(conn)["mail"]["lag"]
    assert abs(lag - timedelta(minutes=10)) < timedelta(minutes=1)
    assert abs(lag - value(conn, "queue_latency", queue="mail")) < timedelta(minutes=1)


@pytest.mark.slow
def test_it_answers_the_newest_sample(conn: psycopg.Connection, travel: Travel) -> None:
    enqueue(conn, queue="mail")
    sample(conn)
    enqueue(conn, queue="mail")
    first = depths(conn)["mail"]
    assert first["ready"] == 1
    travel("11 seconds")
    sample(conn)
    second = depths(conn)["mail"]
    assert second["ready"] == 2 and second["sampled_at"] > first["sampled_at"]


def test_a_sample_that_is_too_old_is_measured_anew(
    conn: psycopg.Connection, travel: Travel
) -> None:
    enqueue(conn, queue="mail")
    sample(conn)
    enqueue(conn, queue="mail")
    travel("31 seconds")
    assert depths(conn)["mail"]["ready"] == 2
    assert scalar(conn, "select count(*) from pgq.stat_samples") == 1


def test_who_observes_writes_nothing(connect: Connect) -> None:
    conn = connect()
    enqueue(conn, queue="mail")
    conn.execute("set role pgq_observer")
    conn.execute("set default_transaction_read_only = on")
    assert depths(conn)["mail"]["ready"] == 1
    assert rows(conn, "depth_history") == []


@pytest.mark.slow
def test_no_queue_is_an_answer_too(conn: psycopg.Connection) -> None:
    sample(conn)
    enqueue(conn)
    assert depths(conn) == {}


@pytest.mark.slow
def test_a_sample_of_the_future_does_not_count(conn: psycopg.Connection, travel: Travel) -> None:
    enqueue(conn, queue="mail")
    travel("1 hour")
    sample(conn)
    travel("-1 hour")
    enqueue(conn, queue="mail")
    assert depths(conn)["mail"]["ready"] == 2
    conn.execute("update pgq.maintenance set due_at = '-infinity'")
    sample(conn)
    assert depths(conn)["mail"]["ready"] == 2
    ahead = "select count(*) from pgq.stat_{} where at > pgq._now()"
    assert [scalar(conn, ahead.format(table)) for table in ("samples", "depths")] == [0, 0]


@pytest.mark.slow
def test_one_sample_a_minute_is_kept(conn: psycopg.Connection, travel: Travel) -> None:
    enqueue(conn, queue="mail")
    for _ in range(13):
        sample(conn)
        travel("10 seconds")
    at = "select array_agg(date_trunc('minute', at)) from pgq.stat_{}"
    samples, kept = (scalar(conn, at.format(table)) for table in ("samples", "depths"))
    assert sorted(samples) == sorted(kept) and len(set(kept)) == len(kept) in {3, 4}


def test_old_samples_become_the_highest_of_an_hour(
    conn: psycopg.Connection, travel: Travel
) -> None:
    enqueue(conn, queue="mail")
    conn.execute("""
        insert into pgq.stat_depths
          (at, queue, ready, scheduled, blocked, running, failed, lag, estimated)
        select date_trunc('hour', pgq._now()) - interval '49 hours' + n * interval '1 minute',
          'mail', n, 100 - n, 7, 0, 0, case when n > 50 then n * interval '1 second' end,
          case n when 3 then '{ready}'::text[] else '{}' end
        from generate_series(0, 59) as n
    """)
    conn.execute(
        "insert into pgq.stat_samples (at, last_id) select distinct at, 1 from pgq.stat_depths"
    )
    assert value(conn, "_roll_up_depths", batch_size=40) == 40
    assert value(conn, "_prune_depths", batch_size=1000) == 20
    (row,) = conn.execute("select * from pgq.stat_depth_hours").fetchall()
    assert row[1:] == ("mail", 59, 100, 7, 0, timedelta(seconds=59), True)
    assert scalar(conn, "select count(*) from pgq.stat_depths") == 0
    # Its step is an hour, whatever is asked for.
    found = rows(conn, "depth_history", queue="mail", since=row[0], step="5 minutes")
    assert [step["ready"] for step in found] == [59]
    travel("1440 hours")
    assert value(conn, "_prune_depths", batch_size=100) == 60
    assert scalar(conn, "select count(*) from pgq.stat_depth_hours") == 0


@pytest.mark.slow
def test_beyond_500_queues_the_rest_stand_together(conn: psycopg.Connection, lanes: None) -> None:
    conn.execute("insert into pgq.queues (name) select 'a' || n from generate_series(1, 400) as n")
    for queue in ("(other)", "mail"):
        enqueue(conn, queue=queue)
    conn.execute(
        "insert into pgq.running (job_id, claim_id, queue, task, ready_at, claimed_at)"
        " select -n, n, 'z' || lpad(n::text, 3, '0'), 't', now(), now()"
        " from generate_series(1, 520) as n"
    )
    found = depths(conn)
    # Those in use come first, by name.
    assert len(found) == 500 and "a1" not in found and numbers(found["mail"]) == (1, 0, 0, 0)
    assert numbers(found["(other)"]) == (1, 0, 0, 22) and "z499" not in found
    sample(conn)
    assert depths(conn).keys() == found.keys()


@pytest.fixture
def lanes(conn: psycopg.Connection) -> Iterator[None]:
    """Rows without a job may stand in the lanes until the test has ended."""
    yield
    conn.execute("truncate pgq.ready, pgq.running, pgq.jobs")


# Rows so wide that a page has four of them.
FILL = """
    insert into pgq.{} (queue, priority, job_id, task, ready_at)
    select case when n %% 250 = 0 then 'shallow' else 'deep' end, 0, n, repeat('x', 1900), now()
    from generate_series(1, %s::bigint) as n
"""


@pytest.mark.slow
def test_what_is_deep_is_estimated_from_pages_whatever_the_planner_knows(
    conn: psycopg.Connection, lanes: None
) -> None:
    conn.execute(sql.SQL(FILL).format(sql.Identifier("ready")), [12_500])
    assert scalar(conn, "select reltuples from pg_class where oid = 'pgq.ready'::regclass") <= 0
    found = depths(conn)
    assert found["deep"]["estimated"] == ["ready"]
    assert found["deep"]["ready"] == pytest.approx(12_450, rel=0.02)
    assert (found["shallow"]["ready"], found["shallow"]["estimated"]) == (50, [])
    # It does not grow with what waits: the lane has 3,125 pages.
    assert buffers(conn, "select * from pgq.depths()") < 3_000


@pytest.mark.slow
def test_what_is_not_deep_is_counted_in_a_lane_full_of_dead_rows(
    conn: psycopg.Connection, lanes: None
) -> None:
    conn.execute(sql.SQL(FILL).format(sql.Identifier("ready")), [12_500])
    conn.execute("delete from pgq.ready where job_id % 4 > 0 and queue = 'deep'")
    found = depths(conn)
    assert (found["deep"]["ready"], found["deep"]["estimated"]) == (3_100, [])
    assert (found["shallow"]["ready"], found["shallow"]["estimated"]) == (50, [])


@pytest.mark.slow
def test_new_rows_of_a_large_lane_are_found(conn: psycopg.Connection, lanes: None) -> None:
    """Running jobs stand on the newest pages, if those that ended cannot be vacuumed."""
    conn.execute(
        "insert into pgq.running (job_id, claim_id, queue, task, ready_at, claimed_at)"
        " select n, n, 'mail', repeat('x', 1900), now(), now() from generate_series(1, 8000) as n"
    )
    conn.execute("delete from pgq.running where job_id <= 7990")
    row = depths(conn)["mail"]
    assert (row["running"], row["estimated"]) == (10, ["running"])


@pytest.mark.slow
def test_a_sample_costs_the_same_at_any_backlog(conn: psycopg.Connection, lanes: None) -> None:
    conn.execute(sql.SQL(FILL).format(sql.Identifier("ready")), [12_500])
    sample(conn)
    assert buffers(conn, "select * from pgq.depths()") < 50
