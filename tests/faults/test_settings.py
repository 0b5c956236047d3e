"""The core of it all under settings and encodings that a database or a role may have."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from psycopg import sql

import pgq
from pgq.schema import migrate
from tests.cli.conftest import Pgq
from tests.conftest import Connect
from tests.servers import Databases, set_default
from tests.worker.running import drain, wait_for

HOSTILE = {
    "IntervalStyle": ["sql_standard", "iso_8601", "postgres_verbose"],
    "DateStyle": ["German", "SQL, DMY", "Postgres, MDY"],
    "standard_conforming_strings": ["off"],
    "TimeZone": ["Australia/Lord_Howe"],
    "client_encoding": ["LATIN1", "SQL_ASCII"],
    "extra_float_digits": ["-15"],
    "bytea_output": ["escape"],
    "array_nulls": ["off"],
}
SETTINGS = [f"{name}={value}" for name, values in HOSTILE.items() for value in values]
ENCODINGS = ["UTF8", "LATIN1", "SQL_ASCII"]
# These differ only by the clock or by chance.
PASSING = (
    *("_at", "claim_id", "silence", "uptime", "lag", "late", "delay", "pid"),
    *("next_token", "tokens"),
)


def flow(conn: psycopg.Connection) -> list[Any]:
    """Go the way of jobs and schedules in SQL, and return all that was said."""
    said: list[Any] = []

    def say(query: str) -> None:
        rows = conn.execute(f"select to_jsonb(answer) from ({query}) as answer".encode())
        said.append([plain(row[0]) for row in rows])

    say("select pgq.enqueue('work', '{\"n\": [1.5, \"x\"]}', timeout => '90 s', backoff => '1.5')")
    say("select pgq.enqueue('work', delay => '1 day 02:03:04', unique_key => 'k')")
    say('select * from pgq.enqueue_many(\'[{"task": "a", "delay": "5 minutes"}]\')')
    say('select * from pgq.enqueue_many(\'[{"task": "a"}, {"task": "b", "args": [1]}]\')')
    say("select pgq.schedule('nightly', 'work', cron => '0 3 * * *', timezone => 'Europe/Paris')")
    say("select pgq.schedule('often', 'work', every => '1 day 01:30:00.5', timeout => '90 s')")
    say(
        'select * from pgq.sync_schedules(\'code\', \'[{"name": "s", "task": "work",'
        ' "every": "90 minutes"}]\')'
    )
    say("select pgq.configure_queue('default', rate_limit => 100, rate_interval => '90 s')")
    say("select pgq.cron_next('*/5 1-3 * * mon-fri', '2026-10-25 00:00+00', 'Europe/Berlin')")
    say("select pgq.register_worker('w', '{*}', lease => '45 s')")
    rows = conn.execute("select job_id, claim_id from pgq.claim_batch('{*}', 1, 3)").fetchall()
    ids, claims = [row[0] for row in rows], [row[1] for row in rows]
    conn.execute("select pgq.complete_batch(%s, %s, '{\"1.5\"}')", (ids[:1], claims[:1]))
    conn.execute(
        "select pgq.fail_batch(%s, %s, '{oops}', retry_in => '{90 minutes}')",
        (ids[1:2], claims[1:2]),
    )
    conn.execute("select pgq.snooze_batch(%s, %s, '{02:00:00}')", (ids[2:], claims[2:]))
    say("select * from pgq.promote_due()")
    say("select * from pgq.fire_due_schedules()")
    say("select step from pgq.maintain()")
    say("select * from pgq.verify()")
    for view in ("all_jobs", "queue_stats", "schedule_status", "queue_limits", "worker_status"):
        say(f"select * from pgq.{view} order by 1")
    say("select name, status from pgq.health() where name <> 'connections'")
    say("select run_at - created_at as after from pgq.all_jobs order by id")
    with pytest.raises(psycopg.Error) as caught:
        conn.execute("select pgq.enqueue('work', %s)", ('["\\u0000"]',))
    said.append((caught.value.sqlstate, caught.value.diag.message_hint))
    with pytest.raises(psycopg.Error) as caught:
        conn.execute("select pgq.cron_next('0 25 * * *')")
    said.append((caught.value.sqlstate, caught.value.diag.message_primary))
    return said


def plain(answer: dict[str, Any]) -> dict[str, Any]:
    """Leave out what differs between two runs by itself."""
    return {
        name: plain(value) if isinstance(value, dict) else value
        for name, value in answer.items()
        if not name.endswith(PASSING) and name not in ("host", "errors")
    }


@pytest.fixture(scope="module")
def expected(databases: Databases, template: str) -> Iterator[list[Any]]:
    """What a session says that has nothing set."""
    with databases.fresh(template) as name, psycopg.connect(databases.dsn(name)) as conn:
        conn.autocommit = True
        yield flow(conn)


@pytest.mark.parametrize("setting", SETTINGS)
def test_sql_does_the_same_under_every_setting(
    connect: Connect, expected: list[Any], setting: str
) -> None:
    name, value = setting.split("=")
    conn = connect()
    conn.execute("select set_config(%s, %s, false)", (name, value))
    told = flow(conn)
    for style in ("IntervalStyle", "DateStyle", "TimeZone", "client_encoding"):
        conn.execute(sql.SQL("reset {}").format(sql.Identifier(style)))
    # A value that goes through to_jsonb has the session's style; the others have none.
    assert without_spans(told) == without_spans(expected)
    stored = "select every, job ->> 'timeout' from pgq.schedules order by name"
    assert conn.execute(stored.encode()).fetchall() == [
        (None, None),
        (timedelta(days=1, minutes=90, seconds=0.5), "00:01:30"),
        (timedelta(minutes=90), None),
    ]


def without_spans(told: list[Any]) -> str:
    """Return what was said without intervals and times, which to_jsonb writes in a style."""
    spans = ("timeout", "every", "rate_interval", "after", "answer", "schedule", "cron_next")
    return json.dumps(
        [
            [{k: v for k, v in row.items() if k not in spans} for row in answer]
            if isinstance(answer, list)
            else answer
            for answer in told
        ],
        default=str,
    )


def serve(dsn: str, texts: list[str]) -> dict[str, Any]:
    """Run jobs with these texts by a worker; return the states, args and results by task."""
    registry = pgq.Registry()

    @registry.task("echo")
    def echo(text: str) -> str:
        return text

    @registry.task("fail")
    def fail(text: str) -> None:
        raise ValueError(text)

    with pgq.Client(dsn) as client:
        for text in texts:
            client.enqueue("echo", {"text": text}, timeout=90)
            client.enqueue("fail", {"text": text}, max_attempts=1)
        client.schedule("s", "echo", every="90 minutes")
        drain(dsn, registry)
        jobs = client.list_jobs(details=True).jobs
        assert client.schedule_status()[0].every == timedelta(minutes=90)
        # The server may be ending what the worker began when it left, and holds its rows till then.
        wait_for(lambda: is_maintained(client))
    return {
        f"{job.task} {job.args['text']}": (
            job.state,
            job.result,
            job.errors[0]["message"] if job.errors else None,
        )
        for job in jobs
    }


def is_maintained(client: pgq.Client) -> bool:
    client.maintain()
    return all(each.status != "fail" for each in client.health() if each.name == "maintenance")


def served(texts: list[str]) -> dict[str, Any]:
    """Return what `serve` is to return."""
    return {
        **{f"echo {text}": ("succeeded", text, None) for text in texts},
        **{f"fail {text}": ("failed", None, text) for text in texts},
    }


@pytest.mark.parametrize("setting", SETTINGS)
def test_workers_and_the_command_line_work_under_every_setting(
    dsn: str, conn: psycopg.Connection, pgq_command: Pgq, setting: str
) -> None:
    name, value = setting.split("=")
    set_default(conn, name, value)
    texts = ["plain", "é", "a\\b", "€ 🙂"]
    assert serve(dsn, texts) == served(texts)
    for command in (["maintain"], ["stats"], ["jobs"], ["job", "1"], ["schedule", "list"]):
        pgq_command(*command, "--dsn", dsn)
    told = pgq_command.json("doctor", "--dsn", dsn, code=1)
    bad = {each["name"]: each["reason"] for each in told if each["status"] == "fail"}
    assert list(bad) == ["workers"], bad


@pytest.fixture
def pgq_command() -> Pgq:
    return Pgq()


def fail_with_long_texts(conn: psycopg.Connection, encoding: str) -> str:
    """Fail jobs with texts that are cut; no character is cut in half, which nobody could read.

    Return the fingerprint of another error.
    """
    letters = ["\u00e9"] if encoding == "LATIN1" else ["\u00e9", "\u20ac", "\U0001f642"]
    texts = ["a" * shift + letter * 30_000 for letter in letters for shift in range(4)]
    for text in texts:
        conn.execute("select pgq.enqueue('long', queue => 'long', max_attempts => 1)")
        held = conn.execute("select job_id, claim_id from pgq.claim_batch('{long}')").fetchone()
        assert held
        conn.execute(
            "select pgq.fail_batch(array[%s], array[%s], array[%s], array[%s], array[%s])",
            (*held, text, text, text),
        )
        said = conn.execute(
            "select errors -> 0 ->> 'message', errors -> 0 ->> 'traceback'"
            " from pgq.all_jobs where id = %s",
            held[:1],
        ).fetchone()
        assert said and all(text.startswith(cut) and len(cut) > 4 for cut in said)
    plain = conn.execute("select pgq._error_fingerprint('ValueError', 'no user 17', null)")
    return str((plain.fetchone() or ("",))[0])


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_databases_of_every_encoding(
    databases: Databases, empty_dsn: str, pgq_command: Pgq, encoding: str
) -> None:
    admin = databases.admin()
    name = f"pgq_test_{encoding.lower()}"
    admin.execute(
        sql.SQL(
            "create database {} template template0 encoding {} lc_collate 'C' lc_ctype 'C'"
        ).format(sql.Identifier(name), sql.Literal(encoding))
    )
    try:
        dsn = databases.dsn(name)
        with psycopg.connect(dsn, autocommit=True) as conn:
            set_default(conn, "standard_conforming_strings", "off")
            set_default(conn, "DateStyle", "German")
        migrate.upgrade(dsn)
        texts = ["plain", "é", "a\\b"] + ([] if encoding == "LATIN1" else ["€ 🙂"])
        assert serve(dsn, texts) == served(texts)
        pgq_command("jobs", "--dsn", dsn)
        with psycopg.connect(dsn, autocommit=True, client_encoding="utf8") as conn:
            assert fail_with_long_texts(conn, encoding) == "a90af1e30b35afba"
            assert conn.execute("select * from pgq.verify()").fetchall() == []
    finally:
        admin.execute(sql.SQL("drop database {} (force)").format(sql.Identifier(name)))


def test_what_the_encoding_cannot_hold_is_refused(databases: Databases) -> None:
    admin = databases.admin()
    name = "pgq_test_latin1_refused"
    admin.execute(
        f"create database {name} template template0 encoding 'LATIN1' lc_collate 'C'"
        " lc_ctype 'C'".encode()
    )
    try:
        dsn = databases.dsn(name)
        migrate.upgrade(dsn)
        with pgq.Client(dsn) as client, pytest.raises(pgq.InvalidJob) as caught:
            client.enqueue("work", {"text": "🙂"})
        assert "encoding" in str(caught.value.hint)
        assert caught.value.message
    finally:
        admin.execute(f"drop database {name} (force)".encode())


# Each has a byte that is not UTF-8. The client says that its own texts have no
# encoding.
UNREADABLE = {
    "task": r"select pgq.enqueue(E't\xe9')",
    "queue": r"select pgq.enqueue('t', queue => E'q\xe9')",
    "unique_key": r"select pgq.enqueue('t', unique_key => E'k\xe9')",
    "concurrency_key": r"select pgq.enqueue('t', concurrency_key => E'k\xe9')",
    "partition_key": r"select pgq.enqueue('t', partition_key => E'k\xe9')",
    "args": r"""select pgq.enqueue('t', E'["\xe9"]')""",
    "many": r"""select * from pgq.enqueue_many(E'[{"task": "t", "queue": "q\xe9"}]')""",
    "schedule": r"select pgq.schedule(E's\xe9', 't', every => '1 h')",
    "worker": r"select pgq.register_worker(E'w\xe9', '{*}')",
    "queue's pause": r"select pgq.pause_queue(E'q\xe9')",
    "semaphore": r"select pgq.configure_semaphore(E'k\xe9', 2)",
    "batch": r"select pgq.create_batch(description => E'b\xe9')",
    "error": r"select * from pgq.fail_batch({ids}, {claims}, array[E'boom \xe9'])",
    "result": r"""select * from pgq.complete_batch({ids}, {claims}, array[E'"\xe9"'])""",
}


def test_without_an_encoding_only_texts_that_every_client_reads_are_stored(
    databases: Databases, pgq_command: Pgq
) -> None:
    admin = databases.admin()
    name = "pgq_test_sql_ascii_refused"
    admin.execute(
        f"create database {name} template template0 encoding 'SQL_ASCII' lc_collate 'C'"
        " lc_ctype 'C'".encode()
    )
    try:
        dsn = databases.dsn(name)
        migrate.upgrade(dsn)
        with psycopg.connect(dsn, autocommit=True, client_encoding="sql_ascii") as conn:
            conn.execute("select pgq.enqueue('held')")
            held = conn.execute("select job_id, claim_id from pgq.claim_batch('{*}')").fetchone()
            assert held is not None
            ids, claims = (f"array[{each}]::bigint[]" for each in held)
            said: dict[str, str | None] = {}
            for what, query in UNREADABLE.items():
                mine = query.replace("{ids}", ids).replace("{claims}", claims)
                try:
                    conn.execute(mine.encode())
                    said[what] = None
                except psycopg.Error as error:
                    said[what] = error.sqlstate
            # A result costs its job the attempt.
            assert said == dict.fromkeys(UNREADABLE, "22021") | {
                "schedule": "JQ002",
                "result": None,
            }
            conn.execute("select pgq.enqueue('fine', queue => E'q\\xc3\\xa9')")
            # An operator's name never stops a call: bytes that cannot be read are left out.
            conn.execute(r"select set_config('pgq.actor', E'Ren\xe9', false)")
            conn.execute("select pgq.pause_queue('fine')")
        with pgq.Client(dsn) as client:
            assert {job.queue for job in client.list_jobs().jobs} == {"default", "qé"}
            assert [entry.actor for entry in client.audit_log()] == ["Ren"]
            assert client.verify() == []
        drift = pgq_command.json("doctor", "--dsn", dsn, code=1)
        assert [each for each in drift if each["name"] == "drift" and each["status"] != "ok"] == []
    finally:
        admin.execute(sql.SQL("drop database {} (force)").format(sql.Identifier(name)))
