"""Worker processes, and the proof that no job was lost and none took effect twice."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import psycopg
import pytest

import pgq
from tests.faults.handlers import LEDGER

T = TypeVar("T")
ROOT = Path(__file__).parents[2]
PATIENCE = 40.0


class Workshop:
    """A database with a ledger, and the worker processes that work on it."""

    def __init__(self, dsn: str, logs: Path) -> None:
        self.dsn = dsn
        self.client = pgq.Client(dsn)
        self.processes: list[subprocess.Popen[bytes]] = []
        self._logs = logs
        with psycopg.connect(dsn, autocommit=True) as conn:
            conn.execute(LEDGER)

    def start(
        self, *, lease: float = 1, concurrency: int = 10, dsn: str = ""
    ) -> subprocess.Popen[bytes]:
        log = self._logs / f"worker-{len(self.processes)}.log"
        command = [sys.executable, "-m", "tests.faults.handlers"]
        process = subprocess.Popen(
            [*command, dsn or self.dsn, f"{lease}", f"{concurrency}"],
            cwd=ROOT,
            stdout=log.open("wb"),
            stderr=subprocess.STDOUT,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
        )
        self.processes.append(process)
        return process

    def enqueue(self, task: str, count: int, *args: Any, **options: Any) -> list[int]:
        job = pgq.NewJob(task, list(args), max_attempts=50, backoff=0.05)
        return [new.id for new in self.client.enqueue_many([job.changed(**options)] * count)]

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.dsn, autocommit=True) as conn:
            return conn.execute(query.encode()).fetchall()

    def count(self, table: str) -> int:
        return int(self.rows(f"select count(*) from {table}")[0][0])

    def wait_for(self, look: Callable[[], T], what: str) -> T:
        """Look again and again until the answer is true; a server that is down answers false."""
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                if found := look():
                    return found
            except psycopg.OperationalError:
                pass
            assert time.monotonic() < deadline, f"in vain: {what}\n{self.logs()}"
            time.sleep(0.02)

    def wait_until_done(self) -> None:
        self.wait_for(lambda: self.count("pgq.jobs") == 0, "all jobs done")

    def assert_each_took_effect_once(self, ids: list[int]) -> None:
        """No job is lost, none has two effects, and the effect is that of the run that counts."""
        history = dict(
            self.rows("select id, claim_id from pgq.job_history where state = 'succeeded'")
        )
        assert set(history) == set(ids)
        effects = self.rows("select job_id, claim_id from effects")
        assert len(effects) == len(dict(effects))
        assert all(history[job_id] == claim_id for job_id, claim_id in effects)
        assert self.rows("select * from pgq.verify()") == []

    def logs(self) -> str:
        return "\n".join(
            f"--- {path.name}\n{path.read_text()[-3000:]}" for path in sorted(self._logs.iterdir())
        )

    def close(self) -> None:
        self.client.close()
        for process in self.processes:
            if process.poll() is None:
                process.kill()
            process.wait()


@pytest.fixture
def workshop(dsn: str, tmp_path: Path) -> Iterator[Workshop]:
    made = Workshop(dsn, tmp_path)
    yield made
    made.close()
