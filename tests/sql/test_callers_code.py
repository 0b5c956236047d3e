"""Code that a caller brings along with a value's type runs with the caller's rights, or never."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from secrets import token_hex
from typing import Any

import psycopg
import pytest
from psycopg import sql

from tests.sql.calls import claim, refused, scalar

# Casts, domain checks and operators note as which role they run. The test fails if that is not
# their maker.
PLANTED = """
create function pg_temp.spy() returns boolean language plpgsql as $$
begin
  raise notice 'ran as %', current_user;
  if not pg_has_role(current_user, {attacker}, 'usage') or {attacker} <> current_user then
    raise exception 'planted code ran as %', current_user using errcode = 'XX001';
  end if;
  return true;
end $$;
create type pg_temp.evil as enum ('a', 'b');
create function pg_temp.evil_to_json(pg_temp.evil) returns json language plpgsql as
  $$ begin perform pg_temp.spy(); return '{{"x": 1}}'; end $$;
create cast (pg_temp.evil as json) with function pg_temp.evil_to_json(pg_temp.evil);
create function pg_temp.evil_to_text(pg_temp.evil) returns text language plpgsql as
  $$ begin perform pg_temp.spy(); return 'a'; end $$;
create cast (pg_temp.evil as text) with function pg_temp.evil_to_text(pg_temp.evil) as implicit;
create type pg_temp.pair as (e pg_temp.evil, n int);
create function pg_temp.pair_to_json(pg_temp.pair) returns json language plpgsql as
  $$ begin perform pg_temp.spy(); return '{{"x": 1}}'; end $$;
create cast (pg_temp.pair as json) with function pg_temp.pair_to_json(pg_temp.pair);
create domain pg_temp.watched as text check (pg_temp.spy() or value = '');
create domain pg_temp.watched_evil as pg_temp.evil check (pg_temp.spy());
create type pg_temp.plain as (n int);
create domain pg_temp.watched_row as pg_temp.plain check (pg_temp.spy());
create type pg_temp.span as range (subtype = pg_temp.evil);
create temp table planted (
  e pg_temp.evil, p pg_temp.pair, es pg_temp.evil[], w pg_temp.watched_evil, r pg_temp.watched_row
);
grant all on planted to public;
"""

VALUES = {
    "enum": "'a'::pg_temp.evil",
    "array": "array['a', 'b']::pg_temp.evil[]",
    "anonymous record": "row('a'::pg_temp.evil, 1)",
    "composite": "row('a', 1)::pg_temp.pair",
    "array of composites": "array[row('a', 1)::pg_temp.pair]",
    "row of a subquery": "(select t from (select 'a'::pg_temp.evil as e, 1 as n) as t)",
    "domain over text": "'{}'::pg_temp.watched",
    "domain over an enum": "'a'::pg_temp.watched_evil",
    "domain over a composite": "row(1)::pg_temp.watched_row",
    "row with a domain over a composite": "row(row(1)::pg_temp.watched_row)",
    "range": "pg_temp.span('a', 'b')",
    "multirange": "pg_temp.span_multirange(pg_temp.span('a', 'b'))",
    "row of a table": "(select t from planted as t limit 1)",
}
CALLS = {
    "enqueue": "select pgq.enqueue('t', {})",
    "enqueue with options": "select pgq.enqueue('t', args => {}, priority => 1, headers => '{{}}')",
    "enqueue_many": "select * from pgq.enqueue_many({})",
    "publish": "select * from pgq.publish('t', {})",
    "schedule": "select pgq.schedule('s', 't', every => '1 hour', args => {})",
    "sync_schedules": "select * from pgq.sync_schedules('s', {})",
}
# The error of a value that is not the JSON that a face wants; it was converted before.
EXPECTED = {None, "JQ001", "JQ002"}


@contextmanager
def attacker(conn: psycopg.Connection) -> Iterator[tuple[str, list[str]]]:
    """Act as a new role with every role of ours; yield its name and what planted code said."""
    name = f"attacker_{token_hex(4)}"
    role = sql.Identifier(name)
    said: list[str] = []

    def listen(diagnostic: psycopg.errors.Diagnostic) -> None:
        said.append(diagnostic.message_primary or "")

    conn.add_notice_handler(listen)
    with conn.transaction(force_rollback=True):
        conn.execute(sql.SQL("create role {}").format(role))
        conn.execute(
            sql.SQL("grant pgq_producer, pgq_worker, pgq_operator, pgq_observer to {}").format(role)
        )
        conn.execute(sql.SQL("set local role {}").format(role))
        conn.execute(sql.SQL(PLANTED).format(attacker=sql.Literal(name)))
        conn.execute("insert into planted (e, es) values ('a', '{b}')")
        yield name, said
    conn.remove_notice_handler(listen)


def outcome(conn: psycopg.Connection, statement: str) -> str | None:
    """Run a statement; return the state of its error, if any."""
    try:
        with conn.transaction():
            conn.execute(statement.encode())
    except psycopg.Error as error:
        return error.sqlstate
    return None


@pytest.mark.parametrize("value", VALUES.values(), ids=VALUES.keys())
def test_a_type_of_the_callers_runs_as_the_caller(conn: psycopg.Connection, value: str) -> None:
    with attacker(conn) as (name, said):
        for call in CALLS.values():
            assert outcome(conn, call.format(value)) in EXPECTED, call
        assert set(said) <= {f"ran as {name}"}


def test_the_planted_code_does_run(conn: psycopg.Connection) -> None:
    """Or the test above would prove nothing."""
    with attacker(conn) as (name, said):
        conn.execute("select pgq.enqueue('t', 'a'::pg_temp.evil)")
        assert said
        assert set(said) == {f"ran as {name}"}
        conn.execute("reset role")
        assert scalar(conn, "select args from pgq.jobs") == {"x": 1}


@pytest.mark.slow
@pytest.mark.parametrize("way", ["perform", "prepared", "in a query over rows"])
def test_every_way_of_calling_keeps_the_callers_rights(conn: psycopg.Connection, way: str) -> None:
    with attacker(conn) as (name, said):
        if way == "perform":
            conn.execute("do $$ begin perform pgq.enqueue('t', 'a'::pg_temp.evil); end $$")
        elif way == "prepared":
            conn.execute("prepare p(pg_temp.evil) as select pgq.enqueue('t', $1)")
            for _ in range(7):
                conn.execute("execute p('a')")
            conn.execute("deallocate p")
        else:
            conn.execute("select pgq.enqueue('t', e) from planted")
        assert said
        assert set(said) == {f"ran as {name}"}


@pytest.mark.parametrize("statement", ["insert", "update", "delete"])
def test_rows_of_a_trigger_are_read_by_whoever_caused_it(
    conn: psycopg.Connection, statement: str
) -> None:
    with attacker(conn) as (name, said):
        conn.execute(
            "create trigger feed after insert or update or delete on planted"
            " for each row execute function pgq.enqueue_trigger('t')"
        )
        changes = {
            "insert": "insert into planted values ('a', row('a', 1), '{a}', 'b', row(1))",
            "update": "update planted set p = row('b', 2)",
            "delete": "delete from planted",
        }
        conn.execute(changes[statement].encode())
        assert said
        assert set(said) == {f"ran as {name}"}


def test_who_writes_to_a_table_with_our_trigger_must_be_a_producer(
    conn: psycopg.Connection,
) -> None:
    conn.execute(
        "create table orders (id int); grant insert on orders to pgq_observer, pgq_producer;"
        "create trigger feed after insert on orders"
        " for each row execute function pgq.enqueue_trigger('t')"
    )
    with conn.transaction(force_rollback=True):
        conn.execute("set local role pgq_observer")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            conn.execute("insert into orders values (1)")
    conn.execute("set role pgq_producer; insert into orders values (2); reset role")
    assert [job.args["new"] for job in claim(conn)] == [{"id": 2}]


def test_planted_functions_and_operators_are_not_found_by_a_face(conn: psycopg.Connection) -> None:
    """Faces have no search_path of their own: whatever stands first in the caller's is passed."""
    conn.execute("create schema evil; grant usage, create on schema evil to pgq_producer")
    with conn.transaction(force_rollback=True):
        conn.execute("set local role pgq_producer")
        for name, arguments in (
            ("to_jsonb", "anyelement"),
            ("to_jsonb", "int"),
            ("pg_typeof", "text"),
        ):
            conn.execute(
                f"create function evil.{name}({arguments}) returns jsonb language plpgsql as"
                " $$ begin raise 'hijacked as %', current_user; end $$".encode()
            )
        conn.execute(
            "create function evil.eq(regtype, regtype) returns boolean language plpgsql as"
            " $$ begin raise 'hijacked as %', current_user; end $$;"
            "create operator evil.= (leftarg = regtype, rightarg = regtype, function = evil.eq);"
            "create domain evil.jsonb as text; create domain evil.text as pg_catalog.text"
        )
        conn.execute("set local search_path = evil, pg_catalog")
        conn.execute("select pgq.enqueue('t', row(1, 'x'))")
        conn.execute("select pgq.enqueue('t', '{}')")
        conn.execute("""select * from pgq.enqueue_many('[{"task": "t"}]')""")
        with refused("JQ001", "args are a JSON number"):
            conn.execute("select pgq.enqueue('t', 17)")


def test_a_callers_collation_finds_no_other_name(conn: psycopg.Connection) -> None:
    """One that takes A for a comes along with a column of the caller's."""
    try:
        conn.execute(
            "create collation ci"
            " (provider = icu, locale = 'und-u-ks-level1', deterministic = false)"
        )
    except psycopg.errors.FeatureNotSupported:
        pytest.skip("this server was built without ICU")
    conn.execute("create table given (name text collate ci); insert into given values ('A')")

    def ask(call: str) -> list[tuple[Any, ...]]:
        return conn.execute(f"select {call} from given".encode()).fetchall()

    conn.execute("select pgq.enqueue('t', '{}', queue => 'a', unique_key => 'a')")
    conn.execute("select pgq.schedule('a', 't', every => '1 hour')")
    conn.execute("select pgq.configure_queue('a', max_running => 7)")
    assert ask("pgq.unique_key_owner(name)") == []
    assert ask("pgq.release_unique_key(name)") == [(False,)]
    assert ask("pgq.unschedule(name)") == [(False,)]
    assert ask("pgq.clear_queue(name)") == [(0,)]
    with refused("JQ002", "there is no schedule A"):
        ask("pgq.pause_schedule(name)")
    with refused("JQ001", "on_conflict"):
        ask("pgq.enqueue('t', '{}', queue => name, on_conflict => 'RETURN' collate ci)")
    ask("pgq.configure_queue(name, max_running => 1)")
    ask("pgq.schedule(name, 't', every => '1 day', queue => name)")
    conn.execute("select pgq.pause_queue('a'), pgq.configure_semaphore('a', 3)")
    ask("pgq.resume_queue(name)")
    ask("pgq.configure_semaphore(name, null)")
    assert scalar(conn, "select paused_at is not null from pgq.queues where name = 'a'")
    assert scalar(conn, "select max_slots from pgq.semaphores where concurrency_key = 'a'") == 3
    limits = "select name, max_running from pgq.queues where name in ('a', 'A') order by 2"
    assert conn.execute(limits.encode()).fetchall() == [("A", 1), ("a", 7)]
    schedules = "select name, every::text from pgq.schedules order by every"
    assert conn.execute(schedules.encode()).fetchall() == [("a", "01:00:00"), ("A", "1 day")]


def test_enqueue_is_inlined(conn: psycopg.Connection) -> None:
    """The face costs next to nothing, since the planner puts its body in its place."""
    conn.execute("prepare inlined(text, jsonb) as select pgq.enqueue($1, $2, priority => 3)")
    for statement in (
        "select pgq.enqueue('t', '{}')",
        "select pgq.enqueue('t', random(), delay => '1 s')",
        "select pgq.enqueue('t', n, queue => 'q') from generate_series(1, 2) as n",
        "select pgq.enqueue('t', row(1, 'a'))",
        "select pgq.enqueue('t', array[1])",
        "execute inlined('t', '{}')",
        "select pgq.schedule('s', 't', every => '1 hour')",
    ):
        plan = conn.execute(f"explain (verbose) {statement}".encode()).fetchall()
        text = "\n".join(line for (line,) in plan)
        assert "pgq._" in text, text
        assert "pgq.enqueue(" not in text, text
        assert "pgq.schedule(" not in text, text
