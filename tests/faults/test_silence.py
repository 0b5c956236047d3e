"""Servers that are frozen or out of reach without a word, and databases that stay away."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest

import pgq
from pgq.lib.connect import connect, connect_async
from pgq.worker.session import Session
from pgq.worker.trouble import Trouble
from tests.conftest import Connect
from tests.faults.proxy import away, proxy
from tests.servers import Server, install, set_default
from tests.worker.running import Running, finished, running, wait_for

# A session that asks what a server process does waits if that one is stopped while it answers.
PATIENT = "-c statement_timeout=1s"


@pytest.fixture
def registry() -> pgq.Registry:
    made = pgq.Registry()

    @made.task("plain")
    async def plain() -> None:
        pass

    return made


@pytest.fixture
def client(dsn: str) -> Generator[pgq.Client, None, None]:
    with pgq.Client(dsn) as made:
        yield made


def sessions(conn: psycopg.Connection, name: str) -> list[int]:
    rows = conn.execute(
        "select pid from pg_stat_activity"
        " where datname = current_database() and application_name = %s",
        [name],
    ).fetchall()
    return [int(pid) for (pid,) in rows]


@contextmanager
def frozen(conn: psycopg.Connection, pids: list[int]) -> Generator[None, None, None]:
    """Stop server processes, each while it waits for its client: others may wait for one that
    was stopped in the middle of something, whatever they do.
    """
    try:
        for pid in pids:
            wait_for(lambda pid=pid: _stops_idle(conn, pid))
        yield
    finally:
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)


def _stops_idle(conn: psycopg.Connection, pid: int) -> bool:
    """Stop a process; go on with it where it was at work."""
    idle = "select from pg_stat_activity where pid = %s and wait_event = 'ClientRead'"
    goes_on = threading.Event()

    def go_on() -> None:
        goes_on.set()
        os.kill(pid, signal.SIGCONT)

    os.kill(pid, signal.SIGSTOP)
    # Where it was stopped with a lock that the question needs, no timeout of a statement helps.
    patience = threading.Timer(3, go_on)
    patience.start()
    is_idle = False
    with contextlib.suppress(psycopg.errors.QueryCanceled):  # it was about to say what it does
        is_idle = bool(conn.execute(idle, [pid]).fetchall())
    patience.cancel()
    patience.join()
    if is_idle and not goes_on.is_set():
        return True
    go_on()
    return False


@pytest.fixture
def admin(server: Server) -> Generator[psycopg.Connection, None, None]:
    with psycopg.connect(server.dsn, autocommit=True) as made:
        yield made


@pytest.mark.parametrize("name", ["worker", "heartbeat", "listener"])
def test_a_frozen_session_holds_up_nothing_for_longer_than_a_lease(
    name: str,
    private_server: Server,
    registry: pgq.Registry,
    caplog: pytest.LogCaptureFixture,
) -> None:
    install(private_server.dsn)
    lease = 4.0
    begun, go = threading.Event(), threading.Event()

    @registry.task("long")
    def long() -> str:
        begun.set()
        assert go.wait(30)
        return "done"

    with (
        psycopg.connect(private_server.dsn, autocommit=True, options=PATIENT) as conn,
        running(private_server.dsn, registry, lease=lease) as worker,
        pgq.Client(private_server.dsn) as client,
    ):
        job_id = client.enqueue("long")
        assert begun.wait(10)
        if name == "heartbeat":  # it is opened by a worker that runs something
            beats = "select from pg_stat_activity where query like '%pgq.heartbeat(%'"
            wait_for(lambda: conn.execute(beats + " and pid <> pg_backend_pid()").fetchall())
        with frozen(conn, sessions(conn, f"pgq {name}")):
            if name == "heartbeat":
                wait_for(lambda: "no answer within" in caplog.text)
            began = time.monotonic()
            go.set()
            job = finished(client, job_id)
            assert (job.state, job.result, job.attempt) == ("succeeded", "done", 1)
            finished(client, client.enqueue("plain"))
            assert time.monotonic() - began < lease + 15
            if name != "listener":
                wait_for(lambda: "no answer within" in caplog.text)
        # The frozen process may now do what it was asked for; nothing of that stays.
        finished(client, client.enqueue("plain"))
        wait_for(lambda: not conn.execute("select from pgq.running").fetchall())
        assert not worker.has_ended
        assert client.verify() == []
        assert client.job(job_id) == job


def test_a_claim_that_a_frozen_process_makes_long_afterwards_is_handed_back(
    private_server: Server, registry: pgq.Registry, caplog: pytest.LogCaptureFixture
) -> None:
    install(private_server.dsn)
    with (
        psycopg.connect(private_server.dsn, autocommit=True, options=PATIENT) as conn,
        running(private_server.dsn, registry, lease=2, concurrency=1, prefetch=0),
        pgq.Client(private_server.dsn) as client,
    ):
        finished(client, client.enqueue("plain"))
        with frozen(conn, sessions(conn, "pgq worker")):
            wait_for(lambda: "no answer within" in caplog.text)
            # The claim that it did not read yet is older than a lease by now.
            time.sleep(3)
            client.pause_queue("default")
            ids = [client.enqueue("plain") for _ in range(3)]
            client.resume_queue("default")
        assert {finished(client, job_id).attempt for job_id in ids} == {1}


def test_a_worker_vouches_for_nothing_while_its_work_has_no_answer(
    dsn: str,
    registry: pgq.Registry,
    conn: psycopg.Connection,
    client: pgq.Client,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    from pgq.worker.engine import Engine

    beat = "select max(heartbeat_at) from pgq.workers"
    with running(dsn, registry, lease=2), at_work(registry, client):
        first = conn.execute(beat).fetchone()
        wait_for(lambda: conn.execute(beat).fetchone() != first)
        monkeypatch.setattr(Engine, "silent_for", property(lambda _: 3.0))
        wait_for(lambda: "worker.heartbeat_withheld" in caplog.text)
        last = conn.execute(beat).fetchone()
        time.sleep(1)
        assert conn.execute(beat).fetchone() == last
        monkeypatch.undo()
        finished(client, client.enqueue("plain"))
    assert caplog.text.count("worker.heartbeat_withheld") == 1


def test_an_idle_worker_whose_work_has_no_answer_beats_by_a_session_of_its_own(
    private_server: Server, registry: pgq.Registry, caplog: pytest.LogCaptureFixture
) -> None:
    """Usually its heartbeats are part of its work, which has no answer until it is given up."""
    install(private_server.dsn)
    beat = "select max(heartbeat_at) from pgq.workers"
    with (
        psycopg.connect(private_server.dsn, autocommit=True, options=PATIENT) as conn,
        running(private_server.dsn, registry, lease=20, heartbeat_interval=1),
    ):
        wait_for(lambda: conn.execute("select from pgq.workers where idle").fetchall())
        with frozen(conn, sessions(conn, "pgq worker")):
            first = conn.execute(beat).fetchone()
            wait_for(lambda: conn.execute(beat).fetchone() != first)
            assert sessions(conn, "pgq heartbeat") and "no answer within" not in caplog.text


@contextmanager
def at_work(
    registry: pgq.Registry, client: pgq.Client, busy: bool = True
) -> Generator[None, None, None]:
    """Have the worker run a job meanwhile, if it is to be busy."""
    begun, go = threading.Event(), threading.Event()

    @registry.task("in hand")
    def in_hand() -> None:
        begun.set()
        assert go.wait(60)

    try:
        if busy:
            client.enqueue("in hand")
            assert begun.wait(10)
        yield
    finally:
        go.set()


class Words:
    """What the sessions of a worker say of heartbeats and housekeeping; fails: nobody answers.

    `said` has the words in their order, each with whether it was answered.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.said: list[tuple[str, bool]] = []
        self.fails = threading.Event()
        try_call, words = Session.try_call, self

        async def note(self: Session, call: Any, **options: Any) -> Any:
            what = options.get("what", "")
            if what == "idle_turn":  # it is both, as its arguments say
                parts = {"heartbeat": "lives", "maintain": "maintains"}
                said = [word for word, part in parts.items() if call.parameters[part]]
            else:
                said = [what] if what in ("heartbeat", "maintain") else []
            words.said.extend((word, not words.fails.is_set()) for word in said)
            if words.fails.is_set() and what in ("heartbeat", "maintain", "idle_turn"):
                raise psycopg.OperationalError("away")
            return await try_call(self, call, **options)

        monkeypatch.setattr(Session, "try_call", note)


@pytest.mark.parametrize("busy", [False, True])
def test_its_first_word_after_an_outage_is_that_it_lives(
    busy: bool,
    dsn: str,
    registry: pgq.Registry,
    client: pgq.Client,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Others may be about to give it up; its next heartbeat would be due in half a minute."""
    words = Words(monkeypatch)
    name = "heartbeat" if busy else "worker"
    with running(dsn, registry, lease=180), at_work(registry, client, busy):
        wait_for(lambda: ("maintain", True) in words.said)
        words.fails.set()
        wait_for(lambda: f"connection.failed session={name}" in caplog.text)
        words.said.clear()
        words.fails.clear()
        wait_for(lambda: ("maintain", True) in words.said)
    answered = [word for word, is_answered in words.said if is_answered]
    assert answered[0] == "heartbeat"


@pytest.mark.parametrize("busy", [False, True])
def test_no_housekeeping_before_it_is_heard_after_a_loss(
    busy: bool,
    dsn: str,
    registry: pgq.Registry,
    client: pgq.Client,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The housekeeping of one that others may take for dead can take as long as a beat may be late.

    So it does none between a heartbeat that failed and one that was heard.
    """
    words = Words(monkeypatch)
    with running(dsn, registry, lease=180), at_work(registry, client, busy):
        wait_for(lambda: ("maintain", True) in words.said)
        words.said.clear()
        words.fails.set()
        wait_for(lambda: words.said.count(("heartbeat", False)) > 2)
        words.fails.clear()
        wait_for(lambda: ("maintain", True) in words.said)
    after = words.said[words.said.index(("heartbeat", False)) :]
    heard = after.index(("heartbeat", True))
    assert {what for what, _ in after[:heard]} == {"heartbeat"}


def test_pauses_between_attempts_are_short_beside_the_lease(registry: pgq.Registry) -> None:
    from pgq.lib.backoff import Backoff
    from pgq.worker.engine import Engine

    made: list[float] = []

    class Noted(Backoff):
        def __init__(self, first: float, cap: float) -> None:
            made.append(cap)
            super().__init__(first, cap)

    async def make() -> None:
        Engine(pgq.Worker("", registry=registry, lease=20)._options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("pgq.worker.session.Backoff", Noted)
        patch.setattr("pgq.worker.listener.Backoff", Noted)
        asyncio.run(make())
    assert made == [2.0] * 3


def test_a_network_that_is_silent_for_a_while_costs_no_run(
    dsn: str, registry: pgq.Registry, client: pgq.Client, caplog: pytest.LogCaptureFixture
) -> None:
    begun, go = threading.Event(), threading.Event()

    @registry.task("long")
    def long() -> str:
        begun.set()
        assert go.wait(30)
        return "done"

    caplog.set_level(logging.INFO, "pgq")
    with proxy(dsn) as way, running(way.dsn, registry, lease=12):
        job_id = client.enqueue("long")
        assert begun.wait(10)
        way.silent.set()
        go.set()
        wait_for(lambda: "connection.failed session=worker" in caplog.text)
        way.silent.clear()
        job = finished(client, job_id)
        wait_for(lambda: "connection.restored session=worker" in caplog.text)
    assert (job.state, job.result, job.attempt) == ("succeeded", "done", 1)
    assert caplog.text.count("connection.restored session=worker") == 1


@pytest.mark.parametrize("busy", [False, True])
def test_a_shutdown_keeps_to_its_time_though_nobody_answers(
    busy: bool, dsn: str, registry: pgq.Registry, client: pgq.Client
) -> None:
    begun = threading.Event()

    @registry.task("endless")
    async def endless() -> None:
        begun.set()
        await asyncio.sleep(600)

    with proxy(dsn) as way:
        worker = Running(pgq.Worker(way.dsn, registry=registry, shutdown_timeout=2))
        job_id = client.enqueue("endless" if busy else "plain")
        if busy:
            assert begun.wait(10)
        else:
            finished(client, job_id)
        way.silent.set()
        time.sleep(0.5)
        began = time.monotonic()
        worker.stop()
        with contextlib.suppress(asyncio.CancelledError):
            worker.wait()
        assert time.monotonic() - began < 3


def test_a_transaction_of_a_handler_waits_for_the_database(
    dsn: str,
    registry: pgq.Registry,
    client: pgq.Client,
    admin: psycopg.Connection,
    caplog: pytest.LogCaptureFixture,
) -> None:
    begun, go = threading.Event(), threading.Event()

    @registry.task("thread", context=True)
    def in_thread(context: pgq.Context) -> None:
        begun.set()
        assert go.wait(30)
        with context.transaction():
            context.result = 1

    @registry.task("loop", context=True)
    async def in_loop(context: pgq.Context) -> None:
        await asyncio.to_thread(go.wait, 30)
        async with context.transaction():
            context.result = 2

    with running(dsn, registry, lease=30), caplog.at_level(logging.INFO, "pgq"):
        ids = [client.enqueue("thread"), client.enqueue("loop")]
        assert begun.wait(10)
        with away(admin, dsn):
            go.set()
            wait_for(lambda: "connection.failed session=handlers" in caplog.text)
            time.sleep(1)
        jobs = [finished(client, job_id) for job_id in ids]
        wait_for(lambda: "connection.restored session=handlers" in caplog.text)
    assert [(job.result, job.attempt) for job in jobs] == [(1, 1), (2, 1)]


def test_a_handler_that_waits_for_the_database_ends_by_its_timeout(
    dsn: str, registry: pgq.Registry, client: pgq.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended = threading.Event()

    @registry.task("thread", context=True)
    def in_thread(context: pgq.Context) -> None:
        try:
            with context.transaction():
                pass
        finally:
            ended.set()

    def refuse(*_: Any, **__: Any) -> None:
        raise psycopg.OperationalError("nobody there")

    monkeypatch.setattr("pgq.worker.pools.connect", refuse)
    with running(dsn, registry):
        job = finished(client, client.enqueue("thread", timeout=0.5, max_attempts=1))
        assert ended.wait(5)
    assert job.errors
    assert job.errors[-1]["type"] == "JobTimeout"


def test_handlers_open_no_more_sessions_than_are_counted(
    dsn: str,
    registry: pgq.Registry,
    client: pgq.Client,
    conn: psycopg.Connection,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    opened: list[psycopg.Connection | psycopg.AsyncConnection] = []
    held: list[int] = []

    def note(made: Any) -> Any:
        opened.append(made)
        held.append(sum(not one.closed for one in opened))
        return made

    async def note_async(*args: Any, **options: Any) -> Any:
        return note(await connect_async(*args, **options))

    # The server ends a session a little after it was closed, so what it shows may be one more.
    monkeypatch.setattr(
        "pgq.worker.pools.connect", lambda *a, **options: note(connect(*a, **options))
    )
    monkeypatch.setattr("pgq.worker.pools.connect_async", note_async)

    @registry.task("thread", context=True)
    def in_thread(context: pgq.Context) -> None:
        with context.transaction() as connection:
            name = connection.execute("show application_name").fetchone()
            context.result = name and name[0]

    @registry.task("loop", context=True)
    async def in_loop(context: pgq.Context) -> None:
        async with context.transaction() as connection:
            answer = await connection.execute("show application_name")
            context.result = (await answer.fetchone() or [None])[0]

    with running(dsn, registry, concurrency=3):
        ids = [client.enqueue(task) for _ in range(30) for task in ("thread", "loop")]
        jobs = [finished(client, job_id) for job_id in ids]
        wait_for(lambda: len(sessions(conn, "pgq handler")) == sum(not c.closed for c in opened))
    assert {job.result for job in jobs} == {"pgq handler"}
    assert {job.attempt for job in jobs} == {1}
    assert 1 <= max(held) <= 3


def test_it_ends_after_an_outage_that_is_too_long(
    dsn: str, registry: pgq.Registry, client: pgq.Client, admin: psycopg.Connection
) -> None:
    worker = Running(pgq.Worker(dsn, registry=registry, lease=2, exit_after_outage=1))
    finished(client, client.enqueue("plain"))
    with away(admin, dsn):
        wait_for(lambda: worker.has_ended)
    with pytest.raises(pgq.DatabaseAway):
        worker.wait()


def test_a_short_outage_ends_nothing(
    dsn: str, registry: pgq.Registry, client: pgq.Client, admin: psycopg.Connection
) -> None:
    with running(dsn, registry, exit_after_outage=20) as worker:
        assert finished(client, client.enqueue("plain")).state == "succeeded"
        with away(admin, dsn):
            time.sleep(1)
        assert finished(client, client.enqueue("plain")).state == "succeeded"
        assert not worker.has_ended


def test_sessions_may_idle_whatever_the_default_is(
    dsn: str,
    registry: pgq.Registry,
    conn: psycopg.Connection,
    connect: Connect,
    caplog: pytest.LogCaptureFixture,
) -> None:
    set_default(conn, "idle_session_timeout", "300ms")
    with running(dsn, registry, lease=6, poll_interval=2), caplog.at_level(logging.INFO, "pgq"):
        wait_for(lambda: len(sessions(conn, "pgq listener")) == 1)
        (pid,) = sessions(conn, "pgq listener")
        time.sleep(1.5)
        assert sessions(conn, "pgq listener") == [pid]
    assert "connection.failed" not in caplog.text


def test_trouble_is_said_at_growing_intervals_and_once_when_it_is_over(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "pgq")
    now = 1000.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    reported: list[str] = []
    trouble = Trouble("it.fails", "it.works", "here", lambda _, where: reported.append(where))
    said: list[float] = []
    for _ in range(4 * 3600):
        before = caplog.text.count("it.fails")
        trouble.failed(psycopg.OperationalError("away"))
        if caplog.text.count("it.fails") > before:
            said.append((now - 1000) / 60)
        caplog.clear()
        now += 1
    assert said == [0, 1, 2, 5, 10, 20, 30, 60, 120, 180]
    assert reported == ["here"] * len(said)
    trouble.failed(psycopg.InterfaceError("of another kind"))
    assert "of another kind" in caplog.text
    trouble.over()
    trouble.over()
    assert caplog.text.count("it.works") == 1
    trouble.failed(psycopg.OperationalError("again"))
    assert "again" in caplog.text
