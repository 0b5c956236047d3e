"""Flows on the command line."""

from __future__ import annotations

import psycopg
import pytest

from tests.cli.conftest import Pgq
from tests.sql.calls import enqueue, enqueue_many


def test_a_flow_is_a_tree_of_80_columns(pgq: Pgq, conn: psycopg.Connection) -> None:
    load = enqueue(conn, "load")
    left = enqueue(conn, "left", depends_on=[load])
    right = enqueue(conn, "r" * 100, depends_on=[load])
    join = enqueue(conn, "join", depends_on=[left, right])
    shown = pgq("flow", left).stdout.splitlines()
    assert shown[0] == f"{load}  load  ready"
    assert shown[1] == f"  {left}  left  blocked  <-"
    assert shown[2] == f"    {join}  join  blocked  after {right}"
    assert shown[3].startswith(f"  {right}  rrr") and len(shown[3]) == 80
    found = pgq.json("flow", left)
    assert [node["parents"] for node in found] == [[], [load], [load], [left, right]]


@pytest.mark.slow
def test_many_equal_ones_are_one_line(pgq: Pgq, conn: psycopg.Connection) -> None:
    load = enqueue(conn, "load")
    enqueue_many(conn, *[{"task": "part", "depends_on": [load]}] * 300)
    assert pgq("flow", load).stdout.splitlines() == [
        f"{load}  load  ready  <-",
        f"  {load + 1}  part x 300  blocked",
    ]


def test_no_such_job(pgq: Pgq) -> None:
    ended = pgq("flow", 4711, code=1)
    assert "there is no job 4711" in ended.stderr
