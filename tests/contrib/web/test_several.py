"""Dashboards of several databases under one root."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from werkzeug.exceptions import Unauthorized
from werkzeug.test import Client, TestResponse
from werkzeug.wrappers import Request

import pgq
from pgq.contrib.web import Access, Dashboard, Dashboards
from pgq.contrib.web.actions.perform import Operator
from tests.contrib.web.conftest import HERE

AWAY = "host=127.0.0.1 port=1 dbname=away connect_timeout=1"
ODD = 'a/b "><script>..'


class Window:
    """Asks several dashboards, mounted below /tools."""

    def __init__(self, dashboards: Dashboards) -> None:
        self.dashboards = dashboards
        self._client = Client(dashboards.wsgi)

    def ask(self, path: str, user: str = "", **more: Any) -> TestResponse:
        headers = {"Host": "localhost", "Sec-Fetch-Site": "same-origin", **more.pop("headers", {})}
        environ = {**HERE, "SCRIPT_NAME": "/tools", "app.user": user}
        return self._client.open(path, headers=headers, environ_overrides=environ, **more)


Opened = Callable[..., Window]


@pytest.fixture
def opened() -> Iterator[Opened]:
    made: list[Dashboards] = []

    def of(dashboards: dict[str, Dashboard]) -> Window:
        made.append(Dashboards(dashboards, title="all of them"))
        return Window(made[-1])

    yield of
    for each in made:
        each.close()


def only(name: str) -> Callable[[Request], Access | None]:
    return lambda request: Access(name) if request.environ["app.user"] == name else None


def test_the_first_page_shows_each_and_leads_to_it(
    opened: Opened, dsn: str, client: pgq.Client
) -> None:
    client.enqueue_many([pgq.NewJob("t")] * 3)
    window = opened({"shop": Dashboard(dsn, title="shop"), ODD: Dashboard(dsn)})
    first = window.ask("/")
    assert first.status_code == 200
    assert "<script>.." not in first.text
    assert 'href="/tools/shop/"' in first.text
    assert 'href="/tools/a-b-script/"' in first.text
    assert "Content-Security-Policy" in first.headers
    found = window.ask("/", headers={"Accept": "application/json"}).json
    assert found is not None
    assert [row["database"] for row in found["databases"]] == ["shop", ODD]
    assert [row["totals"]["ready"] for row in found["databases"]] == [3, 3]
    inner = window.ask("/shop/queues")
    assert inner.status_code == 200
    assert 'href="/tools/shop/queue?name=default"' in inner.text
    assert '<a class="home" href="/tools/">' in inner.text
    style = inner.text.partition('rel="stylesheet" href="/tools')[2].partition('"')[0]
    assert window.ask(style).status_code == 200
    assert window.ask("/shop").status_code in (200, 308)
    assert window.ask("/nothing/queues").status_code == 404
    # Alone a dashboard knows of no others.
    assert "All databases" not in Client(Dashboard(dsn).wsgi).get(
        "/queues", headers={"Host": "localhost"}, environ_overrides=HERE
    ).text  # fmt: skip


def test_one_that_is_away_says_so_and_stands_first(
    opened: Opened, dsn: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL, "psycopg.pool")
    window = opened({"shop": Dashboard(dsn), "away": Dashboard(AWAY)})
    found = window.ask("/", headers={"Accept": "application/json"}).json
    assert found is not None
    away, shop = found["databases"]
    assert (away["database"], away["status"], away["totals"]) == ("away", "fail", None)
    assert away["trouble"]
    assert shop["trouble"] is None
    assert away["trouble"] in window.ask("/").text
    assert window.ask("/readyz").status_code == 200
    assert window.ask("/shop/readyz").status_code == 200
    assert window.ask("/away/readyz").status_code == 503
    none = opened({"away": Dashboard(AWAY)})
    assert none.ask("/readyz").status_code == 503
    assert none.ask("/healthz").status_code == 200


def test_each_user_sees_the_databases_that_let_the_user_in(opened: Opened, dsn: str) -> None:
    window = opened(
        {
            "one": Dashboard(dsn, authorize=only("ada")),
            "two": Dashboard(dsn, authorize=only("ben")),
        }
    )
    for user, own, other in (("ada", "one", "two"), ("ben", "two", "one")):
        text = window.ask("/", user).text
        assert (f'href="/tools/{own}/"' in text, f'href="/tools/{other}/"' in text) == (True, False)
        assert window.ask(f"/{own}/queues", user).status_code == 200
        assert window.ask(f"/{other}/queues", user).status_code == 403
    assert window.ask("/", "eve").status_code == 403

    def unknown(_: Request) -> Access | None:
        raise Unauthorized("Say who you are.")

    assert opened({"one": Dashboard(dsn, authorize=unknown)}).ask("/").status_code == 401
    # Without a word of who may, it is this machine alone, by an address or localhost.
    closed = opened({"one": Dashboard(dsn)})
    assert closed.ask("/", headers={"Host": "evil.example"}).status_code == 400
    far = Client(closed.dashboards.wsgi).get(
        "/", headers={"Host": "localhost"}, environ_overrides={"REMOTE_ADDR": "192.0.2.1"}
    )
    assert far.status_code == 403


def test_a_theme_is_chosen_for_all_and_actions_are_a_databases_own(
    opened: Opened, dsn: str, client: pgq.Client
) -> None:
    client.enqueue("t")
    everything = Access("ada", {"view", "pause"})
    dashboard = Dashboard(
        dsn, authorize=lambda _: everything, operator=Operator(dsn, "pgq"), secret="tests"
    )
    window = opened({"shop": dashboard})
    form = {"csrf_token": dashboard.keeper.token("ada"), "back": "/tools/", "theme": "dark"}
    chosen = window.ask("/choose", method="POST", data=form)
    assert (chosen.status_code, chosen.headers["Location"]) == (303, "/tools/")
    assert "Path=/tools;" in f"{chosen.headers['Set-Cookie']};"
    assert window.ask("/choose", method="POST", data={**form, "csrf_token": "x"}).status_code == 403
    assert 'action="/tools/shop/do/pause_queue"' in window.ask("/shop/queue?name=default").text


def test_names_of_paths_are_their_own(dsn: str) -> None:
    names = ["a b", "a-b", "a/b", "static", "choose", "healthz", "..", "ä", ""]
    with pytest.raises(pgq.InvalidArgument, match="no dashboard is named"):
        Dashboards({})
    made = Dashboards({name: Dashboard(dsn) for name in names})
    assert list(made._by_path) == [
        "a-b", "a-b-2", "a-b-3", "static-2", "choose-2", "healthz-2", "database", "database-2",
        "database-3",
    ]  # fmt: skip
