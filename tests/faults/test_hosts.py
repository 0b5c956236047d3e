"""Workers inside of real web servers: uvicorn, and beside gunicorn."""

from __future__ import annotations

import os
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest

import pgq
from tests.worker.running import PATIENCE, finished, wait_for

ROOT = Path(__file__).parents[2]


class Host:
    """A web server's process group, listening on a socket in a folder."""

    def __init__(self, process: subprocess.Popen[bytes], socket_path: Path, log: Path) -> None:
        self.process = process
        self._socket = socket_path
        self._log = log

    def answers(self) -> bool:
        try:
            with socket.socket(socket.AF_UNIX) as client:
                client.settimeout(PATIENCE)
                client.connect(str(self._socket))
                client.sendall(b"GET / HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n")
                return client.recv(100).startswith(b"HTTP/1.1 ")
        except OSError:
            return False

    def stop(self) -> int:
        self.process.terminate()
        return self.process.wait(PATIENCE)

    def log(self) -> str:
        return self._log.read_text()


@contextmanager
def serving(
    dsn: str, command: Callable[[Path], list[Any]], log: Path
) -> Generator[Host, None, None]:
    """Run a web server; the command is made for the path of its socket."""
    with tempfile.TemporaryDirectory(prefix="pgq-", dir="/tmp") as folder:
        path = Path(folder) / "socket"
        environment = os.environ | {
            "PGQ_DSN": dsn,
            "PGQ_TEST_LOCK": f"pgq-tests-{secrets.token_hex(6)}",
            "PYTHONPATH": str(ROOT),
            "HOME": folder,
        }
        with log.open("wb") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", *map(str, command(path))],
                cwd=ROOT,
                env=environment,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        host = Host(process, path, log)
        try:
            wait_for(host.answers, "for the server")
            yield host
        except BaseException:
            print(host.log())
            raise
        finally:
            if process.poll() is None:
                process.kill()
            process.wait()


@pytest.fixture
def client(dsn: str) -> Generator[pgq.Client, None, None]:
    with pgq.Client(dsn) as made:
        yield made


def pids(client: pgq.Client) -> list[int]:
    return [int(each.pid) for each in client.worker_status() if each.pid is not None]


def pid_of(client: pgq.Client, *but: int) -> int:
    """Wait for a worker in another process than these, and return which."""
    return wait_for(lambda: next((pid for pid in pids(client) if pid not in but), 0))


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    # A process that has ended is gone, even if its parent has not asked yet.
    status = Path(f"/proc/{pid}/stat")
    return not status.exists() or status.read_text().rpartition(")")[2].split()[0] != "Z"


def uvicorn(app: str, *options: str) -> Callable[[Path], list[Any]]:
    return lambda path: ["uvicorn", f"tests.worker.hosts:{app}", "--uds", path, *options]


@pytest.mark.parametrize("app", ["bare", "starlette"])
def test_uvicorn_runs_a_worker_and_stops_it_in_order(
    app: str, dsn: str, client: pgq.Client, tmp_path: Path
) -> None:
    with serving(dsn, uvicorn(app), tmp_path / "log") as host:
        pid = host.process.pid
        assert finished(client, client.enqueue("where")).result == pid
        slow = client.enqueue("slow", [0.7])
        wait_for(lambda: (job := client.job(slow)) and job.state == "running")
        host.stop()
        job = client.job(slow)
        assert job and (job.state, job.result) == ("succeeded", pid)
        assert pids(client) == []


def test_one_of_uvicorns_processes_works_and_another_takes_over(
    dsn: str, client: pgq.Client, tmp_path: Path
) -> None:
    with serving(dsn, uvicorn("bare", "--workers", "2"), tmp_path / "log") as host:
        first = pid_of(client)
        assert finished(client, client.enqueue("where")).result == first
        os.kill(first, signal.SIGKILL)
        second = pid_of(client, first)
        assert finished(client, client.enqueue("where")).result == second
        wait_for(lambda: pids(client) == [second])
        host.stop()
        assert pids(client) == []


@contextmanager
def gunicorn(dsn: str, folder: Path) -> Generator[Host, None, None]:
    settings = folder / "gunicorn.conf.py"
    settings.write_text(
        "import os, pgq.contrib.gunicorn\n"
        "when_ready, on_reload, on_exit = pgq.contrib.gunicorn.hooks(\n"
        "    'tests.worker.hosts:registry', '--lease', '2s',\n"
        "    only_one=os.environ['PGQ_TEST_LOCK'], stop_timeout=10)\n"
        "workers = 2\n"
    )

    def command(path: Path) -> list[Any]:
        return ["gunicorn", "-c", settings, "-b", f"unix:{path}", "tests.worker.hosts:wsgi"]

    with serving(dsn, command, folder / "log") as host:
        yield host


def test_gunicorn_has_one_worker_beside_it(
    dsn: str, client: pgq.Client, tmp_path: Path, conn: psycopg.Connection
) -> None:
    with gunicorn(dsn, tmp_path) as host:
        first = pid_of(client)
        assert finished(client, client.enqueue("where")).result == first
        assert first != host.process.pid
        os.kill(first, signal.SIGKILL)
        second = pid_of(client, first)
        assert finished(client, client.enqueue("where")).result == second
        host.process.send_signal(signal.SIGHUP)
        third = pid_of(client, first, second)
        wait_for(lambda: not is_alive(second))
        slow = client.enqueue("slow", [0.7])
        wait_for(lambda: (job := client.job(slow)) and job.state == "running")
        assert host.answers()
        assert host.stop() == 0
        job = client.job(slow)
        assert job and (job.state, job.result) == ("succeeded", third)
        assert third not in pids(client)
        assert not is_alive(third)


def test_a_gunicorn_that_is_killed_takes_its_worker_with_it(
    dsn: str, client: pgq.Client, tmp_path: Path
) -> None:
    with gunicorn(dsn, tmp_path) as host:
        pid = pid_of(client)
        host.process.kill()
        wait_for(lambda: not is_alive(pid), "for the end of the worker")
        assert pids(client) == []


def test_a_guard_that_is_killed_takes_its_worker_with_it(
    dsn: str, client: pgq.Client, tmp_path: Path
) -> None:
    with gunicorn(dsn, tmp_path) as host:
        pid = pid_of(client)
        guard = subprocess.check_output(["ps", "-o", "ppid=", "-p", str(pid)])
        os.kill(int(guard), signal.SIGKILL)
        wait_for(lambda: not is_alive(pid), "for the end of the worker")
        assert host.answers()
        assert host.stop() == 0
