"""The snippets of docs/how-to/dashboard.md, mounted by the frameworks that they are for."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import types
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psycopg
import pytest
import werkzeug.test
from starlette.testclient import TestClient

import pgq
from tests.contrib.django_settings import configure
from tests.docs.pages import ROOT, Page
from tests.worker.running import wait_for

pytestmark = pytest.mark.slow
NAME = "a/b//..?x=1&y=2 \u00e4"


@pytest.fixture
def shown(dsn: str, client: pgq.Client, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """What the page defines, over a database that has one queue of an awkward name."""
    client.enqueue("t", queue=NAME)
    monkeypatch.setenv("PGQ_DSN", dsn)
    module = types.ModuleType("shown_urls")
    monkeypatch.setitem(sys.modules, "shown_urls", module)
    for block in Page(ROOT / "docs" / "how-to" / "dashboard.md").blocks:
        if block.language == "python":
            exec(block.text, vars(module))
    yield module
    module.dashboard.close()
    module.django_dashboard.close()


def assert_works(get: Callable[[str], tuple[int, str]]) -> None:
    """Ask for pages below /pgq, by links that they have themselves."""
    status, page = get("/pgq/queues")
    assert status == 200
    assert 'href="/pgq/static/' in page
    link = page.partition('href="/pgq/queue?name=')[2].partition('"')[0]
    status, page = get(f"/pgq/queue?name={link}")
    assert (status, f'<h1 class="name">{NAME.replace("&", "&amp;")}</h1>' in page) == (200, True)
    assert get("/pgq/healthz") == (200, "ok\n")
    assert get("/pgq/nothing")[0] == 404


def test_flask(shown: Any) -> None:
    user = {"app.user": "ada"}
    browser = werkzeug.test.Client(shown.flask_app.wsgi_app)

    def get(path: str) -> tuple[int, str]:
        answer = browser.get(path, environ_overrides=user)
        return answer.status_code, answer.text

    assert_works(get)
    assert browser.get("/pgq/queues").status_code == 403


def test_starlette(shown: Any) -> None:
    with TestClient(shown.starlette_app) as browser:
        assert browser.get("/pgq/queues").status_code == 403
        assert browser.get("/pgq/healthz").text == "ok\n"
        shown.dashboard._authorize = lambda _: shown.Access("ada")
        assert_works(lambda path: (browser.get(path).status_code, browser.get(path).text))


class _User:
    def __init__(self, name: str) -> None:
        self.name = name

    def get_username(self) -> str:
        return self.name

    def has_perm(self, name: str) -> bool:
        return (self.name, name) == ("ada", "pgq.view")


def with_user(get_response: Any) -> Any:
    """Log in whom a header names: middleware of a Django application that trusts everybody."""

    def middleware(request: Any) -> Any:
        request.user = _User(request.headers.get("User", ""))
        return get_response(request)

    return middleware


def test_django(shown: Any) -> None:
    from django.test import override_settings

    configure()
    middleware = [
        "django.middleware.csrf.CsrfViewMiddleware",
        "tests.contrib.web.test_mounts.with_user",
    ]
    with override_settings(ROOT_URLCONF="shown_urls", MIDDLEWARE=middleware):
        assert_works_in_django(shown)


def assert_works_in_django(shown: Any) -> None:
    from django.test import AsyncClient, Client

    browser = Client(enforce_csrf_checks=True, headers={"Host": "localhost"})

    def get(path: str) -> tuple[int, str]:
        answer = browser.get(path, headers={"User": "ada"})
        return answer.status_code, answer.content.decode()

    assert_works(get)
    assert browser.get("/pgq/queues").status_code == 403
    form = {"csrf_token": shown.django_dashboard.keeper.token("ada"), "theme": "dark"}
    headers = {"User": "ada", "Host": "localhost", "Sec-Fetch-Site": "same-origin"}
    chosen = browser.post("/pgq/choose", form, headers=headers)
    assert (chosen.status_code, chosen["Location"]) == (303, "/pgq/")
    assert chosen.cookies["pgq_theme"]["path"] == "/pgq"
    assert 'data-theme="dark"' in get("/pgq/queues")[1]
    answer = asyncio.run(AsyncClient().get("/pgq/queues", headers={"User": "ada"}))
    assert answer.status_code == 200, answer.content


PRELOADED = """
import os

from pgq import Client
from pgq.contrib.web import Access, Dashboard

dashboard = Dashboard(os.environ["PGQ_DSN"], authorize=lambda _: Access("ada"))
application = dashboard.wsgi
# The parent asks too, so that it has a connection of its own when it forks.
dashboard._source.ask(Client.version)
"""


def test_processes_that_were_forked_have_connections_of_their_own(
    dsn: str, client: pgq.Client, conn: psycopg.Connection, tmp_path: Path
) -> None:
    """Gunicorn with preload: the dashboard is made, and even asked, before the fork."""
    client.enqueue("t", queue="mail")
    (tmp_path / "preloaded.py").write_text(PRELOADED)
    path = Path(tempfile.mkdtemp(prefix="pgq-")) / "socket"
    command = [
        *(sys.executable, "-m", "gunicorn", "--preload", "--workers", "3", "--threads", "2"),
        *("--bind", f"unix:{path}", "--chdir", str(tmp_path), "preloaded:application"),
    ]
    environ = {**os.environ, "PGQ_DSN": dsn, "PYTHONPATH": f"{ROOT}:{tmp_path}"}
    with (tmp_path / "log").open("w+") as log:
        process = subprocess.Popen(command, env=environ, stdout=log, stderr=log)
        try:
            wait_for(path.exists)
            with ThreadPoolExecutor(12) as browsers:
                asked = browsers.map(
                    lambda n: _ask(path, ("/", "/jobs", "/queues")[n % 3]), range(60)
                )
                assert {*asked} == {200}, (log.seek(0), log.read())[1]
            clients = conn.execute(
                "select count(*) from pg_stat_activity where application_name = 'pgq web'"
                " and datname = current_database()"
            ).fetchone()
            assert clients
            assert clients[0] >= 3  # the parent's, and one of each child that was asked
        finally:
            process.terminate()
            assert process.wait(30) == 0
        log.seek(0)
        assert "Traceback" not in log.read()
    shutil.rmtree(path.parent)


def _ask(path: Path, page: str) -> int:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(30)
        connection.connect(str(path))
        connection.sendall(f"GET {page} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
        return int(connection.recv(100).split()[1])
