from __future__ import annotations

import json
import logging

import psycopg
import pytest
from werkzeug.test import EnvironBuilder
from werkzeug.wrappers import Response

import pgq
from pgq.contrib.metrics import Metrics
from pgq.contrib.metrics.source import Source
from tests.servers import Server

TOKEN = {"authorization": "Bearer t0ken"}
NOWHERE = "postgresql://127.0.0.1:1/none"


def get(pages: Metrics, path: str, method: str = "GET", **headers: str) -> Response:
    environ = EnvironBuilder("/").get_environ()
    del environ["HTTP_HOST"]
    environ |= {"PATH_INFO": path, "REQUEST_METHOD": method, "REMOTE_ADDR": "127.0.0.1"}
    environ |= {f"HTTP_{name.upper()}": value for name, value in headers.items()}
    return Response.from_app(pages.wsgi, environ)


@pytest.fixture
def pages(dsn: str) -> Metrics:
    return Metrics(dsn, token="t0ken")


def test_metrics(pages: Metrics, client: pgq.Client) -> None:
    client.enqueue("t", queue="mail")
    got = get(pages, "/metrics", **TOKEN)
    assert (got.status_code, got.content_type.split(";")[0]) == (200, "text/plain")
    lines = got.data.decode().splitlines()
    assert 'pgq_queue_jobs{queue="mail",state="ready"} 1.0' in lines
    assert "# TYPE pgq_queue_jobs gauge" in lines


def test_openmetrics_where_it_is_asked_for(pages: Metrics) -> None:
    accept = "application/openmetrics-text;version=1.0.0,text/plain;q=0.5"
    got = get(pages, "/metrics", accept=accept, **TOKEN)
    assert got.content_type.startswith("application/openmetrics-text; version=1.0.0")
    assert got.data.endswith(b"# EOF\n")


@pytest.mark.parametrize("accept", ["", "*/*", "application/openmetrics-text;version=x", "\xff;;,"])
def test_a_strange_accept_gets_plain_text(pages: Metrics, accept: str) -> None:
    assert get(pages, "/metrics", accept=accept, **TOKEN).status_code == 200


def test_stats(pages: Metrics, client: pgq.Client) -> None:
    client.enqueue("t", queue="m\u00e4il\u202e")
    got = get(pages, "/stats.json", **TOKEN)
    assert (got.status_code, got.content_type) == (200, "application/json")
    found = json.loads(got.data)
    assert found["status"] in ("ok", "warn", "fail")
    (queue,) = found["queues"]
    assert (queue["queue"], queue["ready"]) == ("m\u00e4il\u202e", 1)
    assert queue["lag"] >= 0
    assert found["workers"] == []
    assert {check["name"] for check in found["checks"]} >= {"schema", "workers"}


@pytest.mark.parametrize("path", ["/metrics", "/stats.json"])
def test_numbers_are_closed(dsn: str, path: str) -> None:
    assert get(Metrics(dsn), path).status_code == 403
    assert get(Metrics(dsn, token="t0ken"), path).status_code == 401
    assert get(Metrics(dsn, from_here=True), path).status_code == 200
    assert get(Metrics(dsn, from_here=True), path, host="evil.example").status_code == 403


def test_probes_are_open_and_say_nothing_else(dsn: str, caplog: pytest.LogCaptureFixture) -> None:
    pages, nowhere = Metrics(dsn), Metrics(NOWHERE, is_alive=lambda: False)
    assert (get(pages, "/healthz").status_code, get(pages, "/healthz").data) == (200, b"ok\n")
    assert (get(pages, "/readyz").status_code, get(pages, "/readyz").data) == (200, b"ok\n")
    assert get(nowhere, "/healthz").status_code == 503
    with caplog.at_level(logging.WARNING, "pgq"):
        got = get(nowhere, "/readyz")
    assert got.status_code == 503
    assert b"127.0.0.1" not in got.data
    assert "127.0.0.1" in caplog.text


def test_other_paths_and_methods(pages: Metrics) -> None:
    for path in ("/", "/metrics/", "/metricsx", "/../metrics", ""):
        assert get(pages, path, **TOKEN).status_code == 404
    for method in ("POST", "DELETE", "get"):
        refused = get(pages, "/metrics", method, **TOKEN)
        assert (refused.status_code, refused.headers["Allow"]) == (405, "GET, HEAD")


def test_a_database_without_the_schema_is_not_ready(empty_dsn: str) -> None:
    assert get(Metrics(empty_dsn), "/readyz").status_code == 503
    assert get(Metrics(empty_dsn, token="t0ken"), "/metrics", **TOKEN).status_code == 503


def test_it_comes_back_with_the_server(private_server: Server) -> None:
    pages = Metrics(private_server.dsn)
    assert get(pages, "/readyz").status_code == 503  # no schema is in it
    other = Source(private_server.dsn, "pgq")
    private_server.restart("immediate")
    assert isinstance(other.ask(_server), str)
    private_server.restart("immediate")
    assert isinstance(Source(private_server.dsn, "pgq").ask(_server), str)


def _server(client: pgq.Client) -> str:
    with client.connection() as connection:
        row = connection.execute("select version()").fetchone()
    assert row
    return str(row[0])


def test_an_answer_is_asked_for_once_in_five_seconds(dsn: str) -> None:
    source = Source(dsn, "pgq")
    asked: list[int] = []

    def question(client: pgq.Client) -> int:
        asked.append(1)
        return len(asked)

    assert [source.ask(question) for _ in range(3)] == [1, 1, 1]


def test_a_question_only_reads_and_takes_no_more_than_seconds(dsn: str) -> None:
    def write(client: pgq.Client) -> None:
        client.enqueue("t")

    def limit(client: pgq.Client) -> str:
        with client.connection() as connection:
            row = connection.execute("show statement_timeout").fetchone()
        assert row
        return str(row[0])

    with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
        Source(dsn, "pgq").ask(write)
    assert Source(dsn, "pgq").ask(limit) == "5s"
