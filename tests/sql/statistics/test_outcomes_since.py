from __future__ import annotations

from typing import Any

import psycopg
import pytest

from tests.conftest import Connect
from tests.servers import Travel
from tests.sql.calls import (
    claim,
    claim_one,
    complete,
    enqueue,
    fail,
    outcomes,
    refused,
    register,
    rows,
    scalar,
    value,
)
from tests.sql.statistics.counting import fold


def since(conn: psycopg.Connection, cursor: int, **options: Any) -> list[dict[str, Any]]:
    fold(conn)
    return rows(conn, "outcomes_since", cursor=cursor, **options)


def told(events: list[dict[str, Any]]) -> list[tuple[str, int]]:
    return [(event["outcome"], event["job_id"]) for event in events]


@pytest.mark.slow
def test_each_way_out_is_told(conn: psycopg.Connection, travel: Travel) -> None:
    cursor = value(conn, "follow_outcomes")
    worker_id = register(conn, name="w\u00f6rker")
    expected: list[tuple[str, int]] = []

    def run(**options: Any) -> Any:
        job_id = enqueue(conn, "t", queue="q", **options)
        travel("2 seconds")
        (held,) = claim(conn, worker_id=worker_id)
        assert held.job_id == job_id
        travel("3 seconds")
        return held

    held = run()
    complete(conn, held)
    expected.append(("succeeded", held.job_id))
    held = run(max_attempts=1)
    fail(conn, held, messages=["no\nmore"], error_types=["Bad"])
    expected.append(("failed", held.job_id))
    held = run(backoff="1h")
    fail(conn, held, messages=["again"], error_types=["Bad"])
    expected.append(("retried", held.job_id))
    held = run()
    rows(conn, "snooze_batch", ids=[held.job_id], claim_ids=[held.claim_id], delays=["1 hour"])
    expected.append(("snoozed", held.job_id))
    held = run()
    rows(conn, "release_batch", ids=[held.job_id], claim_ids=[held.claim_id])
    expected.append(("released", held.job_id))
    outcomes(conn, "cancel", held.job_id)
    expected.append(("cancelled", held.job_id))
    late = enqueue(conn, "t", queue="q", expires_in="1 second")
    travel("2 seconds")
    rows(conn, "maintain")
    expected.append(("expired", late))
    held = run(max_attempts=1)
    rows(conn, "report_lost_worker", worker_id=worker_id)
    expected += [("lost", held.job_id), ("failed", held.job_id)]

    events = since(conn, cursor)
    assert told(events) == expected
    by_outcome = {event["outcome"]: event for event in events[:7]}
    good, bad, again = (by_outcome[name] for name in ("succeeded", "failed", "retried"))
    for event in (good, bad, again):
        assert (event["queue"], event["task"], event["attempt"]) == ("q", "t", 1)
        assert event["waited"].total_seconds() == pytest.approx(2, abs=0.9)
        assert event["ran"].total_seconds() == pytest.approx(3, abs=0.9)
        assert event["worker"] == "w\u00f6rker"
    assert (good["error_type"], good["error"]) == (None, None)
    assert (bad["error_type"], bad["error"]) == ("Bad", "no")
    assert (again["error_type"], again["error"]) == ("Bad", "again")
    assert [event["next_cursor"] for event in events] == sorted(
        event["next_cursor"] for event in events
    )
    assert since(conn, events[-1]["next_cursor"]) == []


@pytest.mark.slow
def test_a_late_commit_comes_late_and_is_not_missed(
    conn: psycopg.Connection, connect: Connect
) -> None:
    cursor = value(conn, "follow_outcomes")
    for _ in range(2):
        enqueue(conn)
    late, early = claim(conn)
    slow = connect(autocommit=False)
    complete(slow, late)
    complete(conn, early)
    (first,) = since(conn, cursor)
    assert first["job_id"] == early.job_id
    assert since(conn, first["next_cursor"]) == []
    slow.commit()
    (second,) = since(conn, first["next_cursor"])
    assert second["job_id"] == late.job_id


def test_what_is_undone_is_never_told(conn: psycopg.Connection, connect: Connect) -> None:
    cursor = value(conn, "follow_outcomes")
    enqueue(conn)
    held = claim_one(conn)
    other = connect(autocommit=False)
    complete(other, held)
    other.rollback()
    assert since(conn, cursor) == []
    complete(conn, held)
    assert told(since(conn, cursor)) == [("succeeded", held.job_id)]


@pytest.mark.slow
def test_nothing_is_noted_while_nobody_follows(conn: psycopg.Connection) -> None:
    enqueue(conn)
    complete(conn, claim_one(conn))
    assert scalar(conn, "select count(*) from pgq.stat_deltas where job_ids is not null") == 0
    fold(conn)
    assert scalar(conn, "select count(*) from pgq.outcome_log") == 0


@pytest.mark.slow
def test_who_comes_later_goes_on_from_there(conn: psycopg.Connection) -> None:
    first = value(conn, "follow_outcomes")
    enqueue(conn)
    complete(conn, claim_one(conn))
    fold(conn)
    second = value(conn, "follow_outcomes")
    enqueue(conn)
    held = claim_one(conn)
    complete(conn, held)
    assert len(since(conn, first)) == 2
    assert told(since(conn, second)) == [("succeeded", held.job_id)]


@pytest.mark.slow
def test_a_page_holds_whole_settles(conn: psycopg.Connection) -> None:
    cursor = value(conn, "follow_outcomes")
    for size in (3, 2, 4):
        for _ in range(size):
            enqueue(conn)
        complete(conn, *claim(conn))
    sizes = []
    while page := since(conn, cursor, max_jobs=4):
        sizes.append(len(page))
        cursor = page[-1]["next_cursor"]
    assert sizes == [5, 4]


def test_an_hour_is_kept(conn: psycopg.Connection, travel: Travel) -> None:
    cursor = value(conn, "follow_outcomes")
    enqueue(conn)
    complete(conn, claim_one(conn))
    (event,) = since(conn, cursor)
    for _ in range(3):
        travel("40 minutes")
        assert since(conn, event["next_cursor"]) == []
        scalar(conn, "select pgq._prune_outcome_log(100)")
    with refused("JQ002", f"outcomes since {cursor} are not kept"):
        since(conn, cursor)
    travel("61 minutes")
    with refused("JQ002", "not kept"):
        since(conn, event["next_cursor"])
    # Outcomes in between were not noted; a new follower gets a cursor behind them.
    anew = value(conn, "follow_outcomes")
    assert anew > event["next_cursor"]
    with refused("JQ002", "not kept"):
        since(conn, event["next_cursor"])
    assert since(conn, anew) == []


@pytest.mark.parametrize("cursor", [None, -1, 10**12])
def test_a_cursor_that_is_none(conn: psycopg.Connection, cursor: int | None) -> None:
    value(conn, "follow_outcomes")
    with refused("JQ002", "outcomes since"):
        rows(conn, "outcomes_since", cursor=cursor)


@pytest.mark.parametrize("most", [0, -1, 100_001])
def test_a_page_has_bounds(conn: psycopg.Connection, most: int) -> None:
    cursor = value(conn, "follow_outcomes")
    with refused("JQ002", "max_jobs"):
        rows(conn, "outcomes_since", cursor=cursor, max_jobs=most)


def test_a_discarded_job_is_still_told_of(conn: psycopg.Connection) -> None:
    cursor = value(conn, "follow_outcomes")
    job_id = enqueue(conn)
    complete(conn, claim_one(conn))
    outcomes(conn, "discard", job_id)
    (event,) = since(conn, cursor)
    assert (event["job_id"], event["outcome"], event["attempt"]) == (job_id, "succeeded", None)


def test_who_holds_the_settings_holds_up_nobody(
    conn: psycopg.Connection, connect: Connect, travel: Travel
) -> None:
    cursor = value(conn, "follow_outcomes")
    travel("40 minutes")
    other = connect(autocommit=False)
    rows(other, "configure", notify=False)
    conn.execute("set lock_timeout = '1s'")
    assert rows(conn, "outcomes_since", cursor=cursor) == []
    assert scalar(conn, "select pgq._prune_outcome_log(100)") == 0
    other.rollback()
