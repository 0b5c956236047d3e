"""No call does more than it says at a time, whatever there is to do and whatever others hold.

docs/decisions/0030-what-bounds-a-call.md lists what bounds each function.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime

import psycopg
import pytest

from tests import sources
from tests.conftest import Connect
from tests.servers import Travel
from tests.sql.calls import buffers, claim, enqueue, rows, scalar, state, value, violations
from tests.sql.test_arguments import call, plain, public_functions

MOST = 100_000  # entries of a list that a caller passes

# By the place of a job, which is counted; and what a worker holds, which it only asks about.
NOT_COUNTED = {
    *("messages", "error_types", "tracebacks", "final", "retry_in", "cancel", "results"),
    "depends_on",  # counts by itself: 10,000
    "declared",  # counts by itself: 100
}


DECISION = sources.CHECKOUT / "docs" / "decisions" / "0030-what-bounds-a-call.md"
# Steps that touch a row or none, or as many as there are queues.
UNCOUNTED = {"mark", "id_mark", "notify", "depth"}
# Public functions that write a bounded number of rows whatever is there, or none.
OF_ONE = {
    *("await_batch", "close_batch", "configure", "configure_semaphore", "create_batch", "enqueue"),
    *("enqueue_again", "order_worker", "pause_queue", "pause_schedule", "register_worker"),
    *("pause_semaphore", "pause_task", "resume_semaphore", "resume_task"),
    *("resume_queue", "resume_schedule", "run_schedule_now", "schedule", "set_progress"),
    *("unschedule", "queue_latency", "health", "connection_budget"),
}


@pytest.mark.slow
def test_the_decision_names_what_writes_and_nothing_else(conn: psycopg.Connection) -> None:
    table = [line for line in sources.read(DECISION).splitlines() if line.startswith("| `")]
    named = {name for line in table for name in re.findall(r"`(\w+)`", line.split("|")[1])}
    ours = "select proname from pg_proc where pronamespace = 'pgq'::regnamespace"
    public = " and proname !~ '^_' and prorettype <> 'trigger'::regtype"
    known = {name for (name,) in conn.execute(ours.encode())}
    assert named - known == set()
    writing = {name for (name,) in conn.execute(f"{ours}{public} and provolatile = 'v'".encode())}
    assert writing - named - OF_ONE == set()


def test_every_step_of_maintenance_is_bounded(conn: psycopg.Connection) -> None:
    unbounded = conn.execute("select step from pgq.maintenance where most is null").fetchall()
    assert {step for (step,) in unbounded} == UNCOUNTED


def fill(conn: psycopg.Connection, count: int, options: str = "{}") -> None:
    conn.execute(
        'select count(*) from pgq.enqueue_many((select jsonb_agg(\'{"task": "work"}\'::jsonb'
        " || %s::jsonb) from generate_series(1, %s)))",
        (options, count),
    )


def maintained(conn: psycopg.Connection, step: str, most: int) -> int:
    return int(scalar(conn, "select pgq._do_step(%s, %s, true)", step, most))


@pytest.mark.slow
def test_no_list_of_a_caller_is_too_long(conn: psycopg.Connection) -> None:
    """Of every public function that takes one, but heartbeat, which locks no job."""
    taken = []
    for function, arguments in public_functions(conn):
        lists = [each for each in arguments if each.kind.endswith("[]")]
        for argument in lists:
            if function == "heartbeat" or argument.name in NOT_COUNTED:
                continue
            literal = f"array_fill({plain(argument.kind[:-2])}, array[{MOST + 1}])"
            # These must be as long.
            others = {
                each.name: f"array_fill({plain(each.kind[:-2])}, array[{MOST + 1}])"
                for each in lists
                if each.name in ("ids", "claim_ids", "delays")
            }
            error = call(conn, function, arguments, {**others, argument.name: literal})
            if error is None or error.sqlstate != "JQ002":
                taken.append(f"{function}({argument.name}): {error and error.sqlstate}")
    assert taken == []


@pytest.mark.slow
@pytest.mark.parametrize("function", ["cancel", "retry", "discard", "run_now", "results"])
def test_a_list_of_that_length_is_taken(conn: psycopg.Connection, function: str) -> None:
    query = f"select count(*) from pgq.{function}(array(select generate_series(1, {MOST})))"
    assert scalar(conn, query) == MOST


@pytest.mark.newest
@pytest.mark.slow
def test_a_queue_is_cleared_in_parts(conn: psycopg.Connection) -> None:
    fill(conn, MOST + 1)
    said: list[str] = []
    conn.add_notice_handler(lambda notice: said.append(str(notice.message_primary)))
    assert value(conn, "clear_queue", queue="default") == MOST
    assert said == ["the first 100000 jobs of queue default are deleted"]
    assert value(conn, "clear_queue", queue="default") == 1
    assert len(said) == 1
    assert violations(conn) == []


@pytest.mark.slow
def test_a_step_that_did_all_that_it_may_is_due_again_at_once(
    conn: psycopg.Connection, travel: Travel
) -> None:
    rows(conn, "maintain")
    conn.execute("insert into pgq.key_windows (unique_key, job_id, until_at)"
                 " select 'k' || n, n, now() from generate_series(1, 25) as n")  # fmt: skip
    conn.execute("update pgq.maintenance set most = 10 where step = 'window'")
    travel("2 minutes")

    def step() -> int | None:
        done = {each["step"]: each["affected"] for each in rows(conn, "maintain")}
        return done.get("window")

    assert [step() for _ in range(4)] == [10, 10, 5, None]


@pytest.mark.slow
@pytest.mark.parametrize("held", [30, 1000])
def test_requests_to_cancel_behind_held_jobs_are_reached(
    conn: psycopg.Connection, connect: Connect, held: int
) -> None:
    """An open transaction holds very many of the first; a step looks at a few places."""
    ids = [enqueue(conn, queue="held" if n < held else "free") for n in range(held + 20)]
    conn.execute("insert into pgq.cancel_requests (job_id, requested_at)"
                 " select id, now() from pgq.jobs")  # fmt: skip
    other = connect(autocommit=False)
    other.execute("select 1 from pgq.ready where queue = 'held' for update")
    assert all(maintained(conn, "cancel", 10) for _ in range(2))
    other.rollback()
    while maintained(conn, "cancel", 1000):
        pass
    assert scalar(conn, "select count(*) from pgq.cancel_requests") == 0
    assert {state(conn, each) for each in ids} == {"cancelled"}
    assert violations(conn) == []


def test_asking_to_cancel_again_adds_nothing(conn: psycopg.Connection) -> None:
    job_id = enqueue(conn)
    claim(conn)
    for _ in range(3):
        assert rows(conn, "cancel", ids=[job_id]) == [{"job_id": job_id, "outcome": "requested"}]
    assert scalar(conn, "select count(*) from pgq.cancel_requests") == 1


def test_jobs_without_a_key_in_a_fair_queue_are_found_in_parts(conn: psycopg.Connection) -> None:
    fill(conn, 25)
    conn.execute("insert into pgq.queues (name, fair) values ('default', true)")
    assert [maintained(conn, "limit", 10) for _ in range(4)] == [10, 10, 5, 0]
    assert len(claim(conn, batch_size=100)) == 25


def test_running_jobs_are_counted_in_parts(conn: psycopg.Connection) -> None:
    fill(conn, 25)
    claim(conn, batch_size=100)
    conn.execute("insert into pgq.queues (name, max_running) values ('default', 3)")
    assert [maintained(conn, "limit", 10) for _ in range(4)] == [10, 10, 5, 0]


@pytest.mark.slow
def test_restored_jobs_are_stamped_in_parts(conn: psycopg.Connection) -> None:
    fill(conn, 25)
    conn.execute("update pgq.ready set ready_xid = (job_id + 1000000000)::text::xid8")
    assert [maintained(conn, "stamp", 10) for _ in range(4)] == [10, 10, 5, 0]
    assert [job.job_id for job in claim(conn, batch_size=100)] == sorted(
        job_id for (job_id,) in conn.execute("select job_id from pgq.running")
    )


def ended(conn: psycopg.Connection, count: int, at: str, size: int = 1) -> None:
    conn.execute(
        "insert into pgq.job_history (id, state, queue, task, priority, attempt, max_attempts,"
        " run_at, created_at, finished_at, args)"
        " select nextval('pgq.jobs_id_seq'), 'succeeded', 'q', 't', 0, 1, 1, now(), now(),"
        " %s::timestamptz, jsonb_build_array(repeat(md5(random()::text), %s))"
        " from generate_series(1, %s)",
        (at, size, count),
    )


def days(conn: psycopg.Connection) -> set[str]:
    return {day.isoformat() for (day,) in conn.execute("select day from pgq._history_partitions()")}


@pytest.mark.parametrize("what", ["few", "many of a day", "many at all", "large"])
def test_rows_move_out_of_the_default_partition_if_they_are_few(
    conn: psycopg.Connection, travel: Travel, what: str
) -> None:
    """The rest stay there, and days to come get their partitions all the same."""
    travel(datetime(2090, 6, 10, 12, tzinfo=UTC) - datetime.now(UTC))
    ended(conn, 10, "2090-06-10 11:00+00")  # nobody had made today's in time
    ended(conn, 10, "2090-06-08 11:00+00")
    if what == "many of a day":
        ended(conn, 10_001, "2090-06-09 11:00+00")
    elif what == "many at all":
        ended(conn, 100_001, "2090-06-09 11:00+00")
    elif what == "large":
        conn.execute("alter table pgq.job_history_default alter args set storage external")
        ended(conn, 36, "2090-06-09 11:00+00", size=60_000)
    total = scalar(conn, "select count(*) from pgq.job_history")
    maintained(conn, "partition", 30)
    made = days(conn)
    assert {f"2090-06-{day}" for day in range(11, 18)} <= made
    moves = {"2090-06-10", "2090-06-08"} if what in ("few", "many of a day") else set()
    assert made & {"2090-06-08", "2090-06-09", "2090-06-10"} == moves
    left = scalar(conn, "select count(*) from pgq.job_history_default")
    assert left == {"few": 0, "many of a day": 10_001}.get(what, total)
    assert scalar(conn, "select count(*) from pgq.job_history") == total
    assert maintained(conn, "partition", 30) == 0


@pytest.mark.slow
def test_few_partitions_are_made_at_a_time(conn: psycopg.Connection, travel: Travel) -> None:
    travel(datetime(2090, 6, 10, 12, tzinfo=UTC) - datetime.now(UTC))
    for day in range(1, 10):
        ended(conn, 1, f"2090-05-{day:02} 11:00+00")
    assert [maintained(conn, "partition", 10) for _ in range(3)] == [10, 7, 0]


def test_few_dead_workers_are_given_up_at_a_time(conn: psycopg.Connection) -> None:
    conn.execute(
        "insert into pgq.workers (name, queues, concurrency, started_at, heartbeat_at, lease)"
        " select 'w', '{*}', 1, now() - interval '1 hour', now() - interval '1 hour', '10 s'"
        " from generate_series(1, 150)"
    )
    # One worker has sent heartbeats all the time, so the silence is not everybody's.
    conn.execute("select pgq.register_worker('living', '{*}', lease => '10 s')")
    conn.execute("delete from pgq.silences")
    left = []
    for _ in range(3):
        maintained(conn, "rescue", 1000)
        left.append(scalar(conn, "select count(*) from pgq.workers where name = 'w'"))
    assert left == [50, 0, 0]


@pytest.mark.slow
def test_few_parents_are_locked_at_a_time(conn: psycopg.Connection) -> None:
    """A job may have 10,000, and a call of promote_due may meet a thousand such jobs."""
    fill(conn, 6000)
    parents = [job_id for (job_id,) in conn.execute("select id from pgq.jobs")]
    children = [enqueue(conn, depends_on=parents) for _ in range(5)]

    def new() -> int:
        return int(scalar(conn, "select count(*) from pgq.blocked where is_new"))

    seen = [new()]
    while new():
        rows(conn, "promote_due", batch_size=1000)
        seen.append(new())
    assert seen == [5, 3, 1, 0]
    while got := claim(conn, batch_size=1000):
        ids, claims = [each.job_id for each in got], [each.claim_id for each in got]
        rows(conn, "complete_batch", ids=ids, claim_ids=claims)
        while rows(conn, "promote_due", batch_size=10000)[0]["promoted"]:
            pass
    assert {state(conn, each) for each in children} == {"succeeded"}


@pytest.mark.slow
def test_keys_without_a_token_do_not_hold_up_a_claim(conn: psycopg.Connection) -> None:
    """A claim looks at some 10,000 of them, and the next one goes on behind."""
    conn.execute(
        "select pgq.configure_queue('q', rate_limit => 1, rate_interval => '1 hour',"
        " rate_per_key => true)"
    )
    conn.execute(
        "select count(*) from pgq.enqueue_many((select jsonb_agg(jsonb_build_object('task', 'work',"
        " 'queue', 'q', 'partition_key', to_char(n, 'FM00000')))"
        " from generate_series(1, 12000) as n))"
    )
    conn.execute(
        "insert into pgq.rate_buckets (queue, partition_key, tokens, counted_at)"
        " select 'q', to_char(n, 'FM00000'), 0, clock_timestamp()"
        " from generate_series(1, 11900) as n"
    )
    conn.execute("insert into pgq.turns (queue, last_key) values ('q', '')")
    assert claim(conn, queues=["q"], batch_size=10) == []
    turn = scalar(conn, "select last_key from pgq.turns where queue = 'q'")
    assert "10000" <= turn < "11000"
    assert len(claim(conn, queues=["q"], batch_size=10)) == 10
    assert violations(conn) == []


@pytest.mark.slow
def test_few_rate_limits_are_asked_for_the_next_token(conn: psycopg.Connection) -> None:
    """Nearly the same is read for 3,000 queues with 3,000 ready jobs as for 500."""
    read = []
    for first in (1, 501):
        conn.execute(
            "insert into pgq.queues (name, rate_limit, rate_interval)"
            " select 'q' || n, 1, '1 hour' from generate_series(%s::int, 6 * %s - 6 + 500) as n",
            (first, first),
        )
        read.append(scalar(conn, "select count(*) from pgq.queues"))
        conn.execute(
            "select count(*) from pgq.enqueue_many((select jsonb_agg(jsonb_build_object("
            " 'task', 'w', 'queue', name)) from pgq.queues))"
        )
        conn.execute("vacuum analyze pgq.queues, pgq.ready")
        query = "select pgq._next_token_at(now())"
        scalar(conn, query)
        read.append(buffers(conn, query))
    few, of_few, many, of_many = read
    assert many >= 6 * few
    assert of_many < 2 * of_few


def test_a_clock_that_was_ahead_is_mended_in_parts(conn: psycopg.Connection) -> None:
    conn.execute(
        "insert into pgq.workers (name, queues, concurrency, started_at, heartbeat_at, lease)"
        " select 'w', '{*}', 1, now(), now() + interval '1 hour', '10 s'"
        " from generate_series(1, 25)"
    )
    for n in range(25):
        value(conn, "schedule", name=f"s{n:02}", task="work", every="1 minute")
    conn.execute(
        "insert into pgq.schedule_runs (schedule, run_at, fired_at, outcome, job_id)"
        " select 's' || to_char(n, 'FM00'), now(), now() + interval '1 hour', 'enqueued', 1"
        " from generate_series(0, 24) as n"
    )
    assert [maintained(conn, "clock", 10) for _ in range(4)] == [20, 20, 10, 0]


@pytest.mark.slow
def test_rows_of_the_default_partition_are_pruned_in_parts(conn: psycopg.Connection) -> None:
    ended(conn, 100_005, "2020-01-01")
    assert value(conn, "prune", older_than="1 day") == 1  # more to come
    assert scalar(conn, "select count(*) from pgq.job_history_default") == 5
    assert value(conn, "prune", older_than="1 day") == 0
    assert scalar(conn, "select count(*) from pgq.job_history_default") == 0
