"""What a settle passes on at once, while others promote, settle and change the same jobs.

The transaction of a settle may stay open for long: nobody waits for it, what it cannot do is noted,
and what it did comes back when it rolls back.
"""

from __future__ import annotations

from typing import Any

import psycopg
import pytest
from psycopg import IsolationLevel

from tests.conftest import Connect
from tests.sql.calls import (
    claim,
    claim_one,
    complete,
    enqueue,
    enqueue_many,
    fail,
    outcomes,
    scalar,
    state,
    value,
)
from tests.sql.limits.semaphores import holders, keyed, promote, states
from tests.sql.races.conftest import Start

COMMITS = pytest.mark.parametrize("commits", [True, False])
STRICT = pytest.mark.parametrize(
    "level", [IsolationLevel.REPEATABLE_READ, IsolationLevel.SERIALIZABLE], ids=lambda it: it.name
)


def at_once(start: Start, function: Any, *arguments: Any, **options: Any) -> Any:
    """Call it on a new session, and make sure that it waits for nobody."""
    call = start(function, *arguments, **options)
    assert not call.waits()
    return call.result()


def end(session: psycopg.Connection, commits: bool) -> None:
    session.commit() if commits else session.rollback()


def rest(conn: psycopg.Connection, size: int = 1000) -> int:
    """Promote until nothing is left; answer how often that took."""
    for turn in range(100):
        promote(conn, batch_size=size)
        if not scalar(
            conn,
            "select exists (select from pgq.releases)"
            " or exists (select from pgq.blocked where is_new)",
        ):
            return turn + 1
    raise AssertionError("notes that stay for ever")


def lane(conn: psycopg.Connection, name: str) -> int:
    answer: int = scalar(conn, "select count(*) from pgq.all_jobs where state = %s", name)
    return answer


@COMMITS
def test_a_settle_of_500_keys(
    conn: psycopg.Connection, other: psycopg.Connection, start: Start, commits: bool
) -> None:
    keys = [f"k{number}" for number in range(500)]
    for _ in range(3):
        enqueue_many(conn, *({"task": "work", "concurrency_key": key} for key in keys))
    rest(conn)
    held = claim(conn, batch_size=500)
    assert complete(other, *held) == ["ok"] * 500
    # Others come for each key, and for one of their own, while the settle is open.
    enqueue_many(conn, *({"task": "late", "concurrency_key": key} for key in keys))
    mine = keyed(conn, "mine")
    at_once(start, promote)
    assert (state(conn, mine), lane(conn, "ready")) == ("ready", 1)
    at_once(start, outcomes, "cancel", mine)
    end(other, commits)
    rest(conn)
    assert (lane(conn, "ready"), lane(conn, "running")) == ((500, 0) if commits else (0, 500))
    most = "select max(held) from (select count(*) as held from pgq.slots group by concurrency_key)"
    assert scalar(conn, f"{most} as slot") == 1
    if not commits:
        assert complete(conn, *held) == ["ok"] * 500
        assert lane(conn, "ready") == 500


@pytest.mark.timeout(120)
def test_10000_children_of_one_parent(
    conn: psycopg.Connection, other: psycopg.Connection, start: Start
) -> None:
    parent = enqueue(conn, queue="parents")
    enqueue_many(conn, *[{"task": "child", "depends_on": [parent]}] * 10_000)
    for _ in range(10):
        promote(conn)
    assert complete(other, claim_one(conn, queues=["parents"])) == ["ok"]
    # The settle took some along, and the others do not know of it yet.
    at_once(start, promote)
    assert lane(conn, "blocked") == 10_000
    other.commit()
    assert 0 < lane(conn, "ready") <= 100

    def promote_some(session: psycopg.Connection) -> None:
        for _ in range(5):
            promote(session)

    for call in [start(promote_some) for _ in range(3)]:
        call.result()
    rest(conn)
    assert lane(conn, "ready") == 10_000
    assert scalar(conn, "select count(*) from pgq.dependencies") == 0


def test_a_child_goes_on_to_a_key_that_another_settle_holds(
    conn: psycopg.Connection, other: psycopg.Connection, start: Start
) -> None:
    holder = keyed(conn, limit=2)
    promote(conn)
    held = claim_one(conn)
    parent = enqueue(conn)
    child = keyed(conn, limit=2, depends_on=[parent])
    promote(conn)
    assert complete(other, held) == ["ok"]
    assert at_once(start, complete, claim_one(conn)) == ["ok"]
    at_once(start, promote)
    assert states(conn, holder, child) == ["running", "blocked"]
    other.rollback()
    promote(conn)
    assert sorted(holders(conn)) == [holder, child]


def test_notes_that_an_open_settle_keeps_hold_up_no_other_key(
    conn: psycopg.Connection, other: psycopg.Connection, start: Start
) -> None:
    """There are as many of them as a promotion looks at, and they come first."""
    keys = ("a", "b", "c")
    for key in keys:
        keyed(conn, key)
    promote(conn)
    assert complete(other, *claim(conn)) == ["ok"] * 3
    waiters = [keyed(conn, key) for key in keys]
    late = [keyed(conn, key) for key in ("d", "e", "f", "g")]
    for _ in range(100):
        at_once(start, promote, session=conn, batch_size=3)
        if set(states(conn, *late)) == {"ready"}:
            break
    assert states(conn, *waiters, *late) == ["blocked"] * 3 + ["ready"] * 4
    other.commit()
    rest(conn)
    assert set(states(conn, *waiters)) == {"ready"}


@COMMITS
def test_a_child_in_an_open_settle_whose_other_parent_ends(
    conn: psycopg.Connection, other: psycopg.Connection, start: Start, commits: bool
) -> None:
    """The child is in the first settle's hands, and the second may not wait for it."""
    parents = [enqueue(conn), enqueue(conn)]
    child = keyed(conn, depends_on=parents)
    promote(conn)
    first, second = claim(conn)
    assert complete(other, first) == ["ok"]
    assert at_once(start, complete, second) == ["ok"]
    at_once(start, promote)
    assert state(conn, child) == "blocked"
    end(other, commits)
    rest(conn)
    assert state(conn, child) == ("ready" if commits else "blocked")
    if not commits:
        assert complete(conn, first) == ["ok"]
        assert state(conn, child) == "ready"


@COMMITS
def test_a_settle_that_drops_a_waiter(
    conn: psycopg.Connection, other: psycopg.Connection, start: Start, commits: bool
) -> None:
    """It hands its slot on, ends who is not to wait, and that one's child, all or nothing."""
    holder = keyed(conn)
    promote(conn)
    held = claim_one(conn)
    dropped = keyed(conn, depends_on=[enqueue(conn)], concurrency_on_conflict="discard")
    child = enqueue(conn, depends_on=[dropped])
    promote(conn)
    parent = claim_one(conn)
    next_one = keyed(conn, priority=-1)
    assert complete(other, parent, held) == ["ok", "ok"]
    at_once(start, promote)
    assert states(conn, holder, next_one, dropped, child) == ["running"] + ["blocked"] * 3
    end(other, commits)
    if not commits:
        assert states(conn, holder, next_one, dropped, child) == ["running"] + ["blocked"] * 3
        assert complete(conn, held, parent) == ["ok", "ok"]
    rest(conn)
    assert states(conn, holder, next_one) == ["succeeded", "ready"]
    assert states(conn, dropped, child) == ["cancelled", "cancelled"]


@COMMITS
@pytest.mark.parametrize("function", ["cancel", "discard"])
def test_a_change_of_a_child_waits_for_the_settle_that_lets_it_go(
    conn: psycopg.Connection, other: psycopg.Connection, start: Start, function: str, commits: bool
) -> None:
    parent = enqueue(conn)
    child = enqueue(conn, depends_on=[parent])
    grandchild = enqueue(conn, depends_on=[child])
    promote(conn)
    held = claim_one(conn)
    assert complete(other, held) == ["ok"]
    changing = start(outcomes, function, child)
    assert changing.waits()
    end(other, commits)
    assert changing.result() == [f"{function}ed" if function == "discard" else "cancelled"]
    rest(conn)
    assert states(conn, child, grandchild) == [
        "cancelled" if function == "cancel" else None, "cancelled"
    ]  # fmt: skip
    if not commits:
        assert complete(conn, held) == ["ok"]


@COMMITS
def test_a_savepoint_that_takes_a_settle_back(
    conn: psycopg.Connection, other: psycopg.Connection, start: Start, commits: bool
) -> None:
    """The lock of the key goes with it, while the transaction goes on."""
    made = [keyed(conn) for _ in range(3)]
    child = enqueue(conn, depends_on=made[:1])
    promote(conn)
    held = claim_one(conn)
    other.execute("savepoint before")
    assert complete(other, held) == ["ok"]
    other.execute("rollback to before")
    assert at_once(start, complete, held) == ["ok"]
    assert states(conn, *made, child) == ["succeeded", "ready", "blocked", "ready"]
    assert complete(other, held) == ["already"]
    end(other, commits)
    rest(conn)
    assert holders(conn) == [made[1]]


@STRICT
def test_a_settle_with_one_snapshot_leaves_it_to_promotion(
    conn: psycopg.Connection, connect: Connect, start: Start, level: IsolationLevel
) -> None:
    """What came after its snapshot hears of it too: a waiter, a child, and the end of a batch."""
    batch = value(conn, "create_batch", on_success='{"task": "after"}')
    parent = keyed(conn, batch_id=batch)
    promote(conn)
    held = claim_one(conn)
    strict = connect(autocommit=False)
    strict.isolation_level = level
    assert scalar(strict, "select count(*) from pgq.jobs") == 1
    waiter = keyed(conn)
    child = enqueue(conn, depends_on=[parent])
    promote(conn)
    value(conn, "close_batch", batch_id=batch)
    assert complete(strict, held) == ["ok"]
    at_once(start, promote)
    assert states(conn, waiter, child) == ["blocked", "blocked"]
    strict.commit()
    rest(conn)
    assert states(conn, parent, waiter, child) == ["succeeded", "ready", "ready"]
    assert scalar(conn, "select count(*) from pgq.jobs where task = 'after'") == 1


@STRICT
def test_a_promotion_with_one_snapshot_forgets_nobody(
    conn: psycopg.Connection, connect: Connect, level: IsolationLevel
) -> None:
    """It lets children go, and leaves slots to others, who may have taken some meanwhile."""
    parent, first = enqueue(conn), keyed(conn)
    child = keyed(conn, depends_on=[parent])
    strict = connect(autocommit=False)
    strict.isolation_level = level
    assert scalar(strict, "select count(*) from pgq.jobs") == 3
    promote(conn)
    assert complete(conn, *claim(conn, batch_size=1)) == ["ok"]
    second = keyed(conn)
    try:
        promote(strict)
        strict.commit()
    except psycopg.errors.SerializationFailure:
        strict.rollback()
    rest(conn)
    (holder,) = holders(conn)
    assert holder == first
    assert states(conn, child, second) == ["blocked", "blocked"]
    for expected in (child, second):
        assert complete(conn, claim_one(conn)) == ["ok"]
        assert holders(conn) == [expected]


@COMMITS
def test_two_settles_of_the_same_keys_in_opposite_orders(
    conn: psycopg.Connection, connect: Connect, start: Start, commits: bool
) -> None:
    """Each goes over the keys twice, in a transaction that stays open; nobody waits."""
    for key in "abcd":
        for _ in range(6):
            keyed(conn, key, limit=2)
    rest(conn)
    held = {key: [] for key in "abcd"}  # type: dict[str, list[Any]]
    by_job: dict[int, str] = dict(conn.execute("select job_id, concurrency_key from pgq.slots"))
    for each in claim(conn):
        held[by_job[each.job_id]].append(each)
    sessions = connect(autocommit=False), connect(autocommit=False)
    for place, order in enumerate(("abcd", "dcba")):
        for key in order:
            done = at_once(start, complete, held[key][place], session=sessions[place])
            assert done == ["ok"]
    sessions[0].commit()
    end(sessions[1], commits)
    rest(conn)
    assert [len(holders(conn, key)) for key in "abcd"] == [2] * 4
    assert lane(conn, "succeeded") == (8 if commits else 4)


def test_settles_releases_and_failures_of_flows_with_keys(
    conn: psycopg.Connection, start: Start
) -> None:
    """Every job has two parents and a key; sessions settle some, and take some back again."""
    layer = [keyed(conn, f"k{number % 3}", limit=2) for number in range(12)]
    total = len(layer)
    for depth in range(3):
        layer = [
            keyed(
                conn,
                f"k{(number + depth) % 3}",
                limit=2,
                depends_on=[layer[number], layer[(number + 1) % 12]],
                on_parent_failure="run",
                backoff="0",
            )
            for number in range(12)
        ]
        total += 12

    def work(session: psycopg.Connection, commits_every: int) -> None:
        session.autocommit = False
        for turn in range(200):
            promote(session, batch_size=5)
            session.commit()
            held = claim(session, batch_size=3)
            session.commit()
            if held:
                fail(session, *held[2:], final=[True] * len(held[2:]))
                complete(session, *held[:2])
                end(session, turn % commits_every != 0)
                complete(session, *held)
                session.commit()
            elif scalar(session, "select not exists (select from pgq.jobs)"):
                session.commit()
                return
            session.commit()

    for call in [start(work, every) for every in (2, 3, 4)]:
        call.result()
    while held := claim(conn, batch_size=100):
        complete(conn, *held)
        rest(conn)
    assert lane(conn, "succeeded") + lane(conn, "failed") == total
    assert scalar(conn, "select count(*) from pgq.slots") == 0
