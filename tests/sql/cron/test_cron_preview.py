from __future__ import annotations

from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from tests.servers import Travel
from tests.sql.calls import refused, rows, scalar

BEGIN = datetime(2026, 3, 7, 12, tzinfo=UTC)


def preview(conn: psycopg.Connection, expression: str, **options: object) -> list[object]:
    found = rows(conn, "cron_preview", expression=expression, **options)
    return [row["cron_preview"] for row in found]


def test_the_next_five_are_shown(conn: psycopg.Connection) -> None:
    found = preview(conn, "0 */6 * * *", after=BEGIN)
    assert found == [BEGIN + timedelta(hours=6 * number) for number in range(1, 6)]
    assert preview(conn, "0 */6 * * *", times=None, after=BEGIN, timezone=None) == found


def test_as_many_as_asked_for_in_a_zone(conn: psycopg.Connection) -> None:
    # 03:00 on the night of the change, the change itself, and 02:30 again.
    found = preview(conn, "30 2 * * *", times=2, after=BEGIN, timezone="America/New_York")
    assert found == [datetime(2026, 3, 8, 7, tzinfo=UTC), datetime(2026, 3, 9, 6, 30, tzinfo=UTC)]
    assert len(preview(conn, "* * * * *", times=1000)) == 1000


def test_from_now_on(conn: psycopg.Connection, travel: Travel) -> None:
    travel("1 year")
    now = scalar(conn, "select pgq._now()")
    (found,) = preview(conn, "* * * * *", times=1)
    assert isinstance(found, datetime)
    assert now < found <= now + timedelta(minutes=2)


@pytest.mark.slow
def test_what_never_comes_is_no_row(conn: psycopg.Connection) -> None:
    assert preview(conn, "*/30 2 * mar sun#2", timezone="America/New_York") == []


@pytest.mark.parametrize("times", [0, -1, 1001])
def test_how_many_is_bounded(conn: psycopg.Connection, times: int) -> None:
    with refused("JQ002", "times"):
        preview(conn, "* * * * *", times=times)


def test_a_long_expression_is_read_once(conn: psycopg.Connection) -> None:
    """Reading it took half a millisecond, and so half a second for a thousand times."""
    minutes = ",".join(map(str, range(60)))
    conn.execute("set track_functions = 'pl'")
    with conn.transaction():
        assert len(preview(conn, f"{minutes} * * * *", times=1000)) == 1000
        calls = scalar(
            conn,
            "select pg_stat_get_xact_function_calls(oid) from pg_proc"
            " where proname = '_parse_cron'",
        )
    assert calls == 1


def test_errors_are_those_of_cron_next(conn: psycopg.Connection) -> None:
    with refused("JQ006", '"60" in the minute field'):
        preview(conn, "60 * * * *")
    with refused("JQ002", "timezone"):
        preview(conn, "* * * * *", timezone="Nowhere/Land")
    with refused("JQ002", "after"):
        preview(conn, "* * * * *", after="infinity")


@pytest.mark.slow
def test_a_preview_near_the_end_of_time_ends(conn: psycopg.Connection) -> None:
    begin = datetime(9949, 1, 1, tzinfo=UTC)
    assert preview(conn, "0 0 29 2 *", after=begin) == [datetime(9952, 2, 29, tzinfo=UTC)]
