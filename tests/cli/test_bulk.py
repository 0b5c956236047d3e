"""Filters in place of ids: jobs, cancel, retry, discard, reprioritise; and batches."""

from __future__ import annotations

import json
from typing import Any

import psycopg
import pytest

from pgq.cli import bulk
from tests.cli.conftest import Pgq


def enqueue(conn: psycopg.Connection, *jobs: dict[str, Any]) -> list[int]:
    found = conn.execute("select id from pgq.enqueue_many(%s)", (json.dumps(jobs),))
    return [job_id for (job_id,) in found]


def states(conn: psycopg.Connection, ids: list[int]) -> list[str | None]:
    found = conn.execute("select state from pgq.results(%s::bigint[])", (ids,))
    return [state for (state,) in found]


def fail_all(conn: psycopg.Connection) -> None:
    conn.execute(
        "select pgq.fail_batch(array_agg(job_id), array_agg(claim_id), null, final => "
        "array_agg(true)) from pgq.claim_batch('{*}', batch_size => 100)"
    )


@pytest.mark.slow
def test_all_that_fits_is_changed(pgq: Pgq, conn: psycopg.Connection) -> None:
    mail = enqueue(conn, *[{"task": "send", "queue": "mail"}] * 5)
    others = enqueue(conn, {"task": "send"}, {"task": "other", "queue": "mail"})
    answer = pgq.json("cancel", "--queue", "mail", "--task", "send", "--yes")
    assert answer == {"operation": 1, "jobs": 5, "outcomes": {"cancelled": 5}}
    assert states(conn, mail) == ["cancelled"] * 5
    assert states(conn, others) == ["ready", "ready"]
    assert pgq("cancel", "--task", "send", "--queue", "mail").stdout == "no such jobs\n"


@pytest.mark.slow
def test_failed_jobs_of_one_cause(pgq: Pgq, conn: psycopg.Connection) -> None:
    ids = enqueue(conn, *[{"task": "send", "max_attempts": 1}] * 4)
    conn.execute(
        "select pgq.fail_batch(array_agg(job_id order by job_id), array_agg(claim_id), "
        "fingerprints => '{a,b,b,b}') from pgq.claim_batch('{*}', batch_size => 100)"
    )
    answer = pgq.json("retry", "--fingerprint", "b", "--yes")["outcomes"]
    assert answer == {"retried": 3}
    assert states(conn, ids) == ["failed", *["ready"] * 3]


@pytest.mark.slow
def test_every_filter(pgq: Pgq, conn: psycopg.Connection) -> None:
    batch = conn.execute("select pgq.create_batch()").fetchone()
    assert batch
    plain, keyed, in_batch, marked = enqueue(
        conn,
        {"task": "t"},
        {"task": "t", "unique_key": "k"},
        {"task": "t", "batch_id": batch[0]},
        {"task": "t", "headers": {"tenant": "acme", "kind": "x=y"}, "args": {"user": {"id": 7}}},
    )
    conn.execute(
        "update pgq.jobs set created_at = now() - interval '2 hours' where id = %s", (plain,)
    )
    for found, *asked in (
        (keyed, "--key", "k"),
        (in_batch, "--batch", batch[0]),
        (marked, "--header", "tenant=acme", "--header", "kind=x=y"),
        (plain, "--older-than", "1h"),
        (plain, "--older-than", "1h", "--state", "ready"),
        (marked, "--args", '{"user": {"id": 7}}'),
        (marked, "--newer-than", "1h", "--args", '{"user": {}}'),
    ):
        assert [job["id"] for job in pgq.json("jobs", *asked)["jobs"]] == [found]
        assert pgq.json("reprioritise", 7, *asked, "--yes")["jobs"] == 1
        assert [job["priority"] for job in pgq.json("jobs", *asked)["jobs"]] == [7]
    assert pgq.json("jobs", "--header", "tenant=other")["jobs"] == []


@pytest.mark.slow
def test_retry_takes_failed_jobs_unless_told_otherwise(pgq: Pgq, conn: psycopg.Connection) -> None:
    failed = enqueue(conn, *[{"task": "t"}] * 3)
    fail_all(conn)
    (cancelled,) = enqueue(conn, {"task": "t"})
    pgq("cancel", cancelled)
    assert pgq.json("retry", "--task", "t", "--yes")["outcomes"] == {"retried": 3}
    assert states(conn, [*failed, cancelled]) == [*["ready"] * 3, "cancelled"]
    assert pgq.json("retry", "--state", "cancelled", "--yes")["jobs"] == 1


def test_discard_wants_a_state(pgq: Pgq, conn: psycopg.Connection) -> None:
    ids = enqueue(conn, *[{"task": "t"}] * 3)
    assert "no --state" in pgq("discard", "--task", "t", "--yes", code=2).stderr
    fail_all(conn)
    assert pgq.json("discard", "--state", "failed", "--yes")["outcomes"] == {"discarded": 3}
    assert states(conn, ids) == [None] * 3


@pytest.mark.slow
def test_running_jobs_are_in_the_way_of_some(pgq: Pgq, conn: psycopg.Connection) -> None:
    enqueue(conn, {"task": "t"})
    conn.execute("select pgq.claim_batch('{*}')")
    assert "Pass some of" in pgq("discard", "--state", "running", "--yes", code=2).stderr
    answer = pgq.json("cancel", "--state", "running", "--yes")
    assert answer["outcomes"] == {"requested": 1}
    assert pgq("cancel", "--task", "t", "--yes").stdout.split() == [
        *("outcome", "jobs", "requested", "1")
    ]


@pytest.mark.parametrize("command", ["cancel", "retry", "discard", "run-now", "reprioritise"])
def test_a_dry_run_says_how_many_and_changes_nothing(
    pgq: Pgq, conn: psycopg.Connection, command: str
) -> None:
    conn.execute("select pgq.enqueue('t', queue => 'mail', delay => '1 hour')")
    conn.execute("select pgq.enqueue('t', queue => 'mail', delay => '1 hour')")
    before = conn.execute("select * from pgq.all_jobs order by id").fetchall()
    priority = ["7"] if command == "reprioritise" else []
    chosen = [*priority, "--queue", "mail", "--state", "scheduled", "--dry-run"]
    shown = pgq(command, *chosen)
    assert shown.stdout == f"would {command.replace('-', ' ')} 2 jobs\n"
    assert "scheduled  mail  t" in shown.stderr
    assert pgq.json(command, *chosen)["jobs"] == 2
    assert conn.execute("select * from pgq.all_jobs order by id").fetchall() == before
    assert conn.execute("select count(*) from pgq.bulk_status()").fetchall() == [(0,)]
    assert "--dry-run" in pgq(command, *priority, "17", "--dry-run", code=2).stderr


@pytest.mark.slow
def test_it_asks_with_the_number(
    pgq: Pgq, conn: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = enqueue(conn, *[{"task": "t"}] * 3)
    assert "say --yes" in pgq("cancel", "--task", "t", code=2).stderr
    monkeypatch.setattr(bulk, "asks", lambda: True)
    refused = pgq("cancel", "--task", "t", code=1, stdin="n\n")
    assert "Cancel 3 jobs?" in refused.stderr
    assert refused.stderr.startswith(f"  {ids[0]}  ready  default  t\n")
    assert "nothing was changed" in refused.stderr
    assert states(conn, ids) == ["ready"] * 3
    pgq("cancel", "--task", "t", "--in", "0", stdin="y\n")
    assert states(conn, ids) == ["cancelled"] * 3


@pytest.mark.slow
def test_all_of_a_state_and_retries_that_are_spread(pgq: Pgq, conn: psycopg.Connection) -> None:
    ids = enqueue(conn, *[{"task": "t"}] * 200)
    fail_all(conn)
    fail_all(conn)
    answer = pgq.json("retry", "--all", "--state", "failed", "--over", "10m", "--yes")
    assert answer["outcomes"] == {"retried": 200}
    later = conn.execute(
        "select count(*) filter (where run_at > now() + interval '4 minutes'), count(*)"
        " from pgq.jobs where id = any(%s)", (ids,)
    )  # fmt: skip
    assert later.fetchone() == (100, 200)


def test_scheduled_jobs_run_now(pgq: Pgq, conn: psycopg.Connection) -> None:
    ids = enqueue(conn, *[{"task": "t", "delay": "1 hour"}] * 2)
    assert pgq.json("run-now", "--all", "--yes")["outcomes"] == {"promoted": 2}
    assert states(conn, ids) == ["ready"] * 2


@pytest.mark.slow
def test_more_than_are_counted(
    pgq: Pgq, conn: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    enqueue(conn, *[{"task": "t"}] * 10_001)
    monkeypatch.setattr(bulk, "asks", lambda: True)
    assert "Cancel more than 10,000 jobs?" in pgq("cancel", "--all", code=1, stdin="n\n").stderr
    assert pgq.json("cancel", "--all", "--yes")["outcomes"] == {"cancelled": 10_001}


@pytest.mark.slow
def test_nobody_needs_to_wait(pgq: Pgq, conn: psycopg.Connection) -> None:
    ids = enqueue(conn, *[{"task": "t"}] * 2)
    started = pgq("cancel", "--all", "--yes", "--background", "--in", "1h")
    assert started.stdout == "1\n" and "pgq bulk stop 1" in started.stderr
    assert pgq.json("cancel", "--all", "--yes", "--background") == {"operation": 2}
    assert states(conn, ids) == ["ready"] * 2
    conn.execute("select pgq.maintain()")
    assert states(conn, ids) == ["cancelled"] * 2


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (("cancel",), "neither ids nor filters"),
        (("cancel", 1, "--queue", "a"), "both ids and filters"),
        (("cancel", 1, "--state", "ready"), "both ids and filters"),
        (("retry", "--header", "tenant"), "is no header"),
        (("retry", "--yes"), "neither ids nor filters"),
        (("retry", 1, "--all"), "both ids and filters"),
        (("retry", 1, "--over", "1m"), "--over is for jobs by filters"),
        (("retry", "--all", "--over", "31d", "--yes"), "at or spread"),
        (("cancel", "--all", "--in", "2d", "--yes"), "starts_in"),
        (("discard", "--all", "--yes"), "no --state"),
        (("discard", "--state", "ready", "--args", "null", "--yes"), "null is not contained"),
        (("cancel", "--all", "--ended-within", "1h", "--yes"), "no state is left"),
    ],
)
def test_calls_that_make_no_sense(pgq: Pgq, call: tuple[object, ...], words: str) -> None:
    assert words in pgq(*call, code=2).stderr


@pytest.mark.slow
def test_reprioritise_by_ids(pgq: Pgq, conn: psycopg.Connection) -> None:
    (job,) = enqueue(conn, {"task": "t"})
    pgq("reprioritise", "--", -3, job)
    assert pgq.json("job", job)["priority"] == -3
    assert pgq.json("reprioritise", 1, 10**6, code=1) == [{"id": 10**6, "outcome": "not_found"}]


@pytest.mark.slow
def test_batches(pgq: Pgq, conn: psycopg.Connection) -> None:
    assert pgq("batch", "list").stdout == "no batches\n"
    row = conn.execute("select pgq.create_batch(description => 'nightly')").fetchone()
    assert row
    (batch,) = row
    enqueue(conn, *[{"task": "t", "batch_id": batch}] * 2)
    assert pgq.json("batch", "show", batch)["waiting"] == 2
    assert "waiting" in pgq("batch", "show", batch).stdout
    assert pgq("batch", "close", batch).stdout == f"batch {batch} is closed\n"
    assert pgq.json("batch", "close", batch) == {"id": batch, "closed": False}
    pgq("cancel", "--batch", batch, "--yes")
    conn.execute("select pgq.promote_due()")
    (shown,) = pgq.json("batch", "list")
    assert (shown["id"], shown["description"], shown["status"]) == (batch, "nightly", "failed")
    assert "nightly" in pgq("batch", "list").stdout
    assert "there is no batch 4711" in pgq("batch", "show", 4711, code=1).stderr
    assert "batch 4711 does not exist" in pgq("batch", "close", 4711, code=2).stderr
