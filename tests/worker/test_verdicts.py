"""No error of the database ends a worker: each kind of error at each of its calls."""

from __future__ import annotations

import asyncio
import logging
import re
import threading
import time
from contextlib import ExitStack

import psycopg
import pytest

import pgq
from pgq import errors
from pgq.worker.verdicts import RULES, NoAnswer, Verdict, is_lost, verdict_of
from tests.worker.breaking import broken
from tests.worker.running import Running, finished, running, wait_for

# One of each verdict but those that end a worker, an internal error, and one that nobody knows.
CODES = ("23514", "40001", "42501", "XX000", "UN001")
# After which of them a worker has nothing to do until they work again.
ESSENTIAL = {"claim_batch", "complete_batch"}
AT_WORK = (
    *sorted(ESSENTIAL),
    "heartbeat",
    "idle_turn",
    "promote_due",
    "fire_due_schedules",
    "maintain",
    "set_progress",
)


@pytest.fixture
def registry() -> pgq.Registry:
    made = pgq.Registry()

    @made.task("plain")
    async def plain() -> None:
        pass

    @made.task("tells", context=True)
    async def tells(context: pgq.Context) -> None:
        context.progress(1)

    return made


def with_code(code: str) -> psycopg.Error:
    error = psycopg.errors.lookup(code) if code[:2] not in ("JQ", "UN") else psycopg.DatabaseError
    made = error("x")
    made.sqlstate = code  # type: ignore[misc]
    return made


@pytest.mark.slow
@pytest.mark.parametrize("call", AT_WORK)
def test_no_error_of_a_call_ends_a_worker_or_stops_its_other_calls(
    call: str,
    dsn: str,
    registry: pgq.Registry,
    conn: psycopg.Connection,
    client: pgq.Client,
    caplog: pytest.LogCaptureFixture,
) -> None:
    # Where there is no schedule, an idle worker does not ask for due ones.
    client.schedule("far", "plain", every=86400)
    ended = threading.Event()
    registry.task("lasts")(lambda: ended.wait(120) and None)
    with (
        running(dsn, registry, lease=6) as worker,
        caplog.at_level(logging.INFO, "pgq"),
        ExitStack() as stack,
    ):
        stack.callback(ended.set)
        finished(client, client.enqueue("plain"))
        if call == "maintain":
            # Where nothing runs, a worker leaves maintenance to idle_turn.
            client.enqueue("lasts")
        for code in CODES:
            caplog.clear()
            with broken(conn, call, code):
                job_id = client.enqueue("tells", backoff=0.1, max_attempts=1000)
                wait_for(lambda code=code: f"sqlstate={code}" in caplog.text)  # type: ignore[misc]
                if call not in ESSENTIAL:
                    finished(client, job_id)
            assert finished(client, job_id).state == "succeeded"
            wait_for(lambda: not worker.has_ended)
    assert client.verify() == []


@pytest.mark.slow
@pytest.mark.parametrize(
    ("call", "task"),
    [("fail_batch", "fails"), ("snooze_batch", "snoozes"), ("continue_after", "continues")],
)
@pytest.mark.parametrize("code", CODES)
def test_no_error_of_such_a_settle_ends_a_worker_or_harms_a_neighbour(
    call: str,
    task: str,
    code: str,
    dsn: str,
    registry: pgq.Registry,
    conn: psycopg.Connection,
    client: pgq.Client,
    caplog: pytest.LogCaptureFixture,
) -> None:
    @registry.task("fails", context=True)
    async def fails(context: pgq.Context) -> None:
        if context.attempt == 1:
            raise ValueError

    snoozed: list[int] = []

    @registry.task("snoozes", context=True)
    async def snoozes(context: pgq.Context) -> None:
        if not snoozed:
            snoozed.append(context.job_id)
            raise pgq.Snooze(0.1)

    continued: list[int] = []

    @registry.task("continues", context=True)
    async def continues(context: pgq.Context) -> None:
        if not continued:
            continued.append(context.job_id)
            context.continue_after([pgq.NewJob("plain")])

    with running(dsn, registry, lease=6) as worker, caplog.at_level(logging.INFO, "pgq"):
        with broken(conn, call, code):
            job_id = client.enqueue(task, backoff=0.1, max_attempts=1000)
            wait_for(lambda: f"sqlstate={code}" in caplog.text)
            assert finished(client, client.enqueue("plain")).state == "succeeded"
        assert finished(client, job_id).state == "succeeded"
        assert not worker.has_ended
    assert client.verify() == []


@pytest.mark.slow
@pytest.mark.parametrize("code", CODES)
def test_a_worker_ends_in_order_though_what_it_hands_back_is_refused(
    code: str,
    dsn: str,
    registry: pgq.Registry,
    conn: psycopg.Connection,
    client: pgq.Client,
) -> None:
    begun = threading.Event()

    @registry.task("waits")
    async def waits() -> None:
        begun.set()
        await asyncio.sleep(60)

    async def run_and_cancel() -> None:
        run = asyncio.create_task(pgq.Worker(dsn, registry=registry, lease=6).run())
        await asyncio.to_thread(begun.wait, 20)
        run.cancel()
        done, _ = await asyncio.wait([run], timeout=20)
        assert done

    job_id = client.enqueue("waits", max_attempts=1000)
    with broken(conn, "release_batch", code):
        asyncio.run(run_and_cancel())
    assert client.worker_status() == []
    found = client.job(job_id)
    assert found is not None
    assert found.state in {"ready", "scheduled"}
    assert client.verify() == []


@pytest.mark.slow
def test_failures_are_settled_while_successes_are_refused(
    dsn: str, registry: pgq.Registry, conn: psycopg.Connection, client: pgq.Client
) -> None:
    @registry.task("fails")
    async def fails() -> None:
        raise ValueError

    with running(dsn, registry), broken(conn, "complete_batch", "42501"):
        waits = [client.enqueue("plain") for _ in range(3)]
        fails_at = client.enqueue("fails", max_attempts=1)
        assert finished(client, fails_at).state == "failed"
        assert [job and job.state for job in map(client.job, waits)] == ["running"] * 3


@pytest.mark.slow
def test_successes_that_were_refused_are_told_once_they_can_be(
    dsn: str,
    registry: pgq.Registry,
    conn: psycopg.Connection,
    client: pgq.Client,
    caplog: pytest.LogCaptureFixture,
) -> None:
    with running(dsn, registry), caplog.at_level(logging.INFO, "pgq"):
        with broken(conn, "complete_batch", "42501"):
            ids = [client.enqueue("plain") for _ in range(3)]
            wait_for(lambda: "outcomes.kept" in caplog.text)
        jobs = [finished(client, job_id) for job_id in ids]
        wait_for(lambda: "outcomes.delivered" in caplog.text)
    assert {(job.state, job.attempt) for job in jobs} == {("succeeded", 1)}


@pytest.mark.slow
@pytest.mark.parametrize(
    "call", ["connection_budget", "workers_beside", "release_unanswered", "deregister_worker"]
)
def test_what_is_said_on_the_way_in_and_out_ends_no_worker_either(
    call: str,
    dsn: str,
    registry: pgq.Registry,
    conn: psycopg.Connection,
    client: pgq.Client,
    caplog: pytest.LogCaptureFixture,
) -> None:
    with broken(conn, call, "UN001"), running(dsn, registry) as worker:
        assert finished(client, client.enqueue("plain")).state == "succeeded"
        if call == "release_unanswered":
            cut = "select pg_terminate_backend(pid) from pg_stat_activity"

            def is_said() -> bool:
                # It may have been at something else than a claim.
                conn.execute(f"{cut} where application_name = 'pgq worker'".encode())
                time.sleep(0.2)
                return "call=release_unanswered" in caplog.text

            wait_for(is_said)
            assert finished(client, client.enqueue("plain")).state == "succeeded"
        assert not worker.has_ended


@pytest.mark.parametrize("call", ["register_worker", "sync_schedules", "version"])
@pytest.mark.parametrize(("code", "expected"), [("42501", True), ("40001", False)])
def test_what_is_wrong_at_the_start_is_raised_and_what_passes_is_waited_for(
    call: str,
    code: str,
    expected: bool,
    dsn: str,
    registry: pgq.Registry,
    conn: psycopg.Connection,
    client: pgq.Client,
    caplog: pytest.LogCaptureFixture,
) -> None:
    registry.schedule("s", "plain", every="1 hour")
    job_id = client.enqueue("plain")
    with broken(conn, call, code):
        worker = Running(pgq.Worker(dsn, registry=registry, lease=2))
        if expected:
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                worker.wait()
            return
        wait_for(lambda: "broken on purpose" in caplog.text)
    finished(client, job_id)
    worker.stop()
    worker.wait()


def test_each_sqlstate_has_a_verdict_with_a_reason() -> None:
    classes = {code[:2] for code in psycopg.errors._sqlcodes if re.fullmatch(r"[0-9A-Z]{5}", code)}
    known = {rule.code for rule in RULES}
    # Those of ends without an error, of SQL that no function of ours speaks, and of foreign data.
    elsewhere = {"02", "03", "09", "0B", "0F", "0L", "0P", "0Z", "20", "24", "26", "27", "2B"}
    elsewhere |= {"2D", "2F", "34", "38", "39", "3B", "3D", "44", "10", "F0", "HV", "P0"}
    assert {code for code in classes if code not in known} <= elsewhere
    assert all(rule.reason and len(rule.code) >= 2 for rule in RULES)
    assert verdict_of(with_code("UN001")) is Verdict.SAY


def test_each_sqlstate_of_the_schema_is_decided_by_itself() -> None:
    ours = {code for code in errors._BY_SQLSTATE if code.startswith("JQ")}
    assert ours == {rule.code for rule in RULES if rule.code.startswith("JQ")}


@pytest.mark.parametrize(
    ("code", "verdict", "at_start"),
    [
        ("08006", Verdict.RETRY, Verdict.RETRY),
        ("22P05", Verdict.REFUSE, Verdict.REFUSE),
        ("25006", Verdict.RETRY, Verdict.RETRY),
        ("28P01", Verdict.SAY, Verdict.EXIT),
        ("40P01", Verdict.RETRY, Verdict.RETRY),
        ("42501", Verdict.SAY, Verdict.EXIT),
        ("53300", Verdict.RETRY, Verdict.RETRY),
        ("54000", Verdict.REFUSE, Verdict.REFUSE),
        ("55000", Verdict.SAY, Verdict.SAY),
        ("57P03", Verdict.RETRY, Verdict.RETRY),
        ("P0001", Verdict.SAY, Verdict.SAY),
        ("XX000", Verdict.RETRY, Verdict.RETRY),
        ("XX001", Verdict.SAY, Verdict.SAY),
    ],
)
def test_verdicts(code: str, verdict: Verdict, at_start: Verdict) -> None:
    assert verdict_of(with_code(code)) is verdict
    assert verdict_of(with_code(code), starting=True) is at_start


@pytest.mark.parametrize(
    ("error", "verdict", "lost"),
    [
        (NoAnswer("x"), Verdict.RETRY, True),
        (psycopg.OperationalError("x"), Verdict.RETRY, True),
        (psycopg.InterfaceError("the connection is closed"), Verdict.RETRY, True),
        (ConnectionResetError(), Verdict.RETRY, True),
        (ValueError("Exceeds the limit (4300 digits)"), Verdict.SAY, False),
        (RecursionError(), Verdict.SAY, False),
        (UnicodeEncodeError("latin-1", "\U0001f600", 0, 1, "x"), Verdict.REFUSE, False),
        (errors.WorkerNotRegistered("x"), Verdict.REGISTER, False),
        (errors.UnsupportedClient("x"), Verdict.EXIT, False),
        (errors.SchemaNotOurs("x"), Verdict.EXIT, False),
        (errors.SchemaMissing("x"), Verdict.SAY, False),
    ],
)
def test_verdicts_about_what_the_server_did_not_say(
    error: Exception, verdict: Verdict, lost: bool
) -> None:
    assert verdict_of(error) is verdict
    assert is_lost(error) is lost


def test_every_call_of_the_worker_is_known_here() -> None:
    """What a worker may call is in one of the lists above."""
    from pathlib import Path

    modules = (Path(pgq.__file__).parent / "worker").glob("*.py")
    found = {name for path in modules for name in re.findall(r"calls\.(\w+)\(", path.read_text())}
    assert len(found) > 10
    tested = {*AT_WORK, "connection_budget", "release_unanswered", "deregister_worker"}
    tested |= {"register_worker", "sync_schedules", "sync_tasks", "version", "workers_beside"}
    tested |= {"fail_batch", "snooze_batch", "continue_after", "release_batch"}
    assert found <= tested
