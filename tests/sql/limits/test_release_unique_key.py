from __future__ import annotations

import psycopg
import pytest

from tests.servers import Travel
from tests.sql.calls import claim_one, complete, enqueue, rows, scalar, state, value


@pytest.mark.parametrize("key", ["k", None])
def test_a_free_key(conn: psycopg.Connection, key: str | None) -> None:
    owner = enqueue(conn, unique_key="other")
    assert value(conn, "release_unique_key", unique_key=key) is False
    assert enqueue(conn, unique_key="other") == owner


@pytest.mark.parametrize("scope", ["live", "queued"])
def test_the_live_job_goes_on_without_its_key(conn: psycopg.Connection, scope: str) -> None:
    owner = enqueue(conn, unique_key="k", unique_while=scope)
    assert value(conn, "release_unique_key", unique_key="k") is True
    assert value(conn, "release_unique_key", unique_key="k") is False
    second = enqueue(conn, unique_key="k", unique_while=scope)
    assert second != owner
    assert complete(conn, claim_one(conn), claim_one(conn)) == ["ok", "ok"]
    assert (state(conn, owner), state(conn, second)) == ("succeeded", "succeeded")
    assert scalar(conn, "select count(*) from pgq.queued_keys") == 0


@pytest.mark.slow
def test_a_running_job_goes_on_too(conn: psycopg.Connection) -> None:
    owner = enqueue(conn, unique_key="k")
    held = claim_one(conn)
    assert value(conn, "release_unique_key", unique_key="k") is True
    assert enqueue(conn, unique_key="k") != owner
    assert complete(conn, held) == ["ok"]


@pytest.mark.slow
def test_a_window_is_ended(conn: psycopg.Connection) -> None:
    owner = enqueue(conn, unique_key="k", unique_for="1 hour")
    complete(conn, claim_one(conn))
    assert value(conn, "release_unique_key", unique_key="k") is True
    assert rows(conn, "unique_key_owner", unique_key="k") == []
    assert enqueue(conn, unique_key="k", unique_for="1 hour") != owner


def test_a_window_that_is_over_is_nobodys(conn: psycopg.Connection, travel: Travel) -> None:
    enqueue(conn, unique_key="k", unique_for="1 hour")
    complete(conn, claim_one(conn))
    travel("2 hours")
    assert value(conn, "release_unique_key", unique_key="k") is False
