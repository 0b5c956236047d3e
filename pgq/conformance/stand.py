"""Where a worker is judged: its database, its process, and a second worker that stays alive."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import contextmanager
from typing import IO, Any, Final, TypeVar

import psycopg

from pgq.client.clients import Client
from pgq.jobs import NewJob
from pgq.lib.connect import connect, conninfo
from pgq.processes.tied import tied_environment
from pgq.rows import Job, WorkerStatus
from pgq.schema.names import quote_identifier
from pgq.version import PROTOCOL

T = TypeVar("T")

QUEUE: Final = "conformance"
NAME: Final = "conformance"
TASKS: Final = ("conformance.echo", "conformance.fail", "conformance.sleep")
CONCURRENCY: Final = 4
LEASE: Final = 4.0  # seconds
POLL: Final = 30.0  # seconds: who has not heard a notification comes far too late
PATIENCE: Final = 15.0  # seconds, for what should take a moment
_LIVE: Final = {"scheduled", "blocked", "ready", "running"}
_APPLICATION: Final = "pgq conformance"


class Broken(Exception):
    """A worker does not do what the protocol asks; the text says what it did instead."""


class Stand:
    """A database with the schema in it, and at most one process of the command."""

    def __init__(self, dsn: str, schema: str, command: Sequence[str], log: IO[bytes]) -> None:
        self.dsn = dsn
        self.schema = schema
        self.client = Client(_named(dsn), schema=schema, actor="conformance")
        self._command = command
        self._log = log
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> WorkerStatus:
        """Start the command, and return its worker once that is registered."""
        variables = {
            "PGQ_SCHEMA": self.schema,
            "PGQ_WORKER_QUEUES": QUEUE,
            "PGQ_WORKER_NAME": NAME,
            "PGQ_WORKER_CONCURRENCY": f"{CONCURRENCY}",
            "PGQ_WORKER_LEASE": f"{LEASE:g}s",
            "PGQ_WORKER_POLL_INTERVAL": f"{POLL:g}s",
        }
        before = {each.id for each in self._workers()}
        try:
            self.process = subprocess.Popen(
                self._command,
                env={**tied_environment(self.dsn), **variables},
                stdin=subprocess.DEVNULL,
                stdout=self._log,
                stderr=self._log,
                # Ctrl-C reaches only us. A shell or npm in between dies with its worker.
                process_group=0,
            )
        except OSError as error:
            raise Broken(f"the command cannot be started: {error}") from error
        return self.until(
            lambda: next((one for one in self._workers() if one.id not in before), None),
            f"no worker with the name {NAME} registered itself",
        )

    def worker(self) -> WorkerStatus:
        """Return the worker as it is now; start it first where none runs."""
        if self.process is None:
            return self.start()
        if self.process.poll() is not None:
            raise Broken(f"the process ended by itself, with {self.process.returncode}")
        return self.until(
            lambda: next(iter(self._workers()), None), "the worker is not registered any more"
        )

    def is_registered(self) -> bool:
        """Whether any process of the command is registered."""
        return bool(self._workers())

    def signal(self, number: signal.Signals) -> None:
        """Send the process, and those that it started, a signal."""
        assert self.process
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, number)

    def has_ended(self, within: float) -> int:
        """Wait until the process has ended; return its exit code."""
        assert self.process
        try:
            code = self.process.wait(within)
        except subprocess.TimeoutExpired:
            raise Broken(f"the process still runs {within:g} s later") from None
        self.process = None
        return code

    def kill(self) -> None:
        """Kill the process, where one runs."""
        if self.process is not None:
            self.signal(signal.SIGKILL)
            self.process.wait()
            self.process = None

    def enqueue(self, task: str, args: dict[str, Any] | None = None, **options: Any) -> int:
        """Enqueue a job of one of the tasks; `task` is the last part of its name."""
        return self.client.enqueue_many([self.new_job(task, args, **options)])[0].id

    @staticmethod
    def new_job(task: str, args: dict[str, Any] | None = None, **options: Any) -> NewJob:
        """Return such a job, to be enqueued."""
        return NewJob(
            f"conformance.{task}", args or {}, **{"queue": QUEUE, "max_attempts": 1, **options}
        )

    def job(self, id: int) -> Job:  # noqa: A002 (the column's name)
        """Return a job of ours."""
        job = self.client.job(id)
        assert job
        return job

    def ended(self, ids: Iterable[int], within: float = PATIENCE) -> list[Job]:
        """Wait until all these jobs have ended."""
        wanted = list(ids)

        def jobs() -> list[Job] | None:
            found = [self.job(each) for each in wanted]
            return found if all(job.state not in _LIVE for job in found) else None

        return self.until(jobs, "", within, lambda: f"jobs have not ended: {self._live(wanted)}")

    def begun(self, id: int, attempt: int = 1, within: float = PATIENCE) -> None:  # noqa: A002
        """Wait until a job runs."""
        self.until(
            lambda: (found := self.job(id)).state == "running" and found.attempt == attempt,
            f"attempt {attempt} of a job does not begin",
            within,
        )

    def succeeds(self, within: float = PATIENCE) -> None:
        """Raise Broken unless a new job of the echo task is done in time."""
        (job,) = self.ended([self.enqueue("echo")], within)
        self.check(job.state == "succeeded", f"a later job is {job.state}")

    def until(
        self,
        condition: Callable[[], T | None],
        why: str,
        within: float = PATIENCE,
        said: Callable[[], str] | None = None,
    ) -> T:
        """Wait until `condition` is true and return it; raises Broken after `within` seconds."""
        deadline = time.monotonic() + within
        while not (found := condition()):
            if time.monotonic() > deadline:
                raise Broken(f"{said() if said else why}, after {within:g} s")
            if self.process is not None and self.process.poll() not in (None, 0):
                raise Broken(f"the process ended with {self.process.returncode}")
            time.sleep(0.02)
        return found

    @staticmethod
    def check(holds: bool, why: str) -> None:
        """Raise Broken with this text unless it holds."""
        if not holds:
            raise Broken(why)

    def execute(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        """Run a statement in which {} stands for the schema, and return its rows."""
        with connect(_named(self.dsn), autocommit=True) as connection:
            text = statement.replace("{}", quote_identifier(self.schema))
            return connection.execute(text.encode(), values).fetchall()

    def idle(self, worker_id: int) -> None:
        """Wait until the worker's last claim found nothing."""
        self.until(
            lambda: self.execute("select from {}.workers where id = %s and idle", worker_id),
            "it does not claim when it has nothing to do, so it is not known to be idle",
        )

    def cut_sessions(self) -> None:
        """End all sessions of this database that neither we nor the witness have."""
        self.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity"
            " where datname = current_database() and pid <> pg_backend_pid()"
            " and backend_type = 'client backend' and application_name <> %s",
            _APPLICATION,
        )

    def clean(self) -> None:
        """Leave nothing to the next check: no schedules, no jobs."""
        for each in self.client.schedule_status():
            self.client.unschedule(each.name)
        self.client.clear_queue(QUEUE, include_scheduled=True)
        self.client.cancel(
            [job.id for job in self.client.list_jobs(queue=QUEUE, states=["running"]).jobs]
        )

    def _live(self, ids: Sequence[int]) -> str:
        live = [(each, self.job(each).state) for each in ids]
        left = [f"{each} is {state}" for each, state in live if state in _LIVE]
        return ", ".join(left[:5])

    def _workers(self) -> list[WorkerStatus]:
        return [one for one in self.client.worker_status() if one.name == NAME]


def _named(dsn: str) -> str:
    return conninfo(dsn, application_name=_APPLICATION)


@contextmanager
def witness(dsn: str, schema: str) -> Generator[None, None, None]:
    """Keep a second worker alive that claims nothing, and rescues jobs.

    While all workers are silent, none is given up. So only beside another does a worker that sends
    no heartbeats lose its jobs.
    """
    over = threading.Event()

    def beat() -> None:
        with contextlib.suppress(psycopg.Error), Client(_named(dsn), schema=schema) as client:
            worker_id = client.register_worker(
                "witness", ["conformance.witness"], [], lease="30 seconds", protocol=PROTOCOL
            )
            while not over.wait(0.5):
                client.heartbeat(worker_id)
                client.rescue_lost_workers()
            client.deregister_worker(worker_id)

    thread = threading.Thread(target=beat, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join(5.0)
