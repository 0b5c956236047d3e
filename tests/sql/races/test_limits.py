"""Limits of queues, with claims, settles and changes of the limits by several sessions at once."""

from __future__ import annotations

from collections import Counter

import psycopg
import pytest

from tests.servers import Travel
from tests.sql.calls import claim, complete, enqueue_many, register, rows, scalar, settle, value
from tests.sql.conftest import Silence
from tests.sql.limits.test_max_running import fill, limit
from tests.sql.races.conftest import Start

CLAIMERS = 8


def drain(session: psycopg.Connection, jobs: int, batch_size: int) -> tuple[Counter[int], int]:
    """Claim and complete until `jobs` have ended; return what was claimed, and the most running."""
    ended = "select count(*) from pgq.job_history"
    ids, most = Counter[int](), 0
    while scalar(session, ended) < jobs:
        if held := claim(session, ["*"], batch_size):
            most = max(most, scalar(session, "select count(*) from pgq.running"))
            ids.update(one.job_id for one in held)
            assert set(complete(session, *held)) == {"ok"}
    return ids, most


@pytest.mark.parametrize("fair", [False, True])
def test_many_claimers_never_exceed_the_limit(
    conn: psycopg.Connection, start: Start, fair: bool
) -> None:
    limit(conn, max_running=5, fair=fair)
    enqueue_many(conn, *[{"task": "work", "partition_key": f"t{n % 7}"} for n in range(400)])
    calls = [start(drain, 400, 1 + number % 4) for number in range(CLAIMERS)]
    answers = [call.result() for call in calls]
    assert max(most for _, most in answers) <= 5
    counted = sum((ids for ids, _ in answers), Counter[int]())
    assert len(counted) == 400 and set(counted.values()) == {1}


def test_many_claimers_get_no_more_than_the_tokens(conn: psycopg.Connection, start: Start) -> None:
    limit(conn, rate_limit=100, rate_interval="1 year")
    fill(conn, 300)

    def take(session: psycopg.Connection) -> int:
        return sum(len(claim(session, ["default"], 3)) for _ in range(60))

    calls = [start(take) for _ in range(CLAIMERS)]
    assert sum(call.result() for call in calls) + len(claim(conn)) == 100


@pytest.mark.parametrize("options", [{"max_running": 4}, {"rate_limit": 4, "rate_interval": "1 h"}])
def test_an_open_claim_lets_nothing_pass_and_makes_nobody_wait(
    conn: psycopg.Connection, other: psycopg.Connection, start: Start, options: dict[str, object]
) -> None:
    limit(conn, **options)
    fill(conn, 10)
    fill(conn, 2, "free")
    assert len(claim(other, ["default"], 3)) == 3
    claiming = start(claim, ["default", "free"])
    assert not claiming.waits()
    assert {held.queue for held in claiming.result()} == {"free"}
    other.commit()
    assert len(claim(conn)) == 1


def test_a_claim_that_rolls_back_leaves_its_room(
    conn: psycopg.Connection, other: psycopg.Connection
) -> None:
    limit(conn, max_running=4)
    fill(conn, 10)
    assert len(claim(other)) == 4
    other.rollback()
    assert len(claim(conn)) == 4


def test_a_settle_makes_room_when_it_commits(
    conn: psycopg.Connection, other: psycopg.Connection, start: Start
) -> None:
    limit(conn, max_running=2)
    fill(conn, 10)
    complete(other, *claim(conn))
    claiming = start(claim)
    assert not claiming.waits()
    assert claiming.result() == []
    # The session that settles sees the room already, and nobody else claims meanwhile.
    assert len(claim(other)) == 2
    assert claim(conn) == []
    other.commit()
    assert claim(conn) == []


def test_a_release_that_rolls_back_keeps_its_room(
    conn: psycopg.Connection, other: psycopg.Connection
) -> None:
    limit(conn, max_running=2)
    fill(conn, 4)
    settle(other, "release_batch", claim(conn))
    assert claim(conn) == []
    other.rollback()
    assert claim(conn) == []


def test_a_rescue_under_way_keeps_its_room(
    conn: psycopg.Connection, other: psycopg.Connection, start: Start, silence: Silence
) -> None:
    limit(conn, max_running=2)
    fill(conn, 4)
    claim(conn, worker_id=register(conn, lease="1 second"))
    silence("1 minute")
    assert value(other, "rescue_lost_workers") == 2
    claiming = start(claim)
    assert not claiming.waits()
    assert claiming.result() == []
    other.commit()
    assert len(claim(conn)) == 2


def test_a_limit_is_set_without_waiting_for_a_settle(
    conn: psycopg.Connection, other: psycopg.Connection, start: Start
) -> None:
    fill(conn, 10)
    held = claim(conn, batch_size=4)
    complete(other, held[0])
    setting = start(limit, max_running=5)
    assert not setting.waits()
    setting.result()
    assert len(claim(conn)) == 2
    other.commit()


def test_a_limit_that_is_being_set_holds_up_no_claim(
    conn: psycopg.Connection, other: psycopg.Connection, start: Start
) -> None:
    fill(conn, 10)
    limit(other, max_running=3, fair=True)
    claiming = start(claim, batch_size=2)
    assert not claiming.waits()
    assert len(claiming.result()) == 0  # All ten are held: they get their key.
    other.commit()
    assert len(claim(conn)) == 3


def test_claims_of_a_fair_queue_do_not_wait_for_each_other(
    conn: psycopg.Connection, other: psycopg.Connection, start: Start
) -> None:
    limit(conn, fair=True)
    enqueue_many(conn, *[{"task": "work", "partition_key": key} for key in "aabbcc"])
    assert len(claim(other, batch_size=2)) == 2
    claiming = start(claim, batch_size=10)
    assert not claiming.waits()
    assert len(claiming.result()) == 4
    other.commit()
    assert scalar(conn, "select count(*) from pgq.running") == 6


def test_maintenance_does_not_wait_for_a_claim_nor_a_claim_for_it(
    conn: psycopg.Connection, other: psycopg.Connection, start: Start
) -> None:
    limit(conn, rate_limit=2, rate_interval="1 h", rate_per_key=True)
    enqueue_many(conn, *[{"task": "work", "partition_key": key} for key in "aaabbb"])
    assert len(claim(other, batch_size=1)) == 1
    tending = start(rows, "maintain")
    assert not tending.waits()
    tending.result()
    other.commit()
    rows(other, "maintain")
    claiming = start(claim)
    assert not claiming.waits()
    claiming.result()
    other.commit()
    claim(conn)
    assert scalar(conn, "select count(*) from pgq.running") == 4


def test_a_claim_that_was_open_when_the_limit_was_set_counts_after_upkeep(
    conn: psycopg.Connection, other: psycopg.Connection, travel: Travel
) -> None:
    fill(conn, 10)
    held = claim(other, batch_size=4)
    limit(conn, max_running=5)
    other.commit()
    travel("1 minute")
    rows(conn, "maintain")
    assert len(claim(conn)) == 1
    assert claim(conn) == []
    assert set(complete(conn, *held)) == {"ok"}
    assert len(claim(conn)) == 4
