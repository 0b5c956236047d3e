from __future__ import annotations

import json
from typing import Any

import psycopg
import pytest

from tests.servers import Travel
from tests.sql.calls import buffers, claim, refused, rows, scalar, value


def subscribe(conn: psycopg.Connection, topic: str, task: str, **given: Any) -> None:
    value(conn, "subscribe", topic=topic, task=task, **given)


def publish(conn: psycopg.Connection, topic: str, payload: str = "{}", **options: Any) -> list[str]:
    """Return the subscriptions that got a job."""
    made = rows(conn, "publish", topic=topic, payload=payload, options=json.dumps(options))
    return [each["subscription"] for each in made if each["created"]]


def jobs(conn: psycopg.Connection, columns: str) -> list[tuple[Any, ...]]:
    return conn.execute(f"select {columns} from pgq.all_jobs order by id".encode()).fetchall()


def test_a_job_for_each_subscription(conn: psycopg.Connection) -> None:
    subscribe(conn, "orders.paid", "receipt", queue="mail")
    subscribe(conn, "orders.paid", "index", options='{"priority": -2, "max_attempts": 9}')
    made = rows(conn, "publish", topic="orders.paid", payload='{"order_id": 1}')
    first, second = (each["id"] for each in made)
    assert made == [
        {"id": first, "created": True, "subscription": "index"},
        {"id": second, "created": True, "subscription": "receipt"},
    ]
    assert jobs(conn, "id, task, queue, priority, max_attempts, args, headers") == [
        (first, "index", "default", -2, 9, {"order_id": 1}, {"topic": "orders.paid"}),
        (second, "receipt", "mail", 0, 5, {"order_id": 1}, {"topic": "orders.paid"}),
    ]
    assert {held.task for held in claim(conn, ["*"])} == {"receipt", "index"}


def test_nobody_has_subscribed(conn: psycopg.Connection) -> None:
    subscribe(conn, "orders.paid", "receipt")
    assert rows(conn, "publish", topic="orders") == []
    assert rows(conn, "publish", topic="orders.paid.late") == []
    assert jobs(conn, "id") == []


def test_patterns(conn: psycopg.Connection) -> None:
    for pattern in ("*", "orders.*", "orders.eu.*", "orders.eu.paid", "users.*", "orders"):
        subscribe(conn, pattern, "t", name=pattern.replace("*", "all"))
    eu = publish(conn, "orders.eu.paid")
    assert eu == ["all", "orders.all", "orders.eu.all", "orders.eu.paid"]
    assert publish(conn, "orders.us") == ["all", "orders.all"]
    assert publish(conn, "orders") == ["all", "orders"]
    assert publish(conn, "ordersx.a") == ["all"]
    assert publish(conn, "orders..") == ["all", "orders.all"]


def test_a_name_that_is_a_pattern_elsewhere_is_only_a_name_here(conn: psycopg.Connection) -> None:
    subscribe(conn, "a%", "percent")
    subscribe(conn, "a_c", "underscore")
    subscribe(conn, "a.c", "dot")
    assert publish(conn, "abc") == []
    assert publish(conn, "a.c") == ["dot"]


@pytest.mark.parametrize(
    ("payload", "fits"),
    [
        ('{"state": "paid", "total": 5}', True),
        ('{"state": "paid", "items": [{"sku": 1}]}', True),
        ('{"state": "new"}', False),
        ('{"order": {"state": "paid"}}', False),
        ('[{"state": "paid"}]', False),
        ("{}", False),
    ],
)
def test_filters(conn: psycopg.Connection, payload: str, fits: bool) -> None:
    subscribe(conn, "t", "a", filter='{"state": "paid"}')
    assert publish(conn, "t", payload) == (["a"] if fits else [])


def test_a_filter_is_data(conn: psycopg.Connection) -> None:
    subscribe(conn, "t", "a", filter=json.dumps({"x": "' or true --"}))
    subscribe(conn, "t", "b", filter="{}")
    assert publish(conn, "t", '{"x": "y"}') == ["b"]
    assert publish(conn, "t", json.dumps({"x": "' or true --"})) == ["a", "b"]


def test_what_the_publisher_says_goes_first(conn: psycopg.Connection) -> None:
    options = {"delay": "1 hour", "priority": 3, "timeout": "1 minute", "partition_key": "p"}
    subscribe(conn, "t", "a", options=json.dumps(options))
    publish(conn, "t", priority=-1, run_at="2090-01-01 00:00Z", headers={"trace": "x"})
    publish(conn, "t", delay="2 hours", priority=None)
    first, second = jobs(conn, "priority, run_at - created_at, timeout, headers, partition_key")
    assert first[0] == -1 and first[1].days > 9000
    assert first[3:] == ({"trace": "x", "topic": "t"}, "p")
    assert (second[0], second[1].total_seconds(), second[2].total_seconds()) == (3, 7200, 60)


def test_options_that_go_together_come_from_one_side(conn: psycopg.Connection) -> None:
    """Each fits alone; mixed, a weight of 2 would be more than a limit of 1."""
    options = {"concurrency_key": "mine", "concurrency_weight": 2, "concurrency_limit": 2}
    subscribe(conn, "t", "a", options=json.dumps(options))
    publish(conn, "t", concurrency_key="order-1", concurrency_limit=1)
    publish(conn, "t")
    given = [row[0] for row in conn.execute("select concurrency from pgq.jobs order by id")]
    assert [(each["key"], each["limit"]) for each in given] == [("order-1", 1), ("mine", 2)]


def test_a_subscription_may_be_unique_by_its_payload(
    conn: psycopg.Connection, travel: Travel
) -> None:
    settled = {"unique_by": "args", "on_conflict": "replace", "delay": "1 min", "max_wait": "2 min"}
    subscribe(conn, "page", "index", options=json.dumps(settled))
    subscribe(conn, "page", "log")
    waits = "select extract(epoch from run_at - created_at)::int from pgq.all_jobs where task = %s"
    assert publish(conn, "page", '{"id": 1}') == ["index", "log"]
    for seconds in (100, 120, 120):
        travel("40 seconds")
        assert publish(conn, "page", '{"id": 1}') == ["log"]
        assert scalar(conn, waits, "index") == seconds
    assert publish(conn, "page", '{"id": 2}') == ["index", "log"]
    assert publish(conn, "page", '{"id": 1}', unique_key="k") == ["index", "log"]


def test_a_unique_key_is_one_for_each_topic_and_subscription(conn: psycopg.Connection) -> None:
    subscribe(conn, "a.*", "x")
    subscribe(conn, "a.b", "x")
    first = rows(conn, "publish", topic="a.b", options='{"unique_key": "k"}')
    assert [each["created"] for each in first] == [True, True]
    again = rows(conn, "publish", topic="a.b", options='{"unique_key": "k"}')
    assert [(each["id"], each["created"]) for each in again] == [
        (each["id"], False) for each in first
    ]
    assert publish(conn, "a.c", unique_key="k") == ["x"]
    assert publish(conn, "a.b", unique_key="k2") == ["x", "x"]
    gone = {"unique_key": "k", "on_conflict": "discard"}
    dropped = rows(conn, "publish", topic="a.b", options=json.dumps(gone))
    assert [each["id"] for each in dropped] == [None, None]


def test_a_subscription_that_came_later_gets_its_job_by_the_same_key(
    conn: psycopg.Connection,
) -> None:
    subscribe(conn, "t", "a")
    publish(conn, "t", unique_key="k")
    subscribe(conn, "t", "b")
    assert publish(conn, "t", unique_key="k") == ["b"]


def test_jobs_of_a_batch_and_after_a_job(conn: psycopg.Connection) -> None:
    batch, parent = value(conn, "create_batch"), value(conn, "enqueue", task="p")
    subscribe(conn, "t", "a")
    subscribe(conn, "t", "b")
    publish(conn, "t", batch_id=batch, depends_on=[parent])
    assert jobs(conn, "state, batch_id")[1:] == [("blocked", batch)] * 2


@pytest.mark.parametrize("listening", [True, False])
@pytest.mark.parametrize(
    ("options", "code"),
    [
        ("[]", "JQ002"),
        ("{bad", "JQ001"),
        ('{"queue": "q"}', "JQ002"),
        ('{"task": "q"}', "JQ002"),
        ('{"new_id": 1}', "JQ002"),
        ('{"ref": "r"}', "JQ002"),
        ('{"delay": "soon"}', "JQ001"),
        ('{"backoff": "soon"}', "JQ001"),
        ('{"headers": [1]}', "JQ001"),
        ('{"unique_key": ""}', "JQ001"),
        (json.dumps({"unique_key": "x" * 201}), "JQ001"),
        ('{"on_conflict": "raise"}', "JQ001"),
        ('{"concurrency_limit": 2}', "JQ001"),
        ('{"depends_on": [99]}', "JQ001"),
        ('{"run_at": "2030-01-01", "delay": "1 s"}', "JQ001"),
    ],
)
def test_bad_options(conn: psycopg.Connection, options: str, code: str, listening: bool) -> None:
    """They are refused whether or not somebody has subscribed, so no later subscription is late."""
    if listening:
        subscribe(conn, "t", "a")
    with refused(code):
        rows(conn, "publish", topic="t", options=options)
    assert jobs(conn, "id") == []


@pytest.mark.parametrize("topic", [None, "", "a b", "x" * 101, "orders.*", "*"])
def test_bad_topics(conn: psycopg.Connection, topic: Any) -> None:
    with refused("JQ002", "topic"):
        rows(conn, "publish", topic=topic)


@pytest.mark.parametrize("payload", ["5", '"x"', "{bad", '{"a": 1e400}'])
def test_bad_payloads(conn: psycopg.Connection, payload: str) -> None:
    with refused("JQ001"):
        publish(conn, "t", payload)


def test_a_row_as_payload_and_none(conn: psycopg.Connection) -> None:
    subscribe(conn, "t", "a")
    conn.execute("select pgq.publish('t', x) from (select 1 as id, 'n' as note) as x")
    conn.execute("select pgq.publish('t', null::jsonb, null)")
    conn.execute("select pgq.publish('t')")
    assert [row[0] for row in jobs(conn, "args")] == [{"id": 1, "note": "n"}, {}, {}]


@pytest.mark.slow
def test_all_jobs_together_are_bounded(conn: psycopg.Connection) -> None:
    conn.execute(
        "insert into pgq.topic_subscriptions (topic, name, job, created_at)"
        """ select 't', 's' || n, '{"task": "t"}', now() from generate_series(1, 101) as n"""
    )
    with refused("JQ002", "too large for 101 subscriptions"):
        publish(conn, "t", json.dumps({"x": "y" * 1_000_000}))


@pytest.mark.slow
def test_it_reads_no_other_topics(conn: psycopg.Connection) -> None:
    subscribe(conn, "t", "a")
    few = min(buffers(conn, "select * from pgq.publish('t')") for _ in range(5))
    conn.execute(
        "insert into pgq.topic_subscriptions (topic, name, job, created_at)"
        """ select 'other' || n, 's', '{"task": "t"}', now() from generate_series(1, 20000) as n"""
    )
    assert min(buffers(conn, "select * from pgq.publish('t')") for _ in range(5)) <= few + 10


def test_one_statement_whatever_the_number(conn: psycopg.Connection) -> None:
    """The jobs are stored together: in a statement trigger's eyes, once."""
    for task in ("a", "b", "c", "d"):
        subscribe(conn, "t", task)
    conn.execute("create table stored (jobs bigint)")
    conn.execute(
        "create function public.note() returns trigger language plpgsql as"
        " $$ begin insert into public.stored select count(*) from new_jobs; return null; end $$"
    )
    conn.execute(
        "create trigger note after insert on pgq.jobs referencing new table as new_jobs"
        " for each statement execute function public.note()"
    )
    publish(conn, "t")
    assert conn.execute("select jobs from stored").fetchall() == [(4,)]


def test_a_collation_of_the_callers_does_not_count(conn: psycopg.Connection) -> None:
    try:
        conn.execute(
            "create collation loose"
            " (provider = icu, locale = 'und-u-ks-level1', deterministic = false)"
        )
    except psycopg.errors.FeatureNotSupported:
        pytest.skip("this server was built without ICU")
    subscribe(conn, "t", "a")
    assert scalar(conn, """select count(*) from pgq.publish('T' collate loose)""") == 0
    assert scalar(conn, """select count(*) from pgq.publish('t' collate loose)""") == 1
    assert scalar(conn, "select pgq.subscribe('T' collate loose, 'A' collate loose)") == "added"
    assert not scalar(conn, "select pgq.unsubscribe('t' collate loose, 'A' collate loose)")
