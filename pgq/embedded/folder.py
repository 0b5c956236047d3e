"""The folder in which one server keeps its data, log, lock and password.

    FOLDER/pgdata      Postgres' own data directory
    FOLDER/server.log  the log of this run of the server; server.log.old: of the run before
    FOLDER/lock        locked while a server is prepared or runs; it says by which process
    FOLDER/password    the superuser's password, for connections by TCP

Sockets are never inside pgdata, because it may be copied, and their path must be short. So they are
in a folder of their own under the temp folder, or in FOLDER itself if that is temporary too.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import pwd
import secrets
import shutil
import stat
import subprocess
import tempfile
import time
from pathlib import Path

from pgq.embedded.binaries import ServerError, major_of
from pgq.embedded.guard import STOP_SECONDS
from pgq.embedded.identity import Identity, service_uids

SUPERUSER = "postgres"

# sun_path holds 104 bytes on macOS, 108 on Linux, each with a final zero.
_LONGEST_SOCKET = 103
_SOCKET_NAME = "/.s.PGSQL.65535"


class Folder:
    """One server's folder, with the lock on it while a server is prepared or runs."""

    def __init__(self, path: Path, identity: Identity, *, temporary: bool) -> None:
        self.path = path
        self.temporary = temporary
        self.pgdata = path / "pgdata"
        self.log = path / "server.log"
        self.sockets = path if temporary else _socket_folder(path)
        self._identity = identity
        self._lock = path / "lock"
        self._password = path / "password"

    @property
    def removable(self) -> list[Path]:
        """The folders to remove when the server has ended."""
        return [self.path] if self.temporary else [self.sockets]

    def password(self) -> str:
        """Return the superuser's password; ServerError if its file is gone."""
        try:
            return self._password.read_text()
        except OSError as error:
            raise ServerError(
                f"{self._password} cannot be read ({error.strerror}): start without a port, "
                f"set a password for {SUPERUSER}, and write it there"
            ) from error

    def lock(self) -> int:
        """Make the folder if it is missing, and lock it; return the descriptor that holds the lock.

        If the process that started the folder's server is still alive, it is a ServerError at once.
        If that process is gone, its guard gets the time that it needs to end the server.
        """
        if not self.path.exists():
            self.path.mkdir(mode=0o700, parents=True)
            (self.path / ".gitignore").write_text("*\n")
        elif not self._lock.exists() and any(self.path.iterdir()):
            raise ServerError(
                f"{self.path} holds other files, and no server of pgq's: name a new or empty folder"
            )
        descriptor = os.open(self._lock, os.O_RDWR | os.O_CREAT, 0o600)
        deadline = time.monotonic() + STOP_SECONDS
        while not _flock(descriptor):
            owner, _, dsn = os.pread(descriptor, 4096, 0).decode().partition(" ")
            if _alive(owner) or time.monotonic() > deadline:
                os.close(descriptor)
                raise ServerError(
                    f"a server is already running in {self.path}, started by process {owner}"
                    + (f"; connect to it with {dsn}" if dsn else "")
                )
            time.sleep(0.05)
        self.note(descriptor, "")
        if self.log.exists():
            self.log.replace(self.log.with_suffix(".log.old"))
        return descriptor

    def note(self, descriptor: int, dsn: str) -> None:
        """Write into the lock which process holds it, and how to connect to the server."""
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()} {dsn}".encode(), 0)

    def prepare(self, bindir: Path, version: str, primary: Folder | None) -> None:
        """Make the data directory if there is none, and check that this server may use it.

        With a primary, it is a copy of the primary's, whose server must run. Raises ServerError if
        initdb or the copy fails (nothing of it stays), if the data belongs to another user, or if
        another major version than `version` made it.
        """
        if not self.pgdata.exists():
            self._make(bindir, primary)
        self._check_version(bindir, version)
        self._check_owner()

    def make_sockets(self) -> None:
        """Make the sockets' folder; ServerError if somebody else has made it before."""
        self.sockets.mkdir(mode=0o700, exist_ok=True)
        found = self.sockets.lstat()
        # Everybody can write to the temp folder. A folder with this name there may be a trap.
        owners = {os.geteuid(), self._identity.uid, *service_uids()}
        if not stat.S_ISDIR(found.st_mode) or found.st_uid not in owners:
            raise ServerError(f"{self.sockets} is not this user's own folder: remove it")
        self.sockets.chmod(0o700)
        self._give(self.sockets)

    def pid_lines(self) -> list[str]:
        """Return the lines of Postgres' own lock file, the first with its pid; maybe none."""
        try:
            return (self.pgdata / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return []

    def log_tail(self, lines: int = 15) -> str:
        """Return the last lines of this run's log."""
        try:
            text = self.log.read_text(errors="replace")
        except FileNotFoundError:
            return "(the log is empty)"
        return "\n".join(text.splitlines()[-lines:])

    def _make(self, bindir: Path, primary: Folder | None) -> None:
        words = self._basebackup(primary) if primary else self._initdb()
        # It has another name until it is whole: half of one must not look like a data directory.
        unfinished = self.path / "pgdata.unfinished"
        shutil.rmtree(unfinished, ignore_errors=True)
        self._password.unlink(missing_ok=True)
        self._password.touch(mode=0o600)
        self._password.write_text(primary.password() if primary else secrets.token_urlsafe(18))
        self._give(self.path)
        self._give(self._password)
        command = [*self._identity.prefix, str(bindir / words[0]), "-D", str(unfinished)]
        if self.temporary:
            command.append("--no-sync")
        done = subprocess.run(
            [*command, *words[1:]],
            cwd=self.path,
            env=server_environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        if done.returncode != 0:
            shutil.rmtree(unfinished, ignore_errors=True)
            said = done.stdout.decode(errors="replace").strip()
            raise ServerError(f"{words[0]} failed in {self.path}:\n{said}")
        unfinished.rename(self.pgdata)

    def _initdb(self) -> list[str]:
        return [
            *("initdb", "-U", SUPERUSER, f"--pwfile={self._password}", "--auth-local=trust"),
            *("--auth-host=scram-sha-256", "-E", "UTF8", "--no-locale", "--no-instructions"),
        ]

    def _basebackup(self, primary: Folder) -> list[str]:
        port = primary.pid_lines()[3:4]
        if not port:
            raise ServerError(f"the server in {primary.path} does not run: start it first")
        return [
            *("pg_basebackup", "-h", str(primary.sockets), "-p", port[0], "-U", SUPERUSER),
            *("--write-recovery-conf", "--checkpoint=fast", "--no-password"),
        ]

    def _check_version(self, bindir: Path, version: str) -> None:
        held = (self.pgdata / "PG_VERSION").read_text().strip()
        if major_of(held) != major_of(version):
            raise ServerError(
                f"the data in {self.path} is Postgres {held}'s, the server in {bindir} is {version}"
                f": start it with `--bindir` of a Postgres {held} and carry the data over with "
                "pg_dump, or remove the folder to begin anew"
            )

    def _check_owner(self) -> None:
        owner = self.pgdata.stat().st_uid
        if owner == self._identity.uid:
            return
        # Root may run it under two identities in turn. Data of other users stays theirs.
        if os.geteuid() != 0 or owner not in {0, *service_uids()}:
            raise ServerError(
                f"the data in {self.path} belongs to {_name(owner)}: run as that user"
            )
        for folder, _, files in os.walk(self.pgdata):
            for path in (Path(folder), *(Path(folder, name) for name in files)):
                self._give(path)
        self._give(self.path)
        self._give(self._password)

    def _give(self, path: Path) -> None:
        if os.geteuid() == 0 and path.exists():
            os.chown(path, self._identity.uid, -1, follow_symlinks=False)


def temporary_folder() -> Path:
    """Make a new private folder in the temp folder."""
    return Path(tempfile.mkdtemp(prefix="pgq-", dir=_short_temp()))


def server_environment() -> dict[str, str]:
    """Return this process' environment without libpq's and Postgres' own variables."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    return kept | {"LC_ALL": "C"}


def _socket_folder(path: Path) -> Path:
    # It is the same for every start of one folder, so people can write down its DSN.
    mark = hashlib.sha256(os.fsencode(path)).hexdigest()[:8]
    return _short_temp() / f"pgq-{os.geteuid()}-{mark}"


def _short_temp() -> Path:
    temp = Path(tempfile.gettempdir()).resolve()
    longest = len(os.fsencode(temp)) + len(f"/pgq-{2**32}-12345678{_SOCKET_NAME}")
    return temp if longest <= _LONGEST_SOCKET else Path("/tmp")


def _flock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _alive(pid: str) -> bool:
    try:
        os.kill(int(pid), 0)
    except (ValueError, ProcessLookupError):
        return False
    except PermissionError:
        return True
    return True


def _name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"uid {uid}"
