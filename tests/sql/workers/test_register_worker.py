from __future__ import annotations

import psycopg
import pytest

from pgq.lib.durations import DEFAULT_LEASE
from tests.servers import Server
from tests.sql.calls import refused, register, scalar, value


def test_a_worker_has_the_defaults(conn: psycopg.Connection) -> None:
    worker_id = register(conn, name="host:1", queues=["a", "b*"])
    columns = (
        "id, name, queues, tasks, concurrency, extract(epoch from lease)::int, host, pid, version,"
        " backend_pid, idle, heartbeat_at = started_at"
    )
    row = conn.execute(f"select {columns} from pgq.workers".encode()).fetchone()
    lease = DEFAULT_LEASE  # which `make twins` reads from the SQL file
    expected = (
        *(worker_id, "host:1", ["a", "b*"], None, 1, lease),
        *(None, None, None, None, False, True),
    )
    assert row == expected


def test_everything_is_kept(conn: psycopg.Connection) -> None:
    register(
        conn,
        tasks=["email"],
        concurrency=8,
        lease="5 seconds",
        host="vm-1",
        pid=4321,
        version="0.1.0",
        backend_pid=conn.info.backend_pid,
        protocol=2,
    )
    columns = (
        "tasks, concurrency, extract(epoch from lease)::int, host, pid, version, backend_pid,"
        " protocol"
    )
    row = conn.execute(f"select {columns} from pgq.workers".encode()).fetchone()
    assert row == (["email"], 8, 5, "vm-1", 4321, "0.1.0", conn.info.backend_pid, 2)


def test_process_ids_of_any_size(conn: psycopg.Connection) -> None:
    register(conn, pid=1 << 40, backend_pid=1 << 40)
    assert scalar(conn, "select pid from pgq.workers") == 1 << 40


def test_ids_are_never_used_twice(conn: psycopg.Connection) -> None:
    first = register(conn)
    value(conn, "deregister_worker", worker_id=first)
    assert register(conn) > first


def test_null_means_the_default(conn: psycopg.Connection) -> None:
    register(conn, name=None, concurrency=None, lease=None)
    assert scalar(conn, "select name from pgq.workers") == "worker"


@pytest.mark.parametrize(
    "options",
    [
        {"queues": None},
        {"queues": []},
        {"queues": [None]},
        {"concurrency": 0},
        {"concurrency": -1},
        {"concurrency": 1 << 31},
        {"lease": "0"},
        {"lease": "999 milliseconds"},
        {"lease": "-1 minute"},
        {"lease": "25 hours"},
    ],
    ids=str,
)
def test_what_is_refused(conn: psycopg.Connection, options: dict[str, object]) -> None:
    with refused("JQ002"):
        register(conn, **options)


def test_an_infinite_lease_is_refused(conn: psycopg.Connection, server: Server) -> None:
    if server.major < 17:
        pytest.skip("intervals are finite before Postgres 17")
    with refused("JQ002", "lease"):
        register(conn, lease="infinity")
