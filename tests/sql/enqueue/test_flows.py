"""Whole flows in one enqueue_many: refs; and random ones against a model."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass
from typing import Any

import psycopg
import pytest

from tests.sql.calls import Row, claim, complete, enqueue, enqueue_many, fail, refused, rows, scalar

POLICIES = (None, "cancel", "run", "wait")


def parents_of(conn: psycopg.Connection, job_id: int) -> list[int] | None:
    found: list[int] | None = scalar(conn, "select depends_on from pgq.jobs where id = %s", job_id)
    return found


def test_refs_become_ids(conn: psycopg.Connection) -> None:
    before = enqueue(conn)
    answers = enqueue_many(
        conn,
        {"task": "extract", "ref": "a"},
        {"task": "plain"},
        {"task": "extract", "ref": "b", "depends_on": [], "on_parent_failure": "run"},
        {"task": "load", "ref": "c", "depends_on": ["b", before, "a"]},
        {"task": "report", "depends_on": ["c"]},
        {"task": "keyed", "unique_key": "k", "depends_on": ["c"], "on_parent_failure": "run"},
    )
    assert all(created for _, created in answers)
    a, plain, b, c, report, keyed = (job_id for job_id, _ in answers)
    assert len({before, a, plain, b, c, report, keyed}) == 7
    assert [parents_of(conn, one) for one in (a, plain, b)] == [None] * 3
    assert parents_of(conn, c) == [b, before, a]
    assert parents_of(conn, report) == parents_of(conn, keyed) == [c]
    tasks = "select array_agg(task order by id) from pgq.jobs where id = any(%s)"
    assert scalar(conn, tasks, [a, b, c]) == ["extract", "extract", "load"]


def test_a_ref_that_nobody_names_and_a_null_one(conn: psycopg.Connection) -> None:
    answers = enqueue_many(
        conn,
        {"task": "work", "ref": "a"},
        {"task": "work", "ref": None},
        {"task": "work", "ref": None, "depends_on": None},
        {"task": "work", "ref": "1", "unique_key": None},
    )
    assert len({job_id for job_id, _ in answers}) == 4
    assert scalar(conn, "select count(*) from pgq.ready") == 4


def test_a_ref_that_looks_like_an_id(conn: psycopg.Connection) -> None:
    first = enqueue(conn)
    (named, _), (child, _) = enqueue_many(
        conn,
        {"task": "work", "ref": f"{first}"},
        {"task": "work", "depends_on": [f"{first}", first]},
    )
    assert parents_of(conn, child) == [named, first]


A: Row = {"task": "work", "ref": "a"}
CHILD: Row = {"task": "work", "depends_on": ["a"]}


@pytest.mark.parametrize(
    ("jobs", "words"),
    [
        ([A, {**CHILD, "depends_on": ["b"]}], 'job 2: depends_on names "b"'),
        ([CHILD], 'job 1: depends_on names "a"'),
        ([{"task": "work"}, CHILD, A], 'job 2: depends_on names "a"'),
        ([{**A, "depends_on": ["a"]}], 'job 1: depends_on names "a"'),
        ([A, {**CHILD, "depends_on": ["a", ""]}], 'job 2: depends_on names ""'),
        ([A, A], "job 2: ref a is given twice"),
        ([A, {"task": "work"}, A, CHILD], "job 3: ref a is given twice"),
        ([{**A, "unique_key": "k"}], "job 1: ref a is given to a job with a unique_key"),
        ([{"task": "work"}, {**A, "unique_key": "k"}, CHILD], "job 2: ref a is given to a job"),
        ([{**A, "ref": ""}], "job 1: ref is empty"),
        ([{**A, "ref": 5}], "job 1: ref is empty or not a text"),
        ([{**A, "ref": ["a"]}], "job 1: ref is empty or not a text"),
        ([{**A, "ref": {}}], "job 1: ref is empty or not a text"),
        ([A, {**CHILD, "depends_on": "a"}], "job 2: depends_on is not an array"),
        ([{**CHILD, "depends_on": "a"}], "job 1: depends_on is not an array"),
        ([A, {**CHILD, "depends_on": {"a": 1}}], "job 2: depends_on is not an array"),
        ([A, {**CHILD, "depends_on": 1}], "job 2: depends_on is not an array"),
        # Ids that refs of this call are about to get, the job's own among them.
        ([{**A, "depends_on": [1]}], "job 1: depends_on names 1"),
        ([{**A, "depends_on": [2]}, {**A, "ref": "b"}], "job 1: depends_on names 2"),
        ([A, {**CHILD, "depends_on": ["a", None]}], "job 2: depends_on names null"),
        ([A, {**CHILD, "depends_on": ["a", 1.5]}], "job 2: depends_on names 1.5"),
        ([A, {**CHILD, "depends_on": ["a", True]}], "job 2: depends_on names true"),
        ([A, {**CHILD, "depends_on": ["a", ["a"]]}], 'job 2: depends_on names ["a"]'),
        ([A, {**CHILD, "depends_on": ["a", {}]}], "job 2: depends_on names {}"),
        ([A, {**CHILD, "depends_on": ["a", 0]}], "job 2: depends_on names 0"),
        ([{"task": "work", "new_id": 5}], "job 1: new_id is not an option"),
    ],
)
def test_wrong_refs(conn: psycopg.Connection, jobs: list[Row], words: str) -> None:
    with refused("JQ001", words):
        enqueue_many(conn, *jobs)
    assert scalar(conn, "select count(*) from pgq.jobs") == 0


@pytest.mark.slow
def test_ten_thousand_refs(conn: psycopg.Connection) -> None:
    jobs: list[Row] = [{"task": "work", "ref": f"{n}"} for n in range(5000)]
    jobs += [{"task": "work", "depends_on": [f"{n}", f"{n + 1}"]} for n in range(4999)]
    jobs.append({"task": "work", "depends_on": [f"{n}" for n in range(5000)]})
    ids = [job_id for job_id, _ in enqueue_many(conn, *jobs)]
    assert parents_of(conn, ids[5007]) == [ids[7], ids[8]]
    assert parents_of(conn, ids[-1]) == ids[:5000]
    assert scalar(conn, "select count(*) from pgq.blocked") == 5000


@dataclass
class Planned:
    """A job of a random flow; parents are places, all before its own."""

    parents: list[int]
    policy: str | None
    fails: bool
    has_failed: bool = False
    fate: str = "blocked"


def plan(chance: random.Random, count: int) -> list[Planned]:
    return [
        Planned(
            parents=sorted(
                {
                    chance.randrange(max(0, place - chance.choice((5, 50, 500))), place)
                    for _ in range(chance.choice((0, 1, 1, 2, 3)))
                    if place
                }
            ),
            policy=chance.choice(POLICIES),
            fails=chance.random() < 0.1,
        )
        for place in range(count)
    ]


def foretell(jobs: list[Planned], retried: bool) -> None:
    """Say how each job ends when nothing is left to do; a job fails once at most."""
    for job in jobs:
        parents = [jobs[place] for place in job.parents]
        lost = [parent for parent in parents if parent.has_failed or parent.fate == "cancelled"]
        if lost and job.policy in (None, "cancel"):
            job.fate = "cancelled"
            continue
        waits_in_vain = job.policy == "wait" and any(
            parent.fate in ("failed", "cancelled") for parent in parents
        )
        if waits_in_vain or any(parent.fate == "blocked" for parent in parents):
            job.fate = "blocked"
            continue
        job.has_failed = job.fails
        job.fate = "failed" if job.fails and not retried else "succeeded"


def enqueue_flow(conn: psycopg.Connection, chance: random.Random, jobs: list[Planned]) -> list[int]:
    """Enqueue in several calls: parents within a call go by refs, the others by ids."""
    ids: list[int] = []
    while len(ids) < len(jobs):
        begin = len(ids)
        end = min(len(jobs), begin + chance.choice((1, 100, 700)))
        asked: list[Row] = []
        for place in range(begin, end):
            planned = jobs[place]
            row: Row = {"task": "work", "ref": f"job {place}"}
            if planned.parents:
                row["depends_on"] = [
                    f"job {parent}" if parent >= begin else ids[parent]
                    for parent in planned.parents
                ]
                row["on_parent_failure"] = planned.policy
            asked.append(row)
        ids += [job_id for job_id, _ in enqueue_many(conn, *asked)]
    return ids


def drain(conn: psycopg.Connection, chance: random.Random, failing: set[int]) -> None:
    """Work until nothing is ready and nothing is left to promote."""
    while True:
        (answer,) = rows(conn, "promote_due", batch_size=chance.choice((1, 10, 100, 1000)))
        held = claim(conn, batch_size=chance.choice((1, 20, 200)))
        if not held and answer["next_due_at"] is None:
            return
        bad = [one for one in held if one.job_id in failing]
        fail(conn, *bad, final=[True] * len(bad))
        complete(conn, *[one for one in held if one.job_id not in failing])


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2])
def test_random_flows_end_as_the_model_says(conn: psycopg.Connection, seed: int) -> None:
    chance = random.Random(seed)
    jobs = plan(chance, 2000)
    ids = enqueue_flow(conn, chance, jobs)
    places = {job_id: place for place, job_id in enumerate(ids)}

    def found() -> dict[int, Any]:
        states = conn.execute("select id, state from pgq.all_jobs").fetchall()
        return {places[job_id]: state for job_id, state in states}

    failing = {job_id for job_id, planned in zip(ids, jobs, strict=True) if planned.fails}
    drain(conn, chance, failing)
    foretell(jobs, retried=False)
    fates = {place: planned.fate for place, planned in enumerate(jobs)}
    assert set(fates.values()) == {"succeeded", "failed", "cancelled", "blocked"}
    assert found() == fates
    assert rows(conn, "verify") == []

    # Every failed job is retried, and succeeds: those that waited for that go on.
    while failed := [ids[place] for place, state in found().items() if state == "failed"]:
        rows(conn, "retry", ids=failed)
        failing -= set(failed)
        drain(conn, chance, failing)
    foretell(jobs, retried=True)
    assert found() == {place: planned.fate for place, planned in enumerate(jobs)}
    assert fates != found()
    assert scalar(conn, "select count(*) from pgq.releases") == 0


def test_the_answer_is_in_the_order_asked(conn: psycopg.Connection) -> None:
    jobs: list[Row] = [{"task": f"t{n}", **({"ref": f"{n}"} if n % 3 else {})} for n in range(50)]
    jobs += [{"task": "t50", "depends_on": ["49", "1"]}]
    answers = conn.execute("select id from pgq.enqueue_many(%s)", (json.dumps(jobs),)).fetchall()
    tasks = [
        scalar(conn, "select task from pgq.jobs where id = %s", job_id) for (job_id,) in answers
    ]
    assert tasks == [f"t{n}" for n in range(51)]
