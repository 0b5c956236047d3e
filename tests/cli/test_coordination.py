"""semaphores, semaphore, configure, and what jobs, job and stats show of jobs that wait."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from pgq.rows import QueueLimits, SemaphoreStatus
from tests.cli.conftest import Pgq


def enqueue(pgq: Pgq, *options: object) -> int:
    return int(pgq.json("enqueue", "sync", *options)["id"])


def promote(conn: psycopg.Connection) -> None:
    conn.execute("select pgq.promote_due()")


@pytest.mark.slow
def test_enqueue_passes_the_options_of_coordination(pgq: Pgq, conn: psycopg.Connection) -> None:
    batch = conn.execute("select pgq.create_batch()").fetchone()
    assert batch
    one, two = enqueue(pgq), enqueue(pgq)
    job = enqueue(
        pgq,
        *("--depends-on", one, "--depends-on", two, "--on-parent-failure", "run"),
        *("--concurrency-key", "k", "--concurrency-limit", 3, "--concurrency-weight", 2),
        *("--concurrency-duration", "15m", "--concurrency-on-conflict", "discard"),
        *("--partition-key", "p", "--batch-id", batch[0]),
        *("--unique-key", "u", "--unique-while", "queued", "--unique-for", "1h"),
    )
    row = conn.execute(
        "select depends_on, on_parent_failure, concurrency, partition_key, batch_id from pgq.jobs"
        " where id = %s",
        (job,),
    ).fetchone()
    concurrency = {"key": "k", "limit": 3, "weight": 2, "seconds": 900, "discard": True}
    assert row == ([one, two], "run", concurrency, "p", batch[0])
    taken = ("enqueue", "sync", "--unique-key", "u", "--on-conflict", "discard")
    assert pgq.json(*taken) == {"id": None}
    assert "nothing was enqueued" in pgq(*taken).stdout
    assert "a job that does not exist" in pgq("enqueue", "x", "--depends-on", 999, code=2).stderr


@pytest.mark.slow
def test_jobs_that_wait_for_others_are_shown(pgq: Pgq, conn: psycopg.Connection) -> None:
    parent = enqueue(pgq, "-q", "mail")
    child = enqueue(pgq, "-q", "mail", "--depends-on", parent)
    assert [job["id"] for job in pgq.json("jobs", "--state", "blocked")["jobs"]] == [child]
    assert "blocked 0." in pgq("jobs", "--state", "blocked").stdout
    (queue,) = pgq.json("stats")["queues"]
    assert (queue["ready"], queue["blocked"]) == (1, 1)
    assert "blocked" in pgq("stats").stdout.splitlines()[0].split()
    conn.execute("select pgq.cancel(array[%s])", (parent,))
    promote(conn)
    assert pgq.json("jobs", "--state", "blocked")["jobs"] == []


@pytest.mark.slow
def test_job_shows_parents_children_and_semaphore(pgq: Pgq, conn: psycopg.Connection) -> None:
    parent = enqueue(pgq, "--concurrency-key", "k", "--partition-key", "p")
    child = enqueue(pgq, "--depends-on", parent)
    promote(conn)
    told = pgq.json("job", parent)
    assert (told["parents"], told["children"]) == ([], [child])
    ties = [told[name] for name in ("concurrency_key", "concurrency_weight", "holds_slots")]
    assert ties == ["k", 1, True]
    assert told["partition_key"] == "p"
    told = pgq.json("job", child)
    assert told["parents"] == [{"id": parent, "state": "ready"}]
    assert (told["children"], told["concurrency_key"], told["holds_slots"]) == ([], None, False)
    lines = [line.split(maxsplit=1) for line in pgq("job", child).stdout.splitlines()]
    assert ["parents", f"{parent} (ready)"] in lines
    assert not {"children", "concurrency_key", "holds_slots"} & {line[0] for line in lines}
    lines = [line.split(maxsplit=1) for line in pgq("job", parent).stdout.splitlines()]
    assert ["children", str(child)] in lines
    assert ["holds_slots", "yes"] in lines


@pytest.mark.slow
def test_semaphores(pgq: Pgq, conn: psycopg.Connection) -> None:
    assert pgq.json("semaphores") == []
    assert pgq("semaphores").stdout == "no semaphores in use\n"
    for _ in range(2):
        enqueue(pgq, "--concurrency-key", "account:17")
    promote(conn)
    (told,) = pgq.json("semaphores")
    assert tuple(told) == SemaphoreStatus._fields
    assert (told["concurrency_key"], told["holders"], told["waiters"]) == ("account:17", 1, 1)
    titles, line = pgq("semaphores").stdout.splitlines()
    assert line.split() == ["account:17", "1", "1", "1", "1", "no"]
    assert titles.startswith("key")

    assert pgq("semaphore", "account:17", "--slots", 2).stdout == "account:17 has 2 slots\n"
    promote(conn)
    assert pgq.json("semaphores")[0]["used_slots"] == 2
    answer = pgq.json("semaphore", "account:17", "--slots", "off", "--release")
    assert answer == {"key": "account:17", "slots": None, "released": 2}
    assert pgq.json("semaphores") == []
    assert pgq("semaphore", "k", "--release").stdout == "slots taken from 0 jobs\n"
    assert "as its jobs say" in pgq("semaphore", "k", "--slots", "off").stdout


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (("k",), "nothing to do"),
        (("k", "--slots", "many"), "neither a number nor `off`"),
        (("k", "--slots", "-1"), "neither a number nor `off`"),
        (("k", "--slots", 10**9), "max_slots is out of range"),
        (("", "--release"), "concurrency_key is empty"),
    ],
)
def test_semaphore_refuses(args: tuple[Any, ...], says: str, pgq: Pgq) -> None:
    assert says in pgq("semaphore", *args, code=2).stderr


@pytest.mark.slow
def test_configure(pgq: Pgq, conn: psycopg.Connection) -> None:
    assert pgq("configure", "mail").stdout == "mail has no limits\n"
    assert pgq.json("configure", "mail") is None
    assert conn.execute("select count(*) from pgq.queues").fetchone() == (0,)
    told = pgq.json(
        *("configure", "mail", "--max-running", 10, "--rate-limit", 100, "--rate-interval", "1m"),
        *("--rate-burst", 5, "--rate-per-key", "--fair", "--backoff", "30s"),
    )
    assert tuple(told) == QueueLimits._fields
    assert (told["max_running"], told["rate_limit"], told["rate_interval"]) == (10, 100, 60)
    assert (told["rate_burst"], told["rate_per_key"], told["fair"]) == (5, True, True)
    shown = [line.split() for line in pgq("configure", "mail").stdout.splitlines()]
    assert ["max_running", "10"] in shown
    told = pgq.json("configure", "mail", "--max-running", "off", "--no-rate-per-key")
    assert (told["max_running"], told["rate_limit"], told["rate_per_key"]) == (None, 100, False)
    assert pgq.json("configure", "mail", "--max-running", 0)["max_running"] == 0


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (("", "--fair"), "queue is empty"),
        (("q", "--max-running", "lots"), "neither a number nor `off`"),
        (("q", "--rate-interval", "soon"), "no length of time"),
        (("q", "--max-running", 10**15), "max_running"),
        (("q", "--backoff", "sometimes"), "backoff"),
    ],
)
def test_configure_refuses(args: tuple[Any, ...], says: str, pgq: Pgq) -> None:
    assert says in pgq("configure", *args, code=2).stderr
