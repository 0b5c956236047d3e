"""Workers and producers as processes of their own, which end with the benchmark."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from typing import IO, Any, Final

from pgq.bench.figures import BenchFailed
from pgq.bench.ledger import FILE_VARIABLE, SLOT_VARIABLE
from pgq.processes.tied import tied_environment

DSN_VARIABLE: Final = "PGQ_BENCH_DSN"
_STOP_SECONDS: Final = 15.0


def environment(dsn: str, more: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return our environment with the place to work in, and without a configuration of workers.

    The DSN may hold a password. So it is not an argument, because everybody can read those.
    """
    return {
        **tied_environment(dsn),
        DSN_VARIABLE: dsn,
        **(more or {}),
    }


class Processes:
    """Running processes, with their output on stderr."""

    def __init__(self, log: IO[bytes]) -> None:
        self._log = log
        self.started: list[subprocess.Popen[bytes]] = []

    @property
    def pids(self) -> list[int]:
        """Return their process ids."""
        return [process.pid for process in self.started]

    def start(self, command: Sequence[str], env: Mapping[str, str], *, talks: bool = False) -> None:
        """Start one more; with `talks` it has pipes to write to and read from."""
        self.started.append(
            subprocess.Popen(
                command,
                env=env,
                stdin=subprocess.PIPE if talks else subprocess.DEVNULL,
                stdout=subprocess.PIPE if talks else self._log,
                stderr=self._log,
                # Ctrl-C reaches only the benchmark, which then ends them.
                process_group=0,
            )
        )

    def check(self) -> None:
        """Raise BenchFailed if one has ended."""
        for process in self.started:
            if process.poll() is not None:
                raise BenchFailed("a process ended too early", detail=self.said())

    def said(self) -> str:
        """Return the last lines of what they wrote."""
        self._log.seek(0)
        return "\n".join(self._log.read().decode(errors="replace").splitlines()[-15:])

    def end(self) -> None:
        """End them: first politely, then by force."""
        for process in self.started:
            process.terminate()
        deadline = time.monotonic() + _STOP_SECONDS
        for process in self.started:
            try:
                process.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            for pipe in (process.stdin, process.stdout):
                if pipe is not None:
                    pipe.close()


@contextmanager
def processes() -> Generator[Processes, None, None]:
    """Lend a set of processes; they have ended when the block ends, in whatever way."""
    with tempfile.TemporaryFile() as log:
        started = Processes(log)
        try:
            yield started
        finally:
            started.end()


@contextmanager
def counting_workers(
    command: Sequence[str], number: int, dsn: str, ledger: str, more: Mapping[str, str]
) -> Generator[Processes, None, None]:
    """Start a worker's command `number` times, each with a slot of the ledger."""
    with processes() as started:
        for slot in range(number):
            counting = {FILE_VARIABLE: ledger, SLOT_VARIABLE: str(slot)}
            started.start(command, environment(dsn, {**counting, **more}))
        yield started


def run_together(
    command: Sequence[str], orders: Sequence[Mapping[str, Any]], dsn: str
) -> list[dict[str, Any]]:
    """Start a driver once per order, let all begin at the same moment, return their answers.

    A driver takes its order as JSON in its last argument, says "ready" when it is connected,
    begins at a line of input and answers in one line of JSON.
    """
    with processes() as started:
        for order in orders:
            started.start([*command, json.dumps(order)], environment(dsn), talks=True)
        for process in started.started:
            assert process.stdout
            if process.stdout.readline() != b"ready\n":
                raise BenchFailed("a producer did not start", detail=started.said())
        for process in started.started:
            assert process.stdin
            process.stdin.write(b"go\n")
            process.stdin.flush()
        answers: list[dict[str, Any]] = []
        for process in started.started:
            assert process.stdout
            line = process.stdout.readline()
            if not line:
                process.wait()
                raise BenchFailed("a producer failed", detail=started.said())
            answers.append(json.loads(line))
        return answers


def rate_of(answers: Sequence[Mapping[str, Any]]) -> float:
    """Return the jobs per second of producers; each says how many jobs it made, and when."""
    began = min(answer["began"] for answer in answers)
    ended = max(answer["ended"] for answer in answers)
    return sum(int(answer["jobs"]) for answer in answers) / (float(ended - began) / 1e9)


PYTHON: Final = sys.executable
