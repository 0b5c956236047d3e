from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from werkzeug.test import Client, TestResponse

from pgq.contrib.web.access import ALL, Access
from pgq.contrib.web.actions.perform import Operator
from pgq.contrib.web.app import Dashboard


class Browser:
    """Asks a dashboard as a browser on this machine does."""

    def __init__(self, dashboard: Dashboard) -> None:
        self.dashboard = dashboard
        self._client = Client(dashboard.wsgi)

    def get(self, address: str, **headers: str) -> TestResponse:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self._client.get(
            address, headers={"Host": "localhost", **named}, environ_overrides=HERE
        )

    def json(self, address: str) -> Any:
        answer = self.get(address, Accept="application/json")
        assert answer.status_code == 200, answer.text
        return answer.json

    def post(self, address: str, form: dict[str, Any], **headers: str) -> TestResponse:
        named = {"Host": "localhost", "Sec-Fetch-Site": "same-origin"}
        named |= {name.replace("_", "-"): value for name, value in headers.items()}
        return self._client.post(address, data=form, headers=named, environ_overrides=HERE)

    def token(self, user: str = "local") -> str:
        """Return what this browser's forms hold."""
        return self.dashboard.keeper.token(user)


HERE = {"REMOTE_ADDR": "127.0.0.1"}


@pytest.fixture
def browser(dsn: str) -> Iterator[Browser]:
    """Somebody on this machine, who looks at the dashboard of the database of `dsn`."""
    dashboard = Dashboard(dsn)
    yield Browser(dashboard)
    dashboard.close()


@pytest.fixture
def boss(dsn: str) -> Iterator[Browser]:
    """Somebody who may see and do everything, at the dashboard of the database of `dsn`."""
    everything = Access("local", ALL)
    operator = Operator(dsn, "pgq")
    dashboard = Dashboard(dsn, authorize=lambda _: everything, operator=operator, secret="tests")
    yield Browser(dashboard)
    dashboard.close()
