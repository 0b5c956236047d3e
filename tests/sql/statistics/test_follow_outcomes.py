from __future__ import annotations

import psycopg

from tests.conftest import Connect
from tests.servers import Travel
from tests.sql.calls import refused, rows, scalar, value


def test_two_that_begin_at_once_get_one_beginning(
    conn: psycopg.Connection, connect: Connect
) -> None:
    first, second = connect(autocommit=False), connect()
    cursor = value(first, "follow_outcomes")
    first.commit()
    assert value(second, "follow_outcomes") == cursor
    assert scalar(conn, "select followed_from from pgq.settings") == cursor


def test_without_statistics_there_is_nothing_to_follow(conn: psycopg.Connection) -> None:
    rows(conn, "configure", statistics="off")
    with refused("JQ002", "not counted"):
        value(conn, "follow_outcomes")


def test_maintenance_counts_each_second_while_somebody_follows(
    conn: psycopg.Connection, travel: Travel
) -> None:
    def due_in() -> float:
        rows(conn, "maintain")
        return float(
            scalar(
                conn,
                "select extract(epoch from due_at - pgq._now()) from pgq.maintenance"
                " where step = 'statistics'",
            )
        )

    assert 4 < due_in() <= 5
    value(conn, "follow_outcomes")
    travel("6 seconds")
    assert 0 < due_in() <= 1
