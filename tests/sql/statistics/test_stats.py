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


@pytest.mark.slow
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


# The median bucket, that of the 95th and that of the 99th of a hundred: by how many jobs each has.
PERCENTILES = [
    ({0: 100}, (0, 0, 0)),
    ({0: 50, 10: 50}, (0, 10, 10)),
    ({0: 49, 10: 51}, (10, 10, 10)),
    ({0: 94, 10: 5, 20: 1}, (0, 10, 10)),
    ({0: 94, 10: 4, 20: 2}, (0, 10, 20)),
    ({-20: 1, 34: 1}, (-20, 34, 34)),
    ({-20: 95 * 10**9, 34: 5 * 10**9}, (-20, -20, 34)),
]


@pytest.mark.slow
@pytest.mark.parametrize(("buckets", "expected"), PERCENTILES, ids=str)
def test_percentiles_of_many(
    conn: psycopg.Connection, buckets: dict[int, int], expected: tuple[int, int, int]
) -> None:
    histogram = sum(jobs * 10 ** (12 * (bucket + 20)) for bucket, jobs in buckets.items())
    times = rows(conn, "_times_of", us=sum(buckets.values()) * 2_000_000, histogram=histogram)[0]
    assert times["mean"] == timedelta(seconds=2)
    for name, bucket in zip(("p50", "p95", "p99"), expected, strict=True):
        middle = 2 ** ((bucket - 0.5) / 2)
        assert times[name].total_seconds() == pytest.approx(middle, rel=1e-3), name


def test_no_times(conn: psycopg.Connection) -> None:
    nothing = {"mean": None, "p50": None, "p95": None, "p99": None}
    assert rows(conn, "_times_of", us=0, histogram=None) == [nothing]
    assert rows(conn, "_times_of", us=0, histogram=0) == [nothing]


def test_a_histogram_has_twelve_digits_a_bucket(conn: psycopg.Connection) -> None:
    """So histograms are added like numbers, and each letter's bucket can be read again."""
    one = scalar(conn, "select pgq._histogram(%s)", "A" * 3 + "C" + "w" * 7)
    other = scalar(conn, "select pgq._histogram(%s)", "A" * 999_997 + "w")
    assert one == 3 + 10**24 + 7 * 10**648
    counts = scalar(conn, "select pgq._counts_of(%s::numeric + %s)", one, other)
    assert len(counts) == 55
    assert {35 - place: n for place, n in enumerate(counts, 1) if n} == {
        34: 8,
        -18: 1,
        -20: 1_000_000,
    }
    bounds = scalar(conn, "select pgq._counts_up_to_bounds(%s::numeric + %s)", one, other)
    assert bounds == [1_000_001] * 10 + [1_000_009]
    assert scalar(conn, "select pgq._histogram('')") is None
    assert scalar(conn, "select pgq._counts_of(null)") is None


@pytest.mark.slow
@pytest.mark.parametrize("bucket", range(-20, 35))
def test_bounds_of_metrics_have_the_buckets_below(conn: psycopg.Connection, bucket: int) -> None:
    found = scalar(conn, "select pgq._counts_up_to_bounds(pgq._histogram(chr(%s)))", bucket + 85)
    bounds = [-16, -12, -8, -4, 0, 4, 8, 12, 16, 20, 34]
    assert found == [int(bucket <= bound) for bound in bounds]


@pytest.mark.slow
def test_many_minutes_of_many_tasks_are_summed_at_once(conn: psycopg.Connection) -> None:
    """Each row is read once, and nothing is sorted or written to disk, whatever is in it."""
    conn.execute(
        "insert into pgq.stat_periods select 'minute', date_trunc('minute', pgq._now(), 'UTC')"
        " - minute * interval '1 minute', 'q' || task % 7, 't' || task, outcome, 20, 1e7, 1e8,"
        " pgq._histogram('ABCDEFGHIJKLMNOPQRST'), pgq._histogram('cdefghijklmnopqrstuv')"
        " from generate_series(1, 50) as minute, generate_series(1, 200) as task,"
        " unnest(array['succeeded', 'failed']) as outcome"
    )
    for call, groups in (("task_stats()", 200), ("stats()", 61), ("queue_activity()", 7)):
        plan = scalar(
            conn, f"explain (analyze, buffers, format json, timing off) select * from pgq.{call}"
        )[0]
        assert groups <= plan["Plan"]["Actual Rows"] <= groups + 1
        assert plan["Plan"]["Temp Written Blocks"] < 200, call
        pages = plan["Plan"]["Shared Hit Blocks"] + plan["Plan"]["Shared Read Blocks"]
        assert pages < 1.5 * scalar(
            conn, "select pg_relation_size('pgq.stat_periods') / 8192 + 1000"
        ), call
    conn.execute("delete from pgq.stat_periods")


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


@pytest.mark.slow
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
    assert conn.execute("select jobs from pgq.stat_periods").fetchall()[0][0] == 7
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
