"""Kill primaries under load: python -m tests.proof.failover [--rounds 3]; prints a ledger.

Workers run jobs and a producer enqueues others, through a DSN that names both servers. The primary
is killed, a second later the standby is promoted, and the ledger counts what became of everything
that was acknowledged. Each round has a standby that each commit waits for; the last one has a
standby that lags, and shows what an asynchronous standby may lose. A round takes about a minute.
After that a copy is recovered to a moment of the work, as a point-in-time restore does, and new
workers go on from there.
"""

from __future__ import annotations

import argparse
import os
import signal
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import psycopg

import pgq
from pgq import embedded
from tests.faults.conftest import Workshop
from tests.faults.test_outages import RUNS, at_work
from tests.faults.test_standby import Producers, of_both, pair
from tests.servers import Target, find_targets, install, start

_DOWN_SECONDS: Final = 1.0
_ENQUEUED: Final = 100


def main() -> None:
    """Print the ledger of each round."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--pg", type=int, help="the major version; default: the newest here")
    given = parser.parse_args()
    target = next(each for each in find_targets() if given.pg in (None, int(each.name[2:])))
    print(f"Postgres {target.version}, the primary is away for {_DOWN_SECONDS:.0f} s or longer")
    for _ in range(given.rounds):
        with tempfile.TemporaryDirectory() as logs:
            print(_synchronous(target, Path(logs)), flush=True)
    print(_lagging(target), flush=True)
    with tempfile.TemporaryDirectory() as logs:
        print(_restored(target, Path(logs)))


def _synchronous(target: Target, logs: Path) -> str:
    with (
        pair(target) as (primary, standby),
        at_work(of_both(primary, standby), logs) as workshop,
    ):
        with _producing(workshop) as producers:
            producers.wait_for(200)
            gap = _fail_over(primary, standby, producers)
            producers.wait_for(200)
        workshop.wait_until_done()
        return _ledger(workshop, producers.acknowledged, gap)


@contextmanager
def _producing(workshop: Workshop) -> Generator[Producers, None, None]:
    producers = Producers(workshop.dsn)
    try:
        yield producers
    finally:
        producers.end()


def _fail_over(primary: embedded.Server, standby: embedded.Server, producers: Producers) -> float:
    """Kill one, promote the other; return how long no enqueue was acknowledged (seconds)."""
    assert primary.pid
    began = time.monotonic()
    os.kill(primary.pid, signal.SIGQUIT)
    time.sleep(_DOWN_SECONDS)
    standby.promote()
    producers.wait_for(1)
    return time.monotonic() - began


def _ledger(workshop: Workshop, acknowledged: list[int], gap: float) -> str:
    ended = workshop.rows("select task, state, attempt, id from pgq.job_history")
    paid = {job for task, state, _, job in ended if (task, state) == ("pay", "succeeded")}
    runs = [(state, attempt) for task, state, attempt, _ in ended if task == "plain"]
    effects = [job for (job,) in workshop.rows("select job_id from effects")]
    told = {*acknowledged}
    return (
        f"synchronous: {len(told)} acknowledged, {len(told - paid)} of them lost, "
        f"{len(effects) - len({*effects})} effects doubled, {len(paid - told)} ran unheard; "
        f"{RUNS - runs.count(('succeeded', 1))} of {RUNS} running jobs lost a run; "
        f"no enqueue for {gap:.1f} s; {len(workshop.rows('select * from pgq.verify()'))} violations"
    )


def _lagging(target: Target) -> str:
    with start(target) as primary:
        install(primary.dsn)
        with start(target, standby_of=primary) as standby, pgq.Client(primary.dsn) as client:
            client.enqueue("first")
            _wait_for_standby(standby.dsn)
            os.kill(_receiver(standby.dsn), signal.SIGSTOP)
            acknowledged = {client.enqueue("t", unique_key=f"{n}") for n in range(_ENQUEUED)}
            assert primary.pid
            os.kill(primary.pid, signal.SIGQUIT)
            os.kill(_receiver(standby.dsn), signal.SIGKILL)
            standby.promote()
            with pgq.Client(standby.dsn) as other:
                kept = {job.id for job in other.list_jobs(page_size=1000).jobs}
                anew = {other.enqueue("u") for _ in range(_ENQUEUED)}
                wrong = len(other.verify())
    return (
        f"asynchronous, lagging: {len(acknowledged)} acknowledged, "
        f"{len(acknowledged - kept)} of them lost; "
        f"{len(acknowledged & anew)} ids of {len(anew)} given twice; {wrong} violations"
    )


def _restored(target: Target, logs: Path) -> str:
    """Take a base backup of a queue at work, and recover it to a moment that comes later."""
    moment = {"recovery_target_name": "moment", "recovery_target_action": "promote"}
    with start(target) as primary:
        install(primary.dsn)
        (logs / "old").mkdir()
        with at_work(primary.dsn, logs / "old") as old, _producing(old) as producers:
            producers.wait_for(100)
            with start(target, standby_of=primary, **moment) as copy:
                producers.wait_for(100)
                before = {*producers.acknowledged}
                old.rows("select pg_create_restore_point('moment')")
                producers.wait_for(100)
                producers.end()
                old.wait_until_done()
                after = dict(old.rows("select id, claim_id from pgq.job_history"))
                old.close()
                primary.stop()
                return _go_on(copy.dsn, logs, before, after)


def _go_on(dsn: str, logs: Path, before: set[int], after: dict[int, int]) -> str:
    """Let new workers end what the copy has; `after` are the claims that ended past its moment."""
    (logs / "new").mkdir()
    with psycopg.connect(dsn, autocommit=True) as conn:
        while conn.execute("select pg_is_in_recovery()").fetchall() == [(True,)]:
            time.sleep(0.05)
        known = {
            job
            for (job,) in conn.execute(
                "select id from pgq.jobs union all select id from pgq.job_history"
            )
        }
        ended = {job for (job,) in conn.execute("select id from pgq.job_history")}
        wrong = len(conn.execute("select * from pgq.verify()").fetchall())
    workshop = Workshop(dsn, logs / "new")
    try:
        workshop.start(concurrency=2 * RUNS)
        workshop.wait_until_done()
        wrong += len(workshop.rows("select * from pgq.verify()"))
        effects = [job for (job,) in workshop.rows("select job_id from effects")]
        return (
            f"recovered to a moment: {len(before)} acknowledged before it, "
            f"{len(before - known)} of them lost; {len(known - ended)} were unfinished, of which "
            f"{len((known - ended) & after.keys())} had ended on the old server and ran again; "
            f"{len(effects) - len({*effects})} effects doubled; {wrong} violations"
        )
    finally:
        workshop.close()


def _wait_for_standby(dsn: str) -> None:
    with psycopg.connect(dsn, autocommit=True) as conn:
        while not conn.execute("select 1 from pgq.jobs").fetchall():
            time.sleep(0.05)


def _receiver(dsn: str) -> int:
    with psycopg.connect(dsn, autocommit=True) as conn:
        (row,) = conn.execute("select pid from pg_stat_wal_receiver").fetchall()
        return int(row[0])


if __name__ == "__main__":
    main()
