"""The peers: where they come from, how their drivers are started, how their runs are checked."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from pgq.bench import machine
from pgq.bench.bench import check_ran_once, cpu, wait_for_ledger
from pgq.bench.draining import by_processes
from pgq.bench.figures import BenchFailed, Contestant, Metrics
from pgq.bench.latency import percentiles
from pgq.bench.ledger import Ledger
from pgq.bench.place import Place
from pgq.bench.processes import (
    Processes,
    counting_workers,
    environment,
    processes,
    rate_of,
    run_together,
)
from pgq.bench.sizes import Sizes

HERE = Path(__file__).parent
# Ignored by git; the peers' own environments.
INSTALLED = HERE / ".peers"


@dataclass(frozen=True)
class Peer:
    """A queue to compare with: its release, and the SQL that says what it has stored.

    `limit` keeps a slow one's runs short; its rates do not depend on it, unless a note says so.
    """

    name: str
    driver: str
    packages: tuple[str, ...]
    unfinished: str
    # How many are stored as succeeded; None if it deletes them.
    succeeded: str | None
    limit: int | None = None
    has_bulk: bool = True

    @property
    def is_python(self) -> bool:
        return self.driver.endswith(".py")

    @property
    def folder(self) -> Path:
        return INSTALLED / self.name

    @property
    def title(self) -> str:
        """Return what tables call it: the first package with its version."""
        return self.packages[0].replace("==", " ").replace("@", " ")

    def command(self, what: str, **more: int) -> list[str]:
        """Return the command of its driver, with an order."""
        program = str(self.folder / "bin" / "python") if self.is_python else "node"
        order = json.dumps({"do": what, **more})
        return [program, str(HERE / "peers" / self.driver), order]


STUCK_SECONDS = 60.0
_WAL = "select pg_current_wal_insert_lsn() - '0/0'"

PSYCOPG = "psycopg[binary]==3.3.9"
PEERS = {
    peer.name: peer
    for peer in (
        Peer(
            "pgqueuer",
            "drive_pgqueuer.py",
            ("pgqueuer==1.6.0", "asyncpg==0.32.0", "uvloop==0.23.0"),
            "select count(*) from pgqueuer",
            "select count(*) from pgqueuer_log where status = 'successful'",
        ),
        Peer(
            "graphile-worker",
            "drive_graphile.mjs",
            ("graphile-worker@0.18.0",),
            "select count(*) from graphile_worker._private_jobs",
            None,
        ),
        Peer(
            "procrastinate",
            "drive_procrastinate.py",
            ("procrastinate==3.10.0", PSYCOPG),
            "select count(*) from procrastinate_jobs where status in ('todo', 'doing')",
            "select count(*) from procrastinate_jobs where status = 'succeeded'",
            limit=3_000,
        ),
        Peer(
            "pg-boss",
            "drive_pgboss.mjs",
            ("pg-boss@12.35.0",),
            "select count(*) from pgboss.job where state < 'completed' and name = 'bench'",
            "select count(*) from pgboss.job where state = 'completed' and name = 'bench'",
        ),
        Peer(
            "pgmq",
            "drive_pgmq.py",
            ("pgmq==1.1.4", "asyncpg==0.32.0"),
            "select count(*) from pgmq.q_bench",
            "select count(*) from pgmq.a_bench",
        ),
        Peer(
            "chancy",
            "drive_chancy.py",
            ("chancy==0.26.0", PSYCOPG),
            "select count(*) from chancy_jobs where state not in ('succeeded', 'failed')",
            "select count(*) from chancy_jobs where state = 'succeeded'",
            limit=3_000,
        ),
        Peer(
            "dj-queue",
            "drive_dj_queue.py",
            ("dj-queue==0.14.2", "django==6.1.3", PSYCOPG),
            "select count(*) from dj_queue_jobs where finished_at is null",
            "select count(*) from dj_queue_jobs where finished_at is not null",
            limit=3_000,
        ),
        Peer(
            "asyncmq",
            "drive_asyncmq.py",
            ("asyncmq==0.10.1", "asyncpg==0.32.0"),
            "select count(*) from asyncmq_jobs where status <> 'completed'",
            "select count(*) from asyncmq_jobs where status = 'completed'",
            limit=500,
        ),
    )
}


def install(peer: Peer) -> str | None:
    """Install a peer at its version, unless it is there; return why that failed."""
    done = peer.folder / ".installed"
    wanted = " ".join(peer.packages)
    if done.exists() and done.read_text() == wanted:
        return None
    shutil.rmtree(peer.folder, ignore_errors=True)
    peer.folder.mkdir(parents=True)
    try:
        for command in _installing(peer):
            subprocess.run(command, cwd=peer.folder, check=True, capture_output=True, text=True)
    except subprocess.CalledProcessError as error:
        lines = (error.stderr or error.stdout).strip().splitlines()
        return f"could not be installed: {lines[-1] if lines else error}"
    except OSError as error:
        return f"could not be installed: {error}"
    done.write_text(wanted)
    return None


def _installing(peer: Peer) -> list[list[str]]:
    if not peer.is_python:
        (peer.folder / "package.json").write_text("{}\n")
        return [["npm", "install", "--no-audit", "--no-fund", *peer.packages]]
    python = newest_python()
    pip = [str(peer.folder / "bin" / "python"), "-m", "pip", "install", "--quiet"]
    return [[python, "-m", "venv", "."], [*pip, *peer.packages]]


def newest_python() -> str:
    """Return the newest of 3.12 to 3.14, which some peers need, else this one."""
    root = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    for minor in (14, 13, 12):
        kept = sorted(root.glob(f"versions/3.{minor}.*/bin/python3"))
        for found in (shutil.which(f"python3.{minor}"), *map(str, kept)):
            # A version manager's stub may be on the path, and fail.
            if found and _makes_venv(found):
                return found
    return sys.executable


def _makes_venv(python: str) -> bool:
    done = subprocess.run([python, "-c", "import ensurepip"], capture_output=True)
    return done.returncode == 0


class Bout:
    """A peer's runs, each in a database of its own that is copied from an empty installation."""

    def __init__(self, peer: Peer, place: Place, sizes: Sizes) -> None:
        self._peer = peer
        self._place = place
        self._sizes = sizes
        self._template = f"pgq_bench_{peer.driver.partition('.')[0]}"
        self._made = False

    def contestants(self) -> Mapping[str, Contestant]:
        """Return what it takes part in, by workload."""
        return {
            "enqueue": self._enqueue,
            "bulk": self._bulk,
            "drain": lambda: by_processes(self._drain),
            "latency": self._latency,
        }

    def _jobs(self, wanted: int) -> int:
        return min(wanted, self._peer.limit or wanted)

    def _enqueue(self) -> Metrics:
        jobs = self._jobs(self._sizes.enqueue) // 4 * 4
        return {
            "1 client, jobs/s": self._produced("enqueue", 1, jobs),
            "4 clients, jobs/s": self._produced("enqueue", 4, jobs),
        }

    def _bulk(self) -> Metrics:
        return {"jobs/s": self._produced("bulk", 1, self._jobs(self._sizes.bulk))}

    def _produced(self, what: str, clients: int, jobs: int) -> float:
        with self._database() as (dsn, connection):
            answers = self._produce(dsn, what, clients, jobs)
            if (stored := _one(connection, self._peer.unfinished)) != jobs:
                raise BenchFailed(f"of {jobs} jobs {stored} are stored")
        return rate_of(answers)

    def _produce(self, dsn: str, what: str, clients: int, jobs: int) -> list[dict[str, object]]:
        each = jobs // clients
        command = self._peer.command(what)[:-1]
        orders = [
            {"do": what, "first": n * each, "jobs": each, "batch": self._sizes.bulk_batch}
            for n in range(clients)
        ]
        return run_together(command, orders, dsn)

    def _drain(self, number: int) -> Metrics:
        jobs = self._jobs(self._sizes.drain)
        with self._database() as (dsn, connection):
            empty = _one(connection, _WAL)
            self._produce(dsn, "bulk", 1, jobs)
            filled = _one(connection, _WAL) - empty
            connection.execute("vacuum (analyze)")
            pid = machine.postmaster(connection)
            with self._workers(dsn, number, jobs) as (started, ledger):
                wait_until(ledger.runs, started, "no job has run")
                wal, before = _one(connection, _WAL), cpu(pid, started)
                began, ran = wait_for_ledger(ledger, jobs, started)
                self._wait_stored(connection, started)
                ended, spent = time.monotonic_ns(), cpu(pid, started)
                written = _one(connection, _WAL) - wal
                self._check(connection, ledger, jobs)
        return {
            "jobs/s": (jobs - ran) / ((ended - began) / 1e9),
            "server CPU s/10k": (spent[0] - before[0]) / jobs * 10_000,
            "worker CPU s/10k": (spent[1] - before[1]) / jobs * 10_000,
            "WAL B/job": (filled + written) / jobs,
        }

    def _latency(self) -> Metrics:
        jobs = self._sizes.latency
        with (
            self._database() as (dsn, connection),
            self._workers(dsn, 1, jobs, PGQ_BENCH_MOMENTS="1") as (started, ledger),
        ):
            time.sleep(3)  # until it has nothing to do but to wait: most do not tell
            (answer,) = self._produce(dsn, "latency", 1, jobs)
            wait_for_ledger(ledger, jobs, started)
            self._wait_stored(connection, started)
            self._check(connection, ledger, jobs)
            committed = answer["committed"]
            assert isinstance(committed, list)
            return percentiles(
                [max(0, ledger.moment(n) - at) / 1e6 for n, at in enumerate(committed)]
            )

    @contextmanager
    def _workers(
        self, dsn: str, number: int, jobs: int, **more: str
    ) -> Generator[tuple[Processes, Ledger], None, None]:
        path = self._place.folder / f"ledger-{self._peer.name}"
        ledger = Ledger.create(path, jobs)
        try:
            command = self._peer.command("work")
            with counting_workers(command, number, dsn, str(path), more) as started:
                yield started, ledger
        finally:
            ledger.close()

    def _wait_stored(self, connection: psycopg.Connection, started: Processes) -> None:
        def stored() -> bool:
            return not _one(connection, self._peer.unfinished)

        wait_until(stored, started, "the ends of its jobs are not stored")

    def _check(self, connection: psycopg.Connection, ledger: Ledger, jobs: int) -> None:
        if ledger.runs() != jobs:
            raise BenchFailed(f"{jobs} jobs ran {ledger.runs()} times")
        stored = _one(connection, self._peer.succeeded) if self._peer.succeeded else jobs
        check_ran_once(ledger, jobs, stored)

    @contextmanager
    def _database(self) -> Generator[tuple[str, psycopg.Connection], None, None]:
        """Yield a copy of the template, which the first call makes."""
        name = f"{self._template}_run"
        with self._place.connect() as admin:
            if not self._made:
                self._make_template(admin)
            admin.execute(_name("create database {} template {}", name, self._template))
            try:
                dsn = dsn_of(self._place.dsn, name)
                with psycopg.connect(dsn, autocommit=True) as connection:
                    yield dsn, connection
            finally:
                admin.execute(_name("drop database {} with (force)", name))

    def _make_template(self, admin: psycopg.Connection) -> None:
        admin.execute(_name("create database {}", self._template))
        dsn = dsn_of(self._place.dsn, self._template)
        with processes() as started:
            started.start(self._peer.command("setup"), environment(dsn))
            if started.started[0].wait(60):
                raise BenchFailed(f"{self._peer.name}: no schema", detail=started.said())
        self._made = True


def wait_until(is_so: Callable[[], object], started: Processes, problem: str) -> None:
    """Wait for something; BenchFailed where that takes over a minute or a process ends."""
    deadline = time.monotonic() + STUCK_SECONDS
    while not is_so():
        started.check()
        if time.monotonic() > deadline:
            raise BenchFailed(problem, detail=started.said())
        time.sleep(0.002)


def dsn_of(dsn: str, database: str) -> str:
    """Return a URL: not every driver reads libpq's other form."""
    found = conninfo_to_dict(dsn)
    login = f"{found['user']}:{found.get('password', '')}".removesuffix(":")
    return f"postgresql://{login}@{found['host']}:{found['port']}/{database}"


def _name(statement: str, *names: str) -> sql.Composed:
    return sql.SQL(statement).format(*map(sql.Identifier, names))  # type: ignore[arg-type]


def _one(connection: psycopg.Connection, query: str) -> int:
    row = connection.execute(query.encode()).fetchone()
    assert row
    return int(row[0])


Others = Mapping[str, Mapping[str, Contestant]]


def make_others(names: list[str], place: Place, sizes: Sizes) -> Others:
    """Return the peers' contestants, by workload."""
    bouts = {PEERS[name].title: Bout(PEERS[name], place, sizes).contestants() for name in names}
    workloads = ("enqueue", "bulk", "drain", "latency")
    return {
        workload: {title: bout[workload] for title, bout in bouts.items()} for workload in workloads
    }


others_for = partial(partial, make_others)
