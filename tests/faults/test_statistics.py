"""A short run of the chaos: statistics equal the history, whatever happened."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest

from tests.proof.chaos_counts import differences, fold_all
from tests.proof.chaos_statistics import Chaos
from tests.servers import Target, install, start
from tests.sql.calls import claim, complete, enqueue, fail


@pytest.mark.timeout(400)
def test_statistics_equal_the_history_after_accidents_and_a_restore(
    target: Target, tmp_path: Path
) -> None:
    if target.bindir is None:
        pytest.skip("no Postgres on this machine to start")
    happened = {"kill worker", "kill session", "restart", "late transaction", "commit prepared"}
    outcomes = {"succeeded", "failed", "cancelled", "expired", "retried", "lost"}
    missing: object = None
    # On a busy machine not everything comes to pass in the first few seconds.
    for seconds in (4, 12, 30):
        folder = tmp_path / f"{seconds}"
        folder.mkdir()
        with start(target) as first, start(target) as second:
            install(first.dsn)
            report = Chaos(folder, seconds=seconds, seed=1).run(first, second)
        assert report.passed, "\n".join(map(str, vars(report).items()))
        missing = (
            happened - set(report.accidents),
            outcomes - set(report.counted),
            not report.from_the_future and "deltas of the future in the restored database",
        )
        if not any(missing):
            return
    pytest.fail(f"did not come to pass: {missing}")


@pytest.mark.parametrize(
    "harm",
    [
        "update pgq.stat_totals set retried = retried + 1 where task = ''",
        "update pgq.stat_totals set waits[3] = waits[3] + 1 where task <> ''",
        "update pgq.stat_periods set run_us = run_us + 1 where outcome = 'succeeded'",
        "update pgq.stat_periods set waits = waits + 1 where outcome = 'failed'",
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
