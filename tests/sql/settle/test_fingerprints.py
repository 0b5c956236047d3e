"""Which errors are taken for the same one."""

from __future__ import annotations

import hashlib
from typing import Any

import psycopg
import pytest

from tests.sql.calls import claim, claim_one, enqueue, fail, job, register, scalar, value

PYTHON = """Traceback (most recent call last):
  File "/srv/releases/20261129/app/mail.py", line 10, in send
    post(url, timeout=3)
    ~~~~^^^^^^^^^^^^^^^^
  File "/srv/venv/lib/python3.11/site-packages/requests/api.py", line 115, in post
    return request("post", url, data=data, json=json, **kwargs)
  File "/usr/lib/python3/dist-packages/urllib3/pool.py", line 3, in urlopen
    raise error
  File "/usr/lib/python3.11/json/decoder.py", line 355, in raw_decode
    raise JSONDecodeError("Expecting value", s, err.value) from None
  File "<frozen importlib._bootstrap>", line 1, in run
requests.exceptions.ConnectionError: boom
"""
CHAINED = """Traceback (most recent call last):
  File "/app/first.py", line 1, in one
    1 / 0
ZeroDivisionError: division by zero

During handling of the above exception, another exception occurred:

Traceback (most recent call last):
  File "/app/second.py", line 2, in <lambda>
    {}["x"]
KeyError: 'x'
"""
GROUP = """  + Exception Group Traceback (most recent call last):
  |   File "/app/outer.py", line 1, in run
  | ExceptionGroup: several (1 sub-exception)
  +-+---------------- 1 ----------------
    | Traceback (most recent call last):
    |   File "/app/inner.py", line 2, in step
    | ValueError: 1
    +------------------------------------
"""
WINDOWS = r"""Traceback (most recent call last):
  File "C:\app\mail.py", line 10, in send
  File "C:\Python312\Lib\json\decoder.py", line 355, in raw_decode
ValueError: boom
"""
NODE = """Error: connect ECONNREFUSED 10.0.0.1:5432
    at Socket.emit (node:events:519:28)
    at parse (/app/node_modules/pg/lib/index.js:1:2)
    at async Mail.send (/app/src/mail.js:10:15)
    at run (file:///app/run.mjs:1:2)
"""
NODE_BARE = "TypeError: x\n    at file:///app/src/mail.mjs:10:15\n"
JAVA = """java.lang.IllegalStateException: boom
\tat java.base/java.util.Objects.requireNonNull(Objects.java:233)
\tat com.acme.Mail.send(Mail.java:42)
\tat com.acme.Main.main(Main.java:1)
Caused by: java.io.IOException: at 10:15
\t... 3 more
"""
DOTNET = r"""System.InvalidOperationException: boom
   at System.Linq.ThrowHelper.ThrowNoElementsException() in /_/src/System/Linq.cs:line 9
   at Acme.Mail.Send(String to, Int32 tries) in C:\src\Mail.cs:line 42
"""
RUBY = """/usr/lib/ruby/3.1.0/net/http.rb:987:in `connect'
/app/vendor/bundle/ruby/3.1.0/gems/mail-2.8/lib/mail.rb:1:in `deliver'
/app/lib/mailer.rb:10:in `block in send'
/app/main.rb:1:in `<main>'
"""
RUBY_34 = "/app/lib/mailer.rb:10:in 'Mailer#send': boom (RuntimeError)\n\tfrom /app/a.rb:1:in 'x'\n"
GO = """goroutine 1 [running]:
runtime/debug.Stack()
\t/usr/local/go/src/runtime/debug/stack.go:24 +0x65
panic({0x1?, 0x2?})
\t/usr/lib/go-1.22/src/runtime/panic.go:884 +0x212
github.com/lib/pq.(*conn).exec(0x1)
\t/root/go/pkg/mod/github.com/lib/pq@v1.10.9/conn.go:1 +0x1
main.(*Mailer).send(0xc000010000, {0x1, 0x2})
\t/app/mail.go:42 +0x1d
main.main()
\t/app/main.go:10 +0x25
"""

FRAMES = {
    "python": (PYTHON, "mail.py send"),
    "python, chained": (CHAINED, "second.py <lambda>"),
    "python, a group": (GROUP, "inner.py step"),
    "python on windows": (WINDOWS, "mail.py send"),
    "python, deep": (CHAINED * 200, "second.py <lambda>"),
    "node": (NODE, "mail.js Mail.send"),
    "node, no function": (NODE_BARE, "mail.mjs"),
    "java": (JAVA, "Mail.java com.acme.Mail.send"),
    ".net": (DOTNET, "Mail.cs Acme.Mail.Send"),
    "ruby": (RUBY, "mailer.rb block in send"),
    "ruby 3.4": (RUBY_34, "mailer.rb Mailer#send"),
    "go": (GO, "mail.go main.(*Mailer).send"),
    "only a library": ('  File "/v/site-packages/x.py", line 1, in y\n', None),
    "something else": ("it broke somewhere:\n  we do not know at what line 3", None),
    "nothing": ("", None),
    "null": (None, None),
}

# Each list is of messages that are one error.
ALIKE = [
    ["no user 17", "no user 4", "no user -3", "no user 123456789"],
    ["KeyError: 'name'", 'KeyError: "e-mail"'],
    ["GET https://a.example/v1/users/7?x=1: 503", "GET http://b.example/: 500"],
    ["mail to ada@example.com bounced", "mail to a.b+c@mail.example.org bounced"],
    ["3f2504e0-4f89-11d3-9a0c-0305e82c3301 left", "0A2504E0-0000-0000-0000-0305E82C3301 left"],
    ["open /var/lib/app/17.txt: denied", r"open C:\temp\x.txt: denied", "open ~/a/b: denied"],
    ["object at 0x7f3a2b1c", "object at 0xdeadbeefcafe0123"],
    ["commit deadbeef01 failed", "commit 0123456789abcdef failed", "commit abcdefab failed"],
    ["at 2026-11-29 10:00:00.5", "at 2030-01-01 1:02:03"],
    ["refused by 10.0.0.1:5432", "refused by fe80::1ff:fe23:4567:890a"],
    ["customer cus_9s6XKzkNRiz8i3 left", "customer cus_JkLmN0pQr5tUvW left"],
    ["first line\nthe second 1", "first line\r\nanother second", "\n\nfirst line"],
    ["x" * 200 + "one", "x" * 200 + "two", "x" * 100_000],
    ["'" + "a" * 300, "'" + "b" * 9000],
]  # fmt: skip
APART = [
    "boom",
    "Boom",
    "boom now",
    "can't open",
    "cannot open",
    "and/or",
    "std::bad_alloc",
    "",
    "é",
]


def pattern(conn: psycopg.Connection, message: str | None) -> str:
    return str(scalar(conn, "select pgq._error_pattern(%s)", message))


def fingerprint(conn: psycopg.Connection, *words: str | None) -> str:
    return str(scalar(conn, "select pgq._error_fingerprint(%s, %s, %s)", *words))


@pytest.mark.parametrize("messages", ALIKE, ids=lambda messages: messages[0][:20])
def test_messages_of_one_error_have_one_pattern(
    conn: psycopg.Connection, messages: list[str]
) -> None:
    patterns = {pattern(conn, message) for message in messages}
    assert len(patterns) == 1 and len(patterns.pop()) <= 200


def test_messages_of_several_errors_have_several(conn: psycopg.Connection) -> None:
    messages = [*APART, *(messages[0] for messages in ALIKE)]
    assert len({pattern(conn, message) for message in messages}) == len(messages)


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("can't open 'a b' for the users' 5 jobs", "can't open <text> for the users' <n> jobs"),
        ('{"a": 1, "b": `c`}', "{<text>: <n>, <text>: <text>}"),
        ("node7 said utf8", "node<n> said utf<n>"),
        ("\u00e9\u20ac \u00f1and\u00fa '\u00fc' 5", "\u00e9\u20ac \u00f1and\u00fa <text> <n>"),
        ("\t \n  tail", "  tail"),
        (None, ""),
    ],
)
def test_what_a_pattern_looks_like(
    conn: psycopg.Connection, message: str | None, expected: str
) -> None:
    assert pattern(conn, message) == expected


@pytest.mark.parametrize("kind", FRAMES)
def test_the_innermost_own_frame(conn: psycopg.Connection, kind: str) -> None:
    traceback, expected = FRAMES[kind]
    assert scalar(conn, "select pgq._own_frame(%s)", traceback) == expected


def test_a_fingerprint_is_of_type_pattern_and_frame(conn: psycopg.Connection) -> None:
    whole = "ValueError\nno user <n>\nmail.py send"
    expected = hashlib.sha256(whole.encode()).hexdigest()[:16]
    assert fingerprint(conn, "ValueError", "no user 17", PYTHON) == expected
    moved = PYTHON.replace("line 10", "line 99").replace("20261129", "20270101")
    assert fingerprint(conn, "ValueError", "no user 4", moved) == expected
    others = [
        ("KeyError", "no user 17", PYTHON),
        ("ValueError", "no users", PYTHON),
        ("ValueError", "no user 17", PYTHON.replace("in send", "in receive")),
        ("ValueError", "no user 17", None),
        (None, "no user 17", PYTHON),
    ]
    assert len({fingerprint(conn, *each) for each in others} | {expected}) == 6
    assert fingerprint(conn, None, None, None) == fingerprint(conn, "Error", "", "")


def test_an_error_carries_its_fingerprint(conn: psycopg.Connection) -> None:
    job_id = enqueue(conn)
    words = {"messages": ["no user 17"], "error_types": ["LookupError"], "tracebacks": [PYTHON]}
    fail(conn, claim_one(conn), **words)
    (error,) = job(conn, job_id)["errors"]
    assert error["fingerprint"] == fingerprint(conn, "LookupError", "no user 3", PYTHON)


def test_a_client_may_pass_its_own(conn: psycopg.Connection) -> None:
    ids = [enqueue(conn) for _ in range(4)]
    own: Any = ["card declined", "x" * 999, "", None]
    fail(conn, *claim(conn), messages=["a"] * 4, fingerprints=own)
    made = [job(conn, job_id)["errors"][0]["fingerprint"] for job_id in ids]
    ours = fingerprint(conn, None, "a", None)
    assert made == ["card declined", "x" * 100, ours, ours]


def test_lost_runs_are_one_error_whoever_lost_them(conn: psycopg.Connection) -> None:
    made = set()
    for name in ("vm-a", "vm-b"):
        worker_id = register(conn, name=name)
        job_id = enqueue(conn, backoff="1 hour")
        claim_one(conn, worker_id=worker_id)
        value(conn, "report_lost_worker", worker_id=worker_id, reason=f"was killed on {name}")
        made.add(job(conn, job_id)["errors"][0]["fingerprint"])
    assert made == {"WorkerLost"}


SIZE = 20_000
HOSTILE = [
    *("a", "'", "\"'`", "@", "a@", "/", "./", "deadbeef-", "1", "1-", "a:", "1:", " ", "\\", "("),
    *("3f2504e0-4f89-11d3-9a0c-", "a_a_a_a_a_a_a_1 ", "\n", "\r", "1\n", "()", "\U0001f600"),
    *('File "', 'File "x", line 1, in ', '  File "x", line 1, in site-packages\n'),
    *('File "x", line 1, in \n', "    at x (\n", " at a:1\n", ":1:in `", "(a)\n\tx.go:1\n"),
    *("at /", "at java.", "\tx.go:1", "\t.go:\n", "a://", "'a' ", "0x", "::"),
]


def test_a_hostile_text_costs_no_more_than_a_long_one(conn: psycopg.Connection) -> None:
    """Usually up to 3 ms each. An expression that looks back would take seconds for the first."""
    conn.execute("set statement_timeout = '2 s'")
    for part in HOSTILE:
        text = (part * SIZE)[:SIZE]
        assert len(pattern(conn, text)) <= 200, part
        frame = scalar(conn, "select pgq._own_frame(%s)", text)
        assert frame is None or len(frame) <= 200, part
        assert len(fingerprint(conn, text, text, text)) == 16
