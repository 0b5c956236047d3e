from __future__ import annotations

import asyncio

import psycopg
import pytest

import pgq
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


def test_events_come_one_by_one(conn: psycopg.Connection, client: pgq.Client) -> None:
    events = client.events(client.follow_outcomes(), every=0.01)
    expected = end_two(conn)
    found = [next(events) for _ in range(2)]
    assert [(event.outcome, event.job_id) for event in found] == expected
    events.close()
    again = client.events(found[0].next_cursor)
    assert next(again).job_id == expected[1][1]


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
