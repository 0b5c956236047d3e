"""What happened in each step of a window."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from tests.conftest import Connect
from tests.servers import Travel
from tests.sql.calls import (
    Row,
    claim,
    claim_one,
    complete,
    enqueue,
    enqueue_many,
    fail,
    refused,
    rows,
    scalar,
)
from tests.sql.statistics.counting import fold, to_noon, totals

OUTCOMES = (
    "succeeded", "failed", "cancelled", "expired", "retried", "snoozed", "released", "lost",
)  # fmt: skip


def summed(found: list[Row]) -> dict[str, int]:
    """Return the outcomes of all steps together, without those that never happened."""
    sums = {outcome: sum(row[outcome] for row in found) for outcome in OUTCOMES}
    return {outcome: number for outcome, number in sums.items() if number}


def units(conn: psycopg.Connection) -> list[str]:
    """Return the units of the periods that have something."""
    query = "select distinct unit from pgq.stat_periods order by unit"
    return [unit for (unit,) in conn.execute(query)]


def work(conn: psycopg.Connection, number: int = 1, **options: Any) -> None:
    enqueue_many(conn, *({"task": "work", **options} for _ in range(number)))
    complete(conn, *claim(conn, batch_size=number))


def test_what_happened_in_each_minute(conn: psycopg.Connection, travel: Travel) -> None:
    to_noon(conn, travel)
    work(conn, 2)
    travel("1 minute")
    work(conn, 3)
    enqueue(conn, max_attempts=1)
    fail(conn, claim_one(conn))
    found = rows(conn, "stats", since="2030-01-01 11:59+00", step="1 minute")
    assert [(row["at"].minute, row["succeeded"], row["failed"]) for row in found] == [
        (59, 0, 0),
        (0, 2, 0),
        (1, 3, 1),
    ]
    fold(conn)
    again = rows(conn, "stats", since="2030-01-01 11:59+00", step="1 minute")
    assert again == found


def test_the_last_hour_in_minutes_is_the_default(conn: psycopg.Connection) -> None:
    work(conn)
    found = rows(conn, "stats")
    assert 60 <= len(found) <= 62
    assert summed(found) == {"succeeded": 1}


def test_a_queue_and_a_task(conn: psycopg.Connection) -> None:
    work(conn, 1, queue="a", task="x")
    work(conn, 2, queue="a", task="y")
    fold(conn)
    work(conn, 4, queue="b", task="x")
    assert summed(rows(conn, "stats", queue="a")) == {"succeeded": 3}
    assert summed(rows(conn, "stats", task="x")) == {"succeeded": 5}
    assert summed(rows(conn, "stats", queue="a", task="x")) == {"succeeded": 1}
    assert summed(rows(conn, "stats", queue="nobody's")) == {}


def test_times(conn: psycopg.Connection, travel: Travel) -> None:
    """Means are exact; a percentile is the middle of its bucket, 19 per cent off at most."""
    enqueue(conn)
    travel("10 seconds")
    one = claim_one(conn)
    travel("100 seconds")
    complete(conn, one)
    (found,) = [row for row in rows(conn, "stats") if row["succeeded"]]
    for name, seconds in (("wait", 10), ("run", 100)):
        assert abs(found[f"{name}_mean"].total_seconds() - seconds) < 1
        for percentile in ("p50", "p95", "p99"):
            about = found[f"{name}_{percentile}"].total_seconds()
            assert seconds / 1.2 < about < seconds * 1.2


def test_percentiles_of_many(conn: psycopg.Connection) -> None:
    cases = [
        ("{0}", "{100}", 0.5, 2**-0.25),
        ("{0,10}", "{50,50}", 0.5, 2**-0.25),
        ("{0,10}", "{50,50}", 0.51, 2**4.75),
        ("{0,10,20}", "{94,5,1}", 0.95, 2**4.75),
        ("{0,10,20}", "{94,5,1}", 0.99, 2**4.75),
        ("{0,10,20}", "{94,0,1}", 0.995, 2**9.75),
    ]
    for buckets, counts, fraction, seconds in cases:
        query = "select extract(epoch from pgq._percentile(%s, %s, %s))::float8"
        found = scalar(conn, query, buckets, counts, fraction)
        assert found == pytest.approx(seconds, rel=1e-5), (buckets, counts, fraction)
    assert scalar(conn, "select pgq._percentile(null, null, 0.5)") is None


@pytest.mark.parametrize("exponent", range(-20, 34))
def test_bounds_of_buckets_are_exact(conn: psycopg.Connection, exponent: int) -> None:
    """What lasts just 2^(n/2) seconds is in bucket n, and a microsecond more in the next."""
    microseconds = int(scalar(conn, "select trunc(1000000 * 2::numeric ^ (%s / 2.0))", exponent))
    query = (
        "select ascii(pgq._bucket_letter(pgq._microseconds("
        "pgq._now(), pgq._now() + %s * interval '1 microsecond'))) - 85"
    ).replace("pgq._now()", "timestamptz '2030-01-01 12:00+00'")
    assert scalar(conn, query, microseconds) == exponent
    assert scalar(conn, query, microseconds + 1) == exponent + 1


def test_what_lasts_no_time_and_what_lasts_for_ever(conn: psycopg.Connection) -> None:
    query = "select ascii(pgq._bucket_letter(%s)) - 85"
    assert scalar(conn, query, -5.0) == -20
    assert scalar(conn, query, 0.0) == -20
    assert scalar(conn, query, 1e15) == 34


def test_each_outcome_is_there_once_while_a_fold_is_open(
    conn: psycopg.Connection, connect: Connect
) -> None:
    late, other = connect(autocommit=False), connect(autocommit=False)
    enqueue(conn)
    complete(late, claim_one(conn))
    work(conn)
    fold(conn)
    work(conn, 2)
    assert fold(other) == 1
    assert summed(rows(conn, "stats")) == {"succeeded": 3}
    assert summed(rows(other, "stats")) == {"succeeded": 3}
    other.commit()
    assert summed(rows(conn, "stats")) == {"succeeded": 3}
    late.commit()
    assert summed(rows(conn, "stats")) == {"succeeded": 4}


def test_minutes_become_hours_and_days_and_stay_exact(
    conn: psycopg.Connection, travel: Travel
) -> None:
    to_noon(conn, travel)
    noon = datetime(2030, 1, 1, 12, tzinfo=UTC)
    for number in (1, 2, 3):
        work(conn, number)
        travel("20 minutes")
    fold(conn)
    before = rows(conn, "stats", since=noon, step="1 hour")
    assert [row["succeeded"] for row in before] == [6, 0]
    travel("49 hours")
    assert scalar(conn, "select pgq._prune_statistics(2)") == 2
    assert scalar(conn, "select pgq._prune_statistics(100)") == 1
    assert units(conn) == ["hour"]
    (hour,) = rows(conn, "stats", since=noon, until=noon + timedelta(minutes=50))
    assert {**before[0], "at": noon} == hour
    # A settle that commits now is added to its minute, and moves later.
    conn.execute(
        "insert into pgq.stat_deltas (minute, jobs, wait_us, run_us, queue, task, outcome, waits,"
        " runs) values ('2030-01-01 12:05+00', 1, 1, 1, 'default', 'work', 'succeeded', 'A', 'A')"
    )
    fold(conn)
    assert scalar(conn, "select pgq._prune_statistics(100)") == 1
    assert conn.execute("select jobs, waits, runs from pgq.stat_periods").fetchall()[0][0] == 7
    travel("1500 hours")
    assert scalar(conn, "select pgq._prune_statistics(100)") == 1
    assert units(conn) == ["day"]
    found = rows(conn, "stats", since=noon)
    assert (found[0]["at"], summed(found)) == (noon.replace(hour=0), {"succeeded": 7})
    travel("9600 hours")
    assert scalar(conn, "select pgq._prune_statistics(100)") == 1
    assert units(conn) == []
    assert totals(conn) == {"succeeded": 7}


@pytest.mark.parametrize("level", ["repeatable read", "serializable"])
def test_nothing_moves_under_one_snapshot(
    conn: psycopg.Connection, connect: Connect, travel: Travel, level: str
) -> None:
    work(conn)
    fold(conn)
    travel("50 hours")
    old = connect(autocommit=False)
    old.execute(f"set transaction isolation level {level}".encode())
    assert scalar(old, "select pgq._prune_statistics(100)") == 0


def test_moving_waits_for_no_fold(conn: psycopg.Connection, connect: Connect) -> None:
    other = connect(autocommit=False)
    work(conn)
    assert fold(other) == 1
    assert scalar(conn, "select pgq._prune_statistics(100)") == 0


@pytest.mark.parametrize(
    "options",
    [
        {"since": "2030-01-01", "until": "2029-01-01"},
        {"step": "-1 minute"},
        {"step": "1 second"},
    ],
    ids=str,
)
def test_what_is_refused(conn: psycopg.Connection, options: dict[str, object]) -> None:
    with refused("JQ002"):
        rows(conn, "stats", **options)
