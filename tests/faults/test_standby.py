"""Looking at a queue on a standby, and losing its primary."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from click.testing import CliRunner
from psycopg.conninfo import conninfo_to_dict, make_conninfo

import pgq
from pgq import embedded
from pgq.cli import cli
from tests.faults.conftest import Workshop
from tests.faults.test_outages import LEASE, assert_no_run_was_lost, at_work
from tests.servers import Target, install, start
from tests.sql.test_observing import CALLS, answers, fill

PATIENCE = 60.0
VIEWS = """
    select relname::text from pg_class
    where relnamespace = 'pgq'::regnamespace and relkind = 'v'
"""
# What a person types who looks at a queue.
COMMANDS = (
    ["stats"], ["health"], ["doctor"], ["jobs"], ["job", "1"], ["semaphores"], ["flow", "1"],
    ["errors"], ["schedule", "list"], ["batch", "list"], ["top", "--once"], ["metrics"], ["audit"],
)  # fmt: skip


@contextmanager
def pair(target: Target) -> Iterator[tuple[embedded.Server, embedded.Server]]:
    """A primary with the schema, and a standby that each commit waits for."""
    if target.bindir is None:
        pytest.skip("no Postgres on this machine to start")
    with start(target) as primary:
        install(primary.dsn)
        with start(target, standby_of=primary) as standby:
            with psycopg.connect(primary.dsn, autocommit=True) as conn:
                conn.execute("alter system set synchronous_standby_names = '*'")
                conn.execute("alter system set synchronous_commit = 'remote_apply'")
                conn.execute("select pg_reload_conf()")
                until = time.monotonic() + PATIENCE
                synchronous = "select count(*) from pg_stat_replication where sync_state = 'sync'"
                while conn.execute(synchronous).fetchall() != [(1,)]:
                    assert time.monotonic() < until
                    time.sleep(0.02)
            yield primary, standby


def of_both(one: embedded.Server, two: embedded.Server) -> str:
    """Return a DSN for whichever of two servers takes writes."""
    servers = [conninfo_to_dict(each.dsn) for each in (one, two)]
    both = {key: ",".join(str(each[key]) for each in servers) for key in ("host", "port")}
    return make_conninfo(one.dsn, **both, target_session_attrs="read-write")


def test_whoever_looks_can_look_at_a_standby(target: Target) -> None:
    with (
        pair(target) as (primary, standby),
        psycopg.connect(primary.dsn, autocommit=True) as conn,
        psycopg.connect(standby.dsn, autocommit=True) as there,
    ):
        fill(conn)
        views = [name for (name,) in conn.execute(VIEWS)]
        for session in (conn, there):
            session.execute("set timezone to 'UTC'")
        said, shown = answers(conn), answers(there)
        passing = {"connection_budget", "health", "metrics", "metric_series", "version"}
        assert {name for name in CALLS if said[name] != shown[name]} <= passing
        for view in views:
            there.execute(f"select * from pgq.{view}".encode()).fetchall()
        wrong = {}
        for command in COMMANDS:
            answer = CliRunner().invoke(cli, [*command, "--dsn", standby.dsn])
            if answer.exit_code not in (0, 1) or "Error" in answer.stderr:
                wrong[" ".join(command)] = (answer.exit_code, answer.stderr, answer.exception)
        assert wrong == {}
        answer = CliRunner().invoke(cli, ["enqueue", "t", "--dsn", standby.dsn])
        assert answer.exit_code != 0 and "standby" in answer.stderr + answer.stdout


class Producers:
    """Threads that enqueue jobs one by one, and keep what was acknowledged."""

    def __init__(self, dsn: str) -> None:
        self.acknowledged: list[int] = []
        self.refused: list[Exception] = []
        self._client = pgq.Client(dsn, reconnect_timeout=PATIENCE)
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._produce)
        self._thread.start()

    def _produce(self) -> None:
        number = 0
        while not self._ended.is_set():
            number += 1
            job = pgq.NewJob("pay", [0.0], max_attempts=50, backoff=0.05, unique_key=f"{number}")
            try:
                self.acknowledged.append(self._client.enqueue(job))
            except Exception as error:  # noqa: BLE001 (the test must see it)
                self.refused.append(error)
                return
            self._ended.wait(0.005)

    def wait_for(self, more: int) -> None:
        wanted, until = len(self.acknowledged) + more, time.monotonic() + PATIENCE
        while len(self.acknowledged) < wanted:
            assert time.monotonic() < until and not self.refused, self.refused
            time.sleep(0.02)

    def end(self) -> None:
        self._ended.set()
        self._thread.join(PATIENCE)
        self._client.close()


def test_a_failover_loses_nothing(target: Target, tmp_path: Path) -> None:
    """No run of a living worker, no acknowledged job, and no effect happens twice."""
    with (
        pair(target) as (primary, standby),
        at_work(of_both(primary, standby), tmp_path) as workshop,
    ):
        producers = Producers(workshop.dsn)
        try:
            producers.wait_for(50)
            assert primary.pid
            os.kill(primary.pid, signal.SIGQUIT)  # immediate: it says goodbye to nobody
            time.sleep(LEASE / 2)
            standby.promote()
            producers.wait_for(50)
        finally:
            producers.end()
        assert producers.refused == []
        assert_no_run_was_lost(workshop)
        assert_all_took_effect(workshop, producers.acknowledged)


def assert_all_took_effect(workshop: Workshop, acknowledged: list[int]) -> None:
    """Each acknowledged job, and no job twice, though one may have been committed unheard."""
    paid = workshop.rows(
        "select id from pgq.job_history where task = 'pay' and state = 'succeeded'"
    )
    effects = workshop.rows("select job_id from effects")
    assert len(acknowledged) == len(set(acknowledged))
    assert set(acknowledged) <= {job for (job,) in paid}
    assert sorted(effects) == sorted(paid)
    assert workshop.rows("select * from pgq.verify()") == []
