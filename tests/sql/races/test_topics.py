"""Publishing beside changes of subscriptions: nobody waits for a publisher, or it for anybody."""

from __future__ import annotations

from typing import Any

import psycopg

from tests.sql.calls import claim, rows, value
from tests.sql.races.conftest import Start


def subscribe(session: psycopg.Connection, task: str = "a", **given: Any) -> str:
    answer: str = value(session, "subscribe", topic="t", task=task, **given)
    return answer


def unsubscribe(session: psycopg.Connection, name: str = "a") -> bool:
    ended: bool = value(session, "unsubscribe", topic="t", name=name)
    return ended


def publish(session: psycopg.Connection, **options: Any) -> list[str]:
    return [each["subscription"] for each in rows(session, "publish", topic="t", **options)]


def test_a_publish_that_stays_open_holds_nobody_up(
    conn: psycopg.Connection, other: psycopg.Connection, start: Start
) -> None:
    subscribe(conn)
    with other.transaction():
        assert publish(other) == ["a"]
        for change, given in ((subscribe, "b"), (publish, None), (unsubscribe, "a")):
            call = start(change, *filter(None, [given]))
            assert not call.waits()
            call.result()
        assert [held.task for held in claim(conn, batch_size=9)] == ["a", "b"]
    # It was published while there was a subscription, so its job comes.
    assert [held.task for held in claim(conn, batch_size=9)] == ["a"]


def test_a_change_that_is_not_committed_is_not_seen(
    conn: psycopg.Connection, other: psycopg.Connection, start: Start
) -> None:
    subscribe(conn)
    with other.transaction():
        subscribe(other, "new")
        unsubscribe(other)
        call = start(publish)
        assert not call.waits()
        assert call.result() == ["a"]
    assert publish(conn) == ["new"]


def test_a_snapshot_decides_what_a_publisher_sees(
    conn: psycopg.Connection, other: psycopg.Connection
) -> None:
    """With read committed each call sees what is committed; with repeatable read the first does."""
    with other.transaction():
        assert publish(other) == []
        subscribe(conn)
        assert publish(other) == ["a"]
    other.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
    with other.transaction():
        assert publish(other) == ["a"]
        subscribe(conn, "b")
        unsubscribe(conn)
        assert publish(other) == ["a"]


def test_ten_that_subscribe_alike_make_one(conn: psycopg.Connection, start: Start) -> None:
    """As the processes of a program do when it is started."""
    calls = [start(subscribe, queue="q") for _ in range(10)]
    assert {call.result() for call in calls} <= {"added", "unchanged"}
    assert publish(conn) == ["a"]


def test_a_second_change_waits_for_the_first_and_wins(
    conn: psycopg.Connection, other: psycopg.Connection, start: Start
) -> None:
    with other.transaction():
        subscribe(other, queue="first")
        call = start(subscribe, queue="second")
        assert call.waits()
    call.result()
    publish(conn)
    assert [held.queue for held in claim(conn, ["*"])] == ["second"]


def test_publishes_with_one_key_wait_and_make_one_job_each(
    conn: psycopg.Connection, other: psycopg.Connection, start: Start
) -> None:
    """Keys are taken in one order, so no two publishers meet in a circle."""
    for task in ("b", "a", "c"):
        subscribe(conn, task)
    keyed = '{"unique_key": "k"}'
    with other.transaction():
        publish(other, options=keyed)
        calls = [start(rows, "publish", topic="t", options=keyed) for _ in range(4)]
        assert all(call.waits() for call in calls)
    assert not any(each["created"] for call in calls for each in call.result())
    assert len(claim(conn, batch_size=20)) == 3
