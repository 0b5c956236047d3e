"""A paused semaphore has no slots, and afterwards those that it had."""

from __future__ import annotations

import json
from typing import Any

import psycopg
import pytest

from tests.servers import Travel
from tests.sql.calls import (
    claim,
    complete,
    enqueue,
    refused,
    rows,
    scalar,
    state,
    value,
    violations,
)
from tests.sql.conftest import Silence


def keyed(conn: psycopg.Connection, count: int = 1, limit: int = 1, **options: Any) -> list[int]:
    asked = {"concurrency_key": "k", "concurrency_limit": limit, **options}
    return [enqueue(conn, **asked) for _ in range(count)]


def promoted(conn: psycopg.Connection) -> int:
    (answer,) = rows(conn, "promote_due")
    return int(answer["promoted"])


def slots(conn: psycopg.Connection) -> Any:
    return scalar(conn, "select max_slots from pgq.semaphores where concurrency_key = 'k'")


@pytest.mark.parametrize("configured", [None, 2, 0])
def test_nobody_gets_a_slot_and_holders_go_on(
    conn: psycopg.Connection, configured: int | None
) -> None:
    ids = keyed(conn, 3)
    value(conn, "configure_semaphore", concurrency_key="k", max_slots=1)
    assert promoted(conn) == 1
    value(conn, "configure_semaphore", concurrency_key="k", max_slots=configured)
    assert value(conn, "pause_semaphore", concurrency_key="k") in ("", None)
    (held,) = claim(conn)
    assert held.job_id == ids[0] and complete(conn, held) == ["ok"]
    keyed(conn)
    other = enqueue(conn, concurrency_key="other")
    assert promoted(conn) == 1 and state(conn, other) == "ready"
    assert {state(conn, job_id) for job_id in ids[1:]} == {"blocked"}
    assert violations(conn) == []
    assert value(conn, "resume_semaphore", concurrency_key="k") is True
    expected = 1 if configured is None else configured
    assert promoted(conn) == expected
    assert violations(conn) == []


def test_what_is_configured_meanwhile_counts_afterwards(conn: psycopg.Connection) -> None:
    value(conn, "pause_semaphore", concurrency_key="k")
    value(conn, "configure_semaphore", concurrency_key="k", max_slots=5)
    assert slots(conn) == 0
    value(conn, "configure_semaphore", concurrency_key="k", max_slots=None)
    assert slots(conn) == 0
    value(conn, "configure_semaphore", concurrency_key="k", max_slots=3)
    value(conn, "pause_semaphore", concurrency_key="k", duration="1 hour")
    value(conn, "resume_semaphore", concurrency_key="k")
    assert slots(conn) == 3
    value(conn, "pause_semaphore", concurrency_key="k")
    value(conn, "configure_semaphore", concurrency_key="k", max_slots=None)
    value(conn, "resume_semaphore", concurrency_key="k")
    assert scalar(conn, "select count(*) from pgq.semaphores") == 0


def test_a_pause_may_end_by_itself(conn: psycopg.Connection, travel: Travel) -> None:
    keyed(conn, 2)
    value(conn, "pause_semaphore", concurrency_key="k", duration="10 minutes")
    travel("9 minutes")
    assert scalar(conn, "select pgq._do_step('slot', 10, true)") == 0
    assert promoted(conn) == 0
    travel("2 minutes")
    assert conn.execute("select from pgq.pause_status").fetchall() == []
    assert scalar(conn, "select pgq._do_step('slot', 10, true)") == 1
    assert promoted(conn) == 1
    value(conn, "pause_semaphore", concurrency_key="k", duration="10 minutes")
    travel("11 minutes")
    value(conn, "pause_semaphore", concurrency_key="k")
    assert scalar(conn, "select pgq._now() - paused_at < '1 minute' from pgq.pause_status")
    assert scalar(conn, "select pgq._do_step('slot', 10, true)") == 0


def test_a_clock_that_was_ahead(conn: psycopg.Connection, travel: Travel) -> None:
    travel("1 day")
    value(conn, "pause_semaphore", concurrency_key="k", duration="10 minutes")
    travel("-1 day")
    assert scalar(conn, "select pgq._do_step('clock', 10, true)") == 1
    travel("11 minutes")
    assert scalar(conn, "select pgq._do_step('slot', 10, true)") == 1


def test_in_strict_order_too(conn: psycopg.Connection) -> None:
    first, second = keyed(conn, 2, concurrency_order="continue")
    assert promoted(conn) == 1
    value(conn, "pause_semaphore", concurrency_key="k")
    (held,) = claim(conn)
    assert held.job_id == first and complete(conn, held) == ["ok"]
    assert promoted(conn) == 0
    (why, *_) = rows(conn, "why_waiting", job_id=second)
    assert why["reason"] == "pause"
    value(conn, "resume_semaphore", concurrency_key="k")
    assert promoted(conn) == 1 and state(conn, second) == "ready"


def test_a_job_that_is_dropped_without_a_slot_is_dropped(conn: psycopg.Connection) -> None:
    value(conn, "pause_semaphore", concurrency_key="k")
    (job_id,) = keyed(conn, concurrency_on_conflict="discard")
    promoted(conn)
    assert state(conn, job_id) == "cancelled"


def test_why_a_job_waits(conn: psycopg.Connection) -> None:
    first, second = keyed(conn, 2)
    value(conn, "pause_semaphore", concurrency_key="k")
    assert [why["reason"] for why in rows(conn, "why_waiting", job_id=first)] == ["pause"]
    pause, semaphore = rows(conn, "why_waiting", job_id=second)
    assert pause["explanation"] == "its semaphore is paused until somebody resumes it"
    assert semaphore["reason"] == "semaphore" and "1 of its 1 slots" in semaphore["explanation"]
    value(conn, "pause_semaphore", concurrency_key="k", duration="1 hour")
    (pause, *_) = rows(conn, "why_waiting", job_id=second)
    assert pause["explanation"] == "its semaphore is paused for a while" and pause["until"]


def test_health_calls_it_paused_and_not_stuck(conn: psycopg.Connection, travel: Travel) -> None:
    keyed(conn)
    value(conn, "pause_semaphore", concurrency_key="k")
    travel("2 days")
    found = {row["name"]: row for row in rows(conn, "health")}
    assert found["semaphores"]["status"] == "ok"
    assert (found["pauses"]["status"], found["pauses"]["value"]) == ("warn", 1)
    assert found["pauses"]["reason"] == "paused: a semaphore for 2 days"
    assert "pause_status" in found["pauses"]["hint"]


def test_an_unknown_semaphore_is_paused_with_a_notice(
    conn: psycopg.Connection, silence: Silence
) -> None:
    notices: list[str] = []
    conn.add_notice_handler(lambda said: notices.append(said.message_primary or ""))
    value(conn, "pause_semaphore", concurrency_key="k")
    value(conn, "pause_semaphore", concurrency_key="k")
    value(conn, "resume_semaphore", concurrency_key="k")
    value(conn, "resume_semaphore", concurrency_key="k")
    assert [notice[:25] for notice in notices] == ["no job holds semaphore k,"] * 2


@pytest.mark.parametrize(
    "options",
    [
        {"concurrency_key": None},
        {"concurrency_key": ""},
        {"concurrency_key": "k" * 513},
        {"concurrency_key": "k", "duration": "0"},
    ],
    ids=lambda options: json.dumps(options)[:40],
)
def test_what_is_refused(conn: psycopg.Connection, options: dict[str, object]) -> None:
    with refused("JQ002"):
        value(conn, "pause_semaphore", **options)
