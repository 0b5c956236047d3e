"""Flows as graphs: what is found, folded and left out."""

from __future__ import annotations

import json

import psycopg
import pytest

from tests.sql.calls import (
    Row,
    buffers,
    claim,
    claim_one,
    complete,
    enqueue,
    enqueue_many,
    rows,
    value,
)


def graph(conn: psycopg.Connection, job_id: int, most: int | None = None) -> dict[int, Row]:
    found = rows(conn, "flow_graph", job_id=job_id, max_nodes=most)
    assert [row["id"] for row in found] == sorted(row["id"] for row in found)
    return {row["id"]: row for row in found}


@pytest.fixture
def diamond(conn: psycopg.Connection) -> list[int]:
    """Return the ids of load, of left and right after it, and of join after both."""
    made = enqueue_many(
        conn,
        {"task": "load", "ref": "load"},
        {"task": "left", "ref": "left", "depends_on": ["load"]},
        {"task": "right", "ref": "right", "depends_on": ["load"], "queue": "other"},
        {"task": "join", "depends_on": ["left", "right"]},
    )
    return [job_id for job_id, _ in made]


def test_the_whole_flow_is_found_from_each_of_its_jobs(
    conn: psycopg.Connection, diamond: list[int]
) -> None:
    load, left, right, join = diamond
    for job_id in diamond:
        found = graph(conn, job_id)
        assert {id_: row["parents"] for id_, row in found.items()} == {
            load: [], left: [load], right: [load], join: [left, right]
        }  # fmt: skip
        assert {(row["jobs"], row["more"]) for row in found.values()} == {(1, 0)}
    found = graph(conn, load)
    assert [row["hops"] for row in found.values()] == [0, 1, 1, 2]
    assert (found[right]["task"], found[right]["queue"]) == ("right", "other")
    assert [row["state"] for row in found.values()] == ["ready", "blocked", "blocked", "blocked"]


@pytest.mark.slow
def test_children_that_no_longer_wait_are_found(
    conn: psycopg.Connection, diamond: list[int]
) -> None:
    while claims := claim(conn):
        complete(conn, *claims)
        rows(conn, "promote_due")
    found = graph(conn, diamond[0])
    assert [row["state"] for row in found.values()] == ["succeeded"] * 4
    assert found[diamond[3]]["parents"] == diamond[1:3]


def test_one_that_is_gone_is_no_gap(conn: psycopg.Connection, diamond: list[int]) -> None:
    complete(conn, claim_one(conn))
    rows(conn, "discard", ids=[diamond[0]])
    found = graph(conn, diamond[1])
    assert found[diamond[1]]["parents"] == [] and found[diamond[1]]["more"] == 0
    assert set(found) == {diamond[1], diamond[2], diamond[3]}


def test_a_job_alone_and_one_that_is_not_there(conn: psycopg.Connection) -> None:
    alone = enqueue(conn)
    enqueue(conn)
    assert [row["more"] for row in graph(conn, alone).values()] == [0]
    assert graph(conn, 4711) == {} == graph(conn, -(2**63)) == graph(conn, 2**63 - 1)
    assert rows(conn, "flow_graph", job_id=None) == []


def test_equal_siblings_become_one_where_they_are_many(conn: psycopg.Connection) -> None:
    root = enqueue(conn, "load")
    made = enqueue_many(
        conn,
        *({"task": "part", "ref": f"p{n}", "depends_on": [root]} for n in range(10)),
        *({"task": "check", "depends_on": [f"p{n}"]} for n in range(10)),
        {"task": "other", "depends_on": [root]},
    )
    parts = [job_id for job_id, _ in made]
    found = graph(conn, root, 5)
    assert [(row["task"], row["jobs"]) for row in found.values()] == [
        ("load", 1), ("part", 10), ("check", 10), ("other", 1)
    ]  # fmt: skip
    assert found[parts[10]]["parents"] == [parts[0]] and found[parts[0]]["parents"] == [root]
    assert {row["more"] for row in found.values()} == {0}
    # Each is alone if there is room, and the job that was asked for always is.
    assert len(graph(conn, root)) == 22
    found = graph(conn, parts[3], 5)
    assert [(id_, row["jobs"]) for id_, row in found.items() if row["task"] == "part"] == [
        (parts[0], 9), (parts[3], 1)
    ]  # fmt: skip


def test_what_is_not_shown_is_told(conn: psycopg.Connection) -> None:
    chain = [enqueue(conn, "first")]
    for n in range(6):
        chain.append(enqueue(conn, f"step{n}", depends_on=[chain[-1]]))
    found = graph(conn, chain[0], 3)
    assert list(found) == chain[:3]
    assert [row["more"] for row in found.values()] == [0, 0, 1]
    found = graph(conn, chain[3], 3)
    assert list(found) == chain[2:5]
    assert [row["more"] for row in found.values()] == [1, 0, 1]


@pytest.mark.slow
def test_a_parent_of_very_many_children_costs_no_more(conn: psycopg.Connection) -> None:
    root = enqueue(conn, "load")
    jobs = json.dumps([{"task": "part", "depends_on": [root]}] * 3000)
    conn.execute("select count(*) from pgq.enqueue_many(%s)", [jobs])
    found = graph(conn, root)
    assert [(row["jobs"], row["more"]) for row in found.values()] == [(1, 2001), (999, 0)]
    query = "select * from pgq.flow_graph(%s)"
    before = buffers(conn, query, root)
    for _ in range(2):
        conn.execute("select count(*) from pgq.enqueue_many(%s)", [jobs])
    # An index counts the jobs that are left out.
    assert buffers(conn, query, root) < 1.3 * before


@pytest.mark.parametrize("most", [0, 201, -1])
def test_how_many_nodes_may_be_asked_for(conn: psycopg.Connection, most: int) -> None:
    with pytest.raises(psycopg.errors.DatabaseError) as raised:
        value(conn, "flow_graph", job_id=1, max_nodes=most)
    assert raised.value.sqlstate == "JQ002"
