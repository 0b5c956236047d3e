from __future__ import annotations

import pytest
from werkzeug.test import EnvironBuilder
from werkzeug.wrappers import Request, Response

import pgq
from pgq.contrib.http.access import Access


def asked(peer: str | None = "127.0.0.1", **headers: str) -> Request:
    """Return a request as a server hands it on, also one that no client sends."""
    environ = EnvironBuilder("/metrics").get_environ()
    del environ["HTTP_HOST"]
    environ |= {f"HTTP_{name.upper()}": value for name, value in headers.items()}
    if peer is not None:
        environ["REMOTE_ADDR"] = peer
    return Request(environ)


def answer(access: Access, peer: str | None = "127.0.0.1", **headers: str) -> int:
    refusal = access.refusal(asked(peer, **headers))
    return 200 if refusal is None else refusal.status_code


@pytest.mark.parametrize(
    ("authorization", "status"),
    [
        ("Bearer s3cret", 200),
        ("bearer  s3cret ", 200),
        ("Bearer s3cret2", 401),
        ("Bearer s3cre", 401),
        ("Bearer ", 401),
        ("Bearer", 401),
        ("", 401),
        ("Basic s3cret", 401),
        ("s3cret", 401),
        ("Bearer s\xe9cret", 401),
        ("Bearer \udcff", 401),
    ],
)
def test_the_token_alone_opens(authorization: str, status: int) -> None:
    for peer in ("127.0.0.1", "192.0.2.7", None):
        assert answer(Access("s3cret"), peer, authorization=authorization) == status
        assert answer(Access("s3cret", from_here=True), peer, authorization=authorization) == status


def test_who_sends_none_is_asked_for_it() -> None:
    refusal = Access("s3cret").refusal(asked())
    assert isinstance(refusal, Response)
    assert refusal.headers["WWW-Authenticate"] == "Bearer"
    assert b"s3cret" not in refusal.data


def test_without_a_token_it_is_closed() -> None:
    for peer in ("127.0.0.1", "::1", "192.0.2.7", None):
        assert answer(Access(None), peer) == 403
        assert answer(Access(None), peer, authorization="Bearer ") == 403
        assert answer(Access(None), peer, authorization="Bearer None") == 403


@pytest.mark.parametrize(
    ("peer", "host", "status"),
    [
        ("127.0.0.1", "localhost:9187", 200),
        ("127.0.0.1", "127.0.0.1:9187", 200),
        ("127.0.0.1", "127.0.0.1", 200),
        ("127.3.2.1", "LOCALHOST", 200),
        ("::1", "[::1]:9187", 200),
        ("::1", "[::1]", 200),
        ("::ffff:127.0.0.1", "localhost", 200),
        # A name of somebody else's that leads here.
        ("127.0.0.1", "evil.example:9187", 403),
        ("127.0.0.1", "localhost.evil.example", 403),
        ("127.0.0.1", "127.0.0.1.evil.example:80", 403),
        ("127.0.0.1", "localhost@evil.example", 403),
        ("127.0.0.1", "[::1", 403),
        ("127.0.0.1", ":9187", 403),
        ("192.0.2.7", "localhost", 403),
        ("2001:db8::1", "localhost", 403),
        (None, "localhost", 403),
        ("", "localhost", 403),
    ],
)
def test_from_here_means_from_here_and_to_here(peer: str | None, host: str, status: int) -> None:
    assert answer(Access(None, from_here=True), peer, host=host) == status


@pytest.mark.parametrize("token", ["", " ", "a\nb", "gehe\xedm", "\udcff"])
def test_a_token_that_cannot_be_sent_is_refused(token: str) -> None:
    with pytest.raises(pgq.InvalidArgument) as caught:
        Access(token)
    assert caught.value.hint
