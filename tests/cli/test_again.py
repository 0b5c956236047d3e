"""again, run-now."""

from __future__ import annotations

import psycopg
import pytest

from pgq import Client
from tests.cli.conftest import Pgq


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
