"""What is kept is said anew, and goes, while others are at it."""

from __future__ import annotations

import psycopg
import pytest

from tests.conftest import Connect
from tests.sql.calls import scalar, value
from tests.sql.races.conftest import Start


@pytest.mark.slow
def test_two_set_different_ages_at_once(
    conn: psycopg.Connection, connect: Connect, start: Start
) -> None:
    other = connect()
    with other.transaction():
        value(other, "configure_retention", queue="q", failed="30 days")
        call = start(value, "configure_retention", queue="q", succeeded="3 days")
        assert call.waits()
    call.result()
    assert scalar(conn, "select succeeded + failed = interval '33 days' from pgq.retention")
