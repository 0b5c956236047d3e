"""A real pgbouncer in front of the server of a test."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from pgq.embedded.identity import choose_identity
from tests.servers import Server

# Debian puts it into a folder that is not in an ordinary user's PATH.
PROGRAM = shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
PATIENCE = 20.0


class Pooler:
    """A pgbouncer that listens on a socket in a folder of its own, and on no port."""

    def __init__(self, command: list[str], folder: Path, dsn: str) -> None:
        self.dsn = dsn
        self._command = command
        self._log = folder / "pgbouncer.log"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, and wait until it lets a client through."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd="/"
            )
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                with psycopg.connect(self.dsn):
                    return
            except psycopg.OperationalError:
                assert self._process.poll() is None, self._log.read_text()
                assert time.monotonic() < deadline, self._log.read_text()
                time.sleep(0.02)

    def kill(self) -> None:
        """End it with all its connections."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()


@contextmanager
def pooler(server: Server, dsn: str, mode: str = "transaction") -> Generator[Pooler, None, None]:
    """Run a pgbouncer before the database of `dsn`; skips the test where there is none."""
    if PROGRAM is None:
        pytest.skip("no pgbouncer on this machine (Debian: apt-get install pgbouncer)")
    identity = choose_identity(server.bindir)
    # The path of a socket must be short, and the folder open to the user that pgbouncer runs as.
    with tempfile.TemporaryDirectory(prefix="pgq-", dir="/tmp") as name:
        folder = Path(name)
        settings = folder / "pgbouncer.ini"
        settings.write_text(_settings(dsn, folder, mode))
        for path in (folder, settings):
            os.chown(path, identity.uid, -1)
        pooled = make_conninfo(
            host=name, port=6432, dbname=conninfo_to_dict(dsn)["dbname"], sslmode="disable"
        )
        made = Pooler([*identity.prefix, PROGRAM, str(settings)], folder, pooled)
        try:
            made.start()
            yield made
        finally:
            made.kill()


def _settings(dsn: str, folder: Path, mode: str) -> str:
    given = conninfo_to_dict(dsn)
    keys = ("host", "port", "dbname", "user", "password")
    # Without a user, the pooler would take the name of the client.
    given.setdefault("user", psycopg.connect(dsn).info.user)
    target = " ".join(f"{key}='{given[key]}'" for key in keys if key in given)
    return f"""
[databases]
{given["dbname"]} = {target}
[pgbouncer]
listen_addr =
listen_port = 6432
unix_socket_dir = {folder}
auth_type = any
pool_mode = {mode}
default_pool_size = {3 if mode == "transaction" else 20}
max_client_conn = 100
"""
