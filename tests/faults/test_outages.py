"""Living workers lose no run when the server, or the network to it, was away."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from tests.faults.conftest import Workshop
from tests.faults.network import Network
from tests.servers import Server, install

# It is long beside the delays of a busy machine.
LEASE = 5.0
RUNS = 14


@contextmanager
def at_work(dsn: str, logs: Path, *, way_of_one: str = "") -> Iterator[Workshop]:
    """Workers with long runs under way; way_of_one: the DSN of the last of them."""
    workshop = Workshop(dsn, logs)
    try:
        for way in (dsn, dsn, way_of_one or dsn):
            workshop.start(lease=LEASE, concurrency=5, dsn=way)
        workshop.wait_for(lambda: workshop.count("pgq.workers") == 3, "workers")
        workshop.enqueue("plain", RUNS, 4 * LEASE)
        workshop.wait_for(lambda: workshop.count("pgq.running") == RUNS, "runs")
        # Each has named its session, and has sent a heartbeat since.
        heard = "select count(*) = 3 from pgq.workers where backend_pid is not null"
        workshop.wait_for(lambda: workshop.rows(heard) == [(True,)], "sessions")
        beats = "select min(heartbeat_at) from pgq.workers"
        first = workshop.rows(beats)
        workshop.wait_for(lambda: workshop.rows(beats) > first, "a heartbeat of each")
        yield workshop
    finally:
        workshop.close()


def assert_no_run_was_lost(workshop: Workshop) -> None:
    workshop.wait_until_done()
    ended = workshop.rows(
        "select state, attempt, coalesce(errors, '[]') from pgq.job_history where task = 'plain'"
    )
    assert ended == [("succeeded", 1, [])] * RUNS
    assert all(worker.poll() is None for worker in workshop.processes)


def nobody_is_given_up_for(seconds: float, conn: psycopg.Connection) -> None:
    """Look for dead workers all this time."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        assert conn.execute("select pgq.rescue_lost_workers()").fetchall() == [(0,)]
        time.sleep(0.1)


@pytest.mark.parametrize("away", [0.9 * LEASE, 2 * LEASE])
def test_a_network_that_was_away_loses_no_run(
    private_server: Server, tmp_path: Path, away: float
) -> None:
    """While somebody on the server's side looks for dead workers all the time."""
    install(private_server.dsn)
    with Network(private_server.dsn) as network, at_work(network.dsn, tmp_path) as workshop:
        network.go_away()
        with psycopg.connect(private_server.dsn, autocommit=True) as conn:
            nobody_is_given_up_for(away, conn)
            network.come_back()
            nobody_is_given_up_for(LEASE, conn)
        assert_no_run_was_lost(workshop)


@pytest.mark.parametrize("away", [0.1 * LEASE, 0.9 * LEASE])
def test_a_worker_that_comes_back_late_loses_no_run(
    private_server: Server, tmp_path: Path, away: float
) -> None:
    """Its siblings are back, while its own way to the server still leads nowhere."""
    install(private_server.dsn)
    with (
        Network(private_server.dsn) as first,
        Network(private_server.dsn) as second,
        at_work(first.dsn, tmp_path, way_of_one=second.dsn) as workshop,
        psycopg.connect(private_server.dsn, autocommit=True) as conn,
    ):
        first.go_away()
        second.go_away()
        nobody_is_given_up_for(away, conn)
        second.cut()
        first.come_back()
        nobody_is_given_up_for(0.7 * LEASE - (away if away < LEASE / 2 else 0.0), conn)
        second.come_back()
        nobody_is_given_up_for(LEASE, conn)
        assert_no_run_was_lost(workshop)


def test_after_an_outage_a_dead_worker_is_found_in_about_a_lease(
    private_server: Server, tmp_path: Path
) -> None:
    install(private_server.dsn)
    with Network(private_server.dsn) as network, at_work(network.dsn, tmp_path) as workshop:
        victim, *others = workshop.processes
        network.go_away()
        victim.kill()
        time.sleep(2 * LEASE)
        network.come_back()
        back = time.monotonic()
        workshop.wait_for(lambda: workshop.count("pgq.workers") == 2, "the end of the dead one")
        assert time.monotonic() - back < 5 * LEASE  # usually one, on a machine that is not busy
        workshop.wait_until_done()
        ended = workshop.rows(
            "select state, attempt from pgq.job_history where task = 'plain' order by attempt"
        )
        assert [state for state, _ in ended] == ["succeeded"] * RUNS
        assert 1 <= sum(attempt == 2 for _, attempt in ended) <= 5
        assert all(worker.poll() is None for worker in others)
