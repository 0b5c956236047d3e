"""again, run-now."""

from __future__ import annotations

import psycopg
import pytest

from pgq import Client
from tests.cli.conftest import Pgq
from tests.sql.calls import claim, fail


@pytest.mark.slow
def test_again_prints_the_new_id(pgq: Pgq, conn: psycopg.Connection) -> None:
    client = Client(conn)
    old = client.enqueue("send", [1], queue="mail", unique_key="k")
    new = int(pgq("again", old).stdout)
    made = client.job(new)
    assert made is not None and new != old
    assert (made.task, made.args, made.queue, made.unique_key) == ("send", [1], "mail", None)


@pytest.mark.slow
def test_again_with_other_options(pgq: Pgq, conn: psycopg.Connection) -> None:
    client = Client(conn)
    old = client.enqueue("send")
    options = ("-q", "slow", "--priority", 7, "--delay", "5m", "--unique-key", "once")
    new = pgq.json("again", old, *options)["id"]
    made = client.job(new)
    assert made is not None
    assert (made.queue, made.priority, made.state) == ("slow", 7, "scheduled")
    assert pgq.json("again", old, "--unique-key", "once") == {"id": new}


def test_again_of_an_unknown_job(pgq: Pgq) -> None:
    said = pgq("again", 99, code=2).stderr
    assert "there is no job 99" in said and "Hint:" in said


def test_run_now(pgq: Pgq, conn: psycopg.Connection) -> None:
    client = Client(conn)
    later, ready = client.enqueue("t", delay=3600), client.enqueue("t")
    assert pgq.json("run-now", later) == [{"id": later, "outcome": "promoted"}]
    found = client.job(later)
    assert found is not None and found.state == "ready"
    said = pgq("run-now", ready, 99, code=1).stdout
    assert "waiting" in said and "not_found" in said


@pytest.mark.slow
def test_redrive_by_ids_and_by_filters(pgq: Pgq, conn: psycopg.Connection) -> None:
    client = Client(conn)
    client.configure_task("charge", on_exhausted="report")
    client.configure_task("report", queue="dead")
    failed = [client.enqueue("charge", max_attempts=1) for _ in range(3)]
    fail(conn, *claim(conn))
    first, *_ = letters = client.find_jobs(queue="dead")
    (done,) = pgq.json("redrive", first)
    assert (done["id"], done["outcome"]) == (first, "redriven")
    assert pgq.json("job", done["new_id"])["redriven_from"] == failed[0]
    assert pgq.json("redrive", first, code=1)[0]["outcome"] == "finished"

    assert "say --yes" in pgq("redrive", "-q", "dead", code=2).stderr
    assert "would redrive 2 jobs" in pgq("redrive", "-q", "dead", "--dry-run").stdout
    assert pgq.json("redrive", "-q", "dead", "--yes")["outcomes"] == {"redriven": 2}
    again = client.find_jobs(task="charge", states=["ready"])
    assert [pgq.json("job", each)["redriven_from"] for each in again] == failed
    assert "no such jobs" in pgq("redrive", "-q", "dead").stdout
    assert pgq.json("redrive", "--task", "charge", "--yes", code=1)["outcomes"] == {"no_letter": 3}
    for wrong in ([], [letters[1], "-q", "dead"]):
        assert "filters are given" in pgq("redrive", *wrong, code=2).stderr
