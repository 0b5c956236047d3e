"""Fair queues: claims serve the partition keys in turn."""

from __future__ import annotations

import json
import re
from collections import Counter

import psycopg
import pytest

from tests.conftest import Connect
from tests.servers import Travel
from tests.sql.calls import claim, enqueue, enqueue_many, rows, scalar, violations
from tests.sql.limits.test_max_running import limit

KEYS = "select id, coalesce(partition_key, '-') from pgq.jobs"


def load(conn: psycopg.Connection, key: str | None, jobs: int) -> None:
    """Put many ready jobs of a key into the default queue."""
    conn.execute(
        "with made as (insert into pgq.jobs (queue, task, priority, max_attempts, run_at,"
        " created_at, partition_key, args) select 'default', 'work', 0, 5, pgq._now(), pgq._now(),"
        " %s, '{}' from generate_series(1, %s) returning id)"
        " insert into pgq.ready (queue, priority, job_id, task, ready_at, partition_key)"
        " select 'default', 0, id, 'work', pgq._now(), coalesce(%s, pgq._tenant_key('default'))"
        " from made",
        (key, jobs, key),
    )


def served(conn: psycopg.Connection, batch_size: int, **options: object) -> list[str]:
    """Claim from the default queue; return the keys of what came, sorted."""
    ids = [held.job_id for held in claim(conn, ["default"], batch_size, **options)]
    return sorted(key for _, key in conn.execute(f"{KEYS} where id = any(%s)".encode(), (ids,)))


@pytest.mark.slow
def test_a_hundred_thousand_jobs_do_not_starve_ten(conn: psycopg.Connection) -> None:
    limit(conn, fair=True)
    load(conn, "big", 100_000)
    load(conn, "small", 10)
    assert Counter(served(conn, 20)) == {"big": 10, "small": 10}
    assert Counter(served(conn, 20)) == {"big": 20}


@pytest.mark.parametrize("keys", ["abc", "abcdefghij"])
def test_one_at_a_time_goes_round(conn: psycopg.Connection, keys: str) -> None:
    limit(conn, fair=True)
    for key in keys:
        load(conn, key, 5)
    taken = "".join(served(conn, 1)[0] for _ in range(3 * len(keys)))
    assert taken == keys * 3


def test_a_batch_that_does_not_divide_favours_nobody(conn: psycopg.Connection) -> None:
    limit(conn, fair=True)
    for key in "abc":
        load(conn, key, 100)
    total = Counter[str]()
    for _ in range(6):
        total.update(served(conn, 10))
    assert total == {"a": 20, "b": 20, "c": 20}


@pytest.mark.slow
def test_a_thousand_tenants(conn: psycopg.Connection) -> None:
    limit(conn, fair=True)
    load(conn, "t0500", 5000)
    enqueue_many(conn, *[{"task": "work", "partition_key": f"t{n:04}"} for n in range(1000)])
    first = [key for _ in range(10) for key in served(conn, 100)]
    assert sorted(first) == [f"t{n:04}" for n in range(1000)]
    assert served(conn, 7) == ["t0500"] * 7


@pytest.mark.slow
def test_what_small_tenants_leave_goes_to_the_others(conn: psycopg.Connection) -> None:
    limit(conn, fair=True)
    for key, jobs in (("a", 2), ("b", 200), ("c", 3), ("d", 200), ("e", 1)):
        load(conn, key, jobs)
    assert Counter(served(conn, 100)) == {"a": 2, "b": 47, "c": 3, "d": 47, "e": 1}


def test_the_batch_is_filled_and_the_rest_comes(conn: psycopg.Connection) -> None:
    limit(conn, fair=True)
    for key, jobs in (("a", 30), ("b", 1), (None, 4)):
        load(conn, key, jobs)
    assert len(served(conn, 33)) == 33
    assert len(served(conn, 33)) == 2
    assert served(conn, 33) == []


@pytest.mark.slow
def test_jobs_without_a_key_are_a_tenant(conn: psycopg.Connection) -> None:
    limit(conn, fair=True)
    load(conn, "a", 1000)
    enqueue(conn)
    enqueue_many(conn, *[{"task": "work"}] * 3)
    enqueue(conn, delay="0 seconds")
    assert Counter(served(conn, 4)) == {"a": 2, "-": 2}
    assert Counter(served(conn, 8)) == {"a": 5, "-": 3}


def test_jobs_from_before_the_queue_was_fair(conn: psycopg.Connection) -> None:
    load(conn, "a", 10)
    enqueue(conn)
    limit(conn, fair=True)
    assert served(conn, 2) == ["-", "a"]


def test_a_job_of_a_transaction_that_did_not_know_is_found(
    conn: psycopg.Connection, connect: Connect, travel: Travel
) -> None:
    session = connect(autocommit=False)
    job_id = enqueue(session)
    limit(conn, fair=True)
    session.commit()
    travel("2 minutes")
    rows(conn, "maintain")
    assert [held.job_id for held in claim(conn)] == [job_id]


def test_a_queue_that_is_fair_no_more(conn: psycopg.Connection) -> None:
    limit(conn, fair=True)
    ids = [enqueue(conn, partition_key=key) for key in ("b", None, "a", "b")]
    limit(conn, fair=False)
    assert [held.job_id for held in claim(conn, batch_size=3)] == ids[:3]
    assert scalar(conn, "select count(*) from pgq.queue_limits") == 0


def test_priorities_hold_within_a_tenant(conn: psycopg.Connection) -> None:
    limit(conn, fair=True)
    late = enqueue(conn, partition_key="a", priority=5)
    enqueue(conn, partition_key="b", priority=-9)
    soon = enqueue(conn, partition_key="a", priority=1)
    taken = [claim(conn, batch_size=1)[0].job_id for _ in range(3)]
    assert [job_id for job_id in taken if job_id in (late, soon)] == [soon, late]


def test_expired_and_unknown_jobs_in_front(conn: psycopg.Connection, travel: Travel) -> None:
    limit(conn, fair=True)
    for _ in range(3):
        enqueue(conn, partition_key="a", expires_in="1 second", priority=-1)
        enqueue(conn, "unknown", partition_key="b", priority=-1)
    for key in "ab":
        load(conn, key, 2)
    travel("1 minute")
    assert served(conn, 1, tasks=["work"]) == ["a"]
    assert served(conn, 100, tasks=["work"]) == ["a", "b", "b"]
    assert served(conn, 100) == ["b", "b", "b"]


def test_a_tenant_that_gives_nothing_does_not_end_the_claim(conn: psycopg.Connection) -> None:
    limit(conn, fair=True)
    for number in range(40):
        enqueue(conn, "unknown", partition_key=f"a{number:02}")
    load(conn, "z", 1)
    assert served(conn, 1, tasks=["work"]) == ["z"]


def test_other_lanes_come_back_with_their_key(conn: psycopg.Connection, travel: Travel) -> None:
    limit(conn, fair=True)
    load(conn, "a", 50)
    enqueue(conn, partition_key="b", delay="1 minute")
    enqueue(conn, delay="1 minute")
    enqueue(conn, partition_key="c", concurrency_key="k")
    travel("2 minutes")
    for _ in range(2):
        rows(conn, "promote_due")
    assert Counter(served(conn, 4)) == {"-": 1, "a": 1, "b": 1, "c": 1}
    assert violations(conn) == []


def test_with_other_queues_under_a_pattern(conn: psycopg.Connection) -> None:
    limit(conn, fair=True)
    load(conn, "a", 100)
    load(conn, "b", 2)
    enqueue_many(conn, *[{"task": "work", "queue": "other", "priority": -1}] * 6)
    taken = claim(conn, ["*"], 10)
    assert Counter(held.queue for held in taken) == {"other": 6, "default": 4}
    ids = [held.job_id for held in taken if held.queue == "default"]
    keys = conn.execute("select partition_key from pgq.jobs where id = any(%s)", (ids,))
    assert Counter(key for (key,) in keys) == {"a": 2, "b": 2}


def buffers(conn: psycopg.Connection, batch_size: int) -> int:
    """Return how many pages a claim touches, by a second call: the first one plans."""
    total = 0
    for _ in range(2):
        answer = scalar(
            conn,
            "explain (analyze, buffers, format json, timing off)"
            " select * from pgq.claim_batch('{default}', batch_size => %s)",
            batch_size,
        )
        plan = (json.loads(answer) if isinstance(answer, str) else answer)[0]["Plan"]
        total = plan["Shared Hit Blocks"] + plan["Shared Read Blocks"]
    return total


@pytest.mark.slow
@pytest.mark.parametrize("batch_size", [1, 100])
def test_a_claim_costs_the_same_with_a_hundred_thousand(
    conn: psycopg.Connection, batch_size: int
) -> None:
    limit(conn, fair=True)
    for number in range(20):
        load(conn, f"t{number:02}", 50)
    few = buffers(conn, batch_size)
    load(conn, "t10", 100_000)
    many = buffers(conn, batch_size)
    assert many < 2 * few + 50, (few, many)


@pytest.mark.slow
def test_a_claim_looks_at_as_many_tenants_as_it_wants_jobs(conn: psycopg.Connection) -> None:
    limit(conn, fair=True)
    enqueue_many(conn, *[{"task": "work", "partition_key": f"t{n % 2000}"} for n in range(8000)])
    assert buffers(conn, 1) * 4 < buffers(conn, 100)
    keys = scalar(conn, "select cardinality(pgq._next_tenants('default', 't5', 't5', 16))")
    assert keys == 16


def test_tenants_go_round_from_anywhere(conn: psycopg.Connection) -> None:
    for key in ("a", "b", "c", "d"):
        load(conn, key, 2)

    def tenants(after: str, until: str, how_many: int = 9) -> str:
        query = "select array_to_string(pgq._next_tenants('default', %s, %s, %s), '')"
        return str(scalar(conn, query, after, until, how_many))

    assert tenants("", "") == "abcd"
    assert tenants("b", "b") == "cdab"
    assert tenants("b", "b", 2) == "cd"
    assert tenants("d", "b") == "ab"
    assert tenants("a", "c") == "bc"
    assert tenants("bb", "bb") == "cdab"
    assert tenants("z", "z") == "abcd"
    assert not re.search("[ab]", tenants("b", "zz"))
