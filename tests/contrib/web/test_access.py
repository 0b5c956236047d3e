from __future__ import annotations

import pytest
from werkzeug.exceptions import Forbidden, Unauthorized

import pgq
from pgq.contrib.web.access import (
    ALL,
    READ,
    RIGHTS,
    Access,
    Authorize,
    admit,
    by_header,
    by_password,
    by_token,
    from_here,
    rights,
)
from pgq.contrib.web.hosts import networks
from tests.contrib.web.requests import basic, request

SECRET = "s3cret-s3cret"
SOME = Access("somebody")


def status(authorize: Authorize, **sent: str | None) -> int:
    try:
        admit(request(**sent), authorize)  # type: ignore[arg-type]
    except (Forbidden, Unauthorized) as error:
        return error.code
    return 200


@pytest.mark.parametrize(
    ("peer", "host", "answer"),
    [
        ("127.0.0.1", "localhost:8080", 200),
        ("127.0.0.1", "127.0.0.1", 200),
        ("127.3.2.1", "LOCALHOST.", 200),
        ("::1", "[::1]:8080", 200),
        ("::ffff:127.0.0.1", "localhost", 200),
        # A name of somebody else's that leads here, an address that is not ours alone, no name.
        ("127.0.0.1", "evil.example:8080", 403),
        ("127.0.0.1", "localhost.evil.example", 403),
        ("127.0.0.1", "localhost@evil.example", 403),
        ("127.0.0.1", "0.0.0.0:8080", 403),
        ("127.0.0.1", "[::1", 403),
        ("127.0.0.1", None, 403),
        ("192.0.2.7", "localhost", 403),
        ("2001:db8::1", "localhost", 403),
        ("", "localhost", 403),
        (None, "localhost", 403),
    ],
)
def test_without_more_only_this_machine_comes_in(
    peer: str | None, host: str | None, answer: int
) -> None:
    assert status(from_here(SOME), peer=peer, host=host) == answer


@pytest.mark.parametrize(
    "header", ["X_Forwarded_For", "Forwarded", "Via", "X_Real_IP", "X_Forwarded_Proto"]
)
def test_what_a_proxy_passes_on_is_not_from_here(header: str) -> None:
    assert status(from_here(SOME), **{header: "127.0.0.1"}) == 403
    assert status(from_here(SOME), **{header: ""}) == 403
    assert status(from_here(SOME), protocol="HTTP/1.0") == 403


@pytest.mark.parametrize("make", [by_token, by_password])
def test_a_browser_sends_the_password_with_a_name(make: type) -> None:
    authorize = make(SECRET, SOME)
    assert status(authorize, Authorization=basic("ann", SECRET)) == 200
    for given in ("", SECRET[:-1], f"{SECRET}x", "s\xe9cret-s\xe9cret"):
        assert status(authorize, Authorization=basic("ann", given)) == 401
    assert status(authorize, Authorization=f"Digest {SECRET}") == 401
    assert status(authorize) == 401
    assert admit(request(Authorization=basic("ann", SECRET)), authorize).user == "ann"
    assert admit(request(Authorization=basic("", SECRET)), authorize).user == "somebody"
    crooked = basic("ann\u202e\x1b[31m" + "x" * 300, SECRET)
    assert admit(request(Authorization=crooked), authorize).user == ("ann[31m" + "x" * 300)[:200]


def test_a_program_sends_a_token_which_no_browser_does_by_itself() -> None:
    authorize = by_token(SECRET, SOME)
    found = admit(request(Authorization=f"Bearer {SECRET}"), authorize)
    assert not found.is_ambient
    assert admit(request(Authorization=basic("ann", SECRET)), authorize).is_ambient
    for given in (f"Bearer {SECRET}x", "Bearer", "Bearer ", f"Bearer {SECRET[:-1]}"):
        assert status(authorize, Authorization=given) == 401
    assert status(by_password(SECRET, SOME), Authorization=f"Bearer {SECRET}") == 401


def test_who_sends_none_is_asked_and_told_nothing() -> None:
    with pytest.raises(Unauthorized) as refused:
        admit(request(), by_password(SECRET, SOME))
    answer = refused.value.get_response()
    assert answer.headers["WWW-Authenticate"].startswith("Basic realm=")
    assert SECRET not in answer.get_data(as_text=True)


@pytest.mark.parametrize("secret", ["", "short", " " * 20, "eleven sign", "twelve\nsigns and more"])
def test_a_weak_password_is_refused(secret: str) -> None:
    with pytest.raises(pgq.InvalidArgument, match="shorter"):
        by_password(secret, SOME)
    with pytest.raises(pgq.InvalidArgument, match="shorter"):
        by_token(secret, SOME)


def test_only_a_named_proxy_says_who_asks() -> None:
    authorize = by_header("X-User", networks(["10.0.0.0/8", "::1"]), Access("", ALL))
    for peer in ("10.1.2.3", "::ffff:10.1.2.3", "::1"):
        assert admit(request(peer, X_User="ann"), authorize) == Access("ann", ALL)
        assert status(authorize, peer=peer) == 403
        assert status(authorize, peer=peer, X_User=" ") == 403
    for peer in ("127.0.0.1", "11.1.2.3", "", None, "nonsense"):
        assert status(authorize, peer=peer, X_User="ann") == 403
    with pytest.raises(pgq.InvalidArgument, match="no proxy is named"):
        by_header("X-User", [], SOME)


def test_a_function_says_what_each_user_of_a_proxy_may() -> None:
    people = {"ann": Access("ann", ALL), "bob": Access("bob")}
    authorize = by_header("X-User", networks(["127.0.0.1"]), people.get)
    assert admit(request(X_User="ann"), authorize).can("discard")
    assert not admit(request(X_User="bob"), authorize).can("discard")
    assert status(authorize, X_User="eve") == 403


def test_an_application_says_who_its_own_users_are() -> None:
    def authorize(asked: object) -> Access | None:
        return Access("ann", {"retry"}) if asked is sent else None  # type: ignore[arg-type]

    sent = request()
    assert admit(sent, authorize).may == {"view", "retry"}
    assert status(authorize) == 403


def test_rights_are_of_the_list() -> None:
    assert Access("ann").may == READ == {"view"}
    assert rights("all") == rights(["all"]) == {*RIGHTS}
    assert rights("retry, cancel") == rights(["cancel", "retry"]) == {"view", "retry", "cancel"}
    assert rights("") == READ
    with pytest.raises(pgq.InvalidArgument, match="no right 'retyr'"):
        Access("ann", frozenset({"retyr"}))


def test_queues_are_named_as_workers_name_them() -> None:
    ann = Access("ann", rights("retry"), ("mail", "web.*"))
    assert ann.can("retry")
    assert ann.can("retry", "mail")
    assert ann.can("retry", "web.eu")
    assert ann.reaches("web.*")
    for other in ("mailroom", "web", "MAIL", "", "*", "web*", "mail*"):
        assert not ann.can("retry", other)
    assert not ann.can("cancel", "mail")
    assert not ann.can_everywhere("retry")
    assert Access("ann", rights("retry")).can_everywhere("retry")
    assert Access("ann", rights("retry"), ("*",)).reaches("mail*")
    assert not Access("ann", queues=()).reaches("mail")
    with pytest.raises(pgq.InvalidArgument, match="not a list"):
        Access("ann", queues="mail")  # type: ignore[arg-type]
