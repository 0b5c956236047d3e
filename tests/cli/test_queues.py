"""stats, pause, resume."""

from __future__ import annotations

import psycopg
import pytest

from pgq.rows import QueueStats, WorkerStatus
from tests.cli.conftest import Pgq


def test_stats_shows_queues_and_workers(pgq: Pgq, conn: psycopg.Connection) -> None:
    pgq("enqueue", "send", "-q", "mail")
    pgq("enqueue", "send", "-q", "mail", "--delay", "1h")
    conn.execute("select pgq.register_worker('lion', '{mail,default}', concurrency => 7)")
    stats = pgq.json("stats")
    (queue,), (worker,) = stats["queues"], stats["workers"]
    assert tuple(queue) == QueueStats._fields
    assert (queue["queue"], queue["ready"], queue["scheduled"]) == ("mail", 1, 1)
    assert 0 <= queue["lag"] < 60 and queue["paused"] is False
    assert tuple(worker) == WorkerStatus._fields
    assert (worker["name"], worker["concurrency"]) == ("lion", 7)
    shown = pgq("stats").stdout
    assert "mail" in shown and "lion" in shown and "mail, default" in shown


def test_stats_of_an_idle_schema(pgq: Pgq) -> None:
    assert pgq.json("stats") == {"queues": [], "workers": []}
    assert pgq("stats").stdout == "no queues in use\n\nno workers\n"


@pytest.mark.slow
def test_pause_and_resume(pgq: Pgq, conn: psycopg.Connection) -> None:
    pgq("enqueue", "send", "-q", "mail")
    assert pgq("pause", "mail").stdout == "mail is paused\n"
    assert pgq.json("stats")["queues"][0]["paused"] is True
    assert conn.execute("select from pgq.claim_batch('{mail}')").fetchall() == []
    assert pgq.json("resume", "mail") == {"queue": "mail", "was_paused": True}
    assert conn.execute("select from pgq.claim_batch('{mail}')").fetchall() != []
    assert pgq("resume", "mail", code=1).stdout == "mail was not paused\n"


@pytest.mark.slow
def test_pause_and_resume_something_else(pgq: Pgq, conn: psycopg.Connection) -> None:
    assert pgq("pauses").stdout == "nothing is paused\n"
    pgq("configure", "fair", "--fair")
    key = ["fair", "--partition-key", "t"]
    assert pgq("pause", "--task", "send").stdout == "send is paused\n"
    assert pgq("pause", "--semaphore", "k", "--for", "15m").stdout == "k is paused for 15m\n"
    assert pgq("pause", *key).stdout == "t of fair is paused\n"
    told = pgq.json("pauses")
    assert [[each["kind"], each["queue"], each["task"], each["key"]] for each in told] == [
        ["partition", "fair", None, "t"],
        ["semaphore", None, None, "k"],
        ["task", None, "send", None],
    ]
    assert [bool(each["paused_until"]) for each in told] == [False, True, False]
    assert "partition" in pgq("pauses").stdout
    assert pgq("resume", *key).stdout == "t of fair goes on\n"
    assert pgq.json("resume", *key, code=1) == {
        "queue": "fair",
        "partition_key": "t",
        "was_paused": False,
    }
    assert pgq.json("resume", "--task", "send") == {"task": "send", "was_paused": True}
    assert pgq("resume", "--semaphore", "k").stdout == "k goes on\n"
    assert pgq.json("pauses") == []
    for wrong in ([], ["q", "--task", "t"], ["--task", "t", "--partition-key", "k"]):
        assert "one thing is paused" in pgq("pause", *wrong, code=2).stderr


def test_a_queue_that_nobody_knows_is_noted_beside_the_answer(pgq: Pgq) -> None:
    for command in (["pause", "mial"], ["configure", "mail", "--max-running", "3"]):
        ended = pgq(*command)
        assert f"queue {command[1]} so far" in ended.stderr and "Hint: Check" in ended.stderr
        assert "Hint" not in ended.stdout
    assert pgq("pause", "mial").stderr == ""


def test_pause_for_a_while(pgq: Pgq, conn: psycopg.Connection) -> None:
    answer = pgq.json("pause", "mail", "--for", "15m")
    assert answer == {"queue": "mail", "paused": True, "for": 900.0}
    row = conn.execute("select extract(epoch from paused_until - paused_at) from pgq.queues")
    assert row.fetchall() == [(900,)]
    assert pgq("pause", "mail", "--for", "90s").stdout == "mail is paused for 1m 30s\n"
    assert "duration" in pgq("pause", "mail", "--for", "0s", code=2).stderr
