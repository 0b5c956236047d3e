from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator

import psycopg
import pytest

import pgq
from pgq.reports import JobEvent
from tests.sql.calls import claim_one, complete, enqueue, fail
from tests.sql.statistics.counting import fold


def end_two(conn: psycopg.Connection) -> list[tuple[str, int]]:
    enqueue(conn)
    good = claim_one(conn)
    complete(conn, good)
    enqueue(conn, max_attempts=1)
    bad = claim_one(conn)
    fail(conn, bad)
    fold(conn)
    return [("succeeded", good.job_id), ("failed", bad.job_id)]


@pytest.mark.slow
def test_events_come_one_by_one(conn: psycopg.Connection, client: pgq.Client) -> None:
    events = client.events(client.follow_outcomes(), every=0.01)
    expected = end_two(conn)
    found = [next(events) for _ in range(2)]
    assert [(event.outcome, event.job_id) for event in found] == expected
    events.close()
    again = client.events(found[0].next_cursor)
    assert next(again).job_id == expected[1][1]


@pytest.mark.slow
def test_async_events(conn: psycopg.Connection, dsn: str) -> None:
    async def look() -> list[tuple[str, int]]:
        async with pgq.AsyncClient(dsn) as client:
            cursor = await client.follow_outcomes()
            expected = await asyncio.to_thread(end_two, conn)
            found = []
            async for event in client.events(cursor, every=0.01):
                found.append((event.outcome, event.job_id))
                if len(found) == 2:
                    break
            assert found == expected
            return found

    assert len(asyncio.run(look())) == 2


def test_a_cursor_that_is_too_old_is_refused(client: pgq.Client) -> None:
    client.follow_outcomes()
    with pytest.raises(pgq.InvalidArgument, match="not kept"):
        next(client.events(-1))


def arrival(events: Iterator[JobEvent], conn: psycopg.Connection, after: float = 0.5) -> float:
    """End two jobs a while after somebody has begun to wait; return how long that waits."""
    later = threading.Timer(after, end_two, [conn])
    began = time.monotonic()
    later.start()
    next(events)
    next(events)
    waited = time.monotonic() - began
    later.join()
    return waited


@pytest.mark.slow
def test_a_notification_ends_the_pause(conn: psycopg.Connection, client: pgq.Client) -> None:
    events = client.events(client.follow_outcomes(), every=60)
    assert arrival(events, conn) < 20
    assert arrival(events, conn) < 20
    events.close()


@pytest.mark.slow
def test_async_followers_are_woken_too(conn: psycopg.Connection, dsn: str) -> None:
    async def look() -> str:
        async with pgq.AsyncClient(dsn) as client:
            cursor = await client.follow_outcomes()
            later = threading.Timer(0.5, end_two, [conn])
            later.start()
            async for event in client.events(cursor, every=60):
                await asyncio.to_thread(later.join)
                return event.outcome
        raise AssertionError

    assert asyncio.run(asyncio.wait_for(look(), 20)) == "succeeded"


@pytest.mark.slow
def test_without_notifications_it_asks(conn: psycopg.Connection, client: pgq.Client) -> None:
    """Also after some have come, so that it asked less often for a while."""
    events = client.events(client.follow_outcomes(), every=0.2)
    assert arrival(events, conn) < 20
    client.configure(notify=False)
    assert arrival(events, conn) < 20
    assert arrival(events, conn) < 20
    events.close()


@pytest.mark.slow
def test_a_client_of_a_connection_asks(conn: psycopg.Connection, dsn: str) -> None:
    with psycopg.connect(dsn, autocommit=True) as own:
        client = pgq.Client(own)
        events = client.events(client.follow_outcomes(), every=0.05)
        assert arrival(events, conn) < 20
        events.close()


def test_statistics_that_are_off_end_it(conn: psycopg.Connection, client: pgq.Client) -> None:
    events = client.events(client.follow_outcomes(), every=0.05)
    end_two(conn)
    assert [next(events).outcome for _ in range(2)] == ["succeeded", "failed"]
    client.configure(statistics="off")
    with pytest.raises(pgq.InvalidArgument, match="not kept"):
        next(events)
    with pytest.raises(pgq.InvalidArgument, match="not counted"):
        next(client.events())
