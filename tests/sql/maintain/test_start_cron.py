"""pg_cron does the housekeeping where no worker of the Python package does."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from pgq import embedded
from tests.schema.installs import run
from tests.servers import SETTINGS, Target, install
from tests.sql.calls import enqueue, refused, register, rows, scalar, value

DEADLINE = 60.0


@pytest.fixture
def cron(target: Target, request: pytest.FixtureRequest) -> Iterator[embedded.Server]:
    """A server with pg_cron, and pgq of a plain owner in its database."""
    if target.bindir is None or not has_cron(target.bindir):
        pytest.skip("this Postgres has no pg_cron (Debian: postgresql-15-cron)")
    settings = {
        **SETTINGS,
        "shared_preload_libraries": "pg_cron",
        "cron.database_name": "app",
        "cron.use_background_workers": getattr(request, "param", "off"),
    }
    with embedded.start(None, bindir=target.bindir, settings=settings) as server:
        sockets = conninfo_to_dict(server.dsn)["host"]
        with psycopg.connect(server.dsn, autocommit=True) as admin:
            admin.execute("create role plain login createrole")
            admin.execute("create database app owner plain")
            admin.execute(f"alter system set cron.host = '{sockets}'".encode())
        server.restart()
        with superuser(server) as admin:
            admin.execute("create extension pg_cron")
            admin.execute("grant usage on schema cron to plain")
        install(owner_dsn(server))
        yield server


def has_cron(bindir: Path) -> bool:
    asked = run([bindir / "pg_config", "--sharedir"])
    return (Path(asked.stdout.strip()) / "extension" / "pg_cron.control").exists()


def owner_dsn(server: embedded.Server) -> str:
    return make_conninfo(server.dsn, dbname="app", user="plain")


def superuser(server: embedded.Server) -> psycopg.Connection:
    return psycopg.connect(make_conninfo(server.dsn, dbname="app"), autocommit=True)


def wait_until(conn: psycopg.Connection, query: str) -> None:
    deadline = time.monotonic() + DEADLINE
    while not scalar(conn, query):
        assert time.monotonic() < deadline, rows_of_log(conn)
        time.sleep(0.05)


def rows_of_log(conn: psycopg.Connection) -> object:
    return conn.execute("select status, return_message from cron.job_run_details").fetchall()


@pytest.mark.slow
@pytest.mark.parametrize("cron", ["off", "on"], indirect=True, ids=["connections", "workers"])
def test_pg_cron_does_what_a_worker_would(cron: embedded.Server) -> None:
    with psycopg.connect(owner_dsn(cron), autocommit=True) as conn:
        job = value(conn, "start_cron", every="200 ms")
        assert value(conn, "start_cron", every="100 ms") == job
        columns = "jobname, schedule, username, database"
        found = conn.execute(f"select {columns} from cron.job".encode()).fetchall()
        assert found == [("pgq", "* * * * *", "plain", "app")]
        enqueue(conn, "later", delay="2 seconds")
        value(conn, "schedule", name="s", task="tick", every="1 second")
        register(conn, name="dead", lease="1 second")
    # It would begin with the next minute; so it begins with the server.
    with superuser(cron) as admin:
        admin.execute("update cron.job set schedule = '@reboot'")
    cron.restart()
    with superuser(cron) as conn:
        wait_until(conn, "select exists (select from pgq.all_jobs where task = 'tick')")
        wait_until(conn, "select state = 'ready' from pgq.all_jobs where task = 'later'")
        wait_until(conn, "select not exists (select from pgq.workers)")
        wait_until(conn, "select bool_and(due_at > '-infinity') from pgq.maintenance")
    with psycopg.connect(owner_dsn(cron), autocommit=True) as conn:
        assert value(conn, "stop_cron") is True
        assert value(conn, "stop_cron") is False
        assert scalar(conn, "select count(*) from cron.job") == 0


@pytest.mark.slow
def test_one_call_that_fails_stops_no_other(cron: embedded.Server) -> None:
    """The command itself, from a session whose statements may take a second."""
    with psycopg.connect(owner_dsn(cron), autocommit=True) as conn:
        value(conn, "start_cron", every="100 ms")
        command = scalar(conn, "select command from cron.job")
        enqueue(conn, "later", delay="100 ms")
        for name in ("fire_due_schedules", "maintain"):
            conn.execute(f"alter function pgq.{name} rename to {name}_gone".encode())
        with superuser(cron) as admin:
            admin.execute(
                "insert into cron.job_run_details (jobid, runid, username, end_time)"
                " select 1, run, 'plain', now() - run * interval '1 day'"
                " from unnest('{6,8}'::int[]) as run"
            )
        said: list[str] = []
        conn.add_notice_handler(lambda notice: said.append(notice.message_primary or ""))
        conn.execute("set statement_timeout = '1 s'")
        conn.execute(command.encode())
        assert {each.partition(":")[0] for each in said} == {"fire_due_schedules", "maintain"}
        assert scalar(conn, "select state from pgq.all_jobs") == "ready"
        assert scalar(conn, "select array_agg(runid) from cron.job_run_details") == [6]


@pytest.mark.slow
def test_what_is_missing_is_said(cron: embedded.Server) -> None:
    with psycopg.connect(owner_dsn(cron), autocommit=True) as conn:
        for every in ("50 ms", "51 seconds", "-1 s", "infinity"):
            if every != "infinity" or conn.info.server_version >= 170000:
                with refused("JQ002", "every is under"):
                    value(conn, "start_cron", every=every)
        with superuser(cron) as admin:
            admin.execute("revoke usage on schema cron from plain")
            with refused("JQ002", "may not use pg_cron"):
                value(conn, "start_cron")
            assert value(conn, "stop_cron") is False
            admin.execute("grant usage on schema cron to plain")
            admin.execute("alter role plain nologin")
            with refused("JQ002", "may not log in"):
                value(conn, "start_cron")
            admin.execute("drop extension pg_cron")
            with refused("JQ002", "not installed in this database"):
                value(conn, "start_cron")


def test_a_server_without_pg_cron(conn: psycopg.Connection) -> None:
    with refused("JQ002", "pg_cron is not installed"):
        value(conn, "start_cron")
    assert value(conn, "stop_cron") is False
    assert rows(conn, "audit_log") == []
