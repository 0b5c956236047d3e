from __future__ import annotations

import json
from typing import Any

import psycopg
import pytest

from tests.sql.calls import refused, rows, scalar, value


def subscribe(conn: psycopg.Connection, topic: str = "orders.paid", **given: Any) -> str:
    answer: str = value(conn, "subscribe", topic=topic, **{"task": "receipt", **given})
    return answer


def subscriptions(conn: psycopg.Connection) -> list[tuple[Any, ...]]:
    return conn.execute(
        "select topic, name, task, queue, filter, options from pgq.subscriptions"
    ).fetchall()


def test_it_is_known_by_topic_and_name(conn: psycopg.Connection) -> None:
    """To subscribe again with another queue moves it, so no event makes two jobs."""
    assert subscribe(conn) == "added"
    assert subscribe(conn) == "unchanged"
    assert subscribe(conn, queue="mail", options='{"priority": -1}') == "changed"
    assert subscribe(conn, filter='{"country": "DE"}', name="german") == "added"
    assert subscriptions(conn) == [
        ("orders.paid", "german", "receipt", "default", {"country": "DE"}, {}),
        ("orders.paid", "receipt", "receipt", "mail", None, {"priority": -1}),
    ]


def test_a_call_that_changes_nothing_writes_nothing(conn: psycopg.Connection) -> None:
    subscribe(conn, filter='{"a": 1}')
    subscribe(conn, filter='{ "a":1 }')
    assert scalar(conn, "select count(*) from pgq.audit") == 1
    with conn.transaction():
        conn.execute("set transaction read only")
        assert subscribe(conn, filter='{"a": 1}') == "unchanged"


@pytest.mark.parametrize("topic", ["*", "orders.*", "a.b.*", "caf\u00e9"])
def test_topics_and_patterns(conn: psycopg.Connection, topic: str) -> None:
    assert subscribe(conn, topic) == "added"


@pytest.mark.parametrize("topic", [None, "", "a b", "a\tb", "x" * 101, "a*", "*.a", "a.*.b", "**"])
def test_bad_topics(conn: psycopg.Connection, topic: Any) -> None:
    with refused("JQ002", "topic"):
        subscribe(conn, topic)


@pytest.mark.parametrize("how", ["raise", "merge"])
def test_no_publish_fails_because_of_an_earlier_one(conn: psycopg.Connection, how: str) -> None:
    with refused("JQ002", f"a subscription cannot have on_conflict {how}"):
        subscribe(conn, options=json.dumps({"unique_by": "args", "on_conflict": how}))


@pytest.mark.parametrize(
    "options",
    ["[]", "5", "{bad", '{"foo": 1}', '{"unique_key": "k"}', '{"run_at": "now"}'],
)
def test_options_that_no_subscription_has(conn: psycopg.Connection, options: str) -> None:
    with refused("JQ001" if options == "{bad" else "JQ002"):
        subscribe(conn, options=options)


@pytest.mark.parametrize(
    "options",
    [
        {"priority": "high"},
        {"delay": "-1 second"},
        {"backoff": "whenever"},
        {"concurrency_limit": 3},
        {"max_attempts": 0},
        {"timeout": 1e300},
    ],
)
def test_options_that_no_job_has(conn: psycopg.Connection, options: dict[str, Any]) -> None:
    """They are refused here, or each publish would fail."""
    with refused("JQ001"):
        subscribe(conn, options=json.dumps(options))
    assert subscriptions(conn) == []


def test_bad_tasks_queues_names_and_filters(conn: psycopg.Connection) -> None:
    for given in ({"task": ""}, {"task": None}, {"task": "x" * 257}, {"queue": ""}):
        with refused("JQ001"):
            subscribe(conn, **given)
    for name in ("", "a b", "x" * 101):
        with refused("JQ002", "name of the subscription"):
            subscribe(conn, name=name)
    with refused("JQ002", "name of the subscription"):
        subscribe(conn, task="x" * 101)
    deep = "[" * 70 + "]" * 70
    for bad in ("5", "[1]", "null", json.dumps({"a": "x" * 70000}), f'{{"a": {deep}}}'):
        with refused("JQ002", "filter"):
            subscribe(conn, filter=bad)
    with refused("JQ001", "not valid JSON"):
        subscribe(conn, filter="{'a': 1}")
    assert subscriptions(conn) == []


def test_null_options_are_the_defaults(conn: psycopg.Connection) -> None:
    assert subscribe(conn, options='{"priority": null}') == "added"
    assert subscribe(conn) == "unchanged"


@pytest.mark.slow
def test_a_topic_has_a_bounded_number(conn: psycopg.Connection) -> None:
    conn.execute(
        "insert into pgq.topic_subscriptions (topic, name, job, created_at)"
        """ select 'orders.paid', 's' || n, '{"task": "t"}', now()"""
        " from generate_series(1, 1000) as n"
    )
    with refused("JQ002", "has 1000 subscriptions"):
        subscribe(conn)
    assert subscribe(conn, name="s7") == "changed"
    assert subscribe(conn, "orders.*") == "added"
    assert len(rows(conn, "publish", topic="orders.paid")) == 1001
