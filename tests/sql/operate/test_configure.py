from __future__ import annotations

import psycopg
import pytest

from tests.conftest import Connect
from tests.servers import Databases, Server
from tests.sql.calls import claim, enqueue, refused, register, value

SETTINGS = (
    "select max_args_bytes, extract(day from keep_history_for)::int, notify from pgq.settings"
)


def test_null_leaves_a_setting_as_it_is(conn: psycopg.Connection) -> None:
    assert conn.execute(SETTINGS).fetchall() == [(1 << 20, 14, True)]
    value(conn, "configure", max_args_bytes=100)
    value(conn, "configure", keep_history_for="3 days", notify=None)
    value(conn, "configure")
    assert conn.execute(SETTINGS).fetchall() == [(100, 3, True)]


@pytest.mark.slow
def test_the_settings_of_a_dump_replace_those_that_are_there(
    conn: psycopg.Connection, databases: Databases, template: str
) -> None:
    value(conn, "configure", max_args_bytes=4242, keep_history_for="3 days", notify=False)
    with (
        databases.fresh(template) as name,
        psycopg.connect(databases.dsn(name), autocommit=True) as restored,
    ):
        with conn.cursor().copy("copy pgq.settings to stdout") as out:
            dumped = b"".join(out)
        for _ in range(2):  # into a new install, and over the same again
            with restored.cursor().copy("copy pgq.settings from stdin") as copy:
                copy.write(dumped)
            assert restored.execute(SETTINGS).fetchall() == [(4242, 3, False)]
        value(restored, "configure", notify=True)
        assert restored.execute(SETTINGS).fetchall() == [(4242, 3, True)]


def test_the_size_of_args(conn: psycopg.Connection) -> None:
    value(conn, "configure", max_args_bytes=100)
    with refused("JQ001", "args take"):
        enqueue(conn, args='{"text": "' + "x" * 100 + '"}')
    value(conn, "configure", max_args_bytes=4 << 20)
    enqueue(conn, args='{"text": "' + "x" * (3 << 20) + '"}')


def test_without_notifications(conn: psycopg.Connection, connect: Connect) -> None:
    listener = connect()
    listener.execute("listen pgq_jobs")
    claim(conn, worker_id=register(conn))
    value(conn, "configure", notify=False)
    enqueue(conn, queue="unheard")
    value(conn, "configure", notify=True)
    enqueue(conn, queue="heard")
    assert [note.payload for note in listener.notifies(timeout=5, stop_after=1)] == ["heard"]


@pytest.mark.slow
@pytest.mark.parametrize(
    "options",
    [
        {"max_args_bytes": 0},
        {"max_args_bytes": -1},
        {"keep_history_for": "23 hours"},
        {"keep_history_for": "-1 day"},
        {"keep_history_for": "101 years"},
        {"statistics": "some"},
    ],
    ids=str,
)
def test_what_is_refused(conn: psycopg.Connection, options: dict[str, object]) -> None:
    with refused("JQ002"):
        value(conn, "configure", **options)


def test_infinite_history_is_refused(conn: psycopg.Connection, server: Server) -> None:
    if server.major < 17:
        pytest.skip("intervals are finite before Postgres 17")
    with refused("JQ002", "keep_history_for"):
        value(conn, "configure", keep_history_for="infinity")
