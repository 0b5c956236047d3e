"""The failed jobs of a rare error are found by an index, whatever statistics the planner has."""

from __future__ import annotations

from collections.abc import Callable

import psycopg
import pytest

from tests.sql.calls import buffers, scalar

DAYS, FAILED_A_DAY, RARE = 8, 1500, 12

# Every tenth job has failed. {said} is what the error says of itself.
JOBS = """
    insert into pgq.job_history (
      id, state, queue, task, priority, attempt, max_attempts, run_at, created_at, claimed_at,
      finished_at, worker_id, claim_id, args, errors)
    select n, case when n % 10 = 7 then 'failed' else 'succeeded' end, 'q', 't', 0, 1, 5, at, at,
      at, at, 1, n, '{{}}',
      case when n % 10 = 7 then jsonb_build_array(jsonb_build_object(
        'type', {said}, 'fingerprint', {said}, 'message', repeat('went wrong ', 10)))
      end
    from generate_series({first}::bigint, {last}) as n
    cross join lateral (
      select pgq._now() - interval '1 day' * ({days} - n::float8 * {days} / {all}) as at
    ) as clock
"""
ALL = DAYS * FAILED_A_DAY * 10


def fill(conn: psycopg.Connection, said: str, first: int, last: int) -> None:
    query = JOBS.format(said=said, first=first, last=last, days=DAYS, all=ALL)
    conn.execute(query.encode())


def analyzed_while_alike(conn: psycopg.Connection) -> None:
    """Statistics that know one error only."""
    fill(conn, "'common'", 1, ALL)
    conn.execute("vacuum analyze pgq.job_history")
    make_some_rare(conn)


def never_analyzed(conn: psycopg.Connection) -> None:
    fill(conn, "'common' || n / 10 % 200", 1, ALL)
    make_some_rare(conn)


def fresh(conn: psycopg.Connection) -> None:
    never_analyzed(conn)
    conn.execute("vacuum analyze pgq.job_history")


def make_some_rare(conn: psycopg.Connection) -> None:
    conn.execute(
        "update pgq.job_history set errors = jsonb_set(jsonb_set(errors,"
        " '{-1,type}', '\"rare\"'), '{-1,fingerprint}', '\"rare\"')"
        " where state = 'failed' and (id - 7) %% %s = 0",
        (ALL // RARE,),
    )


@pytest.mark.slow
@pytest.mark.parametrize("statistics", [never_analyzed, fresh, analyzed_while_alike])
def test_a_rare_error_costs_what_it_finds(
    conn: psycopg.Connection, statistics: Callable[[psycopg.Connection], None]
) -> None:
    conn.execute(
        "select pgq._make_history_partition((pgq._now() at time zone 'UTC')::date - back)"
        f" from generate_series(1, {DAYS}) as back"
    )
    statistics(conn)
    conn.execute("set plan_cache_mode = force_generic_plan")
    assert scalar(conn, "select count(*) from pgq.job_history_default") == 0
    for known_by in ("fingerprint", "error_type"):
        rare = f"states => '{{failed}}', {known_by} => 'rare'"
        assert scalar(conn, f"select count(*) from pgq.find_jobs({rare})") == RARE
        for look in (
            f"select pgq.find_jobs({rare})",
            f"select pgq.find_jobs({rare}, after_id => {ALL // 2}, max_jobs => 3)",
            f"select * from pgq.list_jobs({rare})",
            f"select * from pgq.estimate_jobs({rare})",
        ):
            buffers(conn, look)  # the session makes its plans
            assert buffers(conn, look) < 200, look


@pytest.mark.slow
def test_a_bulk_operation_reads_what_it_finds(conn: psycopg.Connection) -> None:
    never_analyzed(conn)
    conn.execute("select setval('pgq.jobs_id_seq', %s)", (ALL,))
    start = "select pgq.bulk_start('retry', states => '{failed}', error_type => %s)"
    buffers(conn, start, "rare")
    assert buffers(conn, start, "rare") < 300
    assert scalar(conn, "select min(jobs) from pgq.bulk_status()") == RARE
