"""A short run of the chaos: statistics equal the history, whatever happened."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest

from tests.proof.chaos_counts import differences, fold_all
from tests.proof.chaos_statistics import Chaos
from tests.servers import Target, install, start
from tests.sql.calls import claim, complete, enqueue, fail


def test_statistics_equal_the_history_after_accidents_and_a_restore(
    target: Target, tmp_path: Path
) -> None:
    if target.bindir is None:
        pytest.skip("no Postgres on this machine to start")
    with start(target) as first, start(target) as second:
        install(first.dsn)
        report = Chaos(tmp_path, seconds=4, seed=1).run(first, second)
    assert report.passed, "\n".join(map(str, vars(report).items()))
    assert report.from_the_future, "the restored deltas were all of the past"
    happened = {"kill worker", "kill session", "restart", "late transaction", "commit prepared"}
    assert happened <= set(report.accidents)
    assert {"succeeded", "failed", "cancelled", "expired", "retried", "lost"} <= set(report.counted)


@pytest.mark.parametrize(
    "harm",
    [
        "update pgq.stat_totals set retried = retried + 1 where task = ''",
        "update pgq.stat_totals set waits[3] = waits[3] + 1 where task <> ''",
        "update pgq.stat_periods set run_us = run_us + 1 where outcome = 'succeeded'",
        "update pgq.stat_periods set waits[30] = 1 where outcome = 'failed'",
        "delete from pgq.stat_periods where outcome = 'failed'",
        "insert into pgq.stat_periods values ('minute', now(), 'a', 'b', 'expired', 1, 0, 0)",
        "update pgq.stat_error_hours set attempts = attempts + 1",
    ],
)
def test_the_judge_sees_what_is_counted_wrongly(conn: psycopg.Connection, harm: str) -> None:
    for attempts in (1, 2):
        enqueue(conn, max_attempts=attempts, backoff="0")
        fail(conn, *claim(conn))
    conn.execute("select pgq.run_now(array(select id from pgq.jobs))")
    complete(conn, *claim(conn))
    fold_all(conn)
    assert differences(conn) == []
    conn.execute(harm.encode())
    assert differences(conn)
    conn.execute("delete from pgq.stat_periods")
    conn.execute("delete from pgq.stat_totals")
