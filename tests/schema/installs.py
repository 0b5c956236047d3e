"""The four ways to install the schema, and a dump to compare what they made."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from pgq.schema import migrate
from pgq.schema.names import Names
from tests.servers import Server

CHECKOUT = Path(__file__).resolve().parents[2]

AWKWARD = 'My "Queue"'

Install = Callable[[Server, str, str, Path], None]


def run(command: list[str | Path], **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a program in the checkout; its output is in the result, also when it fails."""
    return subprocess.run(
        command,
        cwd=CHECKOUT,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )


def upgrade_in_a_process(dsn: str, names: Names) -> subprocess.Popen[str]:
    """Start an installer that does not share this process's alembic with another."""
    call = """
import sys
from pgq.schema import migrate
migrate.upgrade(sys.argv[1], schema=sys.argv[2], role_prefix=sys.argv[3])
"""
    command = [sys.executable, "-c", call, dsn, names.schema, names.role_prefix]
    return subprocess.Popen(command, cwd=CHECKOUT, stderr=subprocess.PIPE, text=True)


def alembic(*arguments: str, dsn: str, schema: str) -> subprocess.CompletedProcess[str]:
    program = [sys.executable, "-m", "alembic", "-x", f"schema={schema}"]
    return run([*program, *arguments], PGQ_DSN=dsn)


def psql(server: Server, dsn: str, script: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a script as its own first lines say."""
    file = folder / "install.sql"
    file.write_text(script, encoding="utf-8")
    options = ["-X", "-q", "-1", "-v", "ON_ERROR_STOP=1"]
    return run([server.bindir / "psql", *options, "-d", dsn, "-f", file])


def by_upgrade(server: Server, dsn: str, schema: str, folder: Path) -> None:
    migrate.upgrade(dsn, schema=schema)


def by_alembic(server: Server, dsn: str, schema: str, folder: Path) -> None:
    done = alembic("upgrade", "head", dsn=dsn, schema=schema)
    assert done.returncode == 0, done.stderr


def by_generated_file(server: Server, dsn: str, schema: str, folder: Path) -> None:
    done = psql(server, dsn, migrate.install_script(schema), folder)
    assert done.returncode == 0, done.stderr


def by_offline_output(server: Server, dsn: str, schema: str, folder: Path) -> None:
    done = psql(server, dsn, migrate.offline_script(schema), folder)
    assert done.returncode == 0, done.stderr


WAYS: tuple[Install, ...] = (by_upgrade, by_alembic, by_generated_file, by_offline_output)


def dump(server: Server, dsn: str) -> str:
    """Return pg_dump's text of all schemas, without comments and its random restrict key."""
    done = run([server.bindir / "pg_dump", "-s", "-d", dsn])
    assert done.returncode == 0, done.stderr
    lines = (line for line in done.stdout.splitlines() if line)
    return "\n".join(line for line in lines if not line.startswith(("--", "\\")))
