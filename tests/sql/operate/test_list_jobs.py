from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import psycopg
import pytest

from tests.servers import Travel
from tests.sql.calls import (
    Row,
    buffers,
    claim,
    claim_one,
    complete,
    enqueue,
    enqueue_many,
    fail,
    job,
    outcomes,
    refused,
    register,
    rows,
    scalar,
    value,
)
from tests.sql.operate.test_find_jobs import found, populate


def page(conn: psycopg.Connection, **options: Any) -> tuple[list[Row], int | None]:
    """Return the jobs of a page, and where to go on."""
    listed = rows(conn, "list_jobs", **options)
    looked_to = [row["looked_to"] for row in listed if row["id"] is None]
    assert all(row["looked_to"] is None for row in listed[: len(listed) - len(looked_to)])
    return [row for row in listed if row["id"] is not None], *(looked_to or [None])


def pages(conn: psycopg.Connection, **options: Any) -> Iterator[list[int]]:
    """Go through all pages, the newest or the oldest first."""
    further = "before_id" if options.get("newest_first", True) else "after_id"
    while True:
        jobs, looked_to = page(conn, **options)
        yield [row["id"] for row in jobs]
        if looked_to is None:
            return
        options[further] = looked_to


def listed(conn: psycopg.Connection, **options: Any) -> list[int]:
    return [job_id for each in pages(conn, **options) for job_id in each]


@pytest.mark.slow
@pytest.mark.parametrize("most", [1, 2, 10_000])
@pytest.mark.parametrize("size", [1, 3, 8, 50])
def test_pages_both_ways(conn: psycopg.Connection, size: int, most: int) -> None:
    made = sorted(populate(conn).values())
    limits = {"page_size": size, "max_looked_at": most}
    assert listed(conn, **limits) == made[::-1]
    assert listed(conn, newest_first=False, **limits) == made
    between = {"after_id": made[1], "before_id": made[5]}
    assert listed(conn, **between, **limits) == made[4:1:-1]
    assert listed(conn, newest_first=False, **between, **limits) == made[2:5]
    assert all(len(each) <= min(size, most) for each in pages(conn, **limits))


@pytest.mark.slow
def test_by_state(conn: psycopg.Connection) -> None:
    made = populate(conn)
    for state, job_id in made.items():
        (row,) = page(conn, states=[state])[0]
        assert (row["id"], row["state"]) == (job_id, state)
        as_seen = job(conn, job_id)
        assert {name: row[name] for name in row.keys() & as_seen.keys() - DETAILS} == {
            name: as_seen[name] for name in row.keys() & as_seen.keys() - DETAILS
        }
    assert listed(conn, states=[]) == []
    assert listed(conn, states=["failed", "ready"]) == sorted(
        [made["failed"], made["ready"]], reverse=True
    )


DETAILS = {"args", "headers", "errors", "result"}


@pytest.mark.slow
def test_details_are_left_out_unless_they_are_asked_for(conn: psycopg.Connection) -> None:
    made = populate(conn)
    enqueue(conn, args='{"a": 1}', headers='{"h": 2}')
    for row in page(conn)[0]:
        assert {row[name] for name in DETAILS} == {None}
    for row in page(conn, details=True)[0]:
        as_seen = job(conn, row["id"])
        assert {name: row[name] for name in DETAILS} == {name: as_seen[name] for name in DETAILS}
    assert len(made) + 1 == len(page(conn)[0])


def test_the_last_error_in_a_line(conn: psycopg.Connection) -> None:
    enqueue(conn, max_attempts=1)
    fail(conn, claim_one(conn), messages=["x" * 300 + "\nmore"], error_types=["OSError"])
    (row,) = page(conn)[0]
    assert (row["error_type"], row["error_message"]) == ("OSError", "x" * 200 + " ...")
    enqueue(conn)
    row = page(conn)[0][0]
    assert (row["error_type"], row["error_message"]) == (None, None)


def test_what_blocked_jobs_wait_for(conn: psycopg.Connection) -> None:
    parent = enqueue(conn)
    child = enqueue(conn, depends_on=[parent])
    for _ in range(2):
        enqueue(conn, concurrency_key="k")
    rows(conn, "promote_due")
    waiting, holder, blocked, free = page(conn)[0]
    assert (waiting["waits_for"], waiting["concurrency_key"]) == ("semaphore", "k")
    assert (holder["waits_for"], holder["concurrency_key"]) == (None, "k")
    assert (blocked["id"], blocked["waits_for"], blocked["parents"]) == (child, "parents", [parent])
    assert free["id"] == parent and free["waits_for"] is None


@pytest.mark.parametrize(
    "options",
    [
        {"queue": "mail"},
        {"task": "send"},
        {"unique_key": "k"},
        {"concurrency_key": "c"},
        {"partition_key": "p"},
        {"batch_id": 0},
        {"worker_id": 0},
        {"error_type": "OSError"},
        {"headers": '{"tenant": 1}'},
        {"args": '{"user": {"id": 7}}'},
        {"args": '{"big": 12345678901234567890}'},
        {"queue": "mail", "task": "send", "states": ["ready", "running", "failed"]},
    ],
    ids=str,
)
def test_filters(conn: psycopg.Connection, options: dict[str, Any]) -> None:
    """All of them at once, each state, and all three functions."""
    batch_id, worker_id = value(conn, "create_batch"), register(conn)
    fits: dict[str, Any] = {
        "queue": "mail",
        "task": "send",
        "headers": '{"tenant": 1, "more": 2}',
        "args": '{"user": {"id": 7, "name": "x"}, "big": 12345678901234567890}',
        "batch_id": batch_id,
        "partition_key": "p",
        "concurrency_key": "c",
    }
    for final in (True, False):
        enqueue(conn, unique_key="k", **fits)
        rows(conn, "promote_due")
        held = claim_one(conn, worker_id=worker_id)
        fail(conn, held, error_types=["OSError"], messages=["x"], final=[final])
    ended = enqueue(conn, **fits)
    for _ in range(2):
        rows(conn, "promote_due")
        held = claim_one(conn, worker_id=worker_id)
        if held.job_id == ended:
            complete(conn, held)
            enqueue(conn, **fits)
    for n in range(3):
        enqueue(conn, args='{"user": {"id": 8}}', headers='{"tenant": 2}', queue=f"post{n}")
    replaced = {"batch_id": batch_id, "worker_id": worker_id}
    options = {name: replaced.get(name, given) for name, given in options.items()}
    expected = {
        "queue": "job.queue = %(queue)s",
        "task": "job.task = %(task)s",
        "unique_key": "job.unique_key = %(unique_key)s",
        "concurrency_key": "job.concurrency_key = %(concurrency_key)s",
        "partition_key": "job.partition_key = %(partition_key)s",
        "batch_id": "job.batch_id = %(batch_id)s",
        "worker_id": "job.worker_id = %(worker_id)s",
        "error_type": "job.errors -> -1 ->> 'type' = %(error_type)s",
        "headers": "job.headers @> %(headers)s::jsonb",
        "args": "job.args @> %(args)s::jsonb",
        "states": "job.state = any(%(states)s)",
    }
    query = " and ".join(expected[name] for name in options)
    wanted = conn.execute(
        f"select job.id from pgq.all_jobs as job where {query} order by 1".encode(), options
    )
    ids = [job_id for (job_id,) in wanted]
    assert ids and len(ids) < scalar(conn, "select count(*) from pgq.all_jobs")
    assert found(conn, **options) == ids
    assert listed(conn, **options, max_looked_at=2) == ids[::-1]
    assert rows(conn, "estimate_jobs", **options)[0]["jobs"] == len(ids)


@pytest.mark.slow
def test_by_times(conn: psycopg.Connection, travel: Travel) -> None:
    old = populate(conn)
    travel("2 days")
    noon = scalar(conn, "select pgq._now()")
    new = enqueue(conn)
    complete(conn, *claim(conn, batch_size=100))
    ended = sorted(old[name] for name in ("failed", "succeeded", "expired", "cancelled"))
    by_now = sorted([old["ready"], new])
    assert listed(conn, finished_before=noon) == ended[::-1]
    assert listed(conn, finished_after=noon) == by_now[::-1]
    assert listed(conn, finished_after=noon, states=["ready"]) == []
    assert listed(conn, created_after=noon) == [new]
    assert listed(conn, created_before=noon) == sorted(old.values(), reverse=True)
    long_ago = noon - timedelta(days=1)
    assert listed(conn, finished_before=noon, finished_after=long_ago) == []
    assert listed(conn, finished_after="-infinity", finished_before="infinity") == sorted(
        [*ended, *by_now], reverse=True
    )


def test_it_says_how_far_it_looked(conn: psycopg.Connection) -> None:
    rare = enqueue(conn, "rare")
    made = [made for made, _ in enqueue_many(conn, *[{"task": "usual"}] * 500)]
    jobs, looked_to = page(conn, task="rare", max_looked_at=100)
    assert (jobs, looked_to) == ([], made[-100])
    assert listed(conn, task="rare", max_looked_at=100) == [rare]
    jobs, looked_to = page(conn, task="usual", page_size=3, max_looked_at=100)
    assert ([row["id"] for row in jobs], looked_to) == (made[:-4:-1], made[-3])
    assert page(conn, task="rare", max_looked_at=502) == (page(conn, task="rare")[0], None)


@pytest.mark.slow
@pytest.mark.parametrize(
    "options",
    [
        {"states": ["ready", "done"]},
        {"states": [None]},
        {"page_size": 0},
        {"page_size": 1001},
        {"max_looked_at": 0},
        {"max_looked_at": 1_000_001},
        {"states": ["ready"] * 100_001},
    ],
    ids=lambda options: str(options)[:30],
)
def test_what_is_refused(conn: psycopg.Connection, options: dict[str, Any]) -> None:
    with refused("JQ002"):
        page(conn, **options)


@pytest.mark.parametrize("text", ["{", "", '"\\u0000"', "1e400000", "[" * 20000])
@pytest.mark.parametrize("name", ["headers", "args"])
def test_json_that_is_none(conn: psycopg.Connection, name: str, text: str) -> None:
    with refused("JQ001", name):
        page(conn, **{name: text})


@pytest.mark.slow
def test_null_is_the_default(conn: psycopg.Connection) -> None:
    made = sorted(populate(conn).values(), reverse=True)
    names = scalar(
        conn,
        "select proargnames[1:pronargs] from pg_proc where proname = 'list_jobs'"
        " and pronamespace = 'pgq'::regnamespace",
    )
    jobs, looked_to = page(conn, **dict.fromkeys(names))
    assert ([row["id"] for row in jobs], looked_to) == (made, None)


def test_ids_at_the_ends_of_the_range(conn: psycopg.Connection) -> None:
    job_id = enqueue(conn)
    least, most = -(2**63), 2**63 - 1
    for ends in ({"after_id": least, "before_id": most}, {"after_id": least}, {"before_id": most}):
        assert listed(conn, **ends) == listed(conn, newest_first=False, **ends) == [job_id]
    for ends in ({"after_id": most}, {"before_id": least}, {"after_id": 7, "before_id": 2}):
        assert listed(conn, **ends) == listed(conn, newest_first=False, **ends) == []


def test_names_are_data(conn: psycopg.Connection) -> None:
    hostile = "'; drop schema pgq; --\n%s {} \\ ☃"
    job_id = enqueue(conn, hostile, queue=hostile, partition_key=hostile)
    enqueue(conn)
    assert listed(conn, task=hostile, queue=hostile, partition_key=hostile) == [job_id]
    assert listed(conn, error_type=hostile, args=json.dumps({hostile: 1})) == []


def test_a_job_that_moves_between_pages_comes_once(conn: psycopg.Connection) -> None:
    """Its id stays, so a later page has only older ones, whatever state they are in by then."""
    made = [enqueue(conn) for _ in range(6)]
    going = pages(conn, page_size=2)
    seen = next(going)
    complete(conn, *claim(conn, batch_size=3))
    fail(conn, claim_one(conn))
    seen += next(going)
    outcomes(conn, "cancel", *made)
    enqueue(conn)
    assert seen + [job_id for each in going for job_id in each] == made[::-1]


@pytest.mark.slow
@pytest.mark.parametrize("newest_first", [True, False])
def test_a_page_of_a_queue_reads_no_more_than_it_needs(
    conn: psycopg.Connection, newest_first: bool
) -> None:
    """An index leads to thousands of jobs, and each is read by its id: those of a page are few."""
    jobs = [{"task": "work", "queue": "long", "priority": n % 7} for n in range(3000)]
    made = sorted(job_id for job_id, _ in enqueue_many(conn, *jobs))
    options = {"queue": "long", "states": ["ready"], "newest_first": newest_first}
    assert listed(conn, **options, page_size=300) == (made[::-1] if newest_first else made)
    query = "select * from pgq.list_jobs('long', states => '{ready}', newest_first => %s)"
    assert buffers(conn, query, newest_first) < 3000
