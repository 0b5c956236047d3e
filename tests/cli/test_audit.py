"""audit: who changed what, as people and programs read it."""

from __future__ import annotations

import getpass
import re

import psycopg
import pytest

from tests.cli.conftest import Pgq


def test_nothing_yet(pgq: Pgq) -> None:
    assert pgq("audit").stdout == "no call has changed anything\n"
    assert pgq.json("audit") == []


def test_commands_name_their_user(pgq: Pgq, conn: psycopg.Connection) -> None:
    job_id = pgq.json("enqueue", "work")["id"]
    pgq("cancel", job_id)
    (entry,) = pgq.json("audit")
    assert (entry["actor"], entry["action"]) == (getpass.getuser(), "cancel")
    assert (entry["ids"], entry["outcomes"]) == ([job_id], {"cancelled": 1})


def test_what_calls_were_in_words(pgq: Pgq, conn: psycopg.Connection) -> None:
    conn.execute("select set_config('pgq.actor', 'somebody-with-a-long-name@example.org', false)")
    conn.execute("select pgq.pause_queue(repeat('long-', 20), '10 minutes')")
    conn.execute("select pgq.configure_queue('mail', max_running => 3, rate_limit => 10)")
    conn.execute('select count(*) from pgq.enqueue_many(\'[{"task": "a"}, {"task": "b"}]\')')
    conn.execute("select pgq.cancel('{1,2,3}')")
    lines = pgq("audit").stdout.splitlines()
    assert re.split(r"\s{2,}", lines[0].strip()) == ["id", "at", "who", "what"]
    assert "somebody-with-a-long-name@example.org (" in lines[1]
    assert ")  cancel 2 cancelled, 1 not_found" in lines[1]
    assert "configure_queue mail" in lines[2]
    assert "pause_queue long-long" in lines[3]


@pytest.mark.slow
def test_filters_and_pages(pgq: Pgq, conn: psycopg.Connection) -> None:
    for queue in ("a", "b", "c"):
        conn.execute("select pgq.pause_queue(%s)", (queue,))
    pgq("resume", "a")

    def targets(*options: object) -> list[str]:
        return [entry["target"] for entry in pgq.json("audit", *options)]

    assert targets("--limit", 2) == ["a", "c"]
    assert targets("--before", pgq.json("audit")[1]["id"]) == ["b", "a"]
    assert targets("--action", "resume_queue") == ["a"]
    assert targets("--about", "b") == ["b"]
    assert targets("--who", getpass.getuser(), "--action", "resume_queue") == ["a"]
    assert targets("--job", 17) == []
    assert targets("--until", "2020-01-01") == []
    assert len(targets("--since", "2020-01-01")) == 4


@pytest.mark.slow
def test_a_hostile_name_steers_no_terminal(pgq: Pgq, conn: psycopg.Connection) -> None:
    conn.execute("select set_config('pgq.actor', E'x\\u009b31m', false)")
    conn.execute("select pgq.pause_queue(E'q\\x1b[31m')")
    shown = pgq("audit").stdout
    assert "\x1b" not in shown and "\x9b" not in shown
