"""What is kept longer or less long than the rest: by state, queue and task, and results."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from tests.conftest import Connect
from tests.servers import Travel
from tests.sql.calls import (
    claim_one,
    complete,
    enqueue,
    fail,
    outcomes,
    rows,
    scalar,
    state,
    value,
)

Keep = Callable[..., None]


@pytest.fixture
def keep(conn: psycopg.Connection) -> Keep:
    def keep(**ages: Any) -> None:
        value(conn, "configure_retention", **ages)

    return keep


def end(conn: psycopg.Connection, how: str = "succeeded", **options: Any) -> int:
    job_id = enqueue(conn, **{"queue": "q", **options})
    if how == "cancelled":
        assert outcomes(conn, "cancel", job_id) == ["cancelled"]
        return job_id
    held = claim_one(conn, queues=["*"])
    assert held.job_id == job_id
    if how == "failed":
        fail(conn, held, final=[True])
    else:
        assert complete(conn, held, results=['"result"']) == ["ok"]
    return job_id


def step(conn: psycopg.Connection, name: str) -> int | None:
    conn.execute(
        "update pgq.maintenance set due_at = case step when %s then '-infinity'::timestamptz"
        " else pgq._now() + every end",
        (name,),
    )
    ((found, affected),) = ((row["step"], row["affected"]) for row in rows(conn, "maintain"))
    assert found == name
    return affected


def tidy(conn: psycopg.Connection) -> None:
    """Do what maintain() does of the history, until nothing is left to do."""
    for name in ("partition", "prune", "history"):
        while step(conn, name):
            pass


def left(conn: psycopg.Connection, *ids: int) -> str:
    """Return the first letters of the states of jobs, and - for one that is gone."""
    return "".join((state(conn, job_id) or "-")[0] for job_id in ids)


def one_of_each(conn: psycopg.Connection, **options: Any) -> list[int]:
    return [end(conn, how, **options) for how in ("succeeded", "failed", "cancelled")]


def file_of(conn: psycopg.Connection, job_id: int) -> Any:
    return scalar(
        conn,
        "select pg_relation_filepath(tableoid) from pgq.job_history where id = %s",
        job_id,
    )


def test_failures_outlive_the_rest_of_their_day(
    conn: psycopg.Connection, travel: Travel, keep: Keep
) -> None:
    ids = one_of_each(conn)
    keep(succeeded="3 days", failed="30 days")
    before = file_of(conn, ids[1])
    travel("3 days")
    tidy(conn)
    assert left(conn, *ids) == "sfc"
    travel("1 day")
    tidy(conn)
    assert left(conn, *ids) == "-fc"
    assert file_of(conn, ids[1]) != before  # made anew: what has gone takes no space
    travel("11 days")
    tidy(conn)
    assert left(conn, *ids) == "-f-"
    assert scalar(conn, "select count(*) from pgq.job_history_default") == 0
    travel("20 days")
    tidy(conn)
    assert left(conn, *ids) == "---"


def test_failures_go_first(conn: psycopg.Connection, travel: Travel, keep: Keep) -> None:
    ids = one_of_each(conn)
    before = file_of(conn, ids[0])
    keep(failed="1 day", cancelled="2 days")
    travel("2 days")
    tidy(conn)
    assert left(conn, *ids) == "s-c"
    travel("1 day")
    tidy(conn)
    assert left(conn, *ids) == "s--"
    assert file_of(conn, ids[0]) == before


def test_a_task_goes_before_its_queue_and_this_before_all(
    conn: psycopg.Connection, travel: Travel, keep: Keep
) -> None:
    plain = one_of_each(conn)
    short = one_of_each(conn, queue="short")
    long = one_of_each(conn, queue="short", task="long")
    keep(queue="short", succeeded="1 day", failed="2 days")
    keep(task="long", succeeded="60 days")
    travel("2 days")
    tidy(conn)
    assert left(conn, *plain, *short, *long) == "sfc-fcsfc"
    travel("1 day")
    tidy(conn)
    assert left(conn, *plain, *short, *long) == "sfc--cs-c"
    travel("13 days")
    tidy(conn)
    assert left(conn, *plain, *short, *long) == "------s--"
    keep(task="long", reset=["all"])
    tidy(conn)
    assert left(conn, *long) == "---"


def test_results_go_first(conn: psycopg.Connection, travel: Travel, keep: Keep) -> None:
    one, other = end(conn), end(conn, task="other")
    keep(results="2 days")
    keep(task="other", results="5 days")

    def results() -> list[Any]:
        return [row["result"] for row in rows(conn, "results", ids=[one, other])]

    travel("2 days")
    tidy(conn)
    assert results() == ["result", "result"]
    travel("1 day")
    tidy(conn)
    assert results() == [None, "result"]
    travel("3 days")
    tidy(conn)
    assert results() == [None, None]
    assert left(conn, one, other) == "ss"


def test_a_day_is_read_once_for_each_change(
    conn: psycopg.Connection, travel: Travel, keep: Keep
) -> None:
    for _ in range(5):
        end(conn)
    end(conn, "failed")
    keep(queue="none", succeeded="1 day")
    travel("2 days")
    assert step(conn, "history") == 6
    assert step(conn, "history") == 0
    keep(queue="none", failed="1 day")
    assert step(conn, "history") == 6
    assert step(conn, "history") == 0
    keep(queue="none", reset=["succeeded"])
    assert step(conn, "history") == 1  # by the index of those that did not succeed
    travel("1 day")
    assert step(conn, "history") == 0


def test_a_walk_goes_in_pages(conn: psycopg.Connection, travel: Travel, keep: Keep) -> None:
    ids = [end(conn, task=task) for task in ("a", "b") * 4]
    keep(task="a", succeeded="1 day")
    conn.execute("update pgq.maintenance set most = 3 where step = 'history'")
    travel("2 days")
    assert step(conn, "history") == 3
    assert left(conn, *ids) == "-s-sssss"
    assert step(conn, "history") == 3
    assert step(conn, "history") == 2
    assert left(conn, *ids) == "-s-s-s-s"
    assert step(conn, "history") == 0


@pytest.mark.slow
def test_what_is_held_goes_later(
    conn: psycopg.Connection, connect: Connect, travel: Travel, keep: Keep
) -> None:
    ids = [end(conn, how) for how in ("failed", "succeeded", "failed", "failed")]
    keep(failed="1 day")
    travel("2 days")
    other = connect(autocommit=False)
    assert outcomes(other, "retry", ids[2]) == ["retried"]
    step(conn, "history")
    assert left(conn, *ids) == "-sf-"
    assert step(conn, "history") == 0
    travel("6 minutes")
    assert step(conn, "history") == 1
    other.rollback()
    travel("6 minutes")
    tidy(conn)
    assert left(conn, *ids) == "-s--"
    assert step(conn, "history") == 0


@pytest.mark.slow
@pytest.mark.parametrize("ends", ["commit", "rollback"])
@pytest.mark.parametrize("function", ["retry", "discard"])
def test_a_day_is_made_anew_beside_a_change_of_one_of_its_jobs(
    conn: psycopg.Connection,
    connect: Connect,
    travel: Travel,
    keep: Keep,
    function: str,
    ends: str,
) -> None:
    ids = [end(conn, how) for how in ("failed", "succeeded", "failed")]
    keep(failed="30 days")
    travel("15 days")
    other = connect(autocommit=False)
    outcomes(other, function, ids[2])
    assert step(conn, "prune") == 0
    assert left(conn, *ids) == "fsf"
    assert step(conn, "history") == 0  # it waits for the day to be made anew
    getattr(other, ends)()
    assert step(conn, "prune") == 1
    gone = {"retry": "r", "discard": "-"}[function]
    assert left(conn, *ids) == "f-" + (gone if ends == "commit" else "f")


@pytest.mark.slow
def test_an_open_transaction_keeps_nothing(
    conn: psycopg.Connection, connect: Connect, travel: Travel, keep: Keep
) -> None:
    ids = one_of_each(conn)
    day_two = []
    keep(failed="30 days", cancelled="1 day")
    other = connect(autocommit=False)
    other.execute("set transaction isolation level repeatable read")
    other.execute("select count(*), pg_current_xact_id() from pgq.jobs")
    travel("1 day")
    day_two += one_of_each(conn)
    travel("2 days")
    tidy(conn)
    assert left(conn, *ids, *day_two) == "sf-sf-"
    travel("12 days")
    tidy(conn)
    assert left(conn, *ids, *day_two) == "-f-sf-"
    other.rollback()


@pytest.mark.slow
@pytest.mark.parametrize("way", ["walked", "made anew"])
def test_children_and_batches_of_what_goes(
    conn: psycopg.Connection, travel: Travel, keep: Keep, way: str
) -> None:
    batch = value(conn, "create_batch")
    ids = one_of_each(conn, batch_id=batch)
    lost = end(conn, "failed", task="lost", batch_id=batch)
    children = [
        enqueue(conn, depends_on=[parent], on_parent_failure="wait") for parent in (ids[1], lost)
    ]
    value(conn, "close_batch", batch_id=batch)
    rows(conn, "promote_due")
    keep(task="lost", failed="1 day")
    if way == "made anew":
        keep(failed="90 days")
        travel("20 days")
    travel("2 days")
    tidy(conn)
    rows(conn, "promote_due")
    assert left(conn, *ids, lost) == ("-f--" if way == "made anew" else "sfc-")
    assert [state(conn, child) for child in children] == ["blocked", "cancelled"]
    (progress,) = rows(conn, "batch_progress", batch_id=batch)
    assert [progress[name] for name in ("succeeded", "failed", "cancelled")] == [1, 2, 1]
    assert outcomes(conn, "retry", ids[1]) == ["retried"]


@pytest.mark.slow
def test_a_batch_that_is_held_is_passed_over(
    conn: psycopg.Connection, connect: Connect, travel: Travel, keep: Keep
) -> None:
    batch = value(conn, "create_batch")
    ids = [end(conn, "failed"), end(conn, "failed", batch_id=batch), end(conn)]
    gone = end(conn, "failed", batch_id=batch)
    keep(failed="1 day")
    travel("2 days")
    other = connect(autocommit=False)
    outcomes(other, "discard", gone)
    step(conn, "history")
    assert left(conn, *ids) == "-fs"
    other.commit()
    travel("6 minutes")
    step(conn, "history")
    assert left(conn, *ids) == "--s"


@pytest.mark.slow
def test_too_much_to_move_is_deleted(conn: psycopg.Connection, travel: Travel, keep: Keep) -> None:
    success = end(conn)
    failure = end(conn, "failed", args='{"a": 1}')
    conn.execute(
        "insert into pgq.job_history select (jsonb_populate_record(past,"
        " jsonb_build_object('id', -number))).* from pgq.job_history as past,"
        " generate_series(1, 10000) as number where id = %s",
        (failure,),
    )
    before = file_of(conn, failure)
    keep(failed="90 days")
    travel("20 days")
    tidy(conn)
    assert left(conn, success, failure) == "-f"
    assert file_of(conn, failure) == before


def test_prune_goes_by_what_is_kept_longest(
    conn: psycopg.Connection, travel: Travel, keep: Keep
) -> None:
    ids = one_of_each(conn)
    keep(failed="90 days")
    travel("80 days")
    value(conn, "prune")
    assert left(conn, *ids) == "sfc"
    travel("11 days")
    value(conn, "prune")
    assert left(conn, *ids) == "---"


def test_the_history_of_schedules_has_an_age_of_its_own(
    conn: psycopg.Connection, travel: Travel, keep: Keep
) -> None:
    rows(conn, "schedule", name="s", task="t", every="1 hour")
    value(conn, "run_schedule_now", name="s")
    keep(schedule_history="2 days")
    travel("1 day")
    assert step(conn, "schedule_runs") == 0
    travel("2 days")
    assert step(conn, "schedule_runs") == 1
