"""Start a Postgres server, keep it for as long as this process lives, stop it."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Literal, Self
from urllib.parse import quote

from pgq.embedded import guard
from pgq.embedded.binaries import OLDEST_MAJOR, ServerError, find_bindir, major_of, version_of
from pgq.embedded.folder import SUPERUSER, Folder, server_environment, temporary_folder
from pgq.embedded.guard_process import GuardProcess
from pgq.embedded.identity import Identity, choose_identity

START_SECONDS = 60.0
# No TCP port is used: the number only names the socket, which is alone in its folder.
DEFAULT_PORT = 5432

_UNSAFE_BUT_FAST = {"fsync": "off", "full_page_writes": "off"}


class Server:
    """A running server; use as a context manager, or keep it and call `stop()`.

    It ends with this process, even after kill -9. A process that was forked from this one without
    exec keeps it alive, until both are gone. It also stops when its last reference is gone.
    """

    def __init__(
        self,
        folder: Folder,
        identity: Identity,
        bindir: Path,
        version: str,
        dsn: str,
        process: GuardProcess,
    ) -> None:
        self.dsn = dsn
        self.version = version
        self.major = major_of(version)
        self.bindir = bindir
        self.data_dir = folder.path
        self.log = folder.log
        self._folder = folder
        self._identity = identity
        self._guard = process

    @property
    def pid(self) -> int | None:
        """The postmaster's process id; None while the server is down."""
        self._guard.listen(0)
        return self._guard.pid

    def stop(self) -> None:
        """End the server as after SIGINT (clients are disconnected); a second call does nothing.

        A temporary server's folder is removed. It takes up to 30 s if the server does not obey.
        """
        self._guard.close()

    def restart(self, mode: Literal["fast", "immediate"] = "fast") -> None:
        """Stop the server and start it again on the same data, under the same DSN.

        "immediate" ends it like a crash: without a checkpoint, so that it recovers at the start.
        It also starts a server that died. Raises ServerError if the server does not come back.
        """
        self._guard.end(guard.IMMEDIATE if mode == "immediate" else guard.FAST)
        _boot(self._folder, self._guard)

    def promote(self) -> None:
        """Let a standby become a primary of its own; return when it takes writes.

        The former primary must be down by then, or there are two of them.
        """
        command = [*self._identity.prefix, str(self.bindir / "pg_ctl"), "promote", "-w"]
        done = subprocess.run(
            [*command, "-D", str(self._folder.pgdata)],
            cwd=self._folder.path,
            env=server_environment(),
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise ServerError(
                f"the server in {self._folder.path} was not promoted:\n{done.stdout}{done.stderr}"
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()


def start(
    data_dir: Path | None,
    *,
    bindir: str | Path | None = None,
    port: int | None = None,
    settings: Mapping[str, str] | None = None,
    standby_of: Server | None = None,
) -> Server:
    """Start a server, and return it when it takes connections.

    The data is kept in `data_dir`, which is made if it is missing. None means a temporary folder
    that is removed with the server, which then does not wait for the disk. Connections come through
    a Unix socket that only this user (and root) can reach. With `port` they also come by TCP from
    this machine, with the password in the DSN. `settings` are Postgres' own, by name; they cannot
    change where it listens.

    With `standby_of`, a new data directory is a copy of that server's, and follows it by streaming
    replication until `promote()`. Until then it can be read.

    Raises ServerError if it cannot start: there are no usable binaries (`find_bindir`), a server
    runs on `data_dir` already, the data is of another major version or another user, or the start
    fails or takes over 60 s. Then the error has the last lines of the server's log.
    """
    binaries = find_bindir(bindir)
    version = version_of(binaries)
    if major_of(version) < OLDEST_MAJOR:
        raise ServerError(
            f"{binaries} is Postgres {version}, pgq needs {OLDEST_MAJOR} or newer: "
            "name another with `--bindir`"
        )
    identity = choose_identity(binaries)
    with _os_errors():
        path = data_dir.expanduser().resolve() if data_dir else temporary_folder()
        folder = Folder(path, identity, temporary=data_dir is None)
        try:
            return _start_in(folder, identity, binaries, version, port, settings or {}, standby_of)
        except BaseException:
            if folder.temporary:
                shutil.rmtree(path, ignore_errors=True)
            raise


def _start_in(
    folder: Folder,
    identity: Identity,
    bindir: Path,
    version: str,
    port: int | None,
    settings: Mapping[str, str],
    standby_of: Server | None,
) -> Server:
    lock = folder.lock()
    process = None
    try:
        folder.make_sockets()
        command = [*identity.prefix, *_postgres(folder, bindir, port, settings)]
        process = GuardProcess(folder, command, lock)
        folder.prepare(bindir, version, standby_of._folder if standby_of else None)
        _boot(folder, process)
        folder.note(lock, _socket_dsn(folder, port))
        dsn = _tcp_dsn(folder, port) if port else _socket_dsn(folder, port)
        return Server(folder, identity, bindir, version, dsn, process)
    except BaseException:
        if process:
            process.close()
        raise
    finally:
        # From now on the guard holds it, for as long as the server may run.
        os.close(lock)


def _postgres(
    folder: Folder, bindir: Path, port: int | None, settings: Mapping[str, str]
) -> list[str]:
    sockets = str(folder.sockets).replace('"', '""')
    chosen = {
        "listen_addresses": "127.0.0.1" if port else "",
        "unix_socket_directories": f'"{sockets}"',
        "port": str(port or DEFAULT_PORT),
        **(_UNSAFE_BUT_FAST if folder.temporary else {}),
        **settings,
    }
    command = [str(bindir / "postgres"), "-D", str(folder.pgdata)]
    for name, value in chosen.items():
        command += ["-c", f"{name}={value}"]
    return command


def _socket_dsn(folder: Folder, port: int | None) -> str:
    sockets = quote(str(folder.sockets), safe="/")
    return f"postgresql://{SUPERUSER}@/postgres?host={sockets}&port={port or DEFAULT_PORT}"


def _tcp_dsn(folder: Folder, port: int) -> str:
    return f"postgresql://{SUPERUSER}:{folder.password()}@127.0.0.1:{port}/postgres"


def _boot(folder: Folder, process: GuardProcess) -> None:
    """Order a start and wait until the server takes connections."""
    process.start()
    deadline = time.monotonic() + START_SECONDS
    while not _is_ready(folder, process.pid):
        process.listen(0.01)
        if process.pid is None or time.monotonic() > deadline:
            reason = "ended at its start" if process.pid is None else "is still not ready"
            raise ServerError(
                f"the server in {folder.path} {reason}; it said:\n{folder.log_tail()}"
            )


def _is_ready(folder: Folder, pid: int | None) -> bool:
    """Say whether this process has written that it takes connections; a crash leaves old words."""
    lines = folder.pid_lines()
    return len(lines) >= 8 and lines[0] == str(pid) and lines[7].strip() == "ready"


@contextmanager
def _os_errors() -> Generator[None, None, None]:
    try:
        yield
    except OSError as error:
        raise ServerError(f"cannot start a server: {error}") from error
