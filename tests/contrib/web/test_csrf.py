from __future__ import annotations

import base64
import json
from collections.abc import Callable

import pytest
from werkzeug.exceptions import Forbidden

import pgq
from pgq.contrib.web import csrf
from pgq.contrib.web.access import Access
from pgq.contrib.web.csrf import Keeper, check_form, check_sent_here, keeper_of
from tests.contrib.web.requests import request

ANN = Access("ann")


@pytest.fixture(scope="module")
def keeper() -> Keeper:
    return Keeper("a long secret")


def later(monkeypatch: pytest.MonkeyPatch, hours: int) -> None:
    now = csrf._now()
    monkeypatch.setattr(csrf, "_now", lambda: now + hours)


def is_refused(check: Callable[[], None]) -> bool:
    try:
        check()
    except Forbidden:
        return True
    return False


def is_sent_here(host: str = "localhost:8080", **headers: str) -> bool:
    return not is_refused(lambda: check_sent_here(request(host=host, method="POST", **headers)))


def test_a_browser_says_where_it_comes_from() -> None:
    assert is_sent_here(Sec_Fetch_Site="same-origin")
    for site in ("cross-site", "same-site", "none", "", "same-origin, cross-site"):
        assert not is_sent_here(Sec_Fetch_Site=site)
        # An Origin does not help then.
        assert not is_sent_here(Sec_Fetch_Site=site, Origin="http://localhost:8080")


@pytest.mark.parametrize(
    ("host", "origin", "answer"),
    [
        ("localhost:8080", "http://localhost:8080", True),
        ("LOCALHOST:8080", "http://localhost:8080", True),
        ("[::1]:8080", "http://[::1]:8080", True),
        ("pgq.example.com", "https://pgq.example.com", True),
        ("pgq.example.com", "https://pgq.example.com:443", True),
        ("pgq.example.com", "http://pgq.example.com", True),
        ("localhost:8080", "", False),
        ("localhost:8080", "null", False),
        ("localhost:8080", "http://localhost", False),
        ("localhost:8080", "http://localhost:8081", False),
        ("localhost:8080", "http://evil.example", False),
        ("localhost:8080", "http://evil.example:8080", False),
        ("localhost:8080", "http://localhost:8080.evil.example", False),
        ("localhost:8080", "http://localhost:8080@evil.example", False),
        ("localhost:8080", "file://", False),
        ("localhost:8080", "http://[", False),
        ("localhost:8080", "http://localhost:port", False),
    ],
)
def test_an_old_one_says_its_origin(host: str, origin: str, answer: bool) -> None:
    headers = {"Origin": origin} if origin else {}
    assert is_sent_here(host, **headers) is answer


def test_a_token_is_of_one_user(keeper: Keeper) -> None:
    token = keeper.token("ann")
    assert keeper.knows(token, "ann")
    for user in ("bob", "", "Ann", "ann ", "ann\0"):
        assert not keeper.knows(token, user)
    for wrong in ("", token[:-1], f"{token}=", token.swapcase(), "\udcff", "\xe9"):
        assert not keeper.knows(wrong, "ann")
    assert not Keeper("another secret").knows(token, "ann")


def test_a_token_lives_for_an_hour_or_two(keeper: Keeper, monkeypatch: pytest.MonkeyPatch) -> None:
    token = keeper.token("ann")
    later(monkeypatch, 1)
    assert keeper.knows(token, "ann")
    later(monkeypatch, 1)
    assert not keeper.knows(token, "ann")


def test_a_token_is_known_in_all_processes_with_the_secret(keeper: Keeper) -> None:
    assert Keeper("a long secret").knows(keeper.token("ann"), "ann")


def test_the_secret_is_what_all_processes_share(monkeypatch: pytest.MonkeyPatch) -> None:
    token = Keeper("given").token("ann")
    dsn = "postgresql://me:db@host/x"

    def made(secret: str | None, *dsns: str | None) -> Keeper:
        return keeper_of(secret, *dsns, is_needed=True)

    assert made("given", dsn).knows(token, "ann")
    by_database = made(None, None, dsn).token("ann")
    assert not made("given", dsn).knows(by_database, "ann")
    assert made(None, "host=h password=db").knows(by_database, "ann")
    monkeypatch.setenv("PGQ_WEB_SECRET", "given")
    assert made(None, dsn).knows(token, "ann")
    monkeypatch.setenv("PGQ_WEB_SECRET", "")
    for other in (None, "", "postgresql://host/x"):
        with pytest.raises(pgq.InvalidArgument, match="need a secret"):
            made(None, other)
        alone = keeper_of(None, other, is_needed=False)
        assert not keeper_of(None, other, is_needed=False).knows(alone.token("ann"), "ann")
    with pytest.raises(pgq.InvalidArgument, match="empty"):
        Keeper(" ")


def test_a_form_needs_both(keeper: Keeper) -> None:
    token = keeper.token("ann")

    def denied(access: Access = ANN, form: str = token, **headers: str) -> bool:
        sent = request(method="POST", form={"csrf_token": form}, **headers)
        return is_refused(lambda: check_form(sent, access, keeper))

    assert not denied(Sec_Fetch_Site="same-origin")
    assert not denied(form="", Sec_Fetch_Site="same-origin", X_CSRF_Token=token)
    assert denied()
    assert denied(Sec_Fetch_Site="cross-site")
    assert denied(form="", Sec_Fetch_Site="same-origin")
    assert denied(Access("bob"), Sec_Fetch_Site="same-origin")
    assert denied(form=keeper.token("bob"), Sec_Fetch_Site="same-origin")
    # What no browser sends by itself.
    assert not denied(Access("ann", is_ambient=False), form="")


def test_what_a_page_says_is_said_by_us_to_that_user(
    keeper: Keeper, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = {"said": "Paused ä\u202e <b>", "undo": ["resume_queue", {"queue": "mail"}]}
    sealed = keeper.seal("ann", said)
    assert keeper.unseal("ann", sealed) == said
    assert keeper.unseal("bob", sealed) is None
    signature, _, text = sealed.partition(".")
    forged = base64.urlsafe_b64encode(json.dumps({"said": "Call 555"}).encode()).decode()
    for wrong in ("", ".", f"{signature}.{forged}", f".{text}", f"{keeper.token('ann')}.{text}",
                  f"{keeper.token('ann')}.", f"{signature}.{text}x", "x" * 10_000):  # fmt: skip
        assert keeper.unseal("ann", wrong) is None
    later(monkeypatch, 2)
    assert keeper.unseal("ann", sealed) is None
