"""What a monitoring system is told."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import psycopg
import pytest

from tests import sources
from tests.conftest import Connect
from tests.servers import Travel
from tests.sql.calls import (
    buffers,
    claim,
    claim_one,
    complete,
    enqueue,
    fail,
    register,
    rows,
    scalar,
    value,
)
from tests.sql.statistics.counting import fold, to_noon, totals

PAGE = sources.CHECKOUT / "docs" / "how-to" / "metrics.md"


def metrics(conn: psycopg.Connection) -> dict[str, Any]:
    """Return the values as a monitoring system writes their names."""
    found: dict[str, Any] = {}
    for row in rows(conn, "metrics"):
        labels = ",".join(f"{name}={text}" for name, text in sorted(row["labels"].items()))
        name = row["name"] + (f"{{{labels}}}" if labels else "")
        assert name not in found
        found[name] = row["value"]
    return found


def test_queues(conn: psycopg.Connection) -> None:
    for _ in range(3):
        enqueue(conn, queue="mail")
    enqueue(conn, queue="mail", delay="1 hour")
    register(conn, queues=["ma*", "*"])
    register(conn, queues=["other"])
    claim(conn, ["mail"], 1)
    value(conn, "configure_queue", queue="mail", max_running=4, rate_limit=10)
    value(conn, "pause_queue", queue="mail")
    found = metrics(conn)
    states = {"ready": 2, "scheduled": 1, "blocked": 0, "running": 1}
    for state, jobs in states.items():
        assert found[f"pgq_queue_jobs{{queue=mail,state={state}}}"] == jobs
        assert found[f"pgq_queue_jobs_estimated{{queue=mail,state={state}}}"] == 0
    assert found["pgq_queue_paused{queue=mail}"] == 1
    assert found["pgq_queue_workers{queue=mail}"] == 1
    assert found["pgq_queue_running_limit{queue=mail}"] == 4
    assert found["pgq_queue_tokens{queue=mail}"] == 10
    assert 0 <= found["pgq_queue_latency_seconds{queue=mail}"] < 60
    assert found["pgq_worker_slots_busy"] == 1
    assert found["pgq_enqueued_total"] == 4


def test_the_house(conn: psycopg.Connection, travel: Travel) -> None:
    register(conn, concurrency=3)
    register(conn, concurrency=4)
    value(conn, "schedule", name="good", task="t", every="1 hour")
    value(conn, "schedule", name="off", task="t", every="1 hour")
    value(conn, "pause_schedule", name="off")
    for _ in range(2):
        enqueue(conn, concurrency_key="k")
    rows(conn, "promote_due")
    found = metrics(conn)
    assert found["pgq_worker_slots"] == 7
    assert found["pgq_workers{status=silent}"] == 0
    assert sum(found[name] for name in found if name.startswith("pgq_workers{")) == 2
    assert found["pgq_schedules{status=active}"] == found["pgq_schedules{status=paused}"] == 1
    assert found["pgq_semaphores"] == 1 and found["pgq_semaphore_waiters"] == 1
    assert found["pgq_history_retention_seconds"] == timedelta(days=14).total_seconds()
    assert found["pgq_history_overdue_partitions"] == 0
    assert found["pgq_schedule_late_seconds"] == 0
    version = value(conn, "version")
    protocol = scalar(conn, "select pgq._protocol()")
    assert found[f"pgq_info{{protocol={protocol},version={version}}}"] == 1
    travel("30 days")
    found = metrics(conn)
    assert found["pgq_worker_slots"] == 0 and found["pgq_workers{status=silent}"] == 2
    assert found["pgq_schedule_late_seconds"] == pytest.approx(30 * 86400 - 3600, abs=3600)
    assert found["pgq_history_overdue_partitions"] > 0


def ticks(conn: psycopg.Connection) -> dict[str, int]:
    """Return how many ticks had which outcome, those that had none left out."""
    return {
        row["labels"]["outcome"]: row["value"]
        for row in rows(conn, "metrics")
        if row["family"] == "pgq_schedule_ticks" and row["value"]
    }


def test_ticks_of_schedules(conn: psycopg.Connection, travel: Travel) -> None:
    said = [row["labels"] for row in rows(conn, "metrics", tasks=False)]
    outcomes = ("enqueued", "skipped", "missed", "manual", "failed")
    assert all({"outcome": outcome} in said for outcome in outcomes)
    value(conn, "schedule", name="a", task="t", every="1 hour")
    value(conn, "schedule", name="b", task="t", every="1 hour", overlap="skip")
    value(conn, "schedule", name="c", task="t", every="1 hour", catch_up="skip")
    travel("61 minutes")
    rows(conn, "fire_due_schedules")
    assert ticks(conn) == {"enqueued": 2, "missed": 1}
    travel("61 minutes")
    conn.execute("update pgq.schedules set job = job || '{\"max_attempts\": 0}' where name = 'a'")
    rows(conn, "fire_due_schedules")
    assert ticks(conn) == {"enqueued": 2, "skipped": 1, "missed": 2, "failed": 1}
    conn.execute("update pgq.schedules set job = job - 'max_attempts' where name = 'a'")
    value(conn, "run_schedule_now", name="a")
    before = ticks(conn)
    assert before == {"enqueued": 2, "skipped": 1, "missed": 2, "failed": 1, "manual": 1}
    conn.execute("delete from pgq.schedule_runs")
    value(conn, "unschedule", name="b")
    assert ticks(conn) == before
    value(conn, "configure", statistics="off")
    value(conn, "run_schedule_now", name="a")
    assert ticks(conn) == before
    value(conn, "reset_statistics")
    assert ticks(conn) == {}


def test_ticks_are_counted_once_whenever_they_commit(connect: Connect, travel: Travel) -> None:
    """A transaction that fires before a fold and commits after it, and one that is rolled back."""
    conn, late, gone = connect(), connect(autocommit=False), connect(autocommit=False)
    value(conn, "schedule", name="a", task="t", every="1 hour")
    for _ in range(150):
        value(conn, "run_schedule_now", name="a")
    value(conn, "schedule", name="b", task="t", every="1 hour")
    value(late, "run_schedule_now", name="b")
    value(conn, "schedule", name="c", task="t", every="1 hour")
    value(gone, "run_schedule_now", name="c")
    fold(conn)
    assert scalar(conn, "select count(*) from pgq.stat_ticks") == 1
    assert ticks(conn) == {"manual": 150}
    late.commit()
    gone.rollback()
    fold(conn)
    assert ticks(conn) == {"manual": 151}


@pytest.mark.slow
def test_failed_jobs(conn: psycopg.Connection, travel: Travel) -> None:
    for queue in ("mail", "mail", "other"):
        enqueue(conn, queue=queue, max_attempts=1)
    first = claim_one(conn)
    fail(conn, first)
    travel("1 hour")
    fail(conn, *claim(conn))
    enqueue(conn, queue="third", expires_in="1 second")
    travel("1 minute")
    rows(conn, "maintain")
    found = metrics(conn)
    assert found["pgq_failed_jobs{queue=mail}"] == 2
    assert found["pgq_failed_jobs{queue=other}"] == 1
    assert found["pgq_failed_jobs{queue=third}"] == 0  # it expired
    oldest = found[f"pgq_failed_job_oldest_age_seconds{{queue={first.queue}}}"]
    assert oldest == pytest.approx(3660, abs=60)


@pytest.mark.slow
def test_very_many_failed_jobs_are_not_counted_to_the_end(conn: psycopg.Connection) -> None:
    conn.execute(
        "insert into pgq.job_history (id, state, queue, task, priority, attempt, max_attempts,"
        "  run_at, created_at, finished_at, args)"
        " select n, 'failed', case when n <= 20000 then 'a' else 'b' end, 't', 0, 1, 1, now(),"
        "  now(), now(), '{}' from generate_series(1, 20300) as n"
    )
    found = {row["queue"]: row for row in rows(conn, "depths")}
    assert (found["a"]["failed"], found["a"]["estimated"]) == (10_000, ["failed"])
    assert (found["b"]["failed"], found["b"]["estimated"]) == (100, ["failed"])


def test_health_checks_are_numbers(conn: psycopg.Connection) -> None:
    enqueue(conn)
    told = {row["name"]: row["status"] for row in rows(conn, "health")}
    found = metrics(conn)
    levels = {"ok": 0, "warn": 1, "fail": 2}
    assert told["workers"] == "fail"
    for name, status in told.items():
        assert found[f"pgq_health_check{{name={name}}}"] == levels[status]


@pytest.mark.slow
def test_samples_are_answered_while_they_are_new(conn: psycopg.Connection, travel: Travel) -> None:
    rows(conn, "maintain")
    enqueue(conn, queue="mail")
    travel("12 seconds")
    found = metrics(conn)
    assert "pgq_queue_jobs{queue=mail,state=ready}" not in found
    assert found["pgq_sample_age_seconds"] == pytest.approx(12, abs=10)
    travel("20 seconds")
    found = metrics(conn)
    assert found["pgq_queue_jobs{queue=mail,state=ready}"] == 1
    assert found["pgq_sample_age_seconds"] == 0


@pytest.mark.slow
def test_who_observes_may_ask_and_writes_nothing(connect: Connect) -> None:
    conn = connect()
    enqueue(conn)
    conn.execute("set role pgq_observer")
    conn.execute("set default_transaction_read_only = on")
    assert metrics(conn)["pgq_enqueued_total"] == 1


@pytest.mark.slow
def test_families_stand_together_and_labels_name_no_job(conn: psycopg.Connection) -> None:
    register(conn, name="secret-worker")
    enqueue(conn)
    complete(conn, claim_one(conn))
    rows(conn, "maintain")
    job_id = enqueue(conn, unique_key="secret-key", concurrency_key="secret-key")
    found = rows(conn, "metrics")
    families = [row["family"] for row in found]
    changes = [name for name, before in zip(families, [None, *families], strict=False)
               if name != before]  # fmt: skip
    assert len(changes) == len(set(changes))
    for row in found:
        suffixes = {
            "counter": ["_total"],
            "gauge": [""],
            "histogram": ["_bucket", "_count", "_sum"],
        }
        assert row["name"].removeprefix(row["family"]) in suffixes[row["type"]]
        assert row["help"].endswith(".")
        assert re.fullmatch(r"pgq_[a-z_]+", row["name"])
        assert set(row["labels"]) <= {
            *("queue", "task", "outcome", "le", "state", "status", "name", "version", "protocol")
        }
        assert all(isinstance(text, str) for text in row["labels"].values())
        assert not any(text.startswith("secret") for text in row["labels"].values())
    assert job_id


@pytest.fixture
def made_up(conn: psycopg.Connection) -> Iterator[None]:
    """Removes totals in which not all agrees."""
    yield
    conn.execute("delete from pgq.stat_totals")


def add_total(
    conn: psycopg.Connection, queue: str, task: str, jobs: int, runs: dict[int, int]
) -> None:
    histogram = sum(number * 10 ** (12 * (bucket + 20)) for bucket, number in runs.items())
    conn.execute(
        "insert into pgq.stat_totals (queue, task, succeeded, run_us, runs)"
        " values (%s, %s, %s, 2500000, pgq._counts_up_to_bounds(%s))",
        (queue, task, jobs, histogram),
    )


def add_deltas(conn: psycopg.Connection, *pairs: tuple[str, str], jobs: int = 1) -> None:
    """Count one outcome of each pair of queue and task."""
    with conn.cursor() as cursor:
        cursor.executemany(
            "insert into pgq.stat_deltas (minute, jobs, wait_us, run_us, queue, task, outcome,"
            " waits, runs) values (date_trunc('minute', pgq._now(), 'UTC'), %s, 0, 0, %s, %s,"
            " 'cancelled', '', '')",
            [(jobs, *pair) for pair in pairs],
        )
    fold(conn)


def ended(conn: psycopg.Connection, **options: Any) -> dict[tuple[str, ...], int]:
    """Return how many jobs have ended, by the values of the labels."""
    return {
        tuple(row["labels"][name] for name in ("queue", "task") if name in row["labels"]): row[
            "value"
        ]
        for row in rows(conn, "metrics", **options)
        if row["family"] == "pgq_jobs_ended"
    }


@pytest.mark.slow
def test_what_has_ended_is_counted(conn: psycopg.Connection) -> None:
    for queue in ("mail", "mail", "other"):
        enqueue(conn, "send", queue=queue, max_attempts=1)
    complete(conn, *claim(conn, ["mail"]))
    fail(conn, *claim(conn, ["other"]))
    rows(conn, "maintain")
    found = metrics(conn)
    assert found["pgq_jobs_ended_total{outcome=succeeded,queue=mail,task=send}"] == 2
    assert found["pgq_jobs_ended_total{outcome=failed,queue=other,task=send}"] == 1
    assert found["pgq_job_run_seconds_count{queue=mail,task=send}"] == 2
    assert found["pgq_job_wait_seconds_bucket{le=+Inf,queue=other,task=send}"] == 1
    assert 0 < found["pgq_job_run_seconds_sum{queue=mail,task=send}"] < 60
    assert found["pgq_statistics_lag_seconds"] == 0


@pytest.mark.slow
@pytest.mark.usefixtures("made_up")
def test_a_histogram_is_cumulative_and_exact(conn: psycopg.Connection) -> None:
    # Bucket n ends at 2^(n/2) seconds.
    for task, runs in {
        "low": {-20: 1, -16: 2, -15: 4},
        "one": {0: 8, 1: 16},
        "high": {20: 32, 34: 64},
    }.items():
        add_total(conn, "mail", task, 1, runs)
    buckets: dict[str, list[tuple[str, float]]] = {}
    for row in rows(conn, "metrics"):
        if row["name"] == "pgq_job_run_seconds_bucket":
            buckets.setdefault(row["labels"]["task"], []).append(
                (row["labels"]["le"], row["value"])
            )
    bounds = [
        "0.00390625",
        "0.015625",
        "0.0625",
        "0.25",
        "1",
        "4",
        "16",
        "64",
        "256",
        "1024",
        "+Inf",
    ]
    assert [le for le, _ in buckets["low"]] == bounds
    assert [value for _, value in buckets["low"]] == [3, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7]
    assert [value for _, value in buckets["one"]] == [0, 0, 0, 0, 8, 24, 24, 24, 24, 24, 24]
    assert [value for _, value in buckets["high"]] == [0] * 9 + [32, 96]
    found = metrics(conn)
    assert found["pgq_job_run_seconds_count{queue=mail,task=high}"] == 96
    assert found["pgq_job_run_seconds_sum{queue=mail,task=high}"] == 2.5


@pytest.mark.slow
def test_beyond_200_pairs_the_rest_is_summed(conn: psycopg.Connection) -> None:
    pairs = [(f"q{n % 3}", f"t{n}") for n in range(210)]
    add_deltas(conn, *pairs[:100])
    add_deltas(conn, *pairs, jobs=10)
    add_deltas(conn, *pairs[205:])
    found = ended(conn)
    assert len(found) == 201
    assert found["q0", "t0"] == 11
    assert all(pair in found for pair in pairs[:100])
    rest = [pair for pair in pairs if pair not in found]
    assert len(rest) == 10
    assert found["(other)", "(other)"] == sum(11 if pair in pairs[205:] else 10 for pair in rest)
    queues = ended(conn, tasks=False)
    assert set(queues) == {("q0",), ("q1",), ("q2",)}
    assert sum(queues.values()) == sum(found.values()) == 100 + 2100 + 5


@pytest.mark.slow
def test_beyond_200_queues_the_rest_is_summed(conn: psycopg.Connection) -> None:
    add_deltas(conn, *[(f"q{n}", "t") for n in range(203)])
    add_deltas(conn, ("q0", "t"), ("one too many", "t"))
    queues = ended(conn, tasks=False)
    assert len(queues) == 201
    assert (queues["q0",], queues["(other)",]) == (2, 4)


@pytest.mark.slow
def test_a_counter_never_goes_back_while_it_is_told(
    conn: psycopg.Connection, travel: Travel
) -> None:
    """A busy newcomer waits for a place until one was idle for a day; nobody else is moved."""
    to_noon(conn, travel)
    pairs = [("q", f"t{n}") for n in range(200)]
    add_deltas(conn, *pairs)
    add_deltas(conn, ("q", "new"), jobs=1000)
    first = ended(conn)
    assert ("q", "new") not in first
    travel("24 hours")
    add_deltas(conn, ("q", "new"), *pairs[:150])
    assert scalar(conn, "select pgq._prune_statistics(1000)") == 0
    second = ended(conn)
    assert all(second[key] >= number for key, number in first.items())
    travel("24 hours")
    assert scalar(conn, "select pgq._prune_statistics(1000)") == 50
    add_deltas(conn, ("q", "new"), *pairs[:10])
    third = ended(conn)
    assert len(third) == 152
    assert (third["q", "new"], third["(other)", "(other)"]) == (1, 1001)
    assert all(third[key] >= second[key] for key in third if key in second)
    # What those had that lost their places is not told, and not lost.
    assert totals(conn)["cancelled"] == 200 + 1000 + 151 + 11
    assert rows(conn, "verify") == []


@pytest.mark.slow
def test_few_keep_their_places_for_ever(conn: psycopg.Connection, travel: Travel) -> None:
    add_deltas(conn, ("q", "seldom"))
    travel("60 days")
    rows(conn, "maintain")
    assert ended(conn) == {("q", "seldom"): 1}
    assert scalar(conn, "select count(*) from pgq.stat_series") == 0


def test_the_names_of_a_day_are_forgotten(conn: psycopg.Connection, travel: Travel) -> None:
    to_noon(conn, travel)
    add_deltas(conn, ("q", "t"), ("q", "u"))
    travel("24 hours")
    add_deltas(conn, ("q", "t"))
    travel("24 hours")
    assert scalar(conn, "select pgq._prune_statistics(1000)") == 1
    assert conn.execute("select task from pgq.stat_series").fetchall() == [("t",)]


def test_the_increment_of_ids_is_divided_out(conn: psycopg.Connection) -> None:
    assert metrics(conn)["pgq_enqueued_total"] == 0
    conn.execute("alter sequence pgq.jobs_id_seq increment by 10 start 3 restart")
    for _ in range(4):
        enqueue(conn)
    assert metrics(conn)["pgq_enqueued_total"] == 4


@pytest.mark.slow
def test_a_scrape_costs_the_same_at_any_backlog(conn: psycopg.Connection) -> None:
    register(conn)
    enqueue(conn)
    rows(conn, "maintain")
    query = "select * from pgq.metrics()"
    metrics(conn)
    before = buffers(conn, query)
    jobs = json.dumps([{"task": "t"}] * 5000)
    conn.execute("select count(*) from pgq.enqueue_many(%s)", [jobs])
    complete(conn, *claim(conn, batch_size=2000))
    assert buffers(conn, query) < before + 20


def listed() -> Iterator[str]:
    for line in sources.read(PAGE).splitlines():
        if line.startswith("| `pgq_"):
            yield from re.findall(r"`(pgq_\w+)", line.split("|")[1])


def test_the_page_lists_all_families(conn: psycopg.Connection) -> None:
    known = "select 'pgq_' || family || case type when 'counter' then '_total' else '' end"
    names = [name for (name,) in conn.execute(f"{known} from pgq._metric_families()".encode())]
    assert sorted(listed()) == sorted(names)
