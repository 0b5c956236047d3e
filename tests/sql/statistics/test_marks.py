"""The marks in a window."""

from __future__ import annotations

import psycopg
import pytest

from tests.sql.calls import rows, scalar


@pytest.mark.slow
def test_a_window_holds_the_newest_thousand(conn: psycopg.Connection) -> None:
    conn.execute(
        "insert into pgq.stat_marks (label, at) select 'm' || i,"
        " timestamptz '2030-01-01 00:00+00' + i * interval '1 minute'"
        " from generate_series(1, 1200) as i"
    )
    found = rows(conn, "marks", since="2030-01-01 00:00+00")
    assert (len(found), found[0]["label"], found[-1]["label"]) == (1000, "m201", "m1200")
    some = rows(conn, "marks", since="2030-01-01 00:02+00", until="2030-01-01 00:03+00")
    assert [row["label"] for row in some] == ["m2", "m3"]
    assert scalar(conn, "select count(*) from pgq.marks(until => '2001-01-01')") == 0
