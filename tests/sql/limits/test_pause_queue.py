from __future__ import annotations

import psycopg
import pytest

from tests.servers import Server, Travel
from tests.sql.calls import (
    buffers,
    claim,
    claim_one,
    complete,
    enqueue,
    refused,
    rows,
    scalar,
    value,
)


def test_nothing_is_claimed_from_a_paused_queue(conn: psycopg.Connection) -> None:
    paused, other = enqueue(conn, queue="mail"), enqueue(conn, queue="other")
    assert value(conn, "pause_queue", queue="mail") in ("", None)
    assert claim(conn, ["mail"]) == []
    assert [held.job_id for held in claim(conn, ["mail", "mail*", "*"])] == [other]
    value(conn, "resume_queue", queue="mail")
    assert [held.job_id for held in claim(conn)] == [paused]


def test_running_jobs_finish_and_enqueueing_goes_on(conn: psycopg.Connection) -> None:
    enqueue(conn)
    held = claim_one(conn)
    value(conn, "pause_queue", queue="default")
    assert enqueue(conn)
    assert complete(conn, held) == ["ok"]


@pytest.mark.slow
def test_a_pause_may_end_by_itself(conn: psycopg.Connection, travel: Travel) -> None:
    enqueue(conn)
    value(conn, "pause_queue", queue="default", duration="10 minutes")
    travel("9 minutes")
    assert claim(conn) == []
    travel("2 minutes")
    assert len(claim(conn)) == 1


def test_a_second_pause_sets_the_end(conn: psycopg.Connection, travel: Travel) -> None:
    enqueue(conn)
    value(conn, "pause_queue", queue="default", duration="10 minutes")
    value(conn, "pause_queue", queue="default", duration="1 hour")
    travel("30 minutes")
    assert claim(conn) == []
    value(conn, "pause_queue", queue="default", duration=None)
    travel("1 year")
    assert claim(conn) == []


def test_it_costs_one_row_whatever_the_backlog(conn: psycopg.Connection) -> None:
    for _ in range(3):
        enqueue(conn)
    before = conn.execute("select ctid, xmin::text from pgq.ready order by 1").fetchall()
    value(conn, "pause_queue", queue="default")
    assert conn.execute("select ctid, xmin::text from pgq.ready order by 1").fetchall() == before
    assert scalar(conn, "select count(*) from pgq.queues") == 1


@pytest.mark.slow
@pytest.mark.parametrize(
    "options",
    [
        {"queue": None},
        {"queue": ""},
        {"queue": "q" * 129},
        {"queue": "q", "duration": "0"},
        {"queue": "q", "duration": "-1 minute"},
        {"queue": "q", "duration": "101 years"},
    ],
    ids=lambda options: str(options)[:40],
)
def test_what_is_refused(conn: psycopg.Connection, options: dict[str, object]) -> None:
    with refused("JQ002"):
        value(conn, "pause_queue", **options)
    assert rows(conn, "verify") == []


def test_an_infinite_duration_is_refused(conn: psycopg.Connection, server: Server) -> None:
    if server.major < 17:
        pytest.skip("intervals are finite before Postgres 17")
    with refused("JQ002", "duration"):
        value(conn, "pause_queue", queue="q", duration="infinity")


@pytest.mark.parametrize("options", [{"fair": True}, {"rate_limit": 100, "rate_per_key": True}])
@pytest.mark.parametrize("size", [1, 10])
def test_one_partition_key_is_paused(
    conn: psycopg.Connection, size: int, options: dict[str, object]
) -> None:
    value(conn, "configure_queue", queue="q", **options)
    value(conn, "configure_queue", queue="r", fair=True)
    paused = [enqueue(conn, queue="q", partition_key="s") for _ in range(3)]
    others = {
        enqueue(conn, queue="q", partition_key="t"),
        enqueue(conn, queue="q"),
        enqueue(conn, queue="r", partition_key="s"),
    }
    value(conn, "pause_queue", queue="q", partition_key="s")
    found = [held.job_id for _ in range(4) for held in claim(conn, ["q", "*"], batch_size=size)]
    assert set(found) == others and len(found) == 3
    assert claim(conn, ["q"], batch_size=size) == []
    (why, *_) = rows(conn, "why_waiting", job_id=paused[0])
    assert why["reason"] == "pause" and "partition key" in why["explanation"]
    shown = conn.execute("select kind, queue, task, key from pgq.pause_status").fetchall()
    assert shown == [("partition", "q", None, "s")]
    assert value(conn, "resume_queue", queue="q") is False
    assert value(conn, "resume_queue", queue="q", partition_key="s") is True
    assert value(conn, "resume_queue", queue="q", partition_key="s") is False
    found = [held.job_id for _ in range(3) for held in claim(conn, ["q"], batch_size=size)]
    assert found == paused


def test_the_pause_of_a_key_may_end_by_itself(conn: psycopg.Connection, travel: Travel) -> None:
    value(conn, "configure_queue", queue="q", fair=True)
    enqueue(conn, queue="q", partition_key="s")
    value(conn, "pause_queue", queue="q", partition_key="s", duration="10 minutes")
    travel("9 minutes")
    assert claim(conn) == []
    travel("2 minutes")
    assert len(claim(conn)) == 1
    assert scalar(conn, "select pgq._do_step('slot', 10, true)") == 1


def test_a_key_counts_only_where_keys_have_turns(conn: psycopg.Connection) -> None:
    with refused("JQ002", "in turn"):
        value(conn, "pause_queue", queue="q", partition_key="s")
    value(conn, "configure_queue", queue="q", fair=True)
    for wrong in ("", "s" * 513):
        with refused("JQ002", "partition_key is empty"):
            value(conn, "pause_queue", queue="q", partition_key=wrong)
    enqueue(conn, queue="q", partition_key="s")
    value(conn, "pause_queue", queue="q", partition_key="s")
    value(conn, "configure_queue", queue="q", fair=False)
    assert len(claim(conn)) == 1


def test_the_jobs_of_a_paused_key_are_not_read(conn: psycopg.Connection) -> None:
    value(conn, "configure_queue", queue="q", fair=True)
    value(conn, "pause_queue", queue="q", partition_key="s")
    query = "select * from pgq.claim_batch('{q}', batch_size => 10)"

    def fill(number: int) -> int:
        conn.execute(
            "select count(*) from pgq.enqueue_many((select jsonb_agg(jsonb_build_object("
            "'task', 't', 'queue', 'q', 'partition_key', 's')) from generate_series(1, %s)))",
            (number,),
        )
        return [buffers(conn, query) for _ in range(3)][-1]

    few = fill(100)
    assert fill(5000) <= few + 20
