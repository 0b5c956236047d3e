"""A collation that a caller brings along, one that takes A for a say, changes no answer."""

from __future__ import annotations

import re
from typing import Any

import psycopg
import pytest

from tests.sql.calls import claim, enqueue, refused, register, rows, value
from tests.sql.test_arguments import PLAIN, Argument, plain, public_functions

TEXTS = (
    *("a", "A", "A*", "*", "READY", "PAUSE", "DEFAULT", "LINEAR", "RETURN", "QUEUED"),
    *("0 0 1 JAN *", '{"task": "a"}'),
)
RANDOM = re.compile(r"'claim_id': \d+")


@pytest.fixture
def busy(conn: psycopg.Connection) -> psycopg.Connection:
    """A session on a database with the collation ci, where everything is called a."""
    try:
        conn.execute(
            "create collation ci"
            " (provider = icu, locale = 'und-u-ks-level1', deterministic = false)"
        )
    except psycopg.errors.FeatureNotSupported:
        pytest.skip("this server was built without ICU")
    conn.execute(
        "create or replace function pgq._now() returns timestamptz language sql stable"
        " as $$ select timestamptz '2030-01-01 00:00+00' $$"
    )
    worker_id = register(conn, name="a", queues=["a*"])
    enqueue(conn, "a", queue="a", unique_key="a", partition_key="a")
    claim(conn, worker_id=worker_id)
    conn.execute("update pgq.running set claim_id = 1")  # of job 1; job 2 is ready
    enqueue(conn, "a", queue="a", partition_key="a")
    enqueue(conn, "a", queue="b", concurrency_key="a", unique_key="b")
    value(conn, "configure_queue", queue="a", fair=True)
    value(conn, "configure_semaphore", concurrency_key="a", max_slots=3)
    value(conn, "schedule", name="a", task="a", every="1 hour")
    value(conn, "create_batch")
    rows(conn, "claim_batch", queues=["none"], worker_id=worker_id)
    return conn


def look(conn: psycopg.Connection) -> str:
    """Return a query for a digest of the schema's contents, without what always differs."""
    tables = conn.execute(
        "select relname from pg_class where relnamespace = 'pgq'::regnamespace"
        " and relkind in ('r', 'p') and not relispartition"
        " and relname not in ('installed_objects', 'maintenance')"
    ).fetchall()
    return "select concat({})".format(
        ", ".join(
            "(select md5(string_agg(row, '' order by row)) from (select (to_jsonb(t)"
            " - array['ready_xid', 'waiting_xid', 'taken_xid', 'limited_xid', 'claim_id',"
            " 'xid', 'next_xid', 'late_xids'])::text"
            f" as row from pgq.{name} t) as rows)"
            for (name,) in tables
        )
    )


def outcome(conn: psycopg.Connection, call: str, after: str) -> Any:
    try:
        with conn.transaction(force_rollback=True):
            conn.execute("select setseed(0.5)")
            conn.execute(
                "select setval(oid::regclass, 1000) from pg_class"
                " where relkind = 'S' and relnamespace = 'pgq'::regnamespace"
            )
            answer = conn.execute(call.encode()).fetchall()
            return RANDOM.sub("", f"{answer} {conn.execute(after.encode()).fetchall()}")
    except psycopg.Error as error:
        return error.sqlstate, error.diag.message_primary, error.diag.message_hint


def written(function: str, arguments: list[Argument], given: dict[str, str], ending: str) -> str:
    """Write a call; its texts get that ending."""
    values = {
        each.name: given.get(each.name) or plain(each.kind)
        for each in arguments
        if each.name in given or each.is_required
    }
    kinds = {each.name: each.kind for each in arguments}
    texts = {"text", "text[]", "anycompatible"}
    listed = [
        f"{name} => ({text}){ending if kinds[name] in texts else ''}"
        for name, text in values.items()
    ]
    return f"select to_jsonb(answer) from pgq.{function}({', '.join(listed)}) as answer"


@pytest.mark.parametrize("number", ["1", "2"])
def test_no_answer_depends_on_it(
    busy: psycopg.Connection, monkeypatch: pytest.MonkeyPatch, number: str
) -> None:
    monkeypatch.setitem(PLAIN, "bigint", number)
    after = look(busy)
    differing = []
    for function, arguments in public_functions(busy):
        if number != "1" and not any(
            each.is_required and "bigint" in each.kind for each in arguments
        ):
            continue
        for argument in arguments:
            for text in TEXTS if argument.kind in ("text", "text[]") else ():
                literal = f"'{text}'::text" if argument.kind == "text" else f"array['{text}']"
                expected, found = (
                    outcome(
                        busy,
                        written(function, arguments, {argument.name: literal}, ending),
                        after,
                    )
                    for ending in ("", " collate ci")
                )
                if found != expected:
                    differing.append(f"{function}({argument.name} => {literal}): {found}"[:300])
    assert differing == []


def test_columns_bring_it_along(busy: psycopg.Connection) -> None:
    """As columns of a table of the caller's do."""
    busy.execute("create table given (name text collate ci); insert into given values ('A')")

    def ask(call: str) -> list[tuple[Any, ...]]:
        return busy.execute(f"select {call} from given".encode()).fetchall()

    assert ask("(pgq.claim_batch(array[name])).job_id") == []
    assert ask("(pgq.claim_batch(array[name || '*'])).job_id") == []
    assert ask("pgq.find_jobs(name)") == []
    assert ask("pgq.find_jobs(task => name)") == []
    assert ask("(pgq.count_jobs(name)).jobs") == []
    assert ask("pgq.queue_latency(name)") == [(None,)]
    with refused("JQ002", "states"):
        ask("pgq.find_jobs(states => array['READY' collate ci])")
    busy.execute("update given set name = 'a'")
    assert ask("pgq.find_jobs(name)") == [(1,), (2,)]
    assert ask("(pgq.claim_batch(array[name || '*'])).job_id") == [(2,)]
