"""audit_log(): pages of what operators' calls changed, by filters."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from tests.conftest import Connect
from tests.servers import Travel
from tests.sql.calls import buffers, enqueue, refused, rows, scalar, value


def log(conn: psycopg.Connection, **filters: Any) -> list[tuple[str, str | None]]:
    return [(row["action"], row["target"]) for row in rows(conn, "audit_log", **filters)]


@pytest.fixture
def acted(conn: psycopg.Connection, travel: Travel) -> int:
    """Four calls, the last one a day later; returns the job that two of them changed."""
    job = enqueue(conn)
    conn.execute("set pgq.actor = 'alice'")
    value(conn, "pause_queue", queue="mail")
    rows(conn, "cancel", ids=[job])
    conn.execute("set pgq.actor = 'bob'")
    rows(conn, "retry", ids=[job])
    travel("1 day")
    conn.execute("reset pgq.actor")
    value(conn, "resume_queue", queue="mail")
    return job


def test_the_newest_come_first(conn: psycopg.Connection, acted: int) -> None:
    newest_first = [("resume_queue", "mail"), ("retry", None), ("cancel", None)]
    assert log(conn)[:3] == newest_first
    assert log(conn, page_size=2) == newest_first[:2]


def test_pages_follow_each_other(conn: psycopg.Connection, acted: int) -> None:
    whole = rows(conn, "audit_log")
    pages = [rows(conn, "audit_log", page_size=3)]
    pages.append(rows(conn, "audit_log", page_size=3, before_id=pages[0][-1]["id"]))
    assert [*pages[0], *pages[1]] == whole and len(pages[1]) == 1


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        (lambda _: {"who": "alice"}, ["cancel", "pause_queue"]),
        (lambda _: {"who": "bob"}, ["retry"]),
        (lambda _: {"who": "nobody"}, []),
        (lambda _: {"what": "cancel"}, ["cancel"]),
        (lambda _: {"about": "mail"}, ["resume_queue", "pause_queue"]),
        (lambda job: {"job_id": job}, ["retry", "cancel"]),
        (lambda job: {"job_id": job, "who": "bob"}, ["retry"]),
        (lambda _: {"of_operation": 1}, []),
    ],
)
def test_filters(
    conn: psycopg.Connection,
    acted: int,
    filters: Callable[[int], dict[str, Any]],
    found: list[str],
) -> None:
    assert [action for action, _ in log(conn, **filters(acted))] == found


def test_a_login_is_found_too(conn: psycopg.Connection, acted: int) -> None:
    login = scalar(conn, "select session_user::text")
    assert len(log(conn, who=login)) == 4


@pytest.mark.slow
def test_times(conn: psycopg.Connection, acted: int) -> None:
    noon = scalar(conn, "select pgq._now() - interval '12 hours'")
    assert log(conn, since=noon) == [("resume_queue", "mail")]
    assert len(log(conn, until=noon)) == 3


@pytest.mark.slow
def test_an_address_is_shown_as_text(conn: psycopg.Connection) -> None:
    value(conn, "pause_queue", queue="mail")
    conn.execute("update pgq.audit set address = '2001:db8::1'")
    assert rows(conn, "audit_log")[0]["address"] == "2001:db8::1"


@pytest.mark.parametrize("size", [0, 1001])
def test_a_page_has_a_size(conn: psycopg.Connection, size: int) -> None:
    with refused("JQ002", f"page_size is {size}"):
        rows(conn, "audit_log", page_size=size)


@pytest.mark.slow
def test_a_rare_thing_is_looked_for_among_100000_rows(connect: Connect) -> None:
    conn = connect()
    notes: list[Any] = []
    conn.add_notice_handler(lambda note: notes.append((note.message_primary, note.message_hint)))
    conn.execute(
        "insert into pgq.audit (at, login, action) select now(), 'x',"
        " case when n = 1 then 'rare' else 'cancel' end from generate_series(1, 100002) as n"
    )
    assert log(conn, what="rare") == []
    assert notes == [
        ("only 100000 rows of the audit were looked at", "Look further with before_id => 3.")
    ]
    assert log(conn, what="rare", before_id=3) == [("rare", None)]
    assert len(log(conn)) == 100 and len(notes) == 1
    assert buffers(conn, "select * from pgq.audit_log()") < 100
