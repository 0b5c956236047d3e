from __future__ import annotations

import psycopg
import pytest

from tests.sql.calls import refused, register, rows, scalar, value

ORDER = "select standing_order from pgq.worker_orders order by id desc limit 1"


def test_the_last_order_stands(conn: psycopg.Connection) -> None:
    worker_id = register(conn)
    for instruction in ("pause", "stop", "pause"):
        assert value(conn, "order_worker", worker_id=worker_id, instruction=instruction) is True
        assert scalar(conn, ORDER) == instruction
    assert value(conn, "order_worker", worker_id=worker_id, instruction="resume") is True
    assert scalar(conn, ORDER) == "resume"
    assert rows(conn, "heartbeat", worker_id=worker_id) == []


def test_an_unknown_worker(conn: psycopg.Connection) -> None:
    assert value(conn, "order_worker", worker_id=77, instruction="pause") is False
    assert value(conn, "order_worker", worker_id=None, instruction="pause") is False
    assert conn.execute(ORDER).fetchall() == []


@pytest.mark.parametrize("instruction", [None, "", "halt", "PAUSE"])
def test_what_is_refused(conn: psycopg.Connection, instruction: str | None) -> None:
    with refused("JQ002", "instruction is"):
        value(conn, "order_worker", worker_id=register(conn), instruction=instruction)
