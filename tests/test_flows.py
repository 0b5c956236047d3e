"""Jobs after jobs, written in Python and enqueued by one call."""

from __future__ import annotations

import json
from typing import Any

import psycopg
import pytest

import pgq
from pgq.calls import jobs as calls
from pgq.testing import drain


@pytest.fixture
def client(conn: psycopg.Connection) -> pgq.Client:
    return pgq.Client(conn)


def sent(jobs: list[pgq.NewJob]) -> Any:
    return json.loads(calls.enqueue_many(jobs).parameters["jobs"])


def test_a_flow_has_every_job_once_parents_first() -> None:
    root = pgq.NewJob("root")
    left, right = pgq.NewJob("left").after(root), pgq.NewJob("right").after(root)
    tip = pgq.NewJob("tip").after(left, right, 17)
    for given in ([tip], [tip, left], [right, tip]):
        ordered = pgq.flow(*given)
        assert {id(job) for job in ordered} == {id(job) for job in (root, left, right, tip)}
        assert len(ordered) == 4
        assert ordered[0] is root
        assert ordered[-1] is tip
    assert pgq.flow() == []


@pytest.mark.slow
def test_a_long_chain_is_no_recursion() -> None:
    job = pgq.NewJob("t", {"n": 0})
    for n in range(1, 5000):
        job = pgq.NewJob("t", {"n": n}).after(job)
    assert [each["args"]["n"] for each in sent(pgq.flow(job))] == list(range(5000))


def test_parents_become_references() -> None:
    first, second = pgq.NewJob("t"), pgq.NewJob("t", ref="mine")
    third = pgq.NewJob("t", ref="own").after(first, second, 5, "own", on_parent_failure="run")
    as_sent = sent([first, second, third])
    assert as_sent[2]["depends_on"] == [as_sent[0]["ref"], "mine", 5, "own"]
    assert as_sent[2]["on_parent_failure"] == "run"
    assert third.depends_on == [first, second, 5, "own"]


def test_equal_jobs_are_two_jobs() -> None:
    first, second = pgq.NewJob("t"), pgq.NewJob("t")
    one, other = sent([first, second, pgq.NewJob("u").after(first), pgq.NewJob("u").after(second)])[
        2:
    ]
    assert one["depends_on"] != other["depends_on"]


def test_parents_that_cannot_be_named_are_refused() -> None:
    parent = pgq.NewJob("parent")
    child = pgq.NewJob("child").after(parent)
    with pytest.raises(pgq.InvalidJob, match=r"job 1: its parent .*'parent' does not come before"):
        calls.enqueue_many([child, parent])
    with pytest.raises(pgq.InvalidJob, match="job 1: its parent") as caught:
        calls.enqueue_many([child])
    assert "pgq.flow" in (caught.value.hint or "")
    with pytest.raises(pgq.InvalidJob, match="job 2 is a parent and is twice among"):
        calls.enqueue_many([parent, parent, child])
    for nameless in (parent, "ref"):
        with pytest.raises(pgq.InvalidJob, match="no id yet"):
            calls.enqueue(pgq.NewJob("child").after(nameless))
    with pytest.raises(pgq.InvalidJob, match="no id yet"):
        child.as_json()


def test_a_flow_runs_in_order_and_its_results_arrive(client: pgq.Client) -> None:
    registry = pgq.Registry()
    seen: list[Any] = []

    @registry.task
    def square(n: int) -> int:
        return n * n

    @registry.task(context=True)
    def add(context: pgq.Context) -> int:
        seen.extend(context.parent_results())
        with context.transaction():
            assert context.parent_results() == seen
            context.result = sum(each.result for each in seen)
        return 0

    created = client.enqueue_many(pgq.flow(add.job().after(square.job(2), square.job(3))))
    ran = drain(client, registry)
    assert [(job.task, job.result) for job in ran] == [("square", 4), ("square", 9), ("add", 13)]
    ids = [each.id for each in created]
    assert seen == [(ids[0], "succeeded", 4), (ids[1], "succeeded", 9)]
    assert client.parent_results(ids[2]) == seen
    assert client.parent_results(ids[0]) == []


def test_enqueue_takes_ids_and_what_becomes_of_the_child(client: pgq.Client) -> None:
    parent = client.enqueue("t")
    child = client.enqueue(pgq.NewJob("t").after(parent, on_parent_failure="run"))
    doomed = client.enqueue("t", depends_on=[parent])
    client.promote_due()
    assert [(job.id, job.parents) for job in client.blocked_jobs()] == [
        (child, [parent]),
        (doomed, [parent]),
    ]
    assert client.cancel([parent])[0].outcome == "cancelled"
    client.promote_due()
    assert [each.state for each in client.results([child, doomed])] == ["ready", "cancelled"]
