"""Every test of the SQL functions leaves a database in which verify() finds nothing.

To ask it costs a fifth of a test. So only the first case of a test asks, on the newest server: what
cases differ in is a value, which an invariant seldom depends on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import psycopg
import pytest

from tests.conftest import FIRST_CASE, Connect
from tests.servers import Travel
from tests.sql.calls import register, rows, scalar

Silence = Callable[[str], None]


@pytest.fixture(autouse=True)
def sound(request: pytest.FixtureRequest, connect: Connect) -> Iterator[None]:
    if request.config.getoption("--quick") or not request.node.stash.get(FIRST_CASE, True):
        yield
        return
    watcher = connect()
    yield
    assert rows(watcher, "verify") == []


@pytest.fixture
def silence(conn: psycopg.Connection, travel: Travel) -> Silence:
    """`silence("5 seconds")` moves the clock, and lets all workers but one be silent.

    While nobody at all is heard of, nobody is given up. The one has a lease of a day, and so has
    been heard of not long ago.
    """

    def pass_time(shift: str) -> None:
        known = scalar(conn, "select count(*) from pgq.workers where name = 'bystander'")
        if not known:
            register(conn, name="bystander", queues=["nothing"], lease="1 day")
        travel(shift)

    return pass_time
