"""depends_on: a job waits until its parents have ended; what it does when one did not succeed."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import psycopg
import pytest

from tests.servers import Travel
from tests.sql import test_plans
from tests.sql.calls import (
    Row,
    claim,
    complete,
    enqueue,
    enqueue_many,
    fail,
    job,
    outcomes,
    refused,
    rows,
    scalar,
    state,
    value,
)


def promote(conn: psycopg.Connection, batch_size: int = 1000) -> Row:
    (answer,) = rows(conn, "promote_due", batch_size=batch_size)
    return answer


def finish(conn: psycopg.Connection, *ids: int, failed: bool = False) -> None:
    """Claim all that is ready, end these, which must be among them, and put the others back."""
    held = {one.job_id: one for one in claim(conn, batch_size=10_000)}
    chosen = [held.pop(job_id) for job_id in ids]
    if failed:
        assert {state for _, state in fail(conn, *chosen, final=[True] * len(ids))} == {"failed"}
    else:
        assert set(complete(conn, *chosen)) == {"ok"}
    if held:
        fence = {"ids": list(held), "claim_ids": [one.claim_id for one in held.values()]}
        rows(conn, "release_batch", **fence)


def states(conn: psycopg.Connection, *ids: int) -> list[str | None]:
    return [state(conn, job_id) for job_id in ids]


def leave_nothing(conn: psycopg.Connection) -> None:
    """Assert that no edge, note or lane row is left."""
    left = """
        select (select count(*) from pgq.dependencies) + (select count(*) from pgq.releases)
          + (select count(*) from pgq.blocked)
    """
    assert scalar(conn, left) == 0


def test_a_child_waits_for_its_parent(conn: psycopg.Connection) -> None:
    parent = enqueue(conn)
    child = enqueue(conn, depends_on=[parent])
    promote(conn)
    assert states(conn, parent, child) == ["ready", "blocked"]
    finish(conn, parent)
    assert states(conn, parent, child) == ["succeeded", "ready"]
    leave_nothing(conn)


@pytest.mark.slow
def test_a_child_waits_for_all_its_parents(conn: psycopg.Connection) -> None:
    parents = [enqueue(conn) for _ in range(3)]
    child = enqueue(conn, depends_on=parents)
    for parent in parents:
        assert state(conn, child) == "blocked"
        finish(conn, parent)
        promote(conn)
    assert state(conn, child) == "ready"
    leave_nothing(conn)


def test_parents_that_end_together(conn: psycopg.Connection) -> None:
    parents = [enqueue(conn) for _ in range(4)]
    both = enqueue(conn, depends_on=parents[:2])
    apart = enqueue(conn, depends_on=parents[1:3])
    keyed = [enqueue(conn, depends_on=[parents[0]], concurrency_key="k") for _ in range(2)]
    late = enqueue(conn, depends_on=[parents[3]], delay="1 hour")
    promote(conn)
    finish(conn, parents[0], parents[1], parents[3])
    assert states(conn, both, apart, *keyed, late) == [
        "ready", "blocked", "ready", "blocked", "scheduled"
    ]  # fmt: skip
    finish(conn, parents[2], keyed[0])
    assert states(conn, apart, keyed[1]) == ["ready", "ready"]
    leave_nothing(conn)


def test_a_failure_is_told_before_a_later_success(conn: psycopg.Connection) -> None:
    before, parent = enqueue(conn), enqueue(conn)
    ended, other = enqueue(conn, depends_on=[parent]), enqueue(conn, depends_on=[before])
    promote(conn)
    conn.execute(
        "insert into pgq.releases (parent_id, parent_succeeded) values (%s, true), (%s, false),"
        " (%s, true)",
        (before, parent, parent),
    )
    promote(conn)
    assert states(conn, ended, other) == ["cancelled", "ready"]


def test_all_children_of_a_parent_go_on(conn: psycopg.Connection) -> None:
    parent = enqueue(conn)
    children = [enqueue(conn, depends_on=[parent]) for _ in range(5)]
    finish(conn, parent)
    assert states(conn, *children) == ["ready"] * 5


def test_a_diamond(conn: psycopg.Connection) -> None:
    top = enqueue(conn)
    left, right = (enqueue(conn, depends_on=[top]) for _ in range(2))
    bottom = enqueue(conn, depends_on=[left, right, top])
    finish(conn, top)
    assert states(conn, left, right, bottom) == ["ready", "ready", "blocked"]
    finish(conn, left)
    assert state(conn, bottom) == "blocked"
    finish(conn, right)
    assert state(conn, bottom) == "ready"
    leave_nothing(conn)


def test_both_in_one_batch(conn: psycopg.Connection) -> None:
    left, right = enqueue(conn), enqueue(conn)
    child = enqueue(conn, depends_on=[right, left])
    finish(conn, left, right)
    assert state(conn, child) == "ready"
    leave_nothing(conn)


@pytest.mark.parametrize(
    ("policy", "expected"),
    [(None, "cancelled"), ("cancel", "cancelled"), ("run", "ready"), ("wait", "blocked")],
)
@pytest.mark.parametrize("how", ["before", "after", "cancelled", "discarded", "expired"])
def test_a_parent_that_does_not_succeed(
    conn: psycopg.Connection, travel: Travel, policy: str | None, expected: str, how: str
) -> None:
    parent = enqueue(conn, **({"expires_in": "1 hour"} if how == "expired" else {}))
    if how == "before":
        finish(conn, parent, failed=True)
    child = enqueue(conn, depends_on=[parent], on_parent_failure=policy)
    promote(conn)
    if how == "after":
        finish(conn, parent, failed=True)
    elif how == "cancelled":
        assert outcomes(conn, "cancel", parent) == ["cancelled"]
    elif how == "discarded":
        assert outcomes(conn, "discard", parent) == ["discarded"]
        expected = "cancelled" if expected == "blocked" else expected
    elif how == "expired":
        travel("2 hours")
        rows(conn, "maintain")
    promote(conn)
    assert state(conn, child) == expected
    if expected == "cancelled":
        (error,) = job(conn, child)["errors"]
        assert error["message"] == f"job {parent}, a parent, did not succeed"
    if expected != "blocked":
        leave_nothing(conn)


def test_a_retry_is_waited_for(conn: psycopg.Connection) -> None:
    parent = enqueue(conn)
    child = enqueue(conn, depends_on=[parent], on_parent_failure="wait")
    finish(conn, parent, failed=True)
    promote(conn)
    assert outcomes(conn, "retry", parent) == ["retried"]
    finish(conn, parent, failed=True)
    promote(conn)
    assert state(conn, child) == "blocked"
    assert outcomes(conn, "retry", parent) == ["retried"]
    finish(conn, parent)
    assert state(conn, child) == "ready"
    leave_nothing(conn)


def test_a_retry_by_the_backoff_is_waited_for_by_all(conn: psycopg.Connection) -> None:
    parent = enqueue(conn, backoff="1 hour")
    child = enqueue(conn, depends_on=[parent])
    (held,) = claim(conn)
    assert fail(conn, held) == [("ok", "scheduled")]
    promote(conn)
    assert state(conn, child) == "blocked"
    assert outcomes(conn, "retry", parent) == ["retried"]
    finish(conn, parent)
    assert state(conn, child) == "ready"


@pytest.mark.slow
def test_a_failed_parent_that_is_discarded_is_waited_for_no_longer(
    conn: psycopg.Connection,
) -> None:
    parent, other = enqueue(conn), enqueue(conn)
    child = enqueue(conn, depends_on=[parent, other], on_parent_failure="wait")
    finish(conn, parent, failed=True)
    promote(conn)
    assert outcomes(conn, "discard", parent) == ["discarded"]
    promote(conn)
    assert state(conn, child) == "cancelled"
    leave_nothing(conn)


def test_cancelled_children_are_not_revived_with_their_parent(conn: psycopg.Connection) -> None:
    parent = enqueue(conn)
    child = enqueue(conn, depends_on=[parent])
    finish(conn, parent, failed=True)
    promote(conn)
    outcomes(conn, "retry", parent)
    finish(conn, parent)
    promote(conn)
    assert state(conn, child) == "cancelled"


def test_a_flow_is_retried_as_a_whole(conn: psycopg.Connection) -> None:
    done, parent = enqueue(conn), enqueue(conn)
    child = enqueue(conn, depends_on=[done, parent])
    grandchild = enqueue(conn, depends_on=[child])
    finish(conn, done)
    finish(conn, parent, failed=True)
    promote(conn)
    assert states(conn, child, grandchild) == ["cancelled", "cancelled"]
    assert outcomes(conn, "retry", grandchild, child, parent) == ["retried"] * 3
    promote(conn)
    assert states(conn, parent, child, grandchild) == ["ready", "blocked", "blocked"]
    finish(conn, parent)
    assert states(conn, child, grandchild) == ["ready", "blocked"]
    finish(conn, child)
    assert state(conn, grandchild) == "ready"
    leave_nothing(conn)


def test_a_child_retried_alone_runs(conn: psycopg.Connection) -> None:
    parent = enqueue(conn)
    child = enqueue(conn, depends_on=[parent])
    finish(conn, parent, failed=True)
    promote(conn)
    assert outcomes(conn, "retry", child) == ["retried"]
    assert state(conn, child) == "ready"


@pytest.mark.slow
@pytest.mark.parametrize("batch_size", [1, 7, 1000])
def test_a_cancel_cascades(conn: psycopg.Connection, batch_size: int) -> None:
    jobs: list[Row] = [{"task": "work", "ref": "0"}]
    jobs += [{"task": "work", "ref": str(n), "depends_on": [str(n - 1)]} for n in range(1, 30)]
    ids = [job_id for job_id, _ in enqueue_many(conn, *jobs)]
    finish(conn, ids[0], failed=True)
    while promote(conn, batch_size)["next_due_at"] is not None:
        pass
    assert set(states(conn, *ids[1:])) == {"cancelled"}
    leave_nothing(conn)


@pytest.mark.newest
@pytest.mark.slow
def test_a_chain_of_thousands_is_cancelled_in_few_calls(conn: psycopg.Connection) -> None:
    jobs: list[Row] = [{"task": "work", "ref": "0"}]
    jobs += [{"task": "work", "ref": str(n), "depends_on": [str(n - 1)]} for n in range(1, 2000)]
    enqueue_many(conn, *jobs)
    while promote(conn)["next_due_at"] is not None:
        pass
    (held,) = claim(conn)
    conn.execute("set max_stack_depth = '100kB'")
    fail(conn, held, final=[True])
    for _ in range(3):
        promote(conn)
    assert scalar(conn, "select count(*) from pgq.job_history where state = 'cancelled'") == 1999
    leave_nothing(conn)


@pytest.mark.parametrize("gone", ["succeeded", "pruned", "discarded", "cleared"])
def test_a_parent_that_had_gone_before(conn: psycopg.Connection, gone: str) -> None:
    parent = enqueue(conn)
    if gone == "discarded":
        outcomes(conn, "discard", parent)
    elif gone == "cleared":
        value(conn, "clear_queue", queue="default")
    else:
        finish(conn, parent)
    if gone == "pruned":
        conn.execute("delete from pgq.job_history")
    child = enqueue(conn, depends_on=[parent])
    assert state(conn, child) == "blocked"
    promote(conn)
    assert state(conn, child) == "ready"
    leave_nothing(conn)


def test_a_parent_that_is_cleared_away(conn: psycopg.Connection) -> None:
    ready = enqueue(conn, queue="parents")
    later = enqueue(conn, queue="parents", delay="1 hour")
    policies = ("cancel", "run", "wait")
    children = [
        enqueue(conn, depends_on=[parent], on_parent_failure=policy)
        for parent in (ready, later)
        for policy in policies
    ]
    promote(conn)
    assert value(conn, "clear_queue", queue="parents", include_scheduled=True) == 2
    promote(conn)
    assert states(conn, *children) == ["cancelled", "ready", "cancelled"] * 2
    leave_nothing(conn)


@pytest.mark.parametrize(
    ("parents", "words"),
    [
        ([1], "does not exist"),
        ([0], "does not exist"),
        ([-1], "does not exist"),
        ([2**62], "does not exist"),
        ([None], "does not exist"),
        (list(range(1, 10_002)), "more than 10000"),
    ],
)
def test_parents_that_cannot_be(
    conn: psycopg.Connection, parents: list[int | None], words: str
) -> None:
    """On a fresh schema, where 1 is the id that the job itself would get."""
    with refused("JQ001", words):
        enqueue(conn, depends_on=parents)
    with refused("JQ001", words):
        enqueue_many(conn, {"task": "work", "depends_on": parents})
    with refused("JQ001", "job 2: "):
        enqueue_many(conn, {"task": "work"}, {"task": "work", "depends_on": parents})
    assert scalar(conn, "select count(*) from pgq.jobs") == 0


def test_its_own_id_and_the_next_are_refused(conn: psycopg.Connection) -> None:
    last = enqueue(conn)
    for ahead in (1, 2):
        with refused("JQ001", "does not exist"):
            enqueue(conn, depends_on=[last + ahead])


@pytest.mark.slow
def test_wrong_options(conn: psycopg.Connection) -> None:
    parent = enqueue(conn)
    with refused("JQ001", "on_parent_failure is ignore"):
        enqueue(conn, depends_on=[parent], on_parent_failure="ignore")
    with refused("JQ001", "without depends_on"):
        enqueue(conn, on_parent_failure="run")
    with refused("JQ001", "replace"):
        options = {"unique_key": "k", "on_conflict": "replace"}
        enqueue(conn, depends_on=[parent], **options)


@pytest.mark.parametrize("parents", [None, []])
def test_no_parents(conn: psycopg.Connection, parents: list[int] | None) -> None:
    assert state(conn, enqueue(conn, depends_on=parents)) == "ready"
    ((job_id, _),) = enqueue_many(conn, {"task": "work", "depends_on": parents})
    assert state(conn, job_id) == "ready"
    assert scalar(conn, "select bool_and(depends_on is null) from pgq.jobs")


def test_a_parent_named_twice(conn: psycopg.Connection) -> None:
    parent = enqueue(conn)
    child = enqueue(conn, depends_on=[parent, parent])
    ((other, _),) = enqueue_many(conn, {"task": "work", "depends_on": [parent, parent]})
    finish(conn, parent)
    assert states(conn, child, other) == ["ready", "ready"]


@pytest.mark.slow
def test_ten_thousand_parents(conn: psycopg.Connection) -> None:
    parents = [job_id for job_id, _ in enqueue_many(conn, *[{"task": "work"}] * 10_000)]
    child = enqueue(conn, queue="children", depends_on=parents)
    promote(conn)
    finish(conn, *parents[:-1])
    while promote(conn)["next_due_at"] is not None:
        pass
    assert state(conn, child) == "blocked"
    finish(conn, parents[-1])
    assert state(conn, child) == "ready"
    leave_nothing(conn)


def test_time_comes_after_the_parents(conn: psycopg.Connection, travel: Travel) -> None:
    parent = enqueue(conn)
    child = enqueue(conn, depends_on=[parent], delay="1 hour")
    late_parent = enqueue(conn, queue="late")
    late_child = enqueue(conn, depends_on=[late_parent], delay="1 hour")
    promote(conn)
    finish(conn, parent)
    assert states(conn, child, late_child) == ["scheduled", "blocked"]
    travel("2 hours")
    promote(conn)
    assert states(conn, child, late_child) == ["ready", "blocked"]
    finish(conn, late_parent)
    assert state(conn, late_child) == "ready"


def test_the_semaphore_comes_after_the_parents(conn: psycopg.Connection) -> None:
    holder = enqueue(conn, concurrency_key="k", priority=-1)
    promote(conn)
    parent = enqueue(conn)
    child = enqueue(conn, depends_on=[parent], concurrency_key="k", partition_key="tenant")
    other = enqueue(conn, depends_on=[parent], concurrency_key="free", partition_key="tenant")
    promote(conn)
    slots = "select array_agg(job_id) from pgq.slots"
    assert scalar(conn, slots) == [holder]
    finish(conn, parent)
    for _ in range(2):
        promote(conn)
    assert states(conn, child, other) == ["blocked", "ready"]
    assert scalar(conn, "select partition_key from pgq.ready where job_id = %s", other) == "tenant"
    finish(conn, holder)
    for _ in range(2):
        promote(conn)
    assert state(conn, child) == "ready"


@pytest.mark.parametrize(
    ("change", "expected"),
    [("cancel", "cancelled"), ("discard", None), ("expire", "expired"), ("retry", "blocked")],
)
def test_a_blocked_child_is_changed(
    conn: psycopg.Connection, travel: Travel, change: str, expected: str | None
) -> None:
    parent, other = enqueue(conn), enqueue(conn, delay="1 day")
    child = enqueue(conn, depends_on=[parent, other], expires_in="1 hour")
    grandchild = enqueue(conn, depends_on=[child], on_parent_failure="run")
    promote(conn)
    if change == "expire":
        travel("2 hours")
        rows(conn, "maintain")
    else:
        said = {"cancel": "cancelled", "discard": "discarded", "retry": "retried"}[change]
        assert outcomes(conn, change, child) == [said]
    promote(conn)
    assert state(conn, child) == expected
    assert state(conn, grandchild) == ("blocked" if expected == "blocked" else "ready")
    finish(conn, parent)
    promote(conn)
    assert state(conn, child) == expected


def test_a_new_child_is_changed_before_anybody_looked(conn: psycopg.Connection) -> None:
    parent = enqueue(conn)
    finish(conn, parent)
    children = [enqueue(conn, depends_on=[parent]) for _ in range(3)]
    outcomes(conn, "cancel", children[0])
    outcomes(conn, "discard", children[1])
    outcomes(conn, "retry", children[2])
    promote(conn)
    assert states(conn, *children) == ["cancelled", None, "ready"]
    leave_nothing(conn)


@pytest.mark.parametrize("on_conflict", ["return", "bump", "replace"])
def test_a_blocked_owner_of_a_unique_key(conn: psycopg.Connection, on_conflict: str) -> None:
    parent = enqueue(conn)
    options: dict[str, Any] = {"unique_key": "k", "priority": 1}
    child = enqueue(conn, "first", depends_on=[parent], **options)
    promote(conn)
    again = {"unique_key": "k", "on_conflict": on_conflict, "priority": -1}
    assert enqueue(conn, "second", **again) == child
    assert enqueue_many(conn, {"task": "second", **again}) == [(child, False)]
    promote(conn)
    assert state(conn, child) == "blocked"
    found = job(conn, child)
    assert found["task"] == ("second" if on_conflict == "replace" else "first")
    assert found["priority"] == (1 if on_conflict == "return" else -1)
    finish(conn, parent)
    assert state(conn, child) == "ready"
    leave_nothing(conn)


def test_a_found_owner_gets_no_parents(conn: psycopg.Connection) -> None:
    parent = enqueue(conn, queue="parents")
    owner = enqueue(conn, unique_key="k")
    assert enqueue(conn, unique_key="k", depends_on=[parent]) == owner
    answers = enqueue_many(conn, {"task": "work", "unique_key": "k", "depends_on": [parent]})
    assert answers == [(owner, False)]
    assert state(conn, owner) == "ready"
    assert scalar(conn, "select count(*) from pgq.dependencies") == 0


def test_the_view_says_for_whom_a_job_waits(conn: psycopg.Connection) -> None:
    parents = [enqueue(conn), enqueue(conn)]
    child = enqueue(conn, depends_on=parents)
    view = "select waits_for, parents from pgq.blocked_jobs where id = %s"
    assert conn.execute(view, (child,)).fetchone() == ("parents", parents)
    finish(conn, parents[0])
    promote(conn)
    assert conn.execute(view, (child,)).fetchone() == ("parents", parents[1:])


def watch_all_lanes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have Plans look at the tables of blocked jobs too, though not at the sequence of notes."""
    tables = (*test_plans.TABLES, "blocked", "dependencies", "releases")
    monkeypatch.setattr(test_plans, "TABLES", tables)
    node = test_plans.NODE.pattern.replace(r"(?P<table>\w+)", r"(?P<table>(?!\w+_seq\b)\w+)")
    monkeypatch.setattr(test_plans, "NODE", re.compile(node))


def with_children(conn: psycopg.Connection, count: int, policies: Sequence[str | None]) -> int:
    """Enqueue a parent and its children, and have all of them looked at; return the parent."""
    parent = enqueue(conn)
    jobs: list[Row] = [
        {"task": "work", "depends_on": [parent], "on_parent_failure": policies[n % len(policies)]}
        for n in range(count)
    ]
    enqueue_many(conn, *jobs)
    while promote(conn, 10_000)["next_due_at"] is not None:
        pass
    return parent


@pytest.mark.slow
@pytest.mark.parametrize("failed", [False, True])
def test_ten_thousand_children_go_on_in_bounded_batches(
    conn: psycopg.Connection, failed: bool
) -> None:
    parent = with_children(conn, 10_000, ["run"])
    finish(conn, parent, failed=failed)
    left = 10_000 if failed else 9_900
    blocked = "select count(*) from pgq.blocked"
    assert scalar(conn, blocked) == left
    for batch_size in (1, 10, 1000):
        assert promote(conn, batch_size)["next_due_at"] is not None
        left -= batch_size
        assert scalar(conn, blocked) == left
    calls = 0
    while promote(conn)["next_due_at"] is not None:
        left = max(0, left - 1000)
        assert scalar(conn, blocked) == left
        calls += 1
    assert left == 0 and calls <= 10
    leave_nothing(conn)


@pytest.mark.slow
def test_children_that_wait_for_a_retry_cost_the_others_nothing(
    conn: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    watch_all_lanes(monkeypatch)
    parent = with_children(conn, 5000, ["wait"])
    child = enqueue(conn, depends_on=[parent])
    promote(conn)
    plans = test_plans.Plans(conn)
    with plans.stay_small():
        finish(conn, parent, failed=True)
    with plans.stay_small():
        promote(conn, 10)
    assert state(conn, child) == "cancelled"
    assert scalar(conn, "select count(*) from pgq.blocked") == 5000
    assert scalar(conn, "select count(*) from pgq.releases") == 0
    assert promote(conn)["next_due_at"] is None


LOAD = """
    insert into pgq.jobs (id, queue, task, priority, max_attempts, run_at, created_at, args,
      depends_on, on_parent_failure)
    select n, 'default', 'work', 0, 5, pgq._now(), pgq._now(), '{}',
      case when n > 100 then array[n % 100 + 1] end, case when n % 3 = 0 then 'run' end
    from generate_series(1, 20000) as n;
    insert into pgq.ready (queue, priority, job_id, task, ready_at)
    select queue, priority, id, task, created_at from pgq.jobs where id <= 100;
    insert into pgq.blocked (job_id, queue, priority, has_parents, is_new)
    select id, queue, priority, true, id > 19900 from pgq.jobs where id > 100;
    insert into pgq.dependencies (child_id, parent_id)
    select id, depends_on[1] from pgq.jobs where id > 100;
    select setval('pgq.jobs_id_seq', 20000);
"""


@pytest.mark.slow
@pytest.mark.parametrize("cached", [False, True])
def test_every_statement_goes_by_an_index(
    conn: psycopg.Connection, monkeypatch: pytest.MonkeyPatch, cached: bool
) -> None:
    watch_all_lanes(monkeypatch)
    if cached:
        parent = with_children(conn, 3, ["run", "cancel"])
        finish(conn, parent, failed=True)
        promote(conn)
        conn.execute("delete from pgq.jobs; delete from pgq.ready; delete from pgq.job_history")
    conn.execute(LOAD.encode())
    plans = test_plans.Plans(conn)
    with plans.stay_small():
        held = claim(conn, batch_size=10)
    with plans.stay_small(most=200):  # a settle lets a hundred children go at once
        complete(conn, held[0])
    with plans.stay_small():
        fail(conn, held[1], final=[True])
    for _ in range(3):
        with plans.stay_small():
            promote(conn, 10)
    waiting = [row[0] for row in conn.execute("select job_id from pgq.blocked limit 10")]
    with plans.stay_small():
        outcomes(conn, "cancel", *waiting)
    with plans.stay_small():
        outcomes(conn, "retry", *waiting)
    with plans.stay_small():
        outcomes(conn, "discard", *waiting)
    with plans.stay_small():
        rows(conn, "parent_results", job_id=20_000)
