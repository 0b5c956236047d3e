from __future__ import annotations

import psycopg

from tests.sql.calls import Row, refused, register, rows, value


def listed(conn: psycopg.Connection, **options: object) -> list[Row]:
    return rows(conn, "list_past_workers", **options)


def test_those_that_left(conn: psycopg.Connection) -> None:
    ids = [register(conn, name=f"w{n % 2}", host="box", pid=n + 1) for n in range(4)]
    register(conn, name="here")
    assert listed(conn) == []
    for worker_id in ids:
        value(conn, "deregister_worker", worker_id=worker_id)
    assert [each["id"] for each in listed(conn)] == ids[::-1]
    first = listed(conn)[0]
    assert (first["name"], first["host"], first["pid"]) == ("w1", "box", 4)
    assert first["started_at"] <= first["left_at"]
    assert [each["id"] for each in listed(conn, page_size=2)] == [ids[3], ids[2]]
    assert [each["id"] for each in listed(conn, page_size=2, before_id=ids[2])] == [ids[1], ids[0]]
    assert [each["id"] for each in listed(conn, of_name="w0")] == [ids[2], ids[0]]


def test_pages_out_of_range(conn: psycopg.Connection) -> None:
    for size in (0, 1001, -1):
        with refused("JQ002", "page_size"):
            listed(conn, page_size=size)
    assert listed(conn, of_name=None, before_id=None, page_size=None) == []
