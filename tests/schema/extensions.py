"""Servers that have the extension's files, databases with it, and rows for each of its tables."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from psycopg.conninfo import make_conninfo

from pgq import embedded
from pgq.schema import extension
from tests.schema.installs import run
from tests.servers import SETTINGS, Target, memory_folder
from tests.sql.batches.calls import make
from tests.sql.calls import (
    claim_one,
    complete,
    enqueue,
    enqueue_many,
    register,
    rows,
    scalar,
    value,
)
from tests.sql.health.cures import bystanders

OWNER = "app"

MEMBERS = """
    select classid::regclass || ' ' || pg_describe_object(classid, objid, 0)
    from pg_depend
    where refclassid = 'pg_extension'::regclass
      and refobjid = (select oid from pg_extension where extname = 'pgq_sql')
      and deptype = 'e'
      and (classid <> 'pg_type'::regclass or exists (
        select from pg_type as t join pg_class as c on c.oid = t.typrelid
        where t.oid = objid and c.relkind = 'c'))
    order by 1
"""
DUMPED = """
    select dumped::regclass::text from pg_extension, unnest(extconfig) as dumped
    where extname = 'pgq_sql' order by 1
"""


class Extended:
    """A server whose extensions are in a folder of its own, and databases of a plain role."""

    def __init__(self, server: embedded.Server, folder: Path) -> None:
        self.server = server
        self.folder = folder
        self._made = 0

    @contextmanager
    def database(self) -> Iterator[str]:
        """Yield the DSN of a new database for its owner, who is no superuser."""
        self._made += 1
        name = f"extended_{self._made}"
        with psycopg.connect(self.server.dsn, autocommit=True) as admin:
            admin.execute(f"create database {name} owner {OWNER}".encode())
            try:
                yield make_conninfo(self.server.dsn, dbname=name, user=OWNER)
            finally:
                admin.execute(f"drop database {name} with (force)".encode())

    def superuser(self, dsn: str) -> str:
        return make_conninfo(dsn, user=make_user(self.server.dsn))

    def dump(self, dsn: str, file: Path) -> None:
        done = run([self.server.bindir / "pg_dump", "-Fc", "-d", dsn, "-f", file])
        assert (done.returncode, done.stderr) == (0, "")

    def restore(self, dsn: str, file: Path) -> None:
        """Restore as a superuser does it, all or nothing, for the owner."""
        program = [self.server.bindir / "pg_restore", "-1", "--role", OWNER]
        done = run([*program, "-d", self.superuser(dsn), file])
        assert (done.returncode, done.stderr) == (0, "")


def make_user(dsn: str) -> str:
    return str(psycopg.conninfo.conninfo_to_dict(dsn)["user"])


@contextmanager
def extended(target: Target) -> Iterator[Extended]:
    """Start a server that finds the extension, without a file in the folders of the system."""
    assert target.bindir
    place = Path(tempfile.mkdtemp(dir=memory_folder()))
    try:
        place.chmod(0o755)
        settings = dict(SETTINGS)
        if target.major >= 18:
            bindir, folder = target.bindir, place / "extension"
            settings["extension_control_path"] = f"$system:{place}"
        else:
            bindir, folder = copy_of(target.bindir, place)
        extension.write(folder)
        with embedded.start(None, bindir=bindir, settings=settings) as server:
            with psycopg.connect(server.dsn, autocommit=True) as admin:
                admin.execute(f"create role {OWNER} login createrole".encode())
            yield Extended(server, folder)
    finally:
        shutil.rmtree(place)


def copy_of(bindir: Path, place: Path) -> tuple[Path, Path]:
    """Copy a server's programs, which look for their files beside themselves; the rest is linked.

    Return the folders of the programs and of extensions.
    """
    asked = run([bindir / "pg_config", "--sharedir", "--pkglibdir"])
    share, library = map(Path, asked.stdout.split())
    root = os.path.commonpath([bindir, share])
    there = place / bindir.relative_to(root)
    there.mkdir(parents=True)
    for program in bindir.iterdir():
        if program.name == "postgres":
            shutil.copy(program, there)
        else:
            (there / program.name).symlink_to(program)
    (place / library.relative_to(root)).symlink_to(library)
    extensions = place / share.relative_to(root) / "extension"
    extensions.mkdir(parents=True)
    for folder, linked in ((share, extensions.parent), (share / "extension", extensions)):
        for path in folder.iterdir():
            if path.name != "extension":
                (linked / path.name).symlink_to(path)
    return there, extensions


def fill(conn: psycopg.Connection) -> None:
    """Give every table a row, by calls where there is a quick one."""
    rows(conn, "follow_outcomes")
    worker = register(conn, lease="1 day")
    bystanders(conn)
    value(conn, "configure", keep_history_for="3 days")
    past = register(conn, name="past")
    rows(conn, "deregister_worker", worker_id=past)
    batch = make(conn)
    keyed = {"task": "k", "queue": "q", "unique_key": "w", "unique_for": "1 hour"}
    enqueue_many(
        conn,
        {"task": "in", "queue": "q", "batch_id": batch},
        keyed,
        {"task": "u", "queue": "q", "unique_key": "x", "unique_while": "queued"},
        {"task": "s", "queue": "later", "concurrency_key": "sema", "delay": "1 hour"},
        {"task": "s", "queue": "never", "concurrency_key": "sema"},
        {"task": "s", "queue": "never", "concurrency_key": "sema"},
    )
    rows(conn, "promote_due")
    value(conn, "configure_queue", queue="fair", fair=True, rate_limit=5, rate_interval="1 hour")
    enqueue(conn, queue="fair", partition_key="tenant")
    held = claim_one(conn, queues=["fair"], worker_id=worker)
    rows(conn, "cancel", ids=[held.job_id])
    value(conn, "configure_task", task="t", queue="q")
    value(conn, "configure_retention", task="t", failed="90 days")
    value(conn, "await_jobs", ids=[held.job_id])
    value(conn, "await_batch", batch_id=batch)
    value(conn, "run_schedule_now", name="calm")
    value(conn, "order_worker", worker_id=worker, instruction="pause")
    value(conn, "add_mark", label="deploy")
    value(conn, "pause_task", task="forgotten")
    value(conn, "subscribe", topic="orders.paid", task="receipt")
    rows(conn, "bulk_start", action="cancel", states=["ready"], queue="nobody's")
    rows(conn, "maintain")
    enqueue(conn, queue="counted")
    complete(conn, claim_one(conn, queues=["counted"]))
    made = {
        "ended_sessions": "(worker_id, backend_pid, seen_at) values (1, 1, now())",
        "stat_depth_hours": "values (now(), 'q', 1, 2, 3, 4, null, false)",
        "silences": "(began_at, ended_at) values (now(), now())",
        "releases": "(concurrency_key) values ('nobody')",
        "history_walks": "values (date '2030-01-01', 'r', null, null, null)",
        "key_windows": "values ('old', 1, now() + interval '1 day')",
    }
    for table, values in made.items():
        if scalar(conn, f"select count(*) from pgq.{table}") == 0:
            conn.execute(f"insert into pgq.{table} {values}".encode())


def counts(conn: psycopg.Connection) -> dict[str, int]:
    """Return how many rows each table has that a dump carries, the history's days as one."""
    tables = conn.execute(
        "select oid::regclass::text from pg_class"
        " where relkind = 'r' and oid = any(select unnest(extconfig) from pg_extension)"
    ).fetchall()
    names = [name for (name,) in tables if name != "pgq.job_history_default"]
    return {
        name: scalar(conn, f"select count(*) from {name}") for name in [*names, "pgq.job_history"]
    }
