"""Functions of the schema that raise what a test wants, until they are mended."""

from __future__ import annotations

import re
from collections.abc import Generator
from contextlib import contextmanager

import psycopg
from psycopg import sql

_BODY = re.compile(r"\bLANGUAGE \w+\b(.*?)\bAS \$function\$.*\$function\$", re.DOTALL)


@contextmanager
def broken(conn: psycopg.Connection, name: str, code: str) -> Generator[None, None, None]:
    """Have a function of the schema raise an SQLSTATE within the block."""
    found = conn.execute(
        "select pg_get_functiondef(oid) from pg_proc"
        " where pronamespace = 'pgq'::regnamespace and proname = %s",
        [name],
    ).fetchall()
    ((definition,),) = found
    raising = f"begin raise exception 'broken on purpose' using errcode = '{code}'; end"
    replaced, times = _BODY.subn(
        lambda body: f"LANGUAGE plpgsql{body[1]}AS $function$ {raising} $function$", definition
    )
    assert times == 1
    conn.execute(replaced.encode())
    try:
        yield
    finally:
        conn.execute(definition.encode())


def refuse(conn: psycopg.Connection, condition: str, code: str) -> None:
    """Have the history refuse rows for which a condition on `new` holds."""
    conn.execute(
        sql.SQL(
            "create or replace function public.refuse() returns trigger language plpgsql as $$"
            " begin if {} then raise exception 'refused on purpose' using errcode = {}; end if;"
            " return new; end $$;"
            " drop trigger if exists refuse on pgq.job_history;"
            " create trigger refuse before insert on pgq.job_history"
            " for each row execute function public.refuse()"
        ).format(sql.SQL(condition), sql.Literal(code))  # type: ignore[arg-type]
    )


def accept(conn: psycopg.Connection) -> None:
    """Undo `refuse`."""
    conn.execute("drop trigger refuse on pgq.job_history")
