"""What configure_task sets, and where the functions that make jobs read it."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import psycopg
import pytest

from tests.sql.calls import enqueue, enqueue_many, refused, rows, scalar, value

JOB = (
    "select queue, priority, max_attempts, timeout, expires_at - run_at, unique_key,"
    " concurrency, partition_key, backoff from pgq.jobs where id = %s"
)


def configure(conn: psycopg.Connection, task: str = "send", **options: object) -> None:
    value(conn, "configure_task", task=task, **options)


def column(conn: psycopg.Connection, name: str, job_id: int | None) -> Any:
    return scalar(conn, f"select {name} from pgq.jobs where id = %s", job_id)


def job(conn: psycopg.Connection, job_id: int) -> tuple[Any, ...]:
    found = conn.execute(JOB.encode(), (job_id,)).fetchone()
    assert found
    return found


def made_by_each(conn: psycopg.Connection, args: object, **options: object) -> list[int]:
    """Enqueue the same job by each function that makes jobs; return the ids."""
    text = json.dumps(args)
    single = enqueue(conn, "send", args=text, **options)
    ((many, _),) = enqueue_many(conn, {"task": "send", "args": args, **options})
    value(conn, "schedule", name="s", task="send", every="1 hour", args=text, **options)
    scheduled = value(conn, "run_schedule_now", name="s")
    return [single, many, scheduled]


def test_every_function_gives_what_is_set(conn: psycopg.Connection) -> None:
    configure(
        conn,
        queue="mail",
        priority=7,
        max_attempts=2,
        backoff="1 minute",
        timeout="30 seconds",
        expires_in="1 day",
        concurrency_key="account:{account}",
        concurrency_limit=3,
        partition_key="{account}",
    )
    for job_id in made_by_each(conn, {"account": 17}):
        assert job(conn, job_id) == (
            *("mail", 7, 2, timedelta(seconds=30), timedelta(days=1), None),
            {"key": "account:17", "limit": 3, "weight": 1},
            "17",
            {"kind": "constant", "base": 60, "cap": 3600, "jitter": 0},
        )
    assert rows(conn, "verify") == []


def test_a_trigger_has_them_too(conn: psycopg.Connection) -> None:
    configure(conn, queue="mail", unique_key="{table}/{operation}")
    conn.execute("create table public.orders (id integer)")
    conn.execute("create trigger t after insert on public.orders for each row"
                 " execute function pgq.enqueue_trigger('send')")  # fmt: skip
    conn.execute("insert into public.orders values (1)")
    found = conn.execute("select queue, unique_key from pgq.jobs").fetchall()
    assert found == [("mail", "public.orders/insert")]


def test_what_the_call_says_goes_first(conn: psycopg.Connection) -> None:
    configure(conn, queue="mail", priority=7, max_attempts=2, timeout="30 seconds")
    for job_id in made_by_each(conn, {}, queue="own", max_attempts=9):
        assert job(conn, job_id)[:4] == ("own", 7, 9, timedelta(seconds=30))


def test_a_job_keeps_what_it_got(conn: psycopg.Connection) -> None:
    configure(conn, queue="mail", max_attempts=2)
    before = enqueue(conn, "send")
    configure(conn, queue="other", max_attempts=3)
    after = enqueue(conn, "send")
    again = value(conn, "enqueue_again", job_id=before)
    assert [job(conn, each)[0] for each in (before, after, again)] == ["mail", "other", "mail"]
    assert [job(conn, each)[2] for each in (before, after, again)] == [2, 3, 2]


def test_other_tasks_and_null_are_left_alone(conn: psycopg.Connection) -> None:
    configure(conn, queue="mail", priority=1)
    configure(conn, queue=None, timeout="1 minute")
    assert job(conn, enqueue(conn, "send"))[:2] == ("mail", 1)
    assert job(conn, enqueue(conn, "Send"))[:2] == ("default", 0)
    plain, other = enqueue_many(conn, {"task": "work"}, {"task": "send", "priority": None})
    assert job(conn, plain[0])[:2] == ("default", 0)
    assert job(conn, other[0])[:2] == ("mail", 1)


def test_reset_takes_back(conn: psycopg.Connection) -> None:
    configure(conn, queue="mail", priority=1, timeout="1 minute")
    configure(conn, reset=["queue"], priority=2)
    assert job(conn, enqueue(conn, "send"))[:2] == ("default", 2)
    configure(conn, reset=["all"])
    assert job(conn, enqueue(conn, "send"))[1:4] == (0, 5, None)
    configure(conn, reset=[], queue="again")
    assert job(conn, enqueue(conn, "send"))[0] == "again"


@pytest.mark.parametrize(
    ("args", "key"),
    [
        ({"a": 1, "b": "x"}, "{k}1-x-"),
        ({"a": True, "b": 1.50}, "{k}true-1.5-"),
        ({"args": [], "kwargs": {"a": "ä", "b": "{a}"}}, "{k}ä-{a}-"),
        ({"a": None, "b": 1}, None),
    ],
    ids=str,
)
def test_keys_are_templates_over_args(
    conn: psycopg.Connection, args: object, key: str | None
) -> None:
    configure(conn, unique_key="{{k}}{a}-{b}-", unique_for="1 hour", on_conflict="discard")
    assert column(conn, "unique_key", enqueue(conn, "send", args=json.dumps(args))) == key
    assert scalar(conn, "select count(*) from pgq.key_windows") == (1 if key else 0)


def test_positional_arguments_have_their_place_as_name(conn: psycopg.Connection) -> None:
    configure(conn, partition_key="{0}/{1}")
    for args in (["a", 2], {"args": ["a", 2], "kwargs": {"other": 1}}):
        assert column(conn, "partition_key", enqueue(conn, "send", args=json.dumps(args))) == "a/2"


@pytest.mark.parametrize("args", [{}, {"account": {"id": 1}}, {"account": [1]}, [17]], ids=str)
def test_a_key_that_cannot_be_made_is_refused(conn: psycopg.Connection, args: object) -> None:
    configure(conn, concurrency_key="account:{account}")
    with refused("JQ001", 'concurrency_key of task send is the template "account:{account}"'):
        enqueue(conn, "send", args=json.dumps(args))
    with refused("JQ001", "job 2: concurrency_key of task send"):
        enqueue_many(conn, {"task": "work"}, {"task": "send", "args": args})
    assert enqueue(conn, "send", args=json.dumps(args), concurrency_key="mine")
    assert scalar(conn, "select count(*) from pgq.jobs") == 1


def test_a_call_with_its_own_key_brings_the_options_of_the_key(conn: psycopg.Connection) -> None:
    configure(
        conn,
        unique_key="u",
        unique_for="1 hour",
        on_conflict="raise",
        concurrency_key="c",
        concurrency_limit=5,
    )
    enqueue(conn, "send", unique_key="mine", concurrency_key="mine")
    assert enqueue(conn, "send", unique_key="mine", concurrency_key="mine")
    assert column(conn, "concurrency ->> 'limit'", scalar(conn, "select id from pgq.jobs")) == "1"
    enqueue(conn, "send")
    with refused("JQ003"):
        enqueue(conn, "send")


def test_options_of_a_key_without_a_key_are_left_out(conn: psycopg.Connection) -> None:
    configure(conn, unique_for="1 hour", concurrency_limit=5)
    job_id = enqueue(conn, "send")
    assert job(conn, job_id)[5:7] == (None, None)


def test_a_schedule_that_skips_has_its_own_key(conn: psycopg.Connection) -> None:
    configure(conn, unique_key="u", unique_for="1 day", on_conflict="raise")
    value(conn, "schedule", name="s", task="send", every="1 hour", overlap="skip")
    job_id = value(conn, "run_schedule_now", name="s")
    assert value(conn, "run_schedule_now", name="s") == job_id
    assert column(conn, "unique_key", job_id) == "schedule:s"
    assert scalar(conn, "select count(*) from pgq.key_windows") == 0


def test_the_follow_up_of_a_batch_gets_them_when_the_batch_is_made(
    conn: psycopg.Connection,
) -> None:
    configure(conn, queue="mail", unique_key="u")
    batch = value(conn, "create_batch", on_finish=json.dumps({"task": "send"}))
    configure(conn, queue="late", partition_key="{missing}")
    value(conn, "close_batch", batch_id=batch)
    rows(conn, "promote_due")
    assert conn.execute("select queue, unique_key from pgq.jobs").fetchall() == [("mail", None)]
    with refused("JQ001"):
        value(conn, "create_batch", on_finish=json.dumps({"task": "send"}))


@pytest.mark.parametrize(
    "options",
    [
        {"task": None},
        {"task": ""},
        {"task": "t" * 257},
        {"queue": ""},
        {"queue": "q" * 129},
        {"priority": 2**31},
        {"max_attempts": 0},
        {"backoff": "sometimes"},
        {"timeout": "0"},
        {"timeout": "2 years"},
        {"expires_in": "-1 day"},
        {"unique_key": ""},
        {"unique_key": "{"},
        {"unique_key": "a}b"},
        {"unique_key": "{}"},
        {"unique_key": "{a.b}"},
        {"unique_key": "{a[0]}"},
        {"unique_key": "{a!r}"},
        {"unique_key": "{a:>5}"},
        {"unique_key": "{{a}"},
        {"unique_key": "k" * 513},
        {"on_conflict": "perhaps"},
        {"concurrency_key": "{a}{"},
        {"concurrency_limit": 0},
        {"concurrency_limit": 2, "concurrency_weight": 3},
        {"concurrency_duration": "1 millisecond"},
        {"concurrency_on_conflict": "wait"},
        {"partition_key": "{"},
        {"unique_while": "once"},
        {"unique_for": "101 years"},
        {"reset": ["args"]},
        {"reset": [None]},
        {"reset": ["Queue"]},
    ],
    ids=lambda options: str(options)[:40],
)
def test_what_is_refused(conn: psycopg.Connection, options: dict[str, Any]) -> None:
    with refused("JQ002"):
        value(conn, "configure_task", **{"task": "send", **options})
    assert scalar(conn, "select count(*) from pgq.tasks") == 0


def test_nothing_of_a_template_is_run(conn: psycopg.Connection) -> None:
    evil = "'); drop table pgq.jobs; --{a}%s\\1&"
    configure(conn, unique_key=evil)
    job_id = enqueue(conn, "send", args='{"a": "{b}\\\\0$1"}')
    assert column(conn, "unique_key", job_id) == evil.replace("{a}", "{b}\\0$1")


def test_a_plain_job_looks_at_no_task_before_one_is_configured(conn: psycopg.Connection) -> None:
    conn.execute("drop table pgq.tasks cascade")
    enqueue(conn)
    enqueue_many(conn, {"task": "work"}, {"task": "work", "priority": 1})
    assert scalar(conn, "select count(*) from pgq.ready") == 3


def test_what_only_the_callers_code_says_yields_to_an_operator(conn: psycopg.Connection) -> None:
    configure(conn, queue="mail", concurrency_key="{a}", concurrency_limit=4)
    given: dict[str, Any] = {"queue": "code", "max_attempts": 9, "concurrency_key": "python"}
    declared = ["queue", "max_attempts", "concurrency_key", "unknown"]
    for job_id in made_by_each(conn, {"a": "x"}, **given, declared=declared):
        assert job(conn, job_id)[:3] == ("mail", 0, 9)
        assert column(conn, "concurrency", job_id) == {"key": "x", "limit": 4, "weight": 1}
    for job_id in made_by_each(conn, {"a": "x"}, **given, declared=["max_attempts"]):
        assert job(conn, job_id)[:3] == ("code", 0, 9)
        assert column(conn, "concurrency ->> 'key'", job_id) == "python"


def test_a_null_argument_takes_the_key_of_the_callers_code_away(conn: psycopg.Connection) -> None:
    configure(conn, unique_key="{a}")
    given: dict[str, Any] = {"unique_key": "python", "on_conflict": "raise"}
    single = enqueue(conn, "send", args='{"a": null}', **given, declared=[*given])
    many = {"task": "send", "args": {"a": None}, **given, "declared": [*given]}
    for job_id in (single, *(made for made, _ in enqueue_many(conn, many, many))):
        assert column(conn, "unique_key", job_id) is None


@pytest.mark.parametrize("declared", ["no", 5, {"a": 1}], ids=str)
def test_a_wrong_declared_harms_nobody(conn: psycopg.Connection, declared: object) -> None:
    configure(conn, queue="mail")
    with refused("JQ001", "job 1: "):
        enqueue_many(conn, {"task": "send", "priority": 1, "declared": declared})
    for odd in ([1], [None], [], [[]]):
        enqueue_many(conn, {"task": "send", "priority": 1, "declared": odd})
    assert scalar(conn, "select count(*) from pgq.jobs where queue = 'mail'") == 4
