from __future__ import annotations

import psycopg
import pytest

from tests.sql.calls import claim, complete, fail, refused, value
from tests.sql.limits.semaphores import holders, keyed, promote, states


def release(conn: psycopg.Connection, key: str | None = "k") -> int:
    count: int = value(conn, "release_semaphore", concurrency_key=key)
    return count


@pytest.mark.slow
def test_the_next_ones_go_on_although_the_holders_have_not_ended(conn: psycopg.Connection) -> None:
    made = [keyed(conn, limit=2, backoff="0") for _ in range(5)]
    promote(conn)
    held = claim(conn)
    assert release(conn) == 2
    promote(conn)
    assert states(conn, *made) == ["running"] * 2 + ["ready"] * 2 + ["blocked"]
    # What they give back at their end are not slots of others.
    assert complete(conn, held[0]) == ["ok"]
    assert fail(conn, held[1]) == [("ok", "blocked")]
    promote(conn)
    assert holders(conn) == made[2:4]


def test_other_semaphores_are_left_alone(conn: psycopg.Connection) -> None:
    mine, other = keyed(conn), keyed(conn, "other")
    promote(conn)
    assert release(conn) == 1
    assert (holders(conn), holders(conn, "other")) == ([], [other])
    assert states(conn, mine, other) == ["ready", "ready"]


def test_a_semaphore_of_nobody(conn: psycopg.Connection) -> None:
    assert release(conn) == 0
    promote(conn)


@pytest.mark.parametrize("key", [None, ""])
def test_what_is_refused(conn: psycopg.Connection, key: str | None) -> None:
    with refused("JQ002", "concurrency_key is empty"):
        release(conn, key)
