"""Parents that end, children that come, and promotions, in every order: no child is stranded."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import permutations
from typing import Any

import psycopg
import pytest
from psycopg import IsolationLevel

from tests.conftest import Connect
from tests.sql.calls import (
    claim,
    complete,
    enqueue,
    enqueue_many,
    fail,
    outcomes,
    rows,
    scalar,
    state,
)
from tests.sql.races.conftest import Call, Start

Settle = Callable[[psycopg.Connection, list[Any]], object]


def succeed(conn: psycopg.Connection, held: list[Any]) -> object:
    return complete(conn, *held)


def give_up(conn: psycopg.Connection, held: list[Any]) -> object:
    return fail(conn, *held, final=[True] * len(held))


def promote(conn: psycopg.Connection, batch_size: int = 1000) -> None:
    rows(conn, "promote_due", batch_size=batch_size)


# A child is enqueued (E), its parent settled (S), jobs promoted (P): each call, then its commit.
ORDERS = sorted(set(permutations("EESSPP")))


class Race:
    """One order of the six steps, each transaction on a session of its own."""

    def __init__(self, start: Start, connect: Connect, isolation: IsolationLevel | None) -> None:
        self.enqueuer = connect(autocommit=False)
        self.settler = connect(autocommit=False)
        self.settler.isolation_level = isolation
        self.promoter = connect(autocommit=False)
        self._start = start

    def run(
        self,
        order: tuple[str, ...],
        settle: Settle,
        held: list[Any],
        policy: str | None,
        rolled_back: bool,
    ) -> int:
        """Return the child, once all three have committed."""
        # If a transaction has one snapshot, by its isolation, that is from before the race.
        self.settler.execute("select")
        seen: list[str] = []
        settling: Call | None = None
        child = 0
        for step in (*order, "S"):
            first = step not in seen
            seen.append(step)
            if step == "E":
                if first:
                    options: dict[str, Any] = {
                        "depends_on": [held[0].job_id],
                        "on_parent_failure": policy,
                    }
                    child = enqueue(self.enqueuer, queue="children", **options)
                else:
                    self.enqueuer.commit()
            elif step == "P":
                if first:
                    promoting = self._start(promote, session=self.promoter)
                    assert not promoting.waits(), order
                    promoting.result()
                else:
                    self.promoter.commit()
            elif first:
                settling = self._start(settle, held, session=self.settler)
                settling.waits()
            elif settling and (not settling.waits() or "P" not in order[len(seen) - 1 :]):
                settling.result()
                if rolled_back:
                    self.settler.rollback()
                else:
                    self.settler.commit()
                settling = None
        assert settling is None
        return child


@pytest.mark.parametrize("isolation", [None, IsolationLevel.REPEATABLE_READ])
@pytest.mark.parametrize(
    ("settle", "policy", "expected"),
    [
        (succeed, None, "ready"),
        (give_up, None, "cancelled"),
        (give_up, "run", "ready"),
        (give_up, "wait", "blocked"),
    ],
)
def test_every_order_of_enqueue_settle_and_promote(
    conn: psycopg.Connection,
    connect: Connect,
    start: Start,
    isolation: IsolationLevel | None,
    settle: Settle,
    policy: str | None,
    expected: str,
) -> None:
    race = Race(start, connect, isolation)
    for order in ORDERS:
        enqueue(conn, queue="parents")
        held = claim(conn, ["parents"])
        child = race.run(order, settle, held, policy, rolled_back=False)
        promote(conn)
        promote(conn)
        assert state(conn, child) == expected, order
        if expected == "blocked":
            assert outcomes(conn, "retry", held[0].job_id) == ["retried"]
            complete(conn, *claim(conn, ["parents"]))
            promote(conn)
            assert state(conn, child) == "ready", order
        assert scalar(conn, "select count(*) from pgq.releases") == 0


def test_every_order_with_a_settle_that_is_rolled_back(
    conn: psycopg.Connection, connect: Connect, start: Start
) -> None:
    race = Race(start, connect, None)
    for order in ORDERS:
        enqueue(conn, queue="parents")
        held = claim(conn, ["parents"])
        child = race.run(order, succeed, held, None, rolled_back=True)
        promote(conn)
        assert state(conn, child) == "blocked", order
        assert complete(conn, *held) == ["ok"]
        promote(conn)
        assert state(conn, child) == "ready", order


@pytest.mark.parametrize("settles", [(succeed, succeed), (succeed, give_up), (give_up, give_up)])
@pytest.mark.parametrize("first_commits_first", [True, False])
def test_two_parents_end_at_once(
    conn: psycopg.Connection,
    connect: Connect,
    start: Start,
    settles: tuple[Settle, Settle],
    first_commits_first: bool,
) -> None:
    parents = [enqueue(conn, queue="parents") for _ in range(2)]
    child = enqueue(conn, queue="children", depends_on=parents, on_parent_failure="run")
    promote(conn)
    held = claim(conn, ["parents"])
    sessions = [connect(autocommit=False) for _ in range(2)]
    for settle, one, session in zip(settles, held, sessions, strict=True):
        call = start(settle, [one], session=session)
        assert not call.waits()
        call.result()
    promoting = start(promote)
    assert not promoting.waits()
    for session in sessions if first_commits_first else sessions[::-1]:
        assert state(conn, child) == "blocked"
        session.commit()
    promote(conn)
    assert state(conn, child) == "ready"


def test_parents_that_end_together_leave_a_note_for_a_child_that_is_held(
    conn: psycopg.Connection, other: psycopg.Connection, start: Start
) -> None:
    parents = [enqueue(conn, queue="parents") for _ in range(2)]
    first, second = (enqueue(conn, queue="children", depends_on=[one]) for one in parents)
    promote(conn)
    outcomes(other, "cancel", second)
    settling = start(succeed, claim(conn, ["parents"]))
    assert not settling.waits()
    assert (state(conn, first), state(conn, second)) == ("ready", "blocked")
    assert conn.execute("select parent_id from pgq.releases").fetchall() == [(parents[1],)]
    other.rollback()
    promote(conn)
    assert state(conn, second) == "ready"


def test_a_promotion_passes_over_a_settle_and_the_other_way_round(
    conn: psycopg.Connection, other: psycopg.Connection, start: Start
) -> None:
    first, second = (enqueue(conn, queue="parents") for _ in range(2))
    child = enqueue(conn, queue="children", depends_on=[first, second], on_parent_failure="run")
    promote(conn)
    one, two = claim(conn, ["parents"])
    give_up(conn, [one])
    promote(other)
    settling = start(succeed, [two])
    assert not settling.waits()
    other.rollback()
    assert state(conn, child) == "blocked"
    promote(conn)
    assert state(conn, child) == "ready"


@pytest.mark.parametrize("function", ["cancel", "discard", "retry"])
def test_a_change_of_the_child_waits_for_its_release(
    conn: psycopg.Connection, other: psycopg.Connection, start: Start, function: str
) -> None:
    parent = enqueue(conn, queue="parents")
    child = enqueue(conn, queue="children", depends_on=[parent])
    promote(conn)
    succeed(other, claim(conn, ["parents"]))
    changing = start(outcomes, function, child)
    assert changing.waits()
    other.commit()
    changing.result()
    expected = {"cancel": "cancelled", "discard": None, "retry": "ready"}[function]
    assert state(conn, child) == expected
    promote(conn)
    assert state(conn, child) == expected


@pytest.mark.parametrize("settle", [succeed, give_up])
@pytest.mark.parametrize("function", ["cancel", "discard", "retry"])
@pytest.mark.parametrize("rolled_back", [False, True])
def test_a_release_passes_over_a_child_that_is_changed(
    conn: psycopg.Connection,
    other: psycopg.Connection,
    start: Start,
    settle: Settle,
    function: str,
    rolled_back: bool,
) -> None:
    parent = enqueue(conn, queue="parents")
    child, sibling = (enqueue(conn, queue="children", depends_on=[parent]) for _ in range(2))
    promote(conn)
    outcomes(other, function, child)
    settling = start(settle, claim(conn, ["parents"]))
    assert not settling.waits()
    settling.result()
    promoting = start(promote, batch_size=1)
    assert not promoting.waits()
    released = "ready" if settle is succeed else "cancelled"
    assert state(conn, sibling) == released
    assert state(conn, child) == "blocked"
    if rolled_back:
        other.rollback()
    else:
        other.commit()
    promote(conn)
    expected = {"cancel": "cancelled", "discard": None, "retry": released}[function]
    assert state(conn, child) == (released if rolled_back else expected)
    assert scalar(conn, "select count(*) from pgq.releases") == 0


def test_a_retry_of_the_parent_while_its_failure_is_told(
    conn: psycopg.Connection, other: psycopg.Connection, start: Start
) -> None:
    parent = enqueue(conn, queue="parents")
    options: dict[str, Any] = {"queue": "children", "depends_on": [parent]}
    give_up(conn, claim(conn, ["parents"]))
    assert outcomes(other, "retry", parent) == ["retried"]
    child = enqueue(conn, on_parent_failure="wait", **options)
    promoting = start(promote)
    assert not promoting.waits()
    other.commit()
    promote(conn)
    assert state(conn, child) == "blocked"
    complete(conn, *claim(conn, ["parents"]))
    assert state(conn, child) == "ready"


def test_a_child_that_is_a_parent_held_by_another_promotion(
    conn: psycopg.Connection, other: psycopg.Connection, start: Start
) -> None:
    """Ending it would wait for the other promotion, which could wait for this one in turn."""
    parent = enqueue(conn, queue="parents")
    child = enqueue(conn, depends_on=[parent])
    promote(conn)
    give_up(conn, claim(conn, ["parents"]))
    other.execute("select from pgq.jobs where id = %s for share", (child,))
    promoting = start(promote)
    assert not promoting.waits()
    promoting.result()
    assert state(conn, child) == "blocked"
    other.commit()
    promote(conn)
    assert state(conn, child) == "cancelled"


def many_at_once(start: Start, sessions: list[psycopg.Connection], rounds: int) -> Iterator[object]:
    def promote_often(conn: psycopg.Connection) -> None:
        for _ in range(rounds):
            promote(conn, batch_size=50)

    for call in [start(promote_often, session=session) for session in sessions]:
        yield call.result()


@pytest.mark.parametrize("settle", [succeed, give_up])
def test_many_promotions_at_once(
    conn: psycopg.Connection, connect: Connect, start: Start, settle: Settle
) -> None:
    """Of two layers: each child has two parents, each grandchild two of those."""
    count = 100
    jobs: list[dict[str, Any]] = []
    for layer, queue in enumerate(("parents", "middle", "end")):
        for n in range(count):
            parents = [f"{layer - 1} {m % count}" for m in (n, n + 1)] if layer else []
            jobs.append({"task": "t", "ref": f"{layer} {n}", "queue": queue, "depends_on": parents})
    enqueue_many(conn, *jobs)
    settle(conn, claim(conn, ["parents"], batch_size=count))
    sessions = [connect() for _ in range(8)]
    assert len(list(many_at_once(start, sessions, rounds=5))) == 8
    for _ in range(20):
        promote(conn)
    left = "select count(*) from pgq.releases"
    assert scalar(conn, left) == 0
    if settle is give_up:
        assert scalar(conn, "select count(*) from pgq.jobs") == 0
        ended = "select count(*), count(distinct id) from pgq.job_history where state = 'cancelled'"
        assert conn.execute(ended.encode()).fetchone() == (2 * count, 2 * count)
        return
    assert scalar(conn, "select count(*) from pgq.ready") == count
    complete(conn, *claim(conn, ["middle"], batch_size=count))
    for _ in range(2):
        promote(conn)
    assert len(claim(conn, ["end"], batch_size=2 * count)) == count


def test_what_another_session_holds_is_looked_at_again_soon(
    conn: psycopg.Connection, other: psycopg.Connection
) -> None:
    parent = enqueue(conn, queue="parents")
    child = enqueue(conn, queue="children", depends_on=[parent])
    promote(conn)
    outcomes(other, "retry", child)
    succeed(conn, claim(conn, ["parents"]))
    soon = "select promoted, next_due_at - pgq._now() < '1 s' from pgq.promote_due()"
    assert conn.execute(soon.encode()).fetchone() == (0, True)
    other.rollback()
    assert conn.execute(soon.encode()).fetchone() == (1, True)
    assert conn.execute(soon.encode()).fetchone() == (0, None)


def test_children_of_an_open_settle_do_not_hold_up_other_new_jobs(
    conn: psycopg.Connection, connect: Connect
) -> None:
    parent = enqueue(conn)
    held = claim(conn)
    settler = connect(autocommit=False)
    assert succeed(settler, held) == ["ok"]
    children = [enqueue(conn, depends_on=[parent]) for _ in range(3)]
    other = enqueue(conn, concurrency_key="free")
    for _ in range(2):
        promote(conn, batch_size=2)
    assert state(conn, other) == "ready"
    assert {state(conn, child) for child in children} == {"blocked"}
    settler.commit()
    for _ in range(3):
        promote(conn, batch_size=2)
    assert {state(conn, child) for child in children} == {"ready"}
