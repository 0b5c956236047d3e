"""The command dev: a server in the foreground."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import signal
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from pgq import embedded
from tests.cli.conftest import Pgq, Process
from tests.servers import memory_folder


@pytest.fixture
def folder() -> Iterator[Path]:
    """A place that root's other self reaches too; pytest's own folders are closed to it."""
    try:
        embedded.find_bindir()
    except embedded.ServerError as error:
        pytest.skip(str(error))
    base = Path(tempfile.mkdtemp(prefix="pgq-test-", dir=memory_folder()))
    base.chmod(0o755)
    yield base
    shutil.rmtree(base)


def said_dsn(process: Process) -> str:
    assert process.stdout
    export, assignment = shlex.split(process.stdout.readline())
    name, _, dsn = assignment.partition("=")
    assert (export, name) == ("export", "PGQ_DSN")
    return dsn


def refuses(dsn: str) -> bool:
    try:
        psycopg.connect(dsn, connect_timeout=5).close()
    except psycopg.OperationalError:
        return True
    return False


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_runs_until_it_is_told_to_end(
    number: signal.Signals, nowhere: Pgq, folder: Path
) -> None:
    # A database of somebody else, which it must leave alone.
    nowhere.env["PGQ_DSN"] = "host=/nonexistent"
    dsns: list[str] = []
    for start in ("first", "second"):
        with nowhere.start("dev", cwd=folder, process_group=0) as process:
            dsn = said_dsn(process)
            dsns.append(dsn)
            assert nowhere.json("stats", "--dsn", dsn)["workers"] == []
            tasks = [job["task"] for job in nowhere.json("jobs", "--dsn", dsn)["jobs"]]
            assert tasks == ([] if start == "first" else ["first"])
            nowhere("enqueue", start, "--dsn", dsn)
            # A terminal does this: everything in the foreground gets Ctrl-C.
            os.killpg(process.pid, number)
            out, err = process.communicate(timeout=30)
        assert process.returncode == (0 if number == signal.SIGINT else 128 + number)
        assert out == "" and err.startswith("Postgres ") and len(err.splitlines()) == 1
        assert refuses(dsn)
    assert (folder / ".pgq").is_dir()
    assert dsns[0] == dsns[1]


@pytest.mark.slow
def test_a_second_one_names_the_first(nowhere: Pgq, folder: Path) -> None:
    with nowhere.start("dev", "--json", "--data-dir", folder / "data") as process:
        assert process.stdout
        text = ""
        while not text.endswith("}\n"):
            text += process.stdout.readline()
        first = json.loads(text)
        assert first.keys() == {"dsn", "schema", "version", "data_dir", "pid"}
        assert first["data_dir"] == str(folder / "data")
        out, err = nowhere.run("dev", "--data-dir", folder / "data", code=3)
        assert first["dsn"] in err and not out and "Traceback" not in err
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=30)


@pytest.mark.slow
def test_it_listens_where_it_is_told(nowhere: Pgq, folder: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with nowhere.start("dev", "--port", port, "--schema", "jobs", cwd=folder) as process:
        dsn = said_dsn(process)
        assert process.stdout and process.stdout.readline() == "export PGQ_SCHEMA=jobs\n"
        assert f"127.0.0.1:{port}" in dsn
        assert nowhere.json("jobs", "--schema", "jobs", "--dsn", dsn)["jobs"] == []
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=30)


@pytest.mark.slow
def test_it_says_when_the_server_has_ended(nowhere: Pgq, folder: Path) -> None:
    with nowhere.start("dev", cwd=folder) as process:
        dsn = said_dsn(process)
        pid = int((folder / ".pgq" / "pgdata" / "postmaster.pid").read_text().split()[0])
        os.kill(pid, signal.SIGINT)
        _, err = process.communicate(timeout=30)
    assert process.returncode == 3
    assert "the server has ended" in err and "server.log" in err
    assert refuses(dsn)


@pytest.mark.slow
def test_a_folder_without_a_server_is_explained(nowhere: Pgq, folder: Path) -> None:
    _, err = nowhere.run("dev", "--bindir", folder, code=3, cwd=folder)
    assert "no postgres and initdb" in err and "Traceback" not in err
