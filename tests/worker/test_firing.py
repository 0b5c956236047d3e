"""How a worker makes schedules, and fires them on time."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from pathlib import Path

import psycopg
import pytest

import pgq
from tests.worker.running import drain, finished, running, wait_for


def ticks(client: pgq.Client, name: str) -> list[pgq.rows.ScheduleFire]:
    """Return what was enqueued at the ticks of a schedule, in order."""
    return [fire for fire in client.schedule_history(name)[::-1] if fire.outcome == "enqueued"]


def names(client: pgq.Client) -> list[str]:
    return [found.name for found in client.schedule_status()]


@pytest.fixture
def ran(registry: pgq.Registry) -> list[dict[str, str]]:
    """A task "t" that notes which tick it was started by."""
    found: list[dict[str, str]] = []

    @registry.task("t", context=True)
    async def handle(context: pgq.Context) -> None:
        found.append((context.headers or {})["schedule"])

    return found


@pytest.mark.slow
def test_an_interval_keeps_its_rhythm_whatever_the_poll_interval(
    dsn: str, registry: pgq.Registry, client: pgq.Client, ran: list[dict[str, str]]
) -> None:
    every = timedelta(seconds=0.25)
    first = client.schedule("s", "t", every=every)
    # Polls alone would fire it twice in a minute.
    with running(dsn, registry, poll_interval=30):
        wait_for(lambda: len(ran) >= 8)
    times = [fire.run_at for fire in ticks(client, "s")]
    # A busy machine skips ticks. Those that fire keep to the rhythm, and each fires once.
    assert {(at - first) % every for at in times} == {timedelta()}
    assert times == sorted(set(times))
    started = {datetime.fromisoformat(tick["run_at"]) for tick in ran}
    assert len(started) == len(ran)
    assert started <= set(times)
    assert {tick["name"] for tick in ran} == {"s"}


@pytest.mark.slow
def test_a_schedule_made_elsewhere_is_seen_within_the_poll_interval(
    dsn: str, registry: pgq.Registry, client: pgq.Client, ran: list[dict[str, str]]
) -> None:
    with running(dsn, registry, poll_interval=0.5):
        wait_for(lambda: [each.status for each in client.worker_status()] == ["idle"])
        client.schedule("s", "t", every=0.2)
        wait_for(lambda: ran)


@pytest.mark.slow
def test_declared_schedules_are_made_changed_and_removed(
    dsn: str, client: pgq.Client, caplog: pytest.LogCaptureFixture
) -> None:
    def registry(*declared: str) -> pgq.Registry:
        made = pgq.Registry()
        made.task("t")(lambda: None)
        for name in declared:
            made.schedule(name, "t", cron="@yearly")
        return made

    def run_once(made: pgq.Registry, **options: object) -> None:
        with running(dsn, made, **options) as handle:
            wait_for(lambda: [each.status for each in client.worker_status()] == ["idle"])
            handle.stop()
            handle.wait()

    with caplog.at_level(logging.INFO, "pgq"):
        run_once(registry("a", "b"))
        assert names(client) == ["a", "b"]
        run_once(registry("b", "c"))
        assert names(client) == ["b", "c"]
        assert {each.source for each in client.schedule_status()} == {"python"}
    told = [each.getMessage() for each in caplog.records if "schedule." in each.getMessage()]
    assert told[-2:] == [
        "schedule.removed schedule=a source=python",
        "schedule.added schedule=c source=python",
    ]
    run_once(registry("d"), schedule_source="other")
    assert names(client) == ["b", "c", "d"]
    run_once(registry("e"), schedules=False)
    assert names(client) == ["b", "c", "d"]
    run_once(registry())
    assert names(client) == ["d"]


@pytest.mark.slow
def test_workers_that_start_at_once_make_each_schedule_once(
    dsn: str, registry: pgq.Registry, client: pgq.Client, ran: list[dict[str, str]]
) -> None:
    registry.schedule("later", "t", cron="@yearly")
    registry.schedule("soon", "t", every=0.3)
    handles = [running(dsn, registry) for _ in range(4)]
    for handle in handles:
        handle.__enter__()
    wait_for(lambda: len(ran) >= 3)
    for handle in handles:
        handle.__exit__(None, None, None)
    assert names(client) == ["later", "soon"]
    run_ats = [tick["run_at"] for tick in ran]
    assert len(set(run_ats)) == len(run_ats)


@pytest.mark.slow
def test_a_file_declares_schedules_besides(
    dsn: str, registry: pgq.Registry, client: pgq.Client, ran: list[dict[str, str]], tmp_path: Path
) -> None:
    file = tmp_path / "times.toml"
    file.write_text('[schedules.s]\ntask = "t"\nevery = 0.2\n')
    with running(dsn, registry, schedules_file=file):
        wait_for(lambda: ran)
    assert [(each.name, each.source) for each in client.schedule_status()] == [
        ("s", "file:times.toml")
    ]


@pytest.mark.slow
def test_a_worker_without_schedules_neither_makes_nor_fires_them(
    dsn: str, registry: pgq.Registry, client: pgq.Client, ran: list[dict[str, str]]
) -> None:
    registry.schedule("declared", "t", every=0.1)
    client.schedule("s", "t", every=0.1)
    with running(dsn, registry, schedules=False):
        finished(client, client.enqueue("t", headers={"schedule": {"name": "by hand"}}, delay=0.5))
    assert [tick["name"] for tick in ran] == ["by hand"]
    assert names(client) == ["s"]
    with pytest.raises(pgq.InvalidArgument, match="no schedules"):
        pgq.Worker(dsn, registry=registry, schedules=False, schedules_file="x.toml")


@pytest.mark.slow
def test_a_worker_that_drains_leaves_schedules_alone(
    dsn: str, registry: pgq.Registry, client: pgq.Client, ran: list[dict[str, str]]
) -> None:
    registry.schedule("declared", "t", every=0.1)
    client.schedule("s", "t", every=0.1)
    drain(dsn, registry)
    wait_for(lambda: client.schedule_status()[0].late)
    drain(dsn, registry)
    assert (names(client), ran) == (["s"], [])


def test_a_schedule_that_cannot_be_made_ends_the_worker(
    dsn: str, registry: pgq.Registry, client: pgq.Client, ran: list[dict[str, str]]
) -> None:
    # Only the database says so, because it needs a calendar of weekdays.
    registry.schedule("s", "t", cron="0 0 */31 * mon#2")
    with pytest.raises(pgq.InvalidCron, match="never come"), running(dsn, registry) as handle:
        handle.wait()
    assert client.worker_status() == []


@pytest.mark.slow
def test_due_jobs_and_due_schedules_go_together(
    dsn: str, registry: pgq.Registry, client: pgq.Client, conn: psycopg.Connection
) -> None:
    starts: list[str] = []

    @registry.task("t")
    async def handle(name: str) -> None:
        starts.append(name)

    with running(dsn, registry, poll_interval=0.5):
        wait_for(lambda: [each.status for each in client.worker_status()] == ["idle"])
        with conn.transaction():
            client.schedule("s", "t", every=1, args=["schedule"])
            client.enqueue("t", ["job"], delay=0.5)
            client.enqueue("t", ["now"])
        wait_for(lambda: starts.count("schedule") >= 2)
    assert starts[0] == "now" and starts.count("job") == 1
