"""`pgq top` against a database: in a terminal, in a pipe, as JSON, and while the server is away."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import psycopg
import pytest

import pgq as package
from pgq.cli.top import look as looking
from pgq.cli.top.columns import SCREENS
from pgq.cli.top.look import Looker
from tests.cli.conftest import CHECKOUT, Pgq
from tests.servers import Server, install


@pytest.fixture
def busy(conn: psycopg.Connection) -> None:
    """Some of everything, some of it under names that attack."""
    for statement in (
        "select pgq.register_worker('w1', '{mail}', concurrency => 4)",
        "select pgq.enqueue('send', queue => 'mail') from generate_series(1, 6)",
        "select pgq.enqueue(e'\\u202eevil', queue => e'nobody\\u202e')",
        "create temporary table claims as select * from pgq.claim_batch('{mail}', 1, 3)",
        """select pgq.set_progress(job_id, claim_id, '{"done": 3, "of": 4}') from claims""",
        """select pgq.fail_batch(array[max(job_id)], array[max(claim_id)],
             messages => array[e'boom \\u001b[31m'], error_types => '{shop.Broken}', final => '{t}')
           from claims where job_id = (select max(job_id) from claims)""",
        "select pgq.schedule('nightly', 'report', cron => '0 3 * * *')",
        "select pgq.pause_queue('images')",
        "select pgq.maintain()",
    ):
        conn.execute(statement.encode())


@pytest.mark.slow
@pytest.mark.usefixtures("busy")
@pytest.mark.parametrize("screen", [each.name for each in SCREENS])
def test_one_table_of_each_screen(pgq: Pgq, screen: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    shown = pgq("top", screen, "--once").stdout
    lines = shown.splitlines()
    assert lines[0].startswith("pgq ") and lines[1].startswith("ready 4  running 2/4")
    assert max(map(len, lines)) <= 80
    assert not [line for line in lines if not line.isprintable()]
    something = {
        "queues": r"images +paused .*\n|nobody\\x202e +no worker +1 ",
        "running": r"\d+ +send +mail +w1 +1/5 +.* ███████▌?█?░*░ +75%",
        "tasks": r"send +mail ",
        "workers": r"1 +w1 +busy +2 +4 +mail",
        "errors": r"1 +1 +send +Broken: boom \\x1b\[31m",
        "schedules": r"nightly +0 3 \* \* \* .*in \d+",
    }
    assert re.search(something[screen], shown), shown


@pytest.mark.slow
@pytest.mark.usefixtures("busy")
def test_a_filter_leaves_the_other_rows_out(pgq: Pgq) -> None:
    shown = pgq("top", "--once", "--filter", "IMAG").stdout
    assert "images" in shown and "nobody" not in shown


@pytest.mark.slow
@pytest.mark.usefixtures("busy")
def test_json_has_a_document_for_each_look(pgq: Pgq) -> None:
    found = json.loads(pgq("top", "--json", "--once").stdout)
    assert found["overview"]["ready"] == 4 and found["screen"] == "queues"
    mail = next(row for row in found["rows"] if row["queue"] == "mail")
    assert (mail["ready"], mail["running"], mail["ended"], mail["failed_share"]) == (3, 2, 1, 1.0)
    assert mail["minutes"][-1] == 1 and len(mail["minutes"]) == 20
    with pgq.start("top", "running", "--json", "--interval", "0.1s") as process:
        assert process.stdout
        documents = [json.loads(process.stdout.readline()) for _ in range(3)]
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=30)
    assert process.returncode == 0
    assert {document["rows"][0]["progress"]["done"] for document in documents} == {3}


def test_without_a_database_it_says_so_as_others_do(nowhere: Pgq) -> None:
    assert "no database is named" in nowhere("top", "--once", code=2).stderr
    wrong = nowhere("top", "--once", "--dsn", "host=/nowhere dbname=x", code=3)
    assert "cannot reach" in wrong.stderr


def test_a_strange_interval_is_refused(pgq: Pgq) -> None:
    assert "--interval" in pgq("top", "--interval", "1ms", code=2).stderr


class Terminal:
    """A terminal with a program in it; it knows what was written since a key was pressed."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self.text = ""

    def resize(self, columns: int, lines: int) -> None:
        size = struct.pack("HHHH", lines, columns, 0, 0)
        fcntl.ioctl(self._descriptor, termios.TIOCSWINSZ, size)

    def press(self, keys: str) -> None:
        self.read()
        self.text = ""
        os.write(self._descriptor, keys.encode())

    def read(self) -> str:
        while select.select([self._descriptor], [], [], 0)[0]:
            try:
                self.text += os.read(self._descriptor, 65536).decode(errors="replace")
            except OSError:  # nobody has it open any more
                break
        return self.text

    def wait_for(self, *words: str) -> None:
        deadline = time.monotonic() + 60
        while not all(word in self.read() for word in words):
            assert time.monotonic() < deadline, (words, self.text[-2000:])
            time.sleep(0.02)


@contextmanager
def terminal(*args: str, **variables: str) -> Iterator[tuple[Terminal, subprocess.Popen[bytes]]]:
    ours, theirs = pty.openpty()
    shown = Terminal(ours)
    shown.resize(100, 20)
    process = subprocess.Popen(
        [sys.executable, "-m", "pgq", "top", *args],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env={**os.environ, "PYTHONPATH": str(CHECKOUT), "TERM": "xterm-256color", **variables},
        start_new_session=True,
    )
    try:
        yield shown, process
    finally:
        process.kill()
        process.wait()
        os.close(ours)
        os.close(theirs)


@pytest.mark.slow
@pytest.mark.usefixtures("busy", "pgq")
def test_a_person_looks_around_in_a_terminal() -> None:
    with terminal("--interval", "0.5s") as (shown, process):
        shown.wait_for("\x1b[?1049h", "1 queues", "no worker", "images")
        shown.press("2")
        shown.wait_for("progress", "75%")
        shown.press("\r")
        shown.wait_for("usual p95")
        shown.press("\x1b[B?")
        shown.wait_for("another screen", "freeze")
        shown.press("x1/nob")
        shown.wait_for("/nob▏", "nobody")
        shown.press("\r p")
        shown.wait_for("pgq top --operate")
        shown.resize(60, 10)
        shown.press("5")
        shown.wait_for("Broken: boom")
        before = termios.tcgetattr(shown._descriptor)
        shown.press("q")
        assert process.wait(30) == 0
        shown.wait_for("\x1b[?1049l")
        after = termios.tcgetattr(shown._descriptor)
        assert after[3] & termios.ECHO and not before[3] & termios.ECHO
        assert "Traceback" not in shown.text


@pytest.mark.slow
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 0), (signal.SIGTERM, 143)])
@pytest.mark.usefixtures("pgq")
def test_a_signal_leaves_the_terminal_as_it_was(number: signal.Signals, code: int) -> None:
    with terminal() as (shown, process):
        shown.wait_for("no queues in use")
        process.send_signal(number)
        assert process.wait(30) == code
        shown.wait_for("\x1b[?1049l")
        assert termios.tcgetattr(shown._descriptor)[3] & termios.ECHO


@pytest.mark.slow
@pytest.mark.usefixtures("busy", "pgq")
def test_an_operator_pauses_retries_and_cancels_after_a_yes(conn: psycopg.Connection) -> None:
    def paused() -> list[Any]:
        rows = conn.execute("select queue from pgq.queue_settings where paused order by queue")
        return [row[0] for row in rows.fetchall()]

    with terminal("--operate", "--interval", "0.5s", "--filter", "mail") as (shown, _):
        shown.wait_for("1 row ")
        shown.press("p")
        shown.wait_for("Pause the queue mail? [y/N]")
        shown.press("n")
        shown.wait_for("nothing was changed")
        assert paused() == ["images"]
        shown.press("p")
        shown.wait_for("Pause the queue mail? [y/N]")
        shown.press("y")
        shown.wait_for("done: pause the queue mail")
        assert paused() == ["images", "mail"]
        shown.press("5")
        shown.wait_for("Broken")
        shown.press("R")
        shown.wait_for("that failed by it: 1 job? [y/N]")
        shown.press("y")
        shown.wait_for("retries 1 job in 10 s; undo: pgq bulk stop 1")
        shown.press("2")
        shown.wait_for("75%")
        shown.press("C")
        shown.wait_for("of send? [y/N]")
        shown.press("y")
        shown.wait_for(": requested")
    actions = conn.execute("select action, actor is not null from pgq.audit_log() limit 3")
    assert actions.fetchall() == [("cancel", True), ("bulk_start", True), ("pause_queue", True)]


@pytest.mark.slow
def test_it_goes_on_when_the_server_comes_back(
    private_server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(private_server.dsn)
    monkeypatch.setenv("PGQ_DSN", private_server.dsn)
    with package.Client(private_server.dsn) as client:
        client.enqueue("send", queue="mail")
    with terminal("--interval", "0.5s") as (shown, process):
        shown.wait_for("ready 1 ")
        private_server.restart("immediate")
        with package.Client(private_server.dsn) as client:
            client.enqueue("send", queue="images")
        shown.press("r")
        shown.wait_for("images")
        assert process.poll() is None


@pytest.mark.slow
@pytest.mark.usefixtures("busy")
@pytest.mark.parametrize("screen", [each.name for each in SCREENS])
def test_a_look_costs_the_server_little(
    client: package.Client, screen: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is asked at each look; the rest is kept for seconds."""
    monkeypatch.setattr(looking, "time", SimpleNamespace(monotonic=lambda: 0.0))
    looker = Looker(client, "app")
    for _ in range(20):
        looker.look(screen)
    asked: list[str] = []
    run = client.run

    def counting(call: Any) -> Any:
        asked.append(call.template)
        return run(call)

    client.run = counting  # type: ignore[method-assign]
    for _ in range(5):
        looker.look(screen)
    assert len(asked) <= 5, asked
