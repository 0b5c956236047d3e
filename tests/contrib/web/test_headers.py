from __future__ import annotations

import pytest
from werkzeug.test import EnvironBuilder
from werkzeug.wrappers import Request, Response

from pgq.contrib.web.headers import POLICY, cookie, secured, set_cookie


def test_no_answer_lets_anything_else_in() -> None:
    headers = secured(Response("x")).headers
    assert headers["Content-Security-Policy"] == POLICY
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Cache-Control"] == "no-store"
    for word in ("'unsafe-inline'", "'unsafe-eval'", "http:", "https:", "*"):
        assert word not in POLICY
    for directive in ("default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'",
                      "form-action 'self'"):  # fmt: skip
        assert directive in POLICY.split("; ")


def test_our_own_forms_have_an_origin() -> None:
    """With no-referrer a browser sends `Origin: null`, and no form over plain HTTP would pass."""
    assert secured(Response("x")).headers["Referrer-Policy"] == "same-origin"


def test_files_with_a_hash_are_kept() -> None:
    assert "immutable" in secured(Response("x"), is_static=True).headers["Cache-Control"]


@pytest.mark.parametrize(
    ("base", "path", "secure"),
    [
        ("http://localhost/", "/", False),
        ("http://localhost/pgq", "/pgq", False),
        ("https://pgq.example.com/tools/pgq", "/tools/pgq", True),
    ],
)
def test_cookies_are_for_the_pages_alone(base: str, path: str, secure: bool) -> None:
    asked = Request(EnvironBuilder("/jobs", base_url=base).get_environ())
    answer = Response("x")
    set_cookie(answer, asked, "theme", "dark")
    sent = answer.headers["Set-Cookie"].split("; ")
    assert sent[0] == "pgq_theme=dark"
    assert {f"Path={path}", "HttpOnly", "SameSite=Lax"} <= {*sent}
    assert ("Secure" in sent) is secure
    back = EnvironBuilder("/jobs", base_url=base, headers={"Cookie": sent[0]}).get_environ()
    assert cookie(Request(back), "theme") == "dark"
