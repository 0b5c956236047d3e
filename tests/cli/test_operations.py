"""Bulk operations on the command line: shown, watched, stopped."""

from __future__ import annotations

import re
import signal

import psycopg
import pytest

from pgq.cli import operations
from tests.cli.conftest import Pgq, eventually, on_terminal
from tests.cli.test_bulk import enqueue, states


@pytest.mark.slow
def test_an_operation_is_listed_shown_and_undone(pgq: Pgq, conn: psycopg.Connection) -> None:
    assert pgq("bulk", "list").stdout == "no bulk operations\n"
    ids = enqueue(conn, *[{"task": "t", "queue": "mail"}] * 3)
    pgq("cancel", "-q", "mail", "--yes", "--background", "--in", "1h")
    (listed,) = pgq.json("bulk", "list")
    assert (listed["status"], listed["jobs"], listed["filters"]) == (
        "waiting",
        3,
        {"queue": "mail"},
    )
    titles, row = pgq("bulk", "list").stdout.splitlines()
    assert titles.split() == ["id", "action", "status", "done", "jobs", "by", "created"]
    assert row.split()[:5] == ["1", "cancel", "waiting", "0%", "0"] and len(row) <= 80
    assert pgq.json("bulk", "show", 1) == listed
    assert "status      waiting" in pgq("bulk", "show", 1).stdout
    assert pgq("bulk", "stop", 1).stdout == "operation 1: undone\n"
    assert pgq.json("bulk", "show", 1)["status"] == "undone"
    assert "operation 1 is undone" in pgq("bulk", "watch", 1, code=1).stderr
    assert states(conn, ids) == ["ready"] * 3
    assert pgq.json("bulk", "list", "--before", 1) == []


def test_what_there_is_not(pgq: Pgq) -> None:
    assert "there is no operation 7" in pgq("bulk", "show", 7, code=1).stderr
    assert "there is no operation 7" in pgq("bulk", "watch", 7, code=1).stderr
    assert pgq.json("bulk", "stop", 7, code=1) == {"operation": 7, "outcome": "not_found"}


@pytest.mark.slow
def test_watching_does_what_no_worker_does(pgq: Pgq, conn: psycopg.Connection) -> None:
    ids = enqueue(conn, *[{"task": "t"}] * 3)
    pgq("cancel", "--all", "--yes", "--background")
    assert pgq("bulk", "watch", 1).stdout.split() == ["outcome", "jobs", "cancelled", "3"]
    assert states(conn, ids) == ["cancelled"] * 3
    assert pgq.json("bulk", "stop", 1, code=1)["outcome"] == "finished"
    assert pgq.json("bulk", "watch", 1)["outcomes"] == {"cancelled": 3}


def test_an_error_is_shown(
    pgq: Pgq, conn: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    enqueue(conn, {"task": "t"})
    conn.execute(
        "create or replace function pgq._cancel_jobs(ids bigint[], wait boolean)"
        " returns table (job_id bigint, outcome text) language plpgsql as"
        " $$ begin raise exception 'broken'; end $$"
    )

    def impatient(seconds: float) -> None:
        conn.execute("update pgq.bulk_operations set due_at = now() where due_at is not null")

    monkeypatch.setattr(operations.time, "sleep", impatient)
    done = pgq("cancel", "--all", "--yes", code=1)
    assert "a page failed: P0001: broken" in done.stderr
    assert "Error: operation 1 is failed" in done.stderr


@pytest.mark.slow
def test_ctrl_c_ends_the_watching_and_says_how_to_stop(
    pgq: Pgq, dsn: str, conn: psycopg.Connection
) -> None:
    ids = enqueue(conn, *[{"task": "t"}] * 3)
    with pgq.start("cancel", "--all", "--yes", "--in", "1h") as process:
        eventually(lambda: conn.execute("select from pgq.bulk_operations").rowcount)
        assert process.stderr
        assert "undo: pgq bulk stop 1" in process.stderr.readline()
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "`pgq bulk stop 1` stops it" in errors
    assert pgq.json("bulk", "show", 1)["status"] == "waiting"
    assert states(conn, ids) == ["ready"] * 3


@pytest.mark.slow
def test_a_terminal_sees_a_bar(pgq: Pgq, conn: psycopg.Connection) -> None:
    pytest.importorskip("rich")
    enqueue(conn, *[{"task": "t"}] * 1500)
    seen, out = on_terminal({}, "cancel", "--all", "--yes", "--in", "1s")
    assert re.search(r"cancelled +1500", out)
    assert "cancel" in seen and "undo: pgq bulk stop 1" in seen and "1,000 jobs" in seen
