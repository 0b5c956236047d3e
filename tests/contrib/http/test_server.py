from __future__ import annotations

import socket
import threading
import urllib.error
import urllib.request

import pytest
from werkzeug.wrappers import Request, Response

import pgq
from pgq.contrib.http import server
from pgq.contrib.http.server import Serving


@Request.application
def echo(request: Request) -> Response:
    if request.path == "/bad":
        raise RuntimeError("a page's own mistake")
    return Response(f"{request.method} {request.path} {request.remote_addr}\n")


def test_it_answers_as_long_as_it_lasts() -> None:
    with Serving(echo, "127.0.0.1", 0) as serving:
        url = serving.url
        with urllib.request.urlopen(f"{url}/a?b=c") as got:
            assert got.read() == b"GET /a 127.0.0.1\n"
        with pytest.raises(urllib.error.HTTPError):
            urllib.request.urlopen(f"{url}/bad")
        with urllib.request.urlopen(f"{url}/a") as got:
            assert got.status == 200
    with pytest.raises(urllib.error.URLError):
        urllib.request.urlopen(f"{url}/a", timeout=5)


def test_ipv6() -> None:
    try:
        serving = Serving(echo, "::1", 0)
    except pgq.InvalidArgument as error:
        pytest.skip(f"no IPv6 here: {error}")
    with serving, urllib.request.urlopen(f"{serving.url}/a") as got:
        assert got.read() == b"GET /a ::1\n"


def test_a_port_that_is_taken_is_said() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(pgq.InvalidArgument, match=f"127.0.0.1:{port}"):
            Serving(echo, "127.0.0.1", port)
    for host, port in (("256.1.1.1", 0), ("127.0.0.1", 70000)):
        with pytest.raises(pgq.InvalidArgument) as caught:
            Serving(echo, host, port)
        assert caught.value.hint


def test_what_a_proxy_says_is_left_to_the_application() -> None:
    @Request.application
    def told(request: Request) -> Response:
        return Response(f"{request.headers.get('X-Forwarded-For')} {request.remote_addr}")

    with Serving(told, "127.0.0.1", 0) as serving:
        asking = urllib.request.Request(serving.url, headers={"X-Forwarded-For": "192.0.2.7"})
        with urllib.request.urlopen(asking) as got:
            assert got.read() == b"192.0.2.7 127.0.0.1"
            assert got.headers["Server"] is None


def test_no_more_than_some_are_open(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those that say nothing are closed after a time, and then others have their turn."""
    monkeypatch.setattr(server, "_PATIENCE", 1)
    with Serving(echo, "127.0.0.1", 0, most=10) as serving:
        host, port = serving.url.removeprefix("http://").split(":")
        silent = [socket.create_connection((host, int(port))) for _ in range(30)]
        with urllib.request.urlopen(f"{serving.url}/a", timeout=60) as got:
            assert got.status == 200
        for each in silent:
            each.close()


def test_who_says_nothing_holds_up_no_other() -> None:
    with Serving(echo, "127.0.0.1", 0) as serving:
        host, port = serving.url.removeprefix("http://").split(":")
        silent = [socket.create_connection((host, int(port))) for _ in range(10)]
        with urllib.request.urlopen(f"{serving.url}/a", timeout=20) as got:
            assert got.status == 200
        for each in silent:
            each.close()


def test_the_end_waits_for_nobody() -> None:
    """Neither for a connection that says nothing, nor for a page that is being made."""
    begun, go_on = threading.Event(), threading.Event()

    @Request.application
    def slow(_request: Request) -> Response:
        begun.set()
        go_on.wait(60)
        return Response("late")

    serving = Serving(slow, "127.0.0.1", 0)
    with serving:
        host, port = serving.url.removeprefix("http://").split(":")
        asking = socket.create_connection((host, int(port)))
        asking.sendall(b"GET / HTTP/1.0\r\n\r\n")
        assert begun.wait(20)
        assert not go_on.is_set()
    assert not go_on.is_set()
    go_on.set()
    asking.close()
