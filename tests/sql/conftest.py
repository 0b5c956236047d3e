"""Every test of the SQL functions leaves a database in which verify() finds nothing."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import psycopg
import pytest

from tests.conftest import Connect
from tests.servers import Travel
from tests.sql.calls import rows, scalar

Silence = Callable[[str], None]


@pytest.fixture(autouse=True)
def sound(connect: Connect) -> Iterator[None]:
    watcher = connect()
    yield
    assert rows(watcher, "verify") == []


@pytest.fixture
def silence(conn: psycopg.Connection, travel: Travel) -> Silence:
    """`silence("5 seconds")` moves the clock, and lets a silence count that is over a second.

    Silence counts from the start of the server at the earliest, in real time.
    """

    def pass_time(shift: str) -> None:
        uptime = "select extract(epoch from clock_timestamp() - pg_postmaster_start_time())::float8"
        time.sleep(max(0.0, 1.05 - scalar(conn, uptime)))
        travel(shift)

    return pass_time
