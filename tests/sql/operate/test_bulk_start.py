"""Bulk operations: which jobs they change, when, and what they say of it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import psycopg
import pytest

from tests.servers import Travel
from tests.sql.calls import (
    claim,
    complete,
    enqueue,
    fail,
    job,
    outcomes,
    refused,
    register,
    rows,
    scalar,
    state,
    value,
    violations,
)
from tests.sql.operate.calls import failed, many, run, start, states, status, work_off


@pytest.mark.slow
def test_all_failed_jobs_are_retried(conn: psycopg.Connection) -> None:
    ids, young = failed(conn, 25), many(conn, 3)
    answer = start(conn, "retry", starts_in="0")
    assert (answer["jobs"], answer["is_exact"]) == (25, True)
    assert answer["samples"] == ids[:3] and answer["highest_id"] == young[-1]
    assert value(conn, "bulk_work", operation_id=answer["id"], max_jobs=10) == 10
    halfway = status(conn, answer["id"])
    assert (halfway["status"], halfway["done"], halfway["progress"]) == ("running", 10, 0.4)
    done = work_off(conn, answer["id"], max_jobs=10)
    assert (done["status"], done["done"], done["progress"]) == ("finished", 25, 1)
    assert done["outcomes"] == {"retried": 25} and done["examples"] == {"retried": ids}
    assert done["states"] == ["failed"] and done["filters"] == {}
    assert done["login"] == scalar(conn, "select session_user::text")
    assert done["ended_at"] >= done["begun_at"] >= done["starts_at"] == done["created_at"]
    assert states(conn, ids) == {"ready"}
    assert violations(conn) == []


@pytest.mark.slow
def test_it_starts_after_ten_seconds(conn: psycopg.Connection, travel: Travel) -> None:
    ids = failed(conn, 2)
    answer = start(conn, "retry")
    assert status(conn, answer["id"])["starts_at"] - status(conn, answer["id"])[
        "created_at"
    ] == timedelta(seconds=10)
    travel("9 seconds")
    assert value(conn, "bulk_work", operation_id=answer["id"]) is None
    rows(conn, "maintain")
    assert status(conn, answer["id"])["status"] == "waiting"
    assert states(conn, ids) == {"failed"}
    travel("2 seconds")
    rows(conn, "maintain")
    assert status(conn, answer["id"])["outcomes"] == {"retried": 2}


def test_a_preview_stores_nothing(conn: psycopg.Connection) -> None:
    ids = failed(conn, 5)
    seen = start(conn, "retry", preview=True)
    assert (seen["id"], seen["jobs"], seen["is_exact"]) == (None, 5, True)
    assert rows(conn, "bulk_status") == []
    later = failed(conn, 2)
    done = work_off(conn, start(conn, "retry", up_to_id=seen["highest_id"], starts_in="0")["id"])
    assert done["outcomes"] == {"retried": 5}
    assert states(conn, ids) == {"ready"} and states(conn, later) == {"failed"}


@pytest.mark.slow
def test_the_first_job_of_all_is_younger(conn: psycopg.Connection) -> None:
    answer = start(conn, "cancel", starts_in="0")
    assert (answer["jobs"], answer["is_exact"], answer["highest_id"]) == (0, True, 0)
    job_id = enqueue(conn)
    assert work_off(conn, answer["id"])["outcomes"] == {}
    assert state(conn, job_id) == "ready"


@pytest.mark.slow
def test_each_action(conn: psycopg.Connection) -> None:
    waiting = many(conn, 2)
    later = many(conn, 2, delay="1 hour")
    assert run(conn, "reprioritise", priority=7)["outcomes"] == {"reprioritised": 4}
    assert {job(conn, each)["priority"] for each in waiting + later} == {7}
    assert run(conn, "run_now")["outcomes"] == {"promoted": 2}
    assert states(conn, later) == {"ready"}
    held = claim(conn, batch_size=1)
    done = run(conn, "cancel")
    assert done["outcomes"] == {"cancelled": 3, "requested": 1}
    assert done["examples"]["requested"] == [held[0].job_id]
    assert run(conn, "discard", states=["cancelled"])["outcomes"] == {"discarded": 3}
    assert scalar(conn, "select count(*) from pgq.all_jobs") == 1
    assert violations(conn) == []


@pytest.mark.slow
def test_dead_letters_are_redriven_page_by_page(conn: psycopg.Connection) -> None:
    value(conn, "configure_task", task="charge", on_exhausted="report")
    charges = many(conn, 3, task="charge")
    fail(conn, *claim(conn, batch_size=3, tasks=["charge"]))
    other = enqueue(conn, "report")
    operation = start(conn, "redrive", task="report", starts_in="0")["id"]
    done = work_off(conn, operation, max_jobs=2)
    assert done["outcomes"] == {"redriven": 3, "no_letter": 1}
    again = "select array_agg(redriven_from order by 1) from pgq.job_links where redriven_from > 0"
    assert scalar(conn, again) == charges
    assert state(conn, other) == "ready"
    assert violations(conn) == []


LIVE = ["scheduled", "blocked", "ready"]
PAST = ["succeeded", "failed", "cancelled", "expired"]


def mixed(conn: psycopg.Connection, finished: bool) -> dict[str, Any]:
    """Make pairs of jobs that differ in one thing each; return each filter that finds some."""
    batch = value(conn, "create_batch")
    options: dict[str, tuple[dict[str, Any], Any]] = {
        "queue": ({"queue": "mail"}, "mail"),
        "task": ({"task": "send"}, "send"),
        "unique_key": ({"unique_key": "k"}, "k"),
        "concurrency_key": ({"concurrency_key": "c"}, "c"),
        "partition_key": ({"partition_key": "p"}, "p"),
        "batch_id": ({"batch_id": batch}, batch),
        "headers": ({"headers": '{"a": 1, "b": 2}'}, '{"a": 1}'),
        "args": ({"args": '{"user": {"id": 7}, "x": 1}'}, '{"user": {"id": 7}}'),
    }
    wanted = {name: filter_ for name, (_, filter_) in options.items()}
    wanted |= {"states": ["ready"], "created_after": "2021-01-01", "created_before": "2021-01-01"}
    for given, _ in options.values():
        enqueue(conn, **{"task": "work", "max_attempts": 1, **given})
    old = enqueue(conn, max_attempts=1)
    rows(conn, "promote_due")
    table = "jobs"
    if finished:
        table = "job_history"
        worker = register(conn)
        half = claim(conn, worker_id=worker, batch_size=4)
        fail(conn, *half, error_types=["Odd"] * 4, fingerprints=["mine"] * 4)
        rest = claim(conn)
        fail(conn, *rest, error_types=["Other"] * len(rest))
        conn.execute(
            "update pgq.job_history set finished_at = finished_at - interval '1 hour'"
            " where id % 3 = 0"
        )
        cut = scalar(conn, "select now() - interval '30 minutes'")
        wanted |= {"worker_id": worker, "error_type": "Odd", "fingerprint": "mine"}
        wanted |= {"states": ["failed"], "finished_after": cut, "finished_before": cut}
        outcomes(conn, "cancel", enqueue(conn))
    else:
        enqueue(conn, delay="1 hour")
    conn.execute(f"update pgq.{table} set created_at = '2020-01-01' where id = {old}".encode())
    return wanted


@pytest.mark.slow
@pytest.mark.parametrize("finished", [False, True])
def test_it_is_done_to_what_a_list_with_the_same_filters_shows(
    conn: psycopg.Connection, finished: bool
) -> None:
    wanted = mixed(conn, finished)
    for name, filter_ in wanted.items():
        given = {"states": PAST if finished else LIVE} | {name: filter_}
        shown = [each["id"] for each in rows(conn, "list_jobs", newest_first=False, **given)]
        left = [each["id"] for each in rows(conn, "list_jobs", newest_first=False)]
        assert shown and shown != left, name
        (counted,) = rows(conn, "estimate_jobs", **given)
        with conn.transaction(force_rollback=True):
            answer = start(conn, "discard", starts_in="0", **given)
            assert (answer["jobs"], answer["samples"]) == (counted["jobs"], shown[:3]), name
            done = work_off(conn, answer["id"])
            assert done["examples"] == {"discarded": shown}, name
            after = [each["id"] for each in rows(conn, "list_jobs", newest_first=False)]
            assert after == [each for each in left if each not in shown], name


def test_no_filter_of_the_list_is_left_out(conn: psycopg.Connection) -> None:
    known = scalar(
        conn,
        "select array_agg(attname::text) from pg_attribute"
        " where attrelid = 'pgq.job_filters'::regclass and attnum > 0 and not attisdropped",
    )
    assert {*mixed(conn, finished=True)} == {*known}


@pytest.mark.slow
def test_the_filters_are_shown(conn: psycopg.Connection) -> None:
    many(conn, 1)
    wanted = {
        "queue": "default",
        "args": '{"a": null}',
        "worker_id": 5,
        "created_after": "2020-01-01 00:00+00",
        "created_before": "infinity",
    }
    found = status(conn, start(conn, "discard", states=["ready"], **wanted)["id"])
    assert found["filters"] == {
        **wanted,
        "args": {"a": None},
        "created_after": "2020-01-01T00:00:00+00:00",
    }
    assert found["states"] == ["ready"]
    (noted,) = rows(conn, "audit_log")
    assert noted["options"] == {**found["filters"], "states": ["ready"], "jobs": 0}


def test_finished_jobs_by_their_error_and_their_end(conn: psycopg.Connection) -> None:
    failed(conn, 2)
    (other,) = many(conn, 1)
    fail(conn, *claim(conn), error_types=["Other"])
    assert run(conn, "retry", error_type="Other")["examples"] == {"retried": [other]}
    fail(conn, *claim(conn), fingerprints=["mine"])
    assert run(conn, "retry", fingerprint="mine")["examples"] == {"retried": [other]}
    conn.execute("update pgq.job_history set finished_at = now() - interval '1 hour'")
    many(conn, 1)
    before = scalar(conn, "select now() - interval '1 minute'")
    options = {"finished_before": before, "states": ["ready", "failed"]}
    assert run(conn, "discard", **options)["outcomes"] == {"discarded": 2}


def test_what_fails_again_is_not_retried_again(conn: psycopg.Connection) -> None:
    """Nor what failed after the start, with a lower id."""
    (early,) = many(conn, 1, queue="early")
    ids = many(conn, 4, queue="q")
    fail(conn, *claim(conn, queues=["q"]))
    operation = start(conn, "retry", starts_in="0")["id"]
    fail(conn, *claim(conn, queues=["early"]))
    assert value(conn, "bulk_work", operation_id=operation, max_jobs=2) == 2
    fail(conn, *claim(conn, queues=["q"]))
    done = work_off(conn, operation)
    assert done["outcomes"] == {"retried": 4}
    assert states(conn, [early, *ids[:2]]) == {"failed"} and states(conn, ids[2:]) == {"ready"}


def test_jobs_that_left_their_state_are_passed_over_and_counted(conn: psycopg.Connection) -> None:
    ids = failed(conn, 5)
    operation = start(conn, "retry", starts_in="0")["id"]
    outcomes(conn, "retry", *ids[:2])
    outcomes(conn, "discard", ids[4])
    done = work_off(conn, operation)
    assert done["outcomes"] == {"retried": 2, "passed_over": 3}


def test_jobs_of_a_taken_key_are_duplicates(conn: psycopg.Connection) -> None:
    failed(conn, 1, unique_key="k")
    enqueue(conn, unique_key="k")
    assert run(conn, "retry")["outcomes"] == {"duplicate": 1}


@pytest.mark.slow
def test_retries_are_spread(conn: psycopg.Connection) -> None:
    ids = failed(conn, 1000)
    done = run(conn, "retry", spread="10 minutes")
    assert done["outcomes"] == {"retried": 1000} and len(done["examples"]["retried"]) == 100
    at = dict(conn.execute("select id, run_at - %s from pgq.jobs", (done["begun_at"],)).fetchall())
    assert {round(at[each].total_seconds()) for each in ids} == {60 * n for n in range(10)}
    assert [at[each] for each in ids] == sorted(at.values())


@pytest.mark.slow
def test_retries_of_more_than_were_counted_are_spread_by_their_ids(
    conn: psycopg.Connection,
) -> None:
    failed(conn, 300)
    operation = start(conn, "retry", starts_in="0", spread="10 minutes")["id"]
    conn.execute("update pgq.bulk_operations set is_exact = false, jobs = 100")
    done = work_off(conn, operation)
    found = conn.execute(
        "select distinct round(extract(epoch from run_at - %s)) from pgq.jobs order by 1",
        (done["begun_at"],),
    )
    assert [int(seconds) for (seconds,) in found] == [0, 200, 400]


@pytest.mark.slow
def test_a_time_for_retries(conn: psycopg.Connection) -> None:
    (job_id,) = failed(conn, 1)
    run(conn, "retry", at="2090-01-01 00:00+00")
    assert job(conn, job_id)["run_at"].year == 2090


@pytest.mark.slow
def test_a_few_are_found_among_many(conn: psycopg.Connection) -> None:
    """A page looks at 100,000 jobs and no more; the estimate too."""
    conn.execute(
        "insert into pgq.job_history (id, state, queue, task, priority, attempt, max_attempts,"
        " run_at, created_at, finished_at, args)"
        " select nextval('pgq.jobs_id_seq'), 'succeeded', 'q', case when n in (5, 150000) then"
        " 'rare' else 't' end, 0, 1, 1, now(), now(), now(), '{}'"
        " from generate_series(1, 210000) as n"
    )
    answer = start(conn, "discard", states=["succeeded"], task="rare", starts_in="0")
    assert (answer["jobs"], answer["is_exact"]) == (1, False)
    pages = []
    while (page := value(conn, "bulk_work", operation_id=answer["id"])) is not None:
        pages.append((page, status(conn, answer["id"])["progress"]))
    assert [page for page, _ in pages] == [1, 1, 0]
    assert 0.4 < pages[0][1] < 0.5 < pages[1][1] < 1 == pages[2][1]
    assert status(conn, answer["id"])["outcomes"] == {"discarded": 2}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"action": "explode"}, "action is explode"),
        ({"action": None}, "action is null"),
        ({"action": "discard"}, "states names"),
        ({"action": "discard", "states": ["running"]}, "states names"),
        ({"action": "retry", "states": ["succeeded"]}, "states names"),
        ({"action": "cancel", "states": ["bogus"]}, "states names"),
        ({"action": "cancel", "states": []}, "states names"),
        ({"action": "reprioritise"}, "priority is missing"),
        ({"action": "reprioritise", "priority": 2**31}, "priority is missing"),
        ({"action": "retry", "priority": 1}, "priority is missing"),
        ({"action": "cancel", "spread": "1 minute"}, "at or spread"),
        ({"action": "retry", "spread": "31 days"}, "at or spread"),
        ({"action": "retry", "spread": "-1 s"}, "at or spread"),
        ({"action": "retry", "at": "infinity"}, "at or spread"),
        ({"action": "cancel", "at": "2090-01-01"}, "at or spread"),
        ({"action": "cancel", "finished_after": "2020-01-01"}, "no state is left that cancel"),
        ({"action": "retry", "starts_in": "-1 s"}, "starts_in"),
        ({"action": "retry", "starts_in": "25 hours"}, "starts_in"),
    ],
)
def test_what_makes_no_sense(conn: psycopg.Connection, options: dict[str, Any], says: str) -> None:
    with refused("JQ002", says):
        rows(conn, "bulk_start", **options)


@pytest.mark.slow
def test_headers_that_are_no_json(conn: psycopg.Connection) -> None:
    with refused("JQ001", "headers"):
        start(conn, "retry", headers="{")


def test_jobs_in_flows_and_batches(conn: psycopg.Connection) -> None:
    """What the single calls do to others, a bulk operation does."""
    batch = value(conn, "create_batch", on_failure='{"task": "sorry"}')
    parent = enqueue(conn, max_attempts=1, batch_id=batch)
    child = enqueue(conn, depends_on=[parent], on_parent_failure="wait")
    value(conn, "close_batch", batch_id=batch)
    rows(conn, "promote_due")
    fail(conn, *claim(conn))
    assert run(conn, "discard", states=["failed"])["outcomes"] == {"discarded": 1}
    rows(conn, "promote_due")
    assert state(conn, child) == "cancelled"
    assert violations(conn) == []


@pytest.mark.newest
@pytest.mark.slow
def test_fifty_thousand_jobs_while_workers_work(conn: psycopg.Connection) -> None:
    ids = conn.execute(
        "insert into pgq.job_history (id, state, queue, task, priority, attempt, max_attempts,"
        " run_at, created_at, finished_at, args)"
        " select nextval('pgq.jobs_id_seq'), 'failed', 'q', 't', 0, 1, 1, now(), now(), now(), '{}'"
        " from generate_series(1, 50000) as n returning id"
    ).fetchall()
    answer = start(conn, "retry", starts_in="0")
    assert (answer["jobs"], answer["is_exact"]) == (10_000, False)
    pages = 0
    while status(conn, answer["id"])["status"] != "finished":
        conn.execute("update pgq.maintenance set due_at = '-infinity' where step = 'bulk'")
        done = {each["step"]: each["affected"] for each in rows(conn, "maintain")}
        assert done["bulk"] in (1000, 0)
        complete(conn, *claim(conn, batch_size=100))
        pages += 1
    assert 50 <= pages <= 52
    assert status(conn, answer["id"])["outcomes"] == {"retried": 50_000}
    assert scalar(conn, "select count(*) from pgq.job_history where state = 'failed'") == 0
    assert len(ids) == 50_000 and violations(conn) == []
