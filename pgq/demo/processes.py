"""Run the demo's workers as processes that never outlive it."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from typing import IO

from pgq.processes.tied import tied_environment

TASKS = "pgq.demo.tasks"

# Handlers are threads of one interpreter; a few keep it busy while others wait for the database.
_CONCURRENCY = 4

# A worker that is told to end gives its jobs back and leaves in this time (seconds); one that has
# not ended after the longer time is killed, and its row stays until it is found dead.
_LEAVE_SECONDS = 10
_STOP_SECONDS = 30.0


class Processes:
    """Running workers, and what they say."""

    def __init__(self, log: IO[bytes]) -> None:
        self._log = log
        self._started: list[subprocess.Popen[bytes]] = []

    def start(self, command: list[str], environment: dict[str, str]) -> None:
        """Start one more."""
        self._started.append(
            subprocess.Popen(
                command,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=self._log,
                stderr=self._log,
                # Ctrl-C reaches the demo alone, which then ends them.
                process_group=0,
            )
        )

    def ended(self) -> bool:
        """Say whether any has ended."""
        return any(process.poll() is not None for process in self._started)

    def said(self) -> str:
        """Return the last lines of what they wrote."""
        self._log.seek(0)
        return "\n".join(self._log.read().decode(errors="replace").splitlines()[-15:])

    def end(self) -> None:
        """End them: politely, and those that do not obey for good."""
        for process in self._started:
            process.terminate()
        deadline = time.monotonic() + _STOP_SECONDS
        for process in self._started:
            try:
                process.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


@contextmanager
def run_workers(
    dsn: str,
    schema: str,
    number: int,
    queues: Sequence[str],
    *,
    tasks: str | None = None,
    concurrency: int = _CONCURRENCY,
    log_level: str = "warning",
) -> Generator[Processes, None, None]:
    """Start workers for queues; they have ended when the block is left, however it is left."""
    command = [sys.executable, "-m", "pgq", "worker", tasks or TASKS, "--schema", schema]
    command += ["--concurrency", str(concurrency), "--log-level", log_level]
    command += ["--shutdown-timeout", f"{_LEAVE_SECONDS}s"]
    command += [word for queue in queues for word in ("--queue", queue)]
    # Not among the arguments, which everybody can read: the DSN may hold a password.
    environment = tied_environment(dsn)
    with tempfile.TemporaryFile() as log:
        workers = Processes(log)
        try:
            for place in range(1, number + 1):
                workers.start([*command, "--name", f"demo-{place}"], environment)
            yield workers
        finally:
            workers.end()
