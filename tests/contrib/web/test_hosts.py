from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest
from werkzeug.exceptions import BadRequest
from werkzeug.test import EnvironBuilder, run_wsgi_app
from werkzeug.wrappers import Request, Response

import pgq
from pgq.contrib.web.hosts import (
    BehindProxies,
    check_host,
    check_open,
    forwarded,
    host_names,
    networks,
    sender,
)
from tests.contrib.web.requests import request


def is_answered(host: str | None, names: Iterable[str] | None = ("pgq.example.com",)) -> bool:
    try:
        check_host(request(host=host), names)
    except BadRequest:
        return False
    return True


@pytest.mark.parametrize(
    "host",
    [
        "pgq.example.com",
        "PGQ.Example.com:8080",
        "pgq.example.com.",
        "localhost",
        "localhost:1",
        "127.0.0.1:8080",
        "192.0.2.7",
        "[::1]",
        "[2001:db8::1]:8080",
        "[fe80::1%eth0]:8080",
    ],
)
def test_known_names_and_addresses_are_answered(host: str) -> None:
    assert is_answered(host)


@pytest.mark.parametrize(
    "host",
    [
        None,
        "",
        ":8080",
        "evil.example",
        "pgq.example.com.evil.example",
        "evil.example:pgq.example.com",
        "x.pgq.example.com",
        "pgq.example.com@evil.example",
        "evil@pgq.example.com",
        "pgq.example.com,evil.example",
        "pgq.example.com evil.example",
        "pgq.example.com/evil",
        "pgq.example.com?x",
        "pgq.example.com#x",
        "pgq.example.com\\evil",
        "pgq.example.com:port",
        "pgq.example.com:99999",
        "pgq.example.com:0",
        "localhost.evil.example",
        "127.0.0.1.evil.example",
        "2130706433",
        "127.1",
        "[::1",
        "[::1].evil.example",
        "::1",
        "pgq.ex\xe4mple.com",
    ],
)
def test_other_names_are_not(host: str | None) -> None:
    assert not is_answered(host)


def test_an_application_may_leave_names_to_its_own_check() -> None:
    assert is_answered("anything.example", None)
    assert not is_answered(None, None)
    assert not is_answered("a,b", None)


def test_names_to_allow_are_names() -> None:
    assert host_names(["Pgq.example.com", "box"]) == ("Pgq.example.com", "box")
    for given in ("pgq.example.com:8080", "http://pgq.example.com", "", "a b", "*"):
        with pytest.raises(pgq.InvalidArgument, match="no host name"):
            host_names([given])


@pytest.mark.parametrize("address", ["0.0.0.0", "::", "192.0.2.7", "box.example.com", ""])
def test_a_server_for_others_asks_who_they_are(address: str) -> None:
    check_open(address, is_guarded=True)
    with pytest.raises(pgq.InvalidArgument, match="nothing says who may ask"):
        check_open(address, is_guarded=False)


@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "localhost", "127.0.0.5"])
def test_a_server_for_this_machine_need_not(address: str) -> None:
    assert check_open(address, is_guarded=False) is None


def test_networks_are_networks() -> None:
    assert [f"{each}" for each in networks(["10.0.0.0/8", " ::1 "])] == ["10.0.0.0/8", "::1/128"]
    for given in ("10.0.0.1/8", "proxy.example.com", ""):
        with pytest.raises(pgq.InvalidArgument, match="no network"):
            networks([given])


FORWARDED = {
    "X-Forwarded-For": "203.0.113.9",
    "X-Forwarded-Proto": "https",
    "X-Forwarded-Host": "pgq.example.com",
    "X-Forwarded-Prefix": "/pgq",
}


def seen_from(peer: str, headers: dict[str, str]) -> Request:
    """Return the request that stands behind proxies in 10.0.0.0/8."""
    seen: list[Request] = []

    def application(environ: dict[str, Any], start: Any) -> Iterable[bytes]:
        seen.append(Request(environ))
        return Response("ok")(environ, start)

    environ = EnvironBuilder(headers=headers).get_environ() | {"REMOTE_ADDR": peer}
    run_wsgi_app(BehindProxies(application, networks(["10.0.0.0/8"])), environ)
    return seen[0]


def test_a_named_proxy_is_believed() -> None:
    found = seen_from("10.1.2.3", FORWARDED)
    assert found.url == "https://pgq.example.com/pgq/"
    assert found.remote_addr == "203.0.113.9"
    assert sender(found) == "10.1.2.3"
    assert forwarded(found)


def test_only_what_the_last_proxy_added_is_believed() -> None:
    sent = {"X-Forwarded-For": "127.0.0.1, 203.0.113.9"}
    assert seen_from("10.1.2.3", sent).remote_addr == "203.0.113.9"


@pytest.mark.parametrize("peer", ["127.0.0.1", "203.0.113.1", ""])
def test_nobody_else_is(peer: str) -> None:
    found = seen_from(peer, FORWARDED | {"Forwarded": "for=127.0.0.1"})
    assert found.url == "http://localhost/"
    assert (found.remote_addr or "") == (sender(found) or "") == peer
    assert forwarded(found)
    assert not any(found.headers.get(name) for name in FORWARDED)
