from __future__ import annotations

import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pgq.contrib.web.redact import DEEPEST, HIDDEN, READ, Redactor

REDACTOR = Redactor()
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


def shown(document: Any, **options: Any) -> str:
    return REDACTOR.document(json.dumps(document, ensure_ascii=False), **options).text


@pytest.mark.parametrize(
    "name",
    [
        *("password", "PASSWORD", "db_password", "userPassword", "X-Api-Key", "apiKey"),
        *("access_token", "Authorization", "Set-Cookie", "private key", "card", "card_number"),
        *("clientSecret", "credentials", "iban", "pin", "auth"),
    ],
)
def test_names_of_secrets(name: str) -> None:
    assert REDACTOR.hides(name)
    for document in ({name: "s3cr3t"}, {"a": [{"b": {name: ["s3cr3t", {"c": "s3cr3t"}]}}]}):
        found = shown(document)
        assert "s3cr3t" not in found and HIDDEN in found and name in found
        assert REDACTOR.hides_within(document)


@pytest.mark.parametrize("name", ["user_id", "cardinal", "spin", "author", "discard", "email", ""])
def test_other_names(name: str) -> None:
    assert not REDACTOR.hides(name)
    assert "7" in shown({name: 7})


def test_names_of_ones_own() -> None:
    own = Redactor(names=["Tax-Id"])
    assert own.hides("taxId") and own.hides("password") and not REDACTOR.hides("taxId")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("login failed: password=hunter2 for me", "login failed: password=[hidden] for me"),
        ("E: token=abc", "E: token=[hidden]"),
        ("{'api_key': 'a b', 'n': 1}", "{'api_key': [hidden], 'n': 1}"),
        ('{"secret": "a\\"b", "n": 1}', '{"secret": [hidden], "n": 1}'),
        ("postgres://me:pw@host/db?x=1", "postgres://[hidden]@host/db?x=1"),
        ("https://tok@example.org", "https://[hidden]@example.org"),
        ("Authorization: Bearer abc.def", "Authorization: [hidden]"),
        ("got Bearer abcdefghijkl", "got Bearer [hidden]"),
        ("Cookie: a=b; c=d\nHost: x", "Cookie: [hidden]\nHost: x"),
        ("--api-key=abc --n=1", "--api-key=[hidden] --n=1"),
        ("jwt eyJhbGciOiJI.eyJzdWIiOi.abc", "jwt [hidden]"),
        ("user=7 at 12:30", "user=7 at 12:30"),
        ("shop.CardDeclined: the card of 7", "shop.CardDeclined: the card of 7"),
        ("shop.AccessToken: abc", "shop.AccessToken: [hidden]"),
        ("card: 7, auth=x", "card: [hidden], auth=[hidden]"),
        ("", ""),
    ],
)
def test_messages(text: str, expected: str) -> None:
    assert REDACTOR.text(text) == expected
    assert REDACTOR.text(REDACTOR.text(text)) == expected


def test_text_within_a_document() -> None:
    found = shown({"url": "amqp://u:s3cr3t@h", "log": ["token=s3cr3t"]})
    assert "s3cr3t" not in found and found.count(HIDDEN) == 2
    assert json.loads(found)["url"] == "amqp://[hidden]@h"


def test_numbers_are_as_they_were_written() -> None:
    text = '{"id": 12345678901234567890123, "n": 1.10, "e": 1e400, "m": -0.0}'
    found = REDACTOR.document(text).text
    for number in ("12345678901234567890123", "1.10", "1e400", "-0.0"):
        assert f" {number}" in found


def test_shapes_alone() -> None:
    document = {"email": "a@example.org", "n": [7, True, None], "password": "x"}
    found = shown(document, shapes=True)
    assert "example" not in found and "7" not in found
    assert '"email": text(13)' in found
    by_task = Redactor(hide_args=["mail.*"])
    text = json.dumps(document)
    assert by_task.document(text, task="mail.send").text == found
    assert "example" in by_task.document(text, task="other").text


def test_a_hook_sees_what_is_left_and_fails_closed() -> None:
    seen: list[Any] = []

    def hook(task: str, args: Any) -> Any:
        seen.append((task, args))
        return {**args, "phone": "…" + args["phone"][-2:]}

    own = Redactor(hook=hook)
    text = json.dumps({"phone": "555123", "password": "s3cr3t", "big": 10**30})
    found = own.document(text, task="call")
    assert '"phone": "…23"' in found.text and str(10**30) in found.text
    assert seen == [("call", {"phone": "555123", "password": HIDDEN, "big": 10**30})]
    assert "555" not in own.document('{"no": "555"}').text
    assert "555" not in own.document(text, is_whole=False).text
    assert "555" not in own.document(json.dumps({"phone": "555" * 400_000})).text


@pytest.mark.parametrize(
    "text",
    [
        "[" * 60_000_000,
        '{"a":' * 12_000_000,
        '"' + "a" * 60_000_000 + '"',
        '"' + '\\"' * 30_000_000,
        "[" + "1," * 30_000_000,
        '{"token": [' + "[]," * 20_000_000,
    ],
    ids=["lists", "objects", "text", "escapes", "numbers", "hidden"],
)
@pytest.mark.slow
def test_60_megabytes_freeze_nothing(text: str) -> None:
    began = time.process_time()
    found = REDACTOR.document(text, most=READ)
    assert time.process_time() - began < 3
    assert len(found.text) < 2 * READ and found.more


@pytest.mark.parametrize(
    "text",
    [
        "a" * 10**6,
        "a.b" * 10**5,
        "x://" * 10**5,
        "password=" * 10**5,
        'k="' + "\\x" * 10**5,
        "eyJ" * 10**5,
    ],
    ids=["word", "dots", "urls", "names", "quotes", "jwt"],
)
@pytest.mark.slow
def test_long_messages_freeze_nothing(text: str) -> None:
    began = time.process_time()
    REDACTOR.text(text)
    assert time.process_time() - began < 3


def test_a_secret_beyond_what_is_looked_at_is_not_shown() -> None:
    text = "x" * 50_000 + " password=s3cr3t"
    assert "s3cr3t" not in REDACTOR.text(text)
    assert "s3cr3t" not in shown({"log": text}, most=READ)


def test_what_is_nested_too_deep_is_left_out() -> None:
    found = REDACTOR.document("[" * 100 + "7" + "]" * 100).text
    assert "7" not in found and found.count("[") == DEEPEST


def test_a_cut_document_is_read_as_far_as_it_goes() -> None:
    whole = json.dumps({"password": "s3cr3t", "url": "a://u:s3cr3t@h", "n": [1, {"token": "s3"}]})
    for end in range(len(whole)):
        found = REDACTOR.document(whole[:end], is_whole=False)
        assert "s3" not in found.text and found.more


def test_controls_and_turned_text_are_visible() -> None:
    found = shown({"name": "a\u202eb"})
    assert "\u202e" not in found and "\\u202e" in found
    assert REDACTOR.text("a\x1b[31m\u202eb\r\nc\td") == "a\\u001b[31m\\u202eb\nc    d"


@given(ANYTHING)
def test_any_document_stays_the_same_but_for_what_is_hidden(document: Any) -> None:
    found = REDACTOR.document(json.dumps(document), most=READ)
    if not found.hidden and not found.more and "…" not in found.text:
        assert json.loads(found.text) == document
