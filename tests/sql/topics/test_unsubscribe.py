from __future__ import annotations

from typing import Any

import psycopg
import pytest

from tests.sql.calls import claim, rows, value


def test_what_it_made_stays(conn: psycopg.Connection) -> None:
    value(conn, "subscribe", topic="t", task="a")
    rows(conn, "publish", topic="t")
    assert value(conn, "unsubscribe", topic="t", name="a")
    assert rows(conn, "publish", topic="t") == []
    assert [held.task for held in claim(conn)] == ["a"]


@pytest.mark.parametrize("given", [("t", "b"), ("u", "a"), (None, None), ("*", "a")])
def test_there_is_none(conn: psycopg.Connection, given: tuple[Any, Any]) -> None:
    value(conn, "subscribe", topic="t", task="a")
    assert not value(conn, "unsubscribe", topic=given[0], name=given[1])
    assert len(rows(conn, "publish", topic="t")) == 1
