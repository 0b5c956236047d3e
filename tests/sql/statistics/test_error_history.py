"""The hours of errors: what a page of groups draws beside each of them."""

from __future__ import annotations

from typing import Any

import psycopg

from tests.servers import Travel
from tests.sql.calls import claim, enqueue, fail, refused, rows, scalar
from tests.sql.statistics.counting import fold, to_noon


def errors(conn: psycopg.Connection, *fingerprints: str, task: str = "t", queue: str = "q") -> None:
    for _ in fingerprints:
        enqueue(conn, task, queue=queue, max_attempts=1)
    fail(conn, *claim(conn), fingerprints=list(fingerprints))
    fold(conn)


def hours(conn: psycopg.Connection, *fingerprints: str, **options: Any) -> list[tuple[Any, ...]]:
    found = rows(conn, "error_history", fingerprints=list(fingerprints), **options)
    return [(each["fingerprint"], each["task"], each["attempts"]) for each in found]


def test_hours_of_some_errors(conn: psycopg.Connection, travel: Travel) -> None:
    to_noon(conn, travel)
    errors(conn, "a", "a", "b", "c")
    travel("2 hours")
    errors(conn, "a", task="u")
    errors(conn, "a", queue="p")
    assert hours(conn, "a", "b", "x") == [
        ("a", "t", 2),
        ("a", "t", 1),
        ("a", "u", 1),
        ("b", "t", 1),
    ]
    assert hours(conn, "a", queue="q") == [("a", "t", 2), ("a", "u", 1)]
    assert hours(conn, "a", of_task="u") == [("a", "u", 1)]
    noon = scalar(conn, "select date_trunc('hour', pgq._now(), 'UTC') - interval '2 hours'")
    assert [each["at"] for each in rows(conn, "error_history", fingerprints=["b"])] == [noon]
    now = scalar(conn, "select pgq._now() - interval '1 hour'")
    assert hours(conn, "a", since=now) == [("a", "t", 1), ("a", "u", 1)]
    assert hours(conn, "a", until=now) == [("a", "t", 2)]
    assert hours(conn) == hours(conn, "x") == []
    assert rows(conn, "error_history", fingerprints=None) == []


def test_a_page_of_them_is_asked_for(conn: psycopg.Connection) -> None:
    with refused("JQ002", "fingerprints has 101"):
        hours(conn, *map(str, range(101)))


def test_pages_of_groups_and_one_of_them(conn: psycopg.Connection) -> None:
    errors(conn, *["a"] * 3, *["b"] * 2, "c")

    def found(**options: Any) -> list[str]:
        return [each["fingerprint"] for each in rows(conn, "error_groups", **options)]

    assert found() == ["a", "b", "c"]
    assert found(max_groups=2, skip_groups=1) == ["b", "c"]
    assert found(skip_groups=3) == []
    assert found(of_fingerprint="b") == ["b"]
    assert found(of_fingerprint="x") == []
    with refused("JQ002", "skip_groups"):
        found(skip_groups=-1)
