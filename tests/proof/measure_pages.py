"""Measure the dashboard: python -m tests.proof.measure_pages [--dsn DSN] ...; judges nothing.

Asks each page by HTTP, one client, one page after the other, in a database with a million ready
jobs, 200,000 scheduled ones and ten million finished ones, while a worker with 20 slots works. No
answer is kept from one page to the next, so each page costs what it costs who looks alone. Prints
how long they took, how many statements each sent, and how many blocks of tables and indexes those
read.

With --dsn it measures in that database, which has the jobs already and is changed: some are worked
off. Without, it makes one on a temporary server; --history 100000 --ready 10000 --scheduled 2000
takes seconds. --write puts the table into docs/performance.md.
"""

from __future__ import annotations

import argparse
import asyncio
import http.client
import os
import re
import signal
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from unittest import mock

import psycopg
from werkzeug.test import Client as Browser

import pgq
from pgq.contrib.web.access import ALL, Access, from_here
from pgq.contrib.web.app import Dashboard
from tests.proof.bench.write_docs import DOCS
from tests.proof.measure_engine import database
from tests.proof.measure_looks import QUEUES, TASKS, Sizes, fill

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

SLOTS: Final = 20
# How long each job of the worker takes: so it works off 200 jobs a second at most.
JOB_SECONDS: Final = 0.1
_HERE: Final = "127.0.0.1"
_THREADS: Final = 4
_QUESTION: Final = re.compile(rb"\s*(select|with)\b", re.IGNORECASE)


class Cost(NamedTuple):
    """What a page asked: how many statements, what they read in all, and the dearest of them."""

    statements: int
    blocks: int
    dearest: int
    dearest_statement: str


class Line(NamedTuple):
    """A line of the table: times in ms, and the processor's time of server and database."""

    page: str
    p50: float
    p95: float
    cpu: float
    cost: Cost


def addresses(conn: psycopg.Connection) -> dict[str, str]:
    """Return what to ask, by what it shows; of jobs, queues and errors that there are."""

    def one(query: str) -> Any:
        row = conn.execute(query.encode()).fetchone()
        return row[0] if row else None

    ready = one("select job_id from pgq.ready where queue = 'q7' order by job_id desc limit 1")
    failed = one("select id from pgq.job_history where state = 'failed' order by id desc limit 1")
    worker = one("select id from pgq.workers limit 1")
    error = one("select fingerprint from pgq.error_groups() limit 1")
    return {
        "overview": "/",
        "queues": "/queues",
        "a queue": "/queue?name=q7",
        "a queue, 7 days": "/queue?name=q7&window=7d",
        "jobs": "/jobs",
        "jobs: ready, of a queue": "/jobs?state=ready&queue=q7",
        "jobs: failed, of a task": "/jobs?state=failed&task=t7",
        "jobs: the oldest first": "/jobs?order=old",
        "jobs: 250 a page": "/jobs?size=250",
        "jobs: by arguments that none has": "/jobs?args.user_id=-1",
        "a job that is ready": f"/jobs/{ready}",
        "a job that failed": f"/jobs/{failed}",
        "a flow": f"/flows/{ready}",
        "errors": "/errors",
        "an error": f"/error?fingerprint={error}",
        "tasks": "/tasks",
        "tasks, 7 days": "/tasks?window=7d",
        "a task": "/task?name=t7",
        "workers": "/workers",
        "a worker": f"/workers/{worker}",
        "schedules": "/schedules",
        "batches": "/batches",
        "limits": "/limits",
        "health": "/health",
        "audit": "/audit",
        "operations": "/operations",
    }


def _dashboard(dsn: str) -> Dashboard:
    return Dashboard(dsn, authorize=from_here(Access("ann", ALL)), secret="measured")


def _anew(dashboard: Dashboard) -> WSGIApplication:
    """Serve its pages so that each asks for all it shows, as if nobody had looked before."""

    def application(environ: Any, start_response: Any) -> Any:
        dashboard._source.forget()
        return dashboard.wsgi(environ, start_response)

    return application


def costs(dsn: str, asked: dict[str, str]) -> dict[str, Cost]:
    """Return what each page costs the database in sessions that have made their plans."""
    dashboard = _dashboard(dsn)
    browser = Browser(_anew(dashboard))
    found = {}
    try:
        for page, address in asked.items():
            with _explained() as statements:
                answer = browser.get(
                    address, headers={"Host": "localhost"}, environ_overrides={"REMOTE_ADDR": _HERE}
                )
            assert answer.status_code == 200, (address, answer.text[-400:])
            assert 'class="trouble"' not in answer.text, (address, answer.text)
            dearest = max(statements, key=lambda each: each[1])
            found[page] = Cost(
                len(statements), sum(blocks for _, blocks in statements), dearest[1], dearest[0]
            )
    finally:
        dashboard.close()
    return found


@contextmanager
def _explained() -> Generator[list[tuple[str, int]], None, None]:
    """Explain each question that is sent while the block runs; yield them with what they read."""
    execute = psycopg.Cursor.execute
    statements: list[tuple[str, int]] = []

    def explained(
        cursor: psycopg.Cursor[Any], query: Any, params: Any = None, **options: Any
    ) -> psycopg.Cursor[Any]:
        text = query.encode() if isinstance(query, str) else query
        text = text if isinstance(text, bytes) else text.as_bytes(cursor)
        if _QUESTION.match(text):
            beside = psycopg.Cursor(cursor.connection)
            explain = b"explain (analyze, buffers, timing off, format json) " + text
            # The first time the session makes its plans; each statement may be in another session.
            for _ in range(2):
                execute(beside, explain, params, prepare=False)
            row = beside.fetchone()
            assert row is not None
            plan = row[0][0]["Plan"]
            blocks = plan["Shared Hit Blocks"] + plan["Shared Read Blocks"]
            statements.append((" ".join(text.decode().split()), blocks))
        return execute(cursor, query, params, **options)

    with mock.patch.object(psycopg.Cursor, "execute", explained):
        yield statements


def times(port: int, address: str, number: int) -> tuple[float, float]:
    """Return the median and the 95th of a hundred of how long a page took, in ms."""
    taken = []
    connection = http.client.HTTPConnection(_HERE, port)
    for turn in range(number + 3):
        began = time.perf_counter()
        connection.request("GET", address)
        answer = connection.getresponse()
        body = answer.read()
        taken.append((time.perf_counter() - began) * 1000)
        assert answer.status == 200, (address, body[-400:])
        if turn < 3:  # until the server has connections
            taken.clear()
    connection.close()
    cuts = statistics.quantiles(taken, n=20, method="inclusive")
    return statistics.median(taken), cuts[-1]


def _cpu_ms(conn: psycopg.Connection, server: int) -> dict[int, float]:
    """Return how long the server of the pages and its sessions have run so far; Linux only."""
    sessions = conn.execute(
        "select pid from pg_stat_activity where application_name = 'pgq web'"
    ).fetchall()
    found = {}
    for pid in (server, *(pid for (pid,) in sessions)):
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        found[pid] = (int(fields[11]) + int(fields[12])) * 1000 / os.sysconf("SC_CLK_TCK")
    return found


def serve(dsn: str) -> None:
    """Serve the dashboard, on a port that is printed, until the process is ended."""
    from waitress.server import create_server

    dashboard = _dashboard(dsn)
    server = create_server(_anew(dashboard), host=_HERE, port=0, threads=_THREADS)
    print(server.effective_port, os.getpid(), flush=True)
    server.run()


async def work(dsn: str) -> None:
    """Work off jobs of each task, which do nothing for a while, until the process is ended."""

    async def rest(*_args: object, **_named: object) -> None:
        await asyncio.sleep(JOB_SECONDS)

    registry = pgq.Registry()
    for number in range(TASKS):
        registry.task(f"t{number}")(rest)
    async with pgq.Worker(dsn, registry=registry, concurrency=SLOTS):
        print("works", flush=True)
        await asyncio.Event().wait()


@contextmanager
def _beside(role: str, dsn: str) -> Generator[str, None, None]:
    """Run this module in another role while the block runs; yield the first line that it says."""
    command = [sys.executable, "-m", "tests.proof.measure_pages", "--role", role, "--dsn", dsn]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            said = process.stdout.readline().strip()
            assert said, f"{role} ended"
            threading.Thread(target=process.stdout.read, daemon=True).start()
            yield said
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(30)


def measure(dsn: str, number: int) -> list[Line]:
    """Measure all pages of a database that has jobs."""
    with psycopg.connect(dsn, autocommit=True) as conn:
        asked = addresses(conn)
        with _beside("work", dsn), _beside("serve", dsn) as said:
            port, server = map(int, said.split())
            time.sleep(15)  # until depths are sampled, and statistics folded
            began = _ended(conn), time.monotonic()
            taken = {}
            for page, address in asked.items():
                before = _cpu_ms(conn, server)
                p50, p95 = times(port, address, number)
                after = _cpu_ms(conn, server)
                cpu = sum(ms - before.get(pid, 0) for pid, ms in after.items()) / (number + 3)
                taken[page] = p50, p95, cpu
                print(f"{page}: p50 {p50:.0f} ms, p95 {p95:.0f} ms, CPU {cpu:.0f} ms", flush=True)
            rate = (_ended(conn) - began[0]) / (time.monotonic() - began[1])
            print(f"the worker ended about {rate:.0f} jobs a second meanwhile")
            found = costs(dsn, asked)
    return [Line(page, *taken[page], found[page]) for page in asked]


def _ended(conn: psycopg.Connection) -> int:
    row = conn.execute(
        "select sum(n_tup_ins)::bigint from pg_stat_user_tables where relname like 'job_history%'"
    ).fetchone()
    return int(row[0]) if row else 0


def table(lines: list[Line], sizes: Sizes, number: int) -> str:
    """Return the table of docs/performance.md."""
    head = (
        f"Each page {number} times by HTTP, with {sizes.ready:,} ready, {sizes.scheduled:,}"
        f" scheduled and {sizes.history:,} finished jobs in {QUEUES} queues and of {TASKS} tasks,"
        f" while a worker with {SLOTS} slots works; {os.cpu_count()} cores, whose load was"
        f" {os.getloadavg()[1]:.1f}.\n\n"
        "| | p50 ms | p95 ms | CPU ms | statements | blocks read | by the dearest |\n"
        "|---|---:|---:|---:|---:|---:|---:|\n"
    )
    rows = (
        f"| {line.page} | {line.p50:.0f} | {line.p95:.0f} | {line.cpu:.0f} | {line.cost.statements}"
        f" | {line.cost.blocks:,} | {line.cost.dearest:,} |\n"
        for line in lines
    )
    return head + "".join(rows)


def write(text: str) -> None:
    """Put the table where docs/performance.md has its place."""
    path = DOCS / "performance.md"
    place = re.compile(r"(<!-- pages -->\n).*?(<!-- end -->\n)", re.DOTALL)
    path.write_text(place.sub(lambda match: f"{match[1]}{text}{match[2]}", path.read_text()))


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition(":")[0])
    parser.add_argument("--dsn", help="a database that has the jobs already, and is changed")
    parser.add_argument("--history", type=int, default=10_000_000)
    parser.add_argument("--ready", type=int, default=1_000_000)
    parser.add_argument("--scheduled", type=int, default=200_000)
    parser.add_argument("--times", type=int, default=50, help="how often to ask each page")
    parser.add_argument("--write", action="store_true", help="write docs/performance.md")
    parser.add_argument("--role", choices=("serve", "work"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.role == "serve":
        serve(given.dsn)
        return
    if given.role == "work":
        asyncio.run(work(given.dsn))
        return
    sizes = Sizes(given.history, given.ready, given.scheduled)
    with ExitStack() as stack:
        dsn = given.dsn
        if dsn is None:
            conn = stack.enter_context(database(None))()
            fill(conn, sizes)
            conn.execute("vacuum")
            dsn = conn.info.dsn
        lines = measure(dsn, given.times)
    text = table(lines, sizes, given.times)
    print(text)
    for line in sorted(lines, key=lambda line: -line.cost.dearest)[:8]:
        print(f"{line.page}: {line.cost.dearest:,} by {line.cost.dearest_statement[:300]}")
    if given.write:
        write(text)


if __name__ == "__main__":
    main()
