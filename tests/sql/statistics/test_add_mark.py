"""Moments to see in charts."""

from __future__ import annotations

import psycopg
import pytest

from tests.servers import Travel
from tests.sql.calls import refused, rows, scalar, value


def test_a_mark_is_of_now_or_of_a_time(conn: psycopg.Connection) -> None:
    value(conn, "add_mark", label="1.2.3")
    value(conn, "add_mark", label="1.2.2", at=scalar(conn, "select pgq._now() - interval '1 h'"))
    assert [row["label"] for row in rows(conn, "marks")] == ["1.2.2", "1.2.3"]


def test_old_marks_are_forgotten(conn: psycopg.Connection, travel: Travel) -> None:
    value(conn, "add_mark", label="old")
    travel("9601 hours")
    value(conn, "add_mark", label="new")
    assert scalar(conn, "select pgq._prune_statistics(100)") == 1
    assert [row["label"] for row in rows(conn, "marks", since="-infinity")] == ["new"]


@pytest.mark.parametrize(
    "options",
    [
        *({"label": None}, {"label": ""}, {"label": "x" * 201}, {"label": "x", "at": "infinity"}),
        *(
            {"label": "x", "at": "1999-12-31 00:00+00"},
            {"label": "x", "at": "10000-01-01 00:00+00"},
        ),
    ],
)
def test_what_is_refused(conn: psycopg.Connection, options: dict[str, object]) -> None:
    with refused("JQ002"):
        value(conn, "add_mark", **options)
