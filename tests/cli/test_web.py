"""The command web: who comes in, and by which way."""

from __future__ import annotations

import base64
import json
import os
import re
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlencode, urlsplit

import psycopg
import pytest

import pgq
from tests.cli.conftest import Pgq, Process

PASSWORD = "a-long-password"


@contextmanager
def serving(nowhere: Pgq, dsn: str, *args: object) -> Iterator[tuple[str, int]]:
    nowhere.env["PGQ_DSN"] = dsn
    with nowhere.start("web", "--port", 0, "--json", *args) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line, process.stderr and process.stderr.read()
        parts = urlsplit(json.loads(line)["url"])
        assert parts.hostname is not None
        assert parts.port is not None
        yield parts.hostname, parts.port


def ask(place: tuple[str, int], path: str = "/queues", **headers: str) -> tuple[int, str]:
    connection = HTTPConnection(*place, timeout=30)
    try:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request("GET", path, headers=named)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


def send(place: tuple[str, int], path: str, form: dict[str, str], **headers: str) -> int:
    connection = HTTPConnection(*place, timeout=30)
    try:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        named["Content-Type"] = "application/x-www-form-urlencoded"
        connection.request("POST", path, urlencode(form), named)
        return connection.getresponse().status
    finally:
        connection.close()


def basic(password: str) -> str:
    return f"Basic {base64.b64encode(f'ann:{password}'.encode()).decode()}"


@pytest.mark.slow
def test_by_itself_it_is_for_this_machine_and_only_shows(nowhere: Pgq, dsn: str) -> None:
    with serving(nowhere, dsn) as place:
        status, page = ask(place)
        assert status == 200
        assert "/do/" not in page
        assert ask(place, Host="evil.example")[0] == 400
        # A proxy here, whatever it says of itself.
        assert ask(place, X_Forwarded_For="203.0.113.9")[0] == 403
        assert ask(place, Via="1.1 proxy")[0] == 403
        assert send(place, "/do/pause_queue", {"queue": "mail"}) == 403


@pytest.mark.slow
def test_a_password_lets_a_person_in_and_a_token_a_program(
    nowhere: Pgq, dsn: str, client: pgq.Client, conn: psycopg.Connection
) -> None:
    nowhere.env["PGQ_WEB_PASSWORD"] = PASSWORD
    names = ("--host", "0.0.0.0", "--host-name", "pgq.example.com")
    with serving(nowhere, dsn, *names) as (_, port):
        place = ("127.0.0.1", port)
        assert ask(place)[0] == 401
        assert ask(place, Authorization=basic("wrong-password"))[0] == 401
        assert ask(place, Authorization=basic(PASSWORD))[0] == 200
        known = {"Authorization": basic(PASSWORD)}
        assert ask(place, Host="pgq.example.com", **known)[0] == 200
        assert ask(place, Host="evil.example", **known)[0] == 400
    del nowhere.env["PGQ_WEB_PASSWORD"]
    nowhere.env["PGQ_WEB_TOKEN"] = PASSWORD
    with serving(nowhere, dsn, "--may", "pause", "-q", "mail") as place:
        bearer = {"Authorization": f"Bearer {PASSWORD}", "Accept": "application/json"}
        assert send(place, "/do/pause_queue", {"queue": "mail"}, **bearer) == 200
        assert send(place, "/do/pause_queue", {"queue": "other"}, **bearer) == 403
        assert send(place, "/do/add_mark", {"label": "x"}, **bearer) == 403
        # A browser sends the password by itself, so a form of ours is needed.
        assert (
            send(place, "/do/resume_queue", {"queue": "mail"}, Authorization=basic(PASSWORD)) == 403
        )
    paused = conn.execute("select queue, paused from pgq.queue_settings").fetchall()
    assert paused == [("mail", True)]


@pytest.mark.slow
def test_a_named_proxy_says_who_asks(nowhere: Pgq, dsn: str) -> None:
    way = ("--behind-proxy-user", "X-User", "--trusted-proxy")
    with serving(nowhere, dsn, *way, "127.0.0.0/8") as place:
        assert ask(place, X_User="ann")[0] == 200
        assert ask(place)[0] == 403
        status, page = ask(place, X_User="ann", X_Forwarded_Prefix="/tools")
        assert status == 200
        assert 'href="/tools/queues"' in page
    with serving(nowhere, dsn, *way, "10.0.0.0/8") as place:
        assert ask(place, X_User="ann")[0] == 403


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["--host", "0.0.0.0"], "nothing says who may ask"),
        (["--host", "::"], "nothing says who may ask"),
        (["--behind-proxy-user", "X-User"], "no proxy is named"),
        (["--token", "short"], "shorter"),
        (["--token", PASSWORD, "--behind-proxy-user", "X-User"], "several ways"),
        (["--may", "everything"], "no right"),
        (["--trusted-proxy", "here"], "no network"),
        (["--host-name", "http://x"], "no host name"),
        (["--saved", "late"], "has no ="),
        (["--saved", "late=colour=red"], "no such filter"),
        (["--trace-url", "traces.example"], "no address"),
    ],
)
def test_what_is_not_safe_does_not_start(
    given: list[str], said: str, nowhere: Pgq, dsn: str
) -> None:
    result = nowhere("web", "--dsn", dsn, "--port", 0, *given, code=2)
    assert said in result.output


@pytest.mark.slow
def test_looks_come_from_options_and_the_configuration(
    nowhere: Pgq, dsn: str, client: pgq.Client, tmp_path: Path
) -> None:
    client.enqueue(
        "mail.send", {"customer": "ann"}, headers={"traceparent": f"00-{'a' * 32}-{'b' * 16}-01"}
    )
    client.enqueue("pay", {"customer": "ann", "place": "Rome"})
    file = tmp_path / "pgq.toml"
    file.write_text(
        '[web]\ntitle = "shop"\nhide = ["customer"]\nhide_args = ["mail.*"]\n'
        'trace_url = "https://traces.example/{trace_id}"\n'
        '[web.saved]\nlate = "/jobs?state=failed"\n'
    )
    with serving(nowhere, dsn, "--config", file, "--may", "see_args") as place:
        page = ask(place, "/jobs")[1]
        assert "<b>shop</b>" in page
        assert '<a class="chip" href="/jobs?state=failed">late</a>' in page
        shown = [part["text"] for part in json.loads(ask(place, "/jobs/2?as=json")[1])["content"]]
        assert "Rome" in shown[0]
        assert "ann" not in shown[0]
        first = ask(place, "/jobs/1")[1]
        assert f"https://traces.example/{'a' * 32}" in first
        assert "text(3)" in first or "[hidden]" in first
    given = ("--title", "till", "--saved", "old=since=1h", "--hide", "place", "--may", "see_args")
    with serving(nowhere, dsn, "--config", file, *given) as place:
        page = ask(place, "/jobs")[1]
        assert "<b>till</b>" in page
        assert ">old</a>" in page
        assert ">late</a>" not in page
        assert "Rome" not in ask(place, "/jobs/2")[1]


@pytest.mark.slow
def test_it_serves_metrics_too(nowhere: Pgq, dsn: str) -> None:
    with serving(nowhere, dsn) as place:
        status, text = ask(place, "/metrics")
        assert (status, "pgq_info" in text) == (200, True)
        assert ask(place, "/metrics", X_Forwarded_For="203.0.113.9")[0] == 403
        assert ask(place, "/metrics", Host="evil.example")[0] == 403
        assert ask(place, "/healthz") == (200, "ok\n")
        assert ask(place, "/readyz")[0] == 200
    nowhere.env["PGQ_METRICS_TOKEN"] = PASSWORD
    with serving(nowhere, dsn) as place:
        assert ask(place, "/metrics")[0] == 401
        assert ask(place, "/metrics", Authorization=f"Bearer {PASSWORD}")[0] == 200


def served_at(process: Process) -> tuple[str, int]:
    """Read what a command says until it says where the dashboard is."""
    assert process.stderr
    said: list[str] = []
    for line in process.stderr:
        said.append(line)
        if found := re.search(r"The dashboard is at (\S+)", line):
            parts = urlsplit(found[1])
            assert parts.hostname is not None
            assert parts.port is not None
            return parts.hostname, parts.port
    raise AssertionError("".join(said))


@pytest.mark.slow
@pytest.mark.timeout(240)
@pytest.mark.parametrize("command", ["dev", "demo"])
def test_other_commands_serve_it_until_ctrl_c(
    command: str, nowhere: Pgq, dsn: str, tmp_path: Path
) -> None:
    tmp_path.chmod(0o755)
    more = (
        ("--dsn", dsn, "--workers", 1) if command == "demo" else ("--data-dir", tmp_path / "data")
    )
    with nowhere.start(command, "--web", *more, cwd=tmp_path, process_group=0) as process:
        place = served_at(process)
        for path in ("/", "/queues", "/jobs", "/workers", "/health", "/healthz", "/readyz"):
            assert ask(place, path)[0] == 200, path
        # Everybody on this machine may do everything there, and nobody else anything.
        assert 'action="/do/' in ask(place, "/queue?name=mail")[1]
        assert ask(place, "/", Host="evil.example")[0] == 400
        os.killpg(process.pid, signal.SIGINT)  # as a terminal does
        _, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert "Traceback" not in err
    with pytest.raises(ConnectionError):
        ask(place)
