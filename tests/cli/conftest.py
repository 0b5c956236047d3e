"""Running commands, inside this process and as processes."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from pgq.cli import cli

Process = subprocess.Popen[str]

CHECKOUT = Path(__file__).parents[2]


@dataclass
class Pgq:
    """`pgq(...)` runs a command here, `pgq.start(...)` as a process; both in `env`."""

    env: dict[str, str] = field(default_factory=dict)

    def __call__(self, *args: object, code: int = 0, stdin: str | None = None) -> Result:
        """Run a command; fail unless it ends with the exit code."""
        result = CliRunner().invoke(cli, [str(arg) for arg in args], input=stdin)
        assert result.exit_code == code, result.output
        if result.exception is not None:
            assert isinstance(result.exception, SystemExit), result.exception
        return result

    def anyhow(self, *args: object) -> Result:
        """Run a command, whatever its exit code will be."""
        return CliRunner().invoke(cli, [str(arg) for arg in args])

    def json(self, *args: object, code: int = 0) -> Any:
        """Run a command with --json and return what it says."""
        return json.loads(self(*args, "--json", code=code).stdout)

    @contextmanager
    def start(self, *args: object, **options: Any) -> Iterator[Process]:
        """Start `python -m pgq` with these arguments; kill what still runs at the end."""
        pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        process: Process = subprocess.Popen(
            [sys.executable, "-m", "pgq", *map(str, args)],
            text=True,
            env={**os.environ, "PYTHONPATH": str(CHECKOUT), **self.env},
            **{**pipes, **options},
        )
        with process:
            try:
                yield process
            finally:
                process.kill()

    def run(self, *args: object, code: int = 0, cwd: Path | None = None) -> tuple[str, str]:
        """Run `python -m pgq` to its end; return its output and its errors."""
        with self.start(*args, cwd=cwd) as process:
            out, err = process.communicate(timeout=60)
        assert process.returncode == code, out + err
        return out, err


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep whatever names a database or changes the output out of these tests."""
    for name in list(os.environ):
        if name.startswith("PG") or name in {"NO_COLOR", "FORCE_COLOR"}:
            monkeypatch.delenv(name)


@pytest.fixture
def nowhere(clean_environment: None) -> Pgq:
    """Commands that are told of no database."""
    return Pgq()


@pytest.fixture
def pgq(dsn: str, clean_environment: None, monkeypatch: pytest.MonkeyPatch) -> Pgq:
    """Commands whose PGQ_DSN is a fresh database with the schema."""
    monkeypatch.setenv("PGQ_DSN", dsn)
    return Pgq()


@pytest.fixture
def empty(empty_dsn: str, clean_environment: None, monkeypatch: pytest.MonkeyPatch) -> Pgq:
    """Commands whose PGQ_DSN is a fresh database without the schema."""
    monkeypatch.setenv("PGQ_DSN", empty_dsn)
    return Pgq()


def on_terminal(env: dict[str, str], *args: object) -> tuple[str, str]:
    """Run a command whose stderr is a terminal; return what is seen there, and its output."""
    leader, follower = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "pgq", *map(str, args)],
        env={**os.environ, "PYTHONPATH": str(CHECKOUT), "TERM": "xterm", "COLUMNS": "80", **env},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=follower,
        text=True,
    ) as process:
        os.close(follower)
        seen = b""
        try:
            while part := os.read(leader, 10_000):
                seen += part
        except OSError:
            pass  # the other end is closed
        os.close(leader)
        assert process.stdout
        out = process.stdout.read()
    assert process.returncode == 0, seen
    return seen.decode(), out


def eventually(condition: Callable[[], object], seconds: float = 20) -> None:
    """Wait until the condition holds; fail where it does not in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come true in time"
        time.sleep(0.02)
