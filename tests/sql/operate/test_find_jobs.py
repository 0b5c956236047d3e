from __future__ import annotations

from typing import Any

import psycopg
import pytest

from tests.servers import Travel
from tests.sql.calls import (
    claim,
    claim_one,
    complete,
    enqueue,
    enqueue_many,
    fail,
    outcomes,
    refused,
    scalar,
    value,
)


def found(conn: psycopg.Connection, **options: Any) -> list[int]:
    arguments = ", ".join(f"{name} => %({name})s" for name in options)
    query = f"select * from pgq.find_jobs({arguments})"
    return [job_id for (job_id,) in conn.execute(query.encode(), options)]


def populate(conn: psycopg.Connection) -> dict[str, int]:
    """Make one job of every state."""
    made = {"failed": enqueue(conn, max_attempts=1)}
    fail(conn, claim_one(conn), messages=["boom"], error_types=["OSError"])
    made["succeeded"] = enqueue(conn)
    complete(conn, claim_one(conn))
    made["expired"] = enqueue(conn, expires_in="1 s")
    conn.execute("update pgq.jobs set expires_at = now() - interval '1 s'")
    conn.execute("select pgq.maintain()")
    made["running"] = enqueue(conn)
    claim_one(conn)
    made["cancelled"] = enqueue(conn)
    outcomes(conn, "cancel", made["cancelled"])
    made["scheduled"] = enqueue(conn, delay="1 hour")
    made["blocked"] = enqueue(conn, depends_on=[made["running"]])
    made["ready"] = enqueue(conn)
    return made


@pytest.mark.slow
def test_by_state(conn: psycopg.Connection) -> None:
    made = populate(conn)
    assert len(made) == 8
    for state, job_id in made.items():
        assert found(conn, states=[state]) == [job_id]
    assert found(conn) == sorted(made.values())
    two = sorted([made["failed"], made["blocked"]])
    assert found(conn, states=["blocked", "failed"]) == two
    assert found(conn, states=[]) == []


@pytest.mark.slow
def test_by_the_time_of_the_end(conn: psycopg.Connection, travel: Travel) -> None:
    old = populate(conn)
    travel("1 hour")
    enqueue(conn)
    complete(conn, *claim(conn, batch_size=100))
    before = scalar(conn, "select pgq._now() - interval '30 minutes'")
    ended = [old[name] for name in ("failed", "succeeded", "expired", "cancelled")]
    assert found(conn, finished_before=before) == sorted(ended)
    assert found(conn, finished_before=before, states=["succeeded"]) == [old["succeeded"]]
    assert found(conn, finished_before=before, states=["ready"]) == []
    for never in ("infinity", "294276-12-31 00:00+00"):
        assert len(found(conn, finished_before=never)) == 6
        assert found(conn, finished_after=never) == []
    for ever in ("-infinity", "4713-01-01 BC"):
        assert len(found(conn, finished_after=ever)) == 6
        assert found(conn, finished_before=ever) == []


@pytest.mark.slow
@pytest.mark.parametrize(
    ("options", "query"),
    [
        ({"queue": "mail"}, {"queue": "mail"}),
        ({"task": "send"}, {"task": "send"}),
        ({"unique_key": "k"}, {"unique_key": "k"}),
        ({"concurrency_key": "c"}, {"concurrency_key": "c"}),
        ({"partition_key": "t"}, {"partition_key": "t"}),
        ({"headers": '{"a": 1, "b": {"c": [2]}}'}, {"headers": '{"b": {"c": [2]}}'}),
    ],
    ids=lambda options: next(iter(options)),
)
def test_live_and_finished_jobs_by_what_they_are(
    conn: psycopg.Connection, options: dict[str, Any], query: dict[str, Any]
) -> None:
    ended = enqueue(conn, **options)
    outcomes(conn, "cancel", ended)
    live = enqueue(conn, **options)
    enqueue(conn)
    enqueue(conn, queue="other", headers='{"b": 1}', partition_key="u", concurrency_key="d")
    assert found(conn, **query) == [ended, live]
    assert found(conn, **query, states=["cancelled"]) == [ended]
    assert found(conn, **query, states=["ready", "blocked"]) == [live]


@pytest.mark.slow
def test_by_batch(conn: psycopg.Connection) -> None:
    first, second = value(conn, "create_batch"), value(conn, "create_batch")
    made = [enqueue(conn, batch_id=batch) for batch in (first, first, second)]
    complete(conn, claim_one(conn))
    assert found(conn, batch_id=first) == made[:2]
    assert found(conn, batch_id=first, states=["ready"]) == made[1:2]


def test_by_age(conn: psycopg.Connection, travel: Travel) -> None:
    old = enqueue(conn)
    travel("1 hour")
    before = scalar(conn, "select pgq._now()")
    enqueue(conn)
    assert found(conn, created_before=before) == [old]


def test_by_the_last_error_of_failed_and_of_waiting_jobs(conn: psycopg.Connection) -> None:
    failed = enqueue(conn, max_attempts=1)
    waiting = enqueue(conn)
    fail(conn, *claim(conn), error_types=["OSError", "OSError"])
    assert found(conn, error_type="OSError") == [failed, waiting]
    outcomes(conn, "retry", waiting)
    fail(conn, claim_one(conn), error_types=["KeyError"])
    assert found(conn, error_type="OSError") == [failed]
    assert found(conn, error_type="KeyError", states=["scheduled"]) == [waiting]


def test_filters_are_combined(conn: psycopg.Connection) -> None:
    wanted = enqueue(conn, queue="mail", task="send", partition_key="t")
    enqueue(conn, queue="mail", task="send", partition_key="u")
    enqueue(conn, queue="mail", task="read", partition_key="t")
    enqueue(conn, queue="post", task="send", partition_key="t")
    query = {"queue": "mail", "task": "send", "partition_key": "t", "states": ["ready"]}
    assert found(conn, **query) == [wanted]


def test_page_by_page(conn: psycopg.Connection) -> None:
    made = [job_id for job_id, _ in enqueue_many(conn, *[{"task": "a"}] * 25)]
    outcomes(conn, "cancel", *made[::2])  # finished and live ones in turn
    pages, last = [], 0
    while page := found(conn, max_jobs=10, after_id=last):
        pages.append(page)
        last = page[-1]
    assert pages == [made[:10], made[10:20], made[20:]]


@pytest.mark.slow
def test_a_thousand_by_default(conn: psycopg.Connection) -> None:
    made = [job_id for job_id, _ in enqueue_many(conn, *[{"task": "a"}] * 1001)]
    assert found(conn) == made[:1000]
    assert found(conn, max_jobs=None, after_id=None, states=None) == made[:1000]


@pytest.mark.parametrize(
    ("function", "states", "outcome"),
    [
        ("cancel", ["ready"], "cancelled"),
        ("discard", ["ready", "failed"], "discarded"),
        ("retry", ["failed"], "retried"),
        ("reprioritise", ["ready"], "reprioritised"),
    ],
)
def test_it_composes(
    conn: psycopg.Connection, function: str, states: list[str], outcome: str
) -> None:
    enqueue(conn, queue="mail", max_attempts=1)
    fail(conn, claim_one(conn))
    for queue in ("mail", "mail", "post"):
        enqueue(conn, queue=queue)
    more = ", 3" if function == "reprioritise" else ""
    query = f"""
        select job_id, outcome
        from pgq.{function}(array(select pgq.find_jobs(queue => 'mail', states => %s)){more})
    """
    expected = found(conn, queue="mail", states=states)
    answers = conn.execute(query.encode(), (states,)).fetchall()
    assert answers == [(job_id, outcome) for job_id in expected]
    assert len(answers) == {"retry": 1, "discard": 3}.get(function, 2)


@pytest.mark.parametrize(
    "options",
    [
        {"states": ["ready", "done"]},
        {"states": [None]},
        {"max_jobs": 0},
        {"max_jobs": 100_001},
    ],
    ids=str,
)
def test_what_is_refused(conn: psycopg.Connection, options: dict[str, Any]) -> None:
    with refused("JQ002"):
        found(conn, **options)


def test_headers_that_are_no_json(conn: psycopg.Connection) -> None:
    with refused("JQ001", "headers is not valid JSON"):
        found(conn, headers="{")


def read_by(conn: psycopg.Connection, **options: Any) -> int:
    """Return how many pages a search reads, by its second call: the first one plans."""
    arguments = ", ".join(f"{name} => %({name})s" for name in options)
    query = f"explain (analyze, buffers, format json) select pgq.find_jobs({arguments})"
    for _ in range(2):
        answer = conn.execute(query.encode(), options).fetchone()
    assert answer
    plan = answer[0][0]["Plan"]
    return int(plan["Shared Hit Blocks"] + plan["Shared Read Blocks"])


@pytest.mark.slow
@pytest.mark.parametrize("analyzed", [True, False])
def test_few_are_found_by_an_index(conn: psycopg.Connection, analyzed: bool) -> None:
    """Whatever statistics say: keys, batches, queues of ready ones and queues of failed ones."""
    batch_id = value(conn, "create_batch")
    rare = enqueue(conn, queue="rare")
    keyed = enqueue(conn, unique_key="k", batch_id=batch_id)
    failed = enqueue(conn, queue="bad", max_attempts=1)
    ended = enqueue(conn, queue="done", batch_id=batch_id)
    fail(conn, claim_one(conn, queues=["bad"]))
    complete(conn, claim_one(conn, queues=["done"]))
    many = [{"task": "a", "max_attempts": 1, "queue": "many"}] * 3000
    enqueue_many(conn, *many)
    fail(conn, *claim(conn, queues=["many"], batch_size=3000))
    enqueue_many(conn, *many)
    complete(conn, *claim(conn, queues=["many"], batch_size=3000))
    enqueue_many(conn, *many)
    if analyzed:
        conn.execute("analyze")
    for wanted, options in [
        (rare, {"queue": "rare", "states": ["ready"]}),
        (keyed, {"unique_key": "k", "states": ["ready", "scheduled"]}),
        (keyed, {"batch_id": batch_id, "states": ["ready"]}),
        (failed, {"queue": "bad", "states": ["failed"]}),
        (ended, {"batch_id": batch_id, "states": ["succeeded"]}),
    ]:
        assert found(conn, **options) == [wanted]
        assert read_by(conn, **options) < 200, options
        assert read_by(conn, states=options["states"], task="none") > 300, options


def test_lanes_that_are_not_asked_for_are_not_read(conn: psycopg.Connection) -> None:
    enqueue_many(conn, *[{"task": "a"}] * 3000, {"task": "b", "delay": "1 hour"})
    assert read_by(conn, states=["scheduled"]) < 60
    assert read_by(conn, states=["ready"], task="none") > 1000
    assert read_by(conn, states=["failed"], task="none") < 200


@pytest.mark.slow
def test_failed_jobs_are_found_by_the_fingerprint(conn: psycopg.Connection) -> None:
    """In the days' partitions too: each page costs what it finds."""
    enqueue_many(conn, *[{"task": "a", "max_attempts": 1}] * 4000)
    rare = claim(conn, batch_size=3)
    fail(conn, *rare, fingerprints=["rare"] * 3)
    fail(conn, *claim(conn, batch_size=2000), messages=["common"] * 2000)
    complete(conn, *claim(conn, batch_size=3000))
    conn.execute("vacuum analyze pgq.job_history")
    expected = sorted(held.job_id for held in rare)
    query = {"fingerprint": "rare", "states": ["failed"]}
    assert found(conn, **query) == expected
    assert found(conn, **query, max_jobs=2) == expected[:2]
    assert found(conn, **query, after_id=expected[0]) == expected[1:]
    assert read_by(conn, **query) < read_by(conn, states=["failed"], task="none")
    today = "select to_regclass('pgq.job_history_' || to_char(pgq._now() at time zone 'UTC', %s))"
    assert scalar(conn, f"{today} is not null", "YYYYMMDD")


def test_by_the_fingerprint_of_jobs_in_any_state(conn: psycopg.Connection) -> None:
    failed = enqueue(conn, max_attempts=1)
    waiting = enqueue(conn, backoff="0")
    cancelled = enqueue(conn)
    fail(conn, *claim(conn), fingerprints=["f"] * 3, cancel=[None, None, True])
    assert found(conn, fingerprint="f") == [failed, waiting, cancelled]
    fail(conn, claim_one(conn), fingerprints=["g"])
    assert found(conn, fingerprint="f") == [failed, cancelled]
    assert found(conn, fingerprint="g", states=["ready"]) == [waiting]
    outcomes(conn, "retry", failed)
    assert found(conn, fingerprint="f", states=["ready"]) == [failed]
