"""The group retention: show and set."""

from __future__ import annotations

import psycopg
import pytest

from tests.cli.conftest import Pgq
from tests.sql.calls import scalar


@pytest.mark.slow
def test_set_and_show(pgq: Pgq, conn: psycopg.Connection) -> None:
    assert pgq("retention", "show").stdout.split("\n")[1].split() == [
        *("all", "14d", "14d", "14d", "14d"),
    ]
    said = pgq("retention", "set", "--failed", "90d", "--schedule-history", "3d").stdout
    assert "90d" in said and "3d" in said
    assert scalar(conn, "select failed = interval '90 days' from pgq.retention")
    (_, of_queue, of_task) = [
        pgq.json("retention", "set", "-q", "mail", "--results", "1d"),
        pgq.json("retention", "set", "--task", "ping", "--succeeded", "1d"),
    ][1]
    assert (of_queue["queue"], of_queue["results"]) == ("mail", 86400)
    assert (of_task["task"], of_task["succeeded"]) == ("ping", 86400)
    assert "task ping" in pgq("retention", "show").stdout
    assert len(pgq.json("retention", "set", "--task", "ping", "--reset", "all")) == 2
    assert len(pgq.json("retention", "show")) == 2


@pytest.mark.slow
def test_what_is_wrong_is_said(pgq: Pgq) -> None:
    assert "nothing to do" in pgq("retention", "set", code=2).stderr
    assert "under a day" in pgq("retention", "set", "--failed", "1h", code=2).stderr
    assert "reset names" in pgq("retention", "set", "--reset", "colour", code=2).stderr
