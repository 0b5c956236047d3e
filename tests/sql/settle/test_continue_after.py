"""A claimed job that enqueues others, and runs again when they have ended."""

from __future__ import annotations

import json
from typing import Any

import psycopg
import pytest

from tests.servers import Travel
from tests.sql.calls import (
    Claim,
    claim,
    claim_one,
    complete,
    enqueue,
    fail,
    job,
    outcomes,
    rows,
    scalar,
    state,
    value,
)


def go_on(conn: psycopg.Connection, held: Claim, *jobs: dict[str, Any], **options: Any) -> str:
    given = jobs or ({"task": "part"},)
    call = {"job_id": held.job_id, "claim_id": held.claim_id, "jobs": json.dumps(given)}
    answer: str = value(conn, "continue_after", **{**call, **options})
    return answer


def parts(conn: psycopg.Connection) -> list[int]:
    found = conn.execute("select id from pgq.all_jobs where task = 'part' order by id")
    return [one for (one,) in found]


def test_it_runs_again_when_they_have_ended(conn: psycopg.Connection) -> None:
    job_id = enqueue(conn, max_attempts=1, expires_in="1 hour")
    first = claim_one(conn)
    assert go_on(conn, first, {"task": "part", "args": [1]}, {"task": "part"}) == "ok"
    assert state(conn, job_id) == "blocked" and rows(conn, "verify") == []
    found = job(conn, job_id)
    assert (found["attempt"], found["expires_at"]) == (0, None)
    held = claim(conn)
    assert [one.job_id for one in held] == parts(conn)
    assert complete(conn, held[0], results=["10"]) == ["ok"]
    assert state(conn, job_id) == "blocked"
    assert complete(conn, held[1], results=["20"]) == ["ok"]
    again = claim_one(conn)
    assert (again.job_id, again.attempt) == (job_id, 1)
    results = rows(conn, "parent_results", job_id=job_id)
    assert [(row["state"], row["result"]) for row in results] == [
        ("succeeded", 10),
        ("succeeded", 20),
    ]
    assert complete(conn, again) == ["ok"] and rows(conn, "verify") == []


def test_it_can_go_on_more_than_once(conn: psycopg.Connection) -> None:
    parent = enqueue(conn, "first")
    complete(conn, claim_one(conn))
    job_id = enqueue(conn, depends_on=[parent])
    rows(conn, "promote_due")
    for _ in range(3):
        assert go_on(conn, claim_one(conn)) == "ok"
        assert complete(conn, claim_one(conn)) == ["ok"]
    waited = scalar(conn, "select depends_on from pgq.jobs where id = %s", job_id)
    assert waited == [parent, *parts(conn)]
    assert rows(conn, "flow_graph", job_id=job_id)
    assert rows(conn, "verify") == []


@pytest.mark.parametrize(
    ("own", "given", "wanted"),
    [
        (None, None, "cancelled"),
        (None, "run", "ready"),
        ("run", None, "ready"),
        ("run", "cancel", "cancelled"),
        (None, "wait", "blocked"),
    ],
)
def test_a_part_that_fails(
    conn: psycopg.Connection, own: str | None, given: str | None, wanted: str
) -> None:
    parent = enqueue(conn, "first")
    complete(conn, claim_one(conn))
    job_id = enqueue(conn, depends_on=[parent], on_parent_failure=own)
    rows(conn, "promote_due")
    assert go_on(conn, claim_one(conn), on_parent_failure=given) == "ok"
    fail(conn, claim_one(conn), final=[True])
    rows(conn, "promote_due")
    assert state(conn, job_id) == wanted and rows(conn, "verify") == []


def test_a_stale_claim_adds_nothing(conn: psycopg.Connection) -> None:
    job_id = enqueue(conn)
    held = claim_one(conn)
    assert go_on(conn, held._replace(claim_id=held.claim_id ^ 1)) == "lost"
    assert go_on(conn, held._replace(job_id=held.job_id + 1)) == "lost"
    assert parts(conn) == [] and state(conn, job_id) == "running"
    assert go_on(conn, held) == "ok"
    assert go_on(conn, held) == "already"
    assert len(parts(conn)) == 1
    complete(conn, claim_one(conn))
    assert go_on(conn, held) == "already" and len(parts(conn)) == 1
    assert complete(conn, claim_one(conn)) == ["ok"]
    assert go_on(conn, held) == "lost" and rows(conn, "verify") == []


def test_one_that_is_cancelled_adds_nothing(conn: psycopg.Connection) -> None:
    job_id = enqueue(conn)
    held = claim_one(conn)
    outcomes(conn, "cancel", job_id)
    assert go_on(conn, held) == "cancelled"
    assert parts(conn) == [] and state(conn, job_id) == "cancelled"
    assert rows(conn, "verify") == []


def test_one_that_waits_can_be_cancelled_and_retried(conn: psycopg.Connection) -> None:
    job_id = enqueue(conn)
    go_on(conn, claim_one(conn))
    assert outcomes(conn, "cancel", job_id) == ["cancelled"]
    assert outcomes(conn, "retry", job_id) == ["retried"]
    assert state(conn, job_id) == "blocked"
    rows(conn, "promote_due")
    complete(conn, claim_one(conn))
    rows(conn, "promote_due")
    assert claim_one(conn).job_id == job_id and rows(conn, "verify") == []


def test_its_batch_waits_for_all(conn: psycopg.Connection) -> None:
    batch_id = value(conn, "create_batch", on_finish='{"task": "report"}')
    enqueue(conn, batch_id=batch_id)
    value(conn, "close_batch", batch_id=batch_id)
    go_on(conn, claim_one(conn), {"task": "part"}, {"task": "part"})
    (progress,) = rows(conn, "batch_progress", batch_id=batch_id)
    assert (progress["total"], progress["finished_at"]) == (3, None)
    complete(conn, *claim(conn))
    complete(conn, claim_one(conn))
    rows(conn, "promote_due")
    assert claim_one(conn).task == "report" and rows(conn, "verify") == []


def test_it_gives_its_semaphore_back(conn: psycopg.Connection) -> None:
    first, second = (enqueue(conn, concurrency_key="k") for _ in range(2))
    rows(conn, "promote_due")
    go_on(conn, claim_one(conn), {"task": "part", "concurrency_key": "k", "priority": -1})
    rows(conn, "promote_due")
    ends = []
    for _ in range(3):
        held = claim_one(conn)
        ends.append(held.job_id)
        complete(conn, held)
        rows(conn, "promote_due")
    assert sorted(ends) == sorted([first, second, *parts(conn)])
    assert ends[-1] == first and rows(conn, "verify") == []


def test_they_have_the_defaults_of_their_tasks_but_no_key(conn: psycopg.Connection) -> None:
    value(conn, "configure_task", task="part", priority=7, unique_key="k:{n}")
    other = enqueue(conn, "part", args='{"n": 1}', delay="1 hour")
    enqueue(conn)
    assert go_on(conn, claim_one(conn), {"task": "part", "args": {"n": 1}}) == "ok"
    found = job(conn, parts(conn)[-1])
    assert found["id"] != other and (found["priority"], found["unique_key"]) == (7, None)


@pytest.mark.parametrize(
    ("jobs", "said"),
    [
        ("no", "jobs is not valid JSON"),
        ("{}", "jobs are not a JSON array"),
        ("[]", "there are no jobs to wait for"),
        ("[1]", "job 1: is a JSON number"),
        ('[{"task": "part"}, {"task": ""}]', "job 2: "),
        ('[{"task": "part", "unique_key": "k"}]', "job 1: has the option unique_key"),
        ('[{"task": "part", "depends_on": [1]}]', "job 1: has the option depends_on"),
        ('[{"task": "part", "batch_id": 1}]', "job 1: has the option batch_id"),
        ('[{"task": "part", "ref": "r"}]', "job 1: has the option ref"),
        ('[{"task": "part", "unique_by": "args"}]', "job 1: has the option unique_by"),
        (json.dumps([{"task": "part"}] * 10001), "more than 10000 parents"),
    ],
)
def test_what_it_cannot_wait_for(conn: psycopg.Connection, jobs: str, said: str) -> None:
    job_id = enqueue(conn)
    held = claim_one(conn)
    with pytest.raises(psycopg.Error, match=said) as caught:
        go_on(conn, held, jobs=jobs)
    assert caught.value.sqlstate in ("JQ001", "JQ002") and caught.value.diag.message_hint
    assert state(conn, job_id) == "running" and parts(conn) == []


def test_wrong_words_and_strict_order_are_refused(conn: psycopg.Connection) -> None:
    enqueue(conn, concurrency_key="k", concurrency_order="continue")
    rows(conn, "promote_due")
    held = claim_one(conn)
    with pytest.raises(psycopg.Error, match="on_parent_failure is cry"):
        go_on(conn, held, on_parent_failure="cry")
    with pytest.raises(psycopg.Error, match="strict order"):
        go_on(conn, held)


@pytest.mark.slow
def test_it_counts_as_snoozed(conn: psycopg.Connection, travel: Travel) -> None:
    enqueue(conn)
    go_on(conn, claim_one(conn))
    found = scalar(conn, "select sum(jobs) from pgq.stat_deltas where outcome = 'snoozed'")
    assert found == 1
