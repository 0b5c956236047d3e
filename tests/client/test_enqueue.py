"""What Python hands over is what the database stores."""

from __future__ import annotations

import copy
import pickle
import uuid
from dataclasses import FrozenInstanceError, fields, replace
from datetime import UTC, datetime, timedelta
from inspect import signature
from typing import Any

import psycopg
import pytest

import pgq
from pgq.calls import jobs as calls


@pytest.fixture
def client(conn: psycopg.Connection) -> pgq.Client:
    return pgq.Client(conn)


registry = pgq.Registry()


@registry.task(queue="mail", priority=3, max_attempts=7, timeout=30, backoff=["1s", 60])
def send(user_id: int, *, subject: str = "") -> None:
    """Send a mail."""


def test_every_option_arrives(client: pgq.Client) -> None:
    run_at = datetime(2030, 1, 2, 3, 4, 5, 678, tzinfo=UTC)
    job_id = client.enqueue(
        "send",
        {"user_id": 1},
        queue="mail",
        priority=-5,
        run_at=run_at,
        max_attempts=3,
        timeout=timedelta(milliseconds=1500),
        expires_in="2 hours",
        unique_key="k",
        on_conflict="raise",
        headers={"trace": "ü"},
    )
    job = client.job(job_id)
    assert job is not None
    assert (job.state, job.task, job.queue, job.priority) == ("scheduled", "send", "mail", -5)
    assert (job.run_at, job.max_attempts, job.unique_key) == (run_at, 3, "k")
    assert job.timeout == timedelta(seconds=1.5)
    assert job.expires_at == run_at + timedelta(hours=2)
    assert (job.args, job.headers) == ({"user_id": 1}, {"trace": "ü"})


def test_a_task_gives_its_options_and_the_call_goes_before_them(client: pgq.Client) -> None:
    by_task = client.job(client.enqueue(send, {"user_id": 1}))
    by_job = client.job(client.enqueue(send.job(1, subject="x"), queue="other", priority=0))
    assert by_task
    assert by_job
    assert (by_task.task, by_task.queue, by_task.priority) == ("send", "mail", 3)
    assert (by_task.max_attempts, by_task.timeout) == (7, timedelta(seconds=30))
    assert (by_job.queue, by_job.priority, by_job.max_attempts) == ("other", 0, 7)
    assert by_job.args == {"args": [1], "kwargs": {"subject": "x"}}


def test_enqueue_many_takes_the_same_jobs(client: pgq.Client, conn: psycopg.Connection) -> None:
    run_at = datetime(2030, 1, 1, tzinfo=UTC)
    created = client.enqueue_many(
        [
            send.job(1),
            pgq.NewJob("other", [1, "two"], delay=timedelta(days=1), headers={"a": None}),
            pgq.NewJob("other", unique_key="k", run_at=run_at, backoff={"base": timedelta(0)}),
            pgq.NewJob("other", unique_key="k"),
        ]
    )
    assert [each.created for each in created] == [True, True, True, False]
    assert created[2].id == created[3].id
    jobs = {job.id: job for job in client.list_jobs(details=True).jobs}
    assert len(jobs) == 3
    assert jobs[created[1].id].run_at - jobs[created[1].id].created_at == timedelta(hours=24)
    assert jobs[created[2].id].run_at == run_at
    backoffs = dict(conn.execute("select task, backoff -> 'delays' from pgq.jobs").fetchall())
    assert backoffs["send"] == [1, 60]


def test_a_day_is_24_hours_also_when_the_clocks_change(connect: Any) -> None:
    session = connect()
    session.execute("set timezone = 'America/New_York'")
    client = pgq.Client(session)
    # 25 hours lie between the same time of these two days.
    start = datetime(2026, 10, 31, 16, tzinfo=UTC)
    row = session.execute(
        "select %s::timestamptz + %s::interval",
        (start, calls.enqueue("t", delay=timedelta(days=1)).parameters["delay"]),
    ).fetchone()
    assert row[0] == start + timedelta(hours=24)
    assert client.list_jobs(details=True).jobs == []


@pytest.mark.slow
def test_enqueue_many_takes_a_hundred_thousand_jobs(client: pgq.Client) -> None:
    created = client.enqueue_many([pgq.NewJob("t", {"n": n}) for n in range(100_000)])
    assert len(created) == 100_000
    assert [(each.state, each.jobs) for each in client.count_jobs("default")] == [
        ("ready", 100_000)
    ]


@pytest.mark.slow
@pytest.mark.parametrize(
    "value",
    [
        {}, [], [None, True, -0.5, 10**30], {"": {"deep": [[[]]]}}, {"a": "\\u0000"},
        {"a": "\\\\u0000"}, {"a": "%s %(x)s {schema}"}, {"a": "'\"\\\n\t\x7f\u2028😀"},
        {"kwargs": {}}, {"args": [1]},
    ],
)  # fmt: skip
def test_args_come_back_as_they_were(client: pgq.Client, value: Any) -> None:
    job = client.job(client.enqueue("t", value))
    assert job is not None
    assert job.args == value


@pytest.mark.parametrize(
    ("value", "says"),
    [
        (float("nan"), "not JSON"),
        (float("inf"), "not JSON"),
        ("a\0b", "NUL"),
        ("\\\0", "NUL"),
        ("\ud800", "surrogate"),
        ({1, 2}, "not JSON"),
        (b"bytes", "not JSON"),
        (uuid.uuid4(), "not JSON"),
        ({(1, 2): 3}, "not JSON"),
        # JSON writes both keys alike, and one of the two would be lost.
        ({1: 3, "1": 4}, "a dict's keys are not all strings"),
        ([{None: 3, "null": 4}], "a dict's keys are not all strings"),
        ({True: 3, "true": 4}, "a dict's keys are not all strings"),
        ({float("nan"): 3}, "not JSON"),
    ],
)
def test_values_that_are_not_json_are_refused_before_they_are_sent(
    client: pgq.Client, value: Any, says: str
) -> None:
    for send_it in (
        lambda: client.enqueue("t", {"a": value}),
        lambda: client.enqueue("t", headers={"a": value}),
        lambda: client.enqueue_many([pgq.NewJob("t", {"a": value})]),
    ):
        with pytest.raises(pgq.InvalidJob, match=says):
            send_it()
    assert client.list_jobs(details=True).jobs == []


@pytest.mark.slow
def test_deep_and_circular_values_are_refused(client: pgq.Client) -> None:
    circle: list[Any] = []
    circle.append(circle)
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    for value in (circle, deep):
        with pytest.raises(pgq.InvalidJob, match="not JSON"):
            client.enqueue("t", value)


def test_a_naive_time_is_refused(client: pgq.Client) -> None:
    with pytest.raises(pgq.InvalidJob, match="no time zone"):
        client.enqueue("t", run_at=datetime(2030, 1, 1))  # noqa: DTZ001
    with pytest.raises(pgq.InvalidJob, match="no time zone"):
        client.enqueue_many([pgq.NewJob("t", run_at=datetime(2030, 1, 1))])  # noqa: DTZ001


@pytest.mark.parametrize("delay", [-1, float("inf"), timedelta.max, timedelta.min, "-1 second"])
def test_delays_out_of_range_are_refused_by_the_server(client: pgq.Client, delay: Any) -> None:
    with pytest.raises(pgq.InvalidJob, match="delay is negative, infinite or over") as caught:
        client.enqueue("t", delay=delay)
    assert caught.value.hint


def test_not_a_number_is_refused(client: pgq.Client) -> None:
    with pytest.raises(pgq.InvalidJob, match="not a number"):
        client.enqueue("t", delay=float("nan"))


def test_the_first_bad_job_of_many_is_named(client: pgq.Client) -> None:
    jobs = [pgq.NewJob("t", {"n": n}) for n in range(3)]
    bad = pgq.NewJob("t", {"a": {1, 2}})
    for given, place in (([*jobs, bad, bad], 4), ([bad, *jobs], 1)):
        with pytest.raises(pgq.InvalidJob, match=f"^job {place}: not JSON"):
            client.enqueue_many(given)


def test_a_new_job_is_a_plain_value() -> None:
    job = pgq.NewJob("t", {"a": 1}, queue="mail", priority=3, unique_key=None)
    assert job == pgq.NewJob(task="t", args={"a": 1}, queue="mail", priority=3)
    assert (job.unique_key, pgq.NewJob("t").args, pgq.NewJob("t").queue) == (None, {}, None)
    assert pgq.NewJob("t").args is not pgq.NewJob("t").args
    assert pickle.loads(pickle.dumps(job)) == copy.deepcopy(job) == replace(job) == job
    assert repr(job).startswith("NewJob(task='t', args={'a': 1}, queue='mail', priority=3, run_at=")
    assert job.changed(queue="other", priority=None) == replace(job, queue="other") != job
    assert {*signature(pgq.NewJob).parameters} == {option.name for option in fields(job)}
    with pytest.raises(FrozenInstanceError):
        job.queue = "other"  # type: ignore[misc]
    wrong: list[dict[str, Any]] = [{"colour": 1}, {"args": {}}, {"queue": "twice"}, {"task": "u"}]
    for options in wrong:
        with pytest.raises(TypeError, match=r"NewJob\.__init__|_init_of_given"):
            pgq.NewJob("t", {}, "q", **options)
    with pytest.raises(TypeError, match="task"):
        pgq.NewJob()  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="colour"):
        job.changed(colour="red")


def test_a_task_may_be_unique_by_its_args(client: pgq.Client) -> None:
    @pgq.Registry().task(unique_by="args", on_conflict="discard")
    def resize(image: int, *, width: float = 0) -> None: ...

    first = client.enqueue(resize, {"image": 7, "width": 1})
    assert first is not None
    assert client.enqueue(resize, {"width": 1.0, "image": 7}) is None
    assert client.enqueue(resize, {"image": 7}, on_conflict="return") not in (None, first)
    assert client.enqueue_many([resize.job(image=7, width=1)])[0].created is False
    job = client.job(client.enqueue(resize, {"image": 7}, unique_key="mine", on_conflict="return"))
    assert job is not None and job.unique_key == "mine"
    assert [each.change for each in client.sync_tasks("here", [resize])] == ["added"]
    assert client.enqueue("resize", {"image": 7, "width": 1}) is None
    client.subscribe("images", resize)  # which has no key of a single event
    assert [each.id for each in client.publish("images", {"image": 7, "width": 1})] == [None]
    with pytest.raises(pgq.InvalidArgument, match="both unique_by and unique_key"):
        pgq.Registry().task(unique_by="args", unique_key="{image}")(resize.handler)


def test_args_are_merged_into_a_waiting_job(client: pgq.Client) -> None:
    @pgq.Registry().task(unique_key="pages", unique_while="queued", on_conflict="merge")
    def index(ids: list[int]) -> None: ...

    first = client.enqueue(index, {"ids": [1, 2]}, delay=10, max_wait=timedelta(seconds=5))
    (again,) = client.enqueue_many([index.job(ids=[3]).changed(delay=10, max_wait=5)])
    assert (again.id, again.created) == (first, False)
    job = client.job(first)
    assert job is not None and job.args == {"ids": [1, 2, 3]}
    assert job.run_at == job.created_at + timedelta(seconds=5)
    with pytest.raises(pgq.InvalidJob, match="args have no names"):
        client.enqueue(index, [[4]])
