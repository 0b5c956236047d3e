"""What actions do, say and take back."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from werkzeug.exceptions import Forbidden

import pgq
from pgq.contrib.web.access import ALL, Access, rights
from pgq.contrib.web.actions import ACTIONS
from pgq.contrib.web.actions.action import Done, Form, Question
from pgq.contrib.web.actions.bulk import STATES
from pgq.contrib.web.actions.perform import Operator, perform
from tests.contrib.web.actions import test_perform
from tests.contrib.web.actions.test_perform import ANN, form
from tests.contrib.web.actions.world import MINE, OTHERS, SENT, World

Do = Callable[..., Done]
world, operator, do = test_perform.world, test_perform.operator, test_perform.do


def undo(do: Do, done: Done) -> Done:
    assert done.undo is not None
    values = {name: [*value] if isinstance(value, tuple) else value
              for name, value in done.undo.values.items()}  # fmt: skip
    values.pop("confirmed", None)
    return do(done.undo.action, **values)


@pytest.mark.parametrize("name", [
    "run_schedule", "pause_schedule", "pause_queue", "resume_queue", "configure_queue",
    "pause_task", "resume_task",
    "configure_semaphore", "pause_worker", "stop_worker", "cancel", "reprioritise", "enqueue",
    "enqueue_again", "bulk_retry", "bulk_discard",
])  # fmt: skip
def test_what_has_an_undo_can_be_undone(name: str, world: World, do: Do) -> None:
    done = do(name, **SENT[name](world, MINE))
    assert done.is_well
    assert undo(do, done).is_well


def state_of(client: pgq.Client, job: int) -> str:
    found = client.job(job)
    assert found is not None
    return found.state


def test_a_cancelled_job_runs_again_after_the_undo(
    world: World, do: Do, client: pgq.Client
) -> None:
    job = world.scheduled(MINE)
    done = do("cancel", id=job)
    assert (done.said, state_of(client, job)) == ("1 cancelled.", "cancelled")
    undo(do, done)
    assert state_of(client, job) == "ready"


def test_an_old_priority_comes_back(world: World, do: Do, client: pgq.Client) -> None:
    job = client.enqueue("send", queue=MINE, priority=-3)
    done = do("reprioritise", id=job, priority=7)
    undo(do, done)
    found = client.job(job)
    assert found is not None
    assert found.priority == -3
    # That of several is not kept.
    jobs = [client.enqueue("send", queue=MINE) for _ in range(2)]
    assert do("reprioritise", id=jobs, priority=7).undo is None


def test_old_limits_come_back(do: Do, client: pgq.Client) -> None:
    first = {"max_running": 5, "rate_limit": 10, "rate_interval": "1m", "fair": "1"}
    done = do("configure_queue", queue=MINE, **first)
    assert "max running: none → 5" in done.said
    (before,) = client.queue_limits()
    assert (before.max_running, before.rate_interval, before.fair) == (
        5,
        timedelta(minutes=1),
        True,
    )
    done = do("configure_queue", queue=MINE, max_running="", rate_limit=20, fair="0")
    (changed,) = client.queue_limits()
    assert (changed.max_running, changed.rate_limit, changed.fair) == (None, 20, False)
    assert "max running: 5 → none" in done.said
    undo(do, done)
    assert client.queue_limits() == [before]


def test_a_form_with_all_limits_changes_what_differs(do: Do, client: pgq.Client) -> None:
    every = {"max_running": 5, "rate_limit": "", "rate_burst": "", "rate_per_key": "0", "fair": "0"}
    assert do("configure_queue", queue=MINE, **every).said == "Queue mail: max running: none → 5."
    assert not do("configure_queue", queue=MINE, **every).is_well
    (row,) = client.queue_limits()
    assert (row.max_running, row.rate_limit, row.fair) == (5, None, False)
    done = do("configure_queue", queue=MINE, max_running=0, fair=["0", "1"])
    assert done.said == "Queue mail: max running: 5 → 0, fair: none → yes."


def test_old_slots_come_back(do: Do, client: pgq.Client) -> None:
    def slots() -> int | None:
        return client.list_semaphores(of_key="gate")[0].max_slots

    do("configure_semaphore", concurrency_key="gate", max_slots=4)
    done = do("configure_semaphore", concurrency_key="gate", max_slots=9)
    assert (slots(), done.said) == (9, "Semaphore gate: slots 4 → 9.")
    undo(do, done)
    assert slots() == 4


def test_a_schedule_that_does_not_overlap_keeps_its_job(do: Do, client: pgq.Client) -> None:
    client.schedule("daily", "send", every=timedelta(days=1), overlap="skip")
    first = do("run_schedule", schedule="daily")
    again = do("run_schedule", schedule="daily")
    assert not again.is_well
    # Or it would cancel a job that this has not made.
    assert again.undo is None
    undo(do, first)
    assert do("run_schedule", schedule="daily").is_well


def test_a_stopped_worker_is_told_to_go_on(
    world: World, do: Do, client: pgq.Client, conn: psycopg.Connection
) -> None:
    worker = world.worker(MINE)
    done = do("stop_worker", worker=worker)
    assert [row.status for row in client.worker_status()] == ["stop"]
    undo(do, done)
    assert [row.status for row in client.worker_status()] == ["busy"]
    assert not do("pause_worker", worker=worker + 1).is_well


def test_jobs_of_other_queues_are_left_out_and_it_is_said(
    world: World, operator: Operator, client: pgq.Client
) -> None:
    mine, others = world.scheduled(MINE), world.scheduled(OTHERS)
    access = Access("ann", ALL, (MINE,))
    sent = form(id=[mine, others, 999], confirmed=1)
    done = perform(ACTIONS["cancel"], sent, access, operator)
    assert isinstance(done, Done)
    assert done.said == "1 cancelled. 2 jobs of other queues, or gone, left out."
    assert (state_of(client, mine), state_of(client, others)) == ("cancelled", "scheduled")
    with pytest.raises(Forbidden):
        perform(ACTIONS["cancel"], form(id=[others, 999], confirmed=1), access, operator)


def test_a_copy_goes_into_no_queue_of_others(world: World, operator: Operator) -> None:
    access = Access("ann", ALL, (MINE,))
    job = world.failed(MINE)
    with pytest.raises(Forbidden):
        perform(ACTIONS["enqueue_again"], form(id=job, queue=OTHERS), access, operator)
    with pytest.raises(Forbidden):
        # Without a queue it would be the default one.
        perform(ACTIONS["enqueue"], form(task="send"), access, operator)


def test_who_may_not_see_arguments_may_not_ask_for_them(world: World, operator: Operator) -> None:
    """Or the number of jobs would tell what they are, one guess after the other."""
    access = Access("ann", rights("cancel"))
    for filters in ("args.to=x", 'headers={"a":1}'):
        with pytest.raises(Forbidden):
            perform(ACTIONS["bulk_cancel"], form(filters=filters), access, operator)
    found = perform(ACTIONS["bulk_cancel"], form(filters="args.to=x"), ANN, operator)
    assert isinstance(found, Question)


@pytest.mark.parametrize("action", STATES)
def test_the_states_of_a_bulk_operation_are_those_of_the_database(
    action: Any, client: pgq.Client
) -> None:
    more: dict[str, Any] = {"priority": 1} if action == "reprioritise" else {}
    every = (
        "scheduled",
        "blocked",
        "ready",
        "running",
        "succeeded",
        "failed",
        "cancelled",
        "expired",
    )
    for state in every:
        try:
            client.bulk_start(action, states=[state], preview=True, **more)  # type: ignore[list-item]
        except pgq.InvalidArgument:
            assert state not in STATES[action]
        else:
            assert state in STATES[action]


@pytest.mark.parametrize(
    ("action", "sent", "said"),
    [
        ("retry", {}, "no job is chosen"),
        ("retry", {"id": "1; drop table"}, "is no id"),
        ("retry", {"id": "9" * 20}, "is no id"),
        ("retry", {"id": [*range(1, 1002)]}, "more than 1,000"),
        ("retry", {"id": 1, "at": "soon"}, "at is no time"),
        ("reprioritise", {"id": 1}, "priority is missing"),
        ("reprioritise", {"id": 1, "priority": "high"}, "no whole number"),
        ("reprioritise", {"id": 1, "priority": "1_0"}, "no whole number"),
        ("pause_queue", {"queue": ""}, "queue is missing"),
        ("pause_queue", {"queue": "a\0b"}, "NUL"),
        ("pause_queue", {"queue": "mail", "duration": "long"}, "no length of time"),
        ("pause_queue", {"queue": "x" * 70_000}, "too long"),
        ("configure_queue", {"queue": "mail"}, "no limit is given"),
        ("configure_queue", {"queue": "mail", "max_running": -5}, "negative"),
        ("enqueue", {"task": "send", "args": "{"}, "no JSON"),
        ("enqueue", {"task": "send", "args": "7"}, "neither an object nor an array"),
        ("enqueue_again", {"id": [1, 2]}, "one job at a time"),
        ("bulk_discard", {"filters": "queue=mail"}, "no job that matches"),
        ("bulk_cancel", {"filters": "queu=mail"}, "no such filter"),
    ],
)
def test_what_cannot_be_read_is_refused(
    action: str, sent: dict[str, Any], said: str, do: Do
) -> None:
    with pytest.raises(pgq.InvalidArgument, match=said):
        do(action, **sent)


def test_a_role_is_taken_for_an_action_alone(dsn: str, conn: psycopg.Connection) -> None:
    """A login that may become an operator, and a producer, is enough."""
    conn.execute("drop role if exists pgq_test_web")
    conn.execute("create role pgq_test_web login noinherit in role pgq_operator, pgq_producer")
    try:
        login = psycopg.conninfo.make_conninfo(dsn, user="pgq_test_web")
        bare = Operator(login, "pgq")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            perform(ACTIONS["pause_queue"], form(queue=MINE), ANN, bare)
        able = Operator(login, "pgq", role="pgq_operator", producer_role="pgq_producer")
        for action, sent in (("pause_queue", form(queue=MINE)), ("enqueue", form(task="send"))):
            assert isinstance(perform(ACTIONS[action], sent, ANN, able), Done)
        row = conn.execute("select login, actor from pgq.audit").fetchall()
        assert row == [("pgq_test_web", "ann")]
    finally:
        conn.execute("drop role pgq_test_web")


def test_what_a_form_holds_of_lines_comes_back_as_it_was() -> None:
    assert form(**{"queue~json": '"a\\nb"'}).need("queue") == "a\nb"
    assert form(**{"queue~json": "[1]"}).text("queue") is None
    assert form(**{"queue~json": "{"}).text("queue") is None
    assert isinstance(form(), Form)
