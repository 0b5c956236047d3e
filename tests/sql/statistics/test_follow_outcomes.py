from __future__ import annotations

import psycopg
import pytest

from tests.conftest import Connect
from tests.servers import Travel
from tests.sql.calls import claim, complete, enqueue, refused, rows, scalar, value
from tests.sql.statistics.counting import fold


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


def test_who_follows_hears_that_statistics_were_off(conn: psycopg.Connection) -> None:
    """Also when they are on again: what ended in between was not noted."""
    cursor = value(conn, "follow_outcomes")
    rows(conn, "configure", statistics="on")
    assert rows(conn, "outcomes_since", cursor=cursor) == []
    rows(conn, "configure", statistics="off")
    with refused("JQ002", "not kept here"):
        rows(conn, "outcomes_since", cursor=cursor)
    rows(conn, "configure", statistics="on")
    with refused("JQ002", "not kept here"):
        rows(conn, "outcomes_since", cursor=cursor)
    assert rows(conn, "outcomes_since", cursor=value(conn, "follow_outcomes")) == []


def heard(conn: psycopg.Connection) -> list[str]:
    return [each.channel for each in conn.notifies(timeout=0.05)]


@pytest.mark.slow
def test_a_fold_wakes_who_follows_once(conn: psycopg.Connection, connect: Connect) -> None:
    def work() -> None:
        for queue in ("a", "b", "c"):
            enqueue(conn, queue=queue)
        complete(conn, *claim(conn))
        fold(conn)

    ear = connect()
    ear.execute("listen pgq_outcomes")
    work()
    assert heard(ear) == []
    value(conn, "follow_outcomes")
    work()
    assert heard(ear) == ["pgq_outcomes"]
    assert fold(conn) == 0
    assert heard(ear) == []
    rows(conn, "configure", notify=False)
    work()
    assert heard(ear) == []


@pytest.mark.slow
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

    assert 1 < due_in() <= 5
    value(conn, "follow_outcomes")
    travel("6 seconds")
    assert 0 < due_in() <= 1
