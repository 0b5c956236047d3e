"""What jobs are searched by stands in one list; every search takes all of it, in one order."""

from __future__ import annotations

import inspect
import re

import psycopg

from pgq.calls import bulk, search
from pgq.cli.bulk import _FILTERS, _NAMES, _TIMES
from tests import sources

SEARCHES = {"find_jobs": 0, "list_jobs": 0, "estimate_jobs": 0, "bulk_start": 1}
"""The functions that search, each with the number of arguments before the filters."""


def _filters(conn: psycopg.Connection) -> list[tuple[str, str]]:
    return conn.execute(
        "select attname::text, format_type(atttypid, null) from pg_attribute"
        " where attrelid = 'pgq.job_filters'::regclass and attnum > 0 and not attisdropped"
        " order by attnum"
    ).fetchall()


def test_who_searches_takes_every_filter(conn: psycopg.Connection) -> None:
    wanted = [(name, "text" if kind == "jsonb" else kind) for name, kind in _filters(conn)]
    for function, before in SEARCHES.items():
        arguments = conn.execute(
            "select name, format_type(type, null), n > pronargs - pronargdefaults"
            " from pg_proc, unnest(proargnames, coalesce(proallargtypes, proargtypes))"
            " with ordinality as each (name, type, n) where oid = %s::regproc and n > %s"
            " order by n limit %s",
            (f"pgq.{function}", before, len(wanted)),
        ).fetchall()
        assert arguments == [(*each, True) for each in wanted], function


def test_nobody_else_reads_filters() -> None:
    """So a search with filters of its own is in the list above."""
    users = {
        path.stem
        for path in sources.FUNCTION_FILES
        if "pgq._job_filters(" in path.read_text() and path.stem != "_job_filters"
    }
    assert users == set(SEARCHES)


def test_clients_and_commands_take_every_filter(conn: psycopg.Connection) -> None:
    wanted = [name for name, _ in _filters(conn)]
    first = inspect.signature(search.list_jobs).parameters
    for function, before in SEARCHES.items():
        declared = inspect.signature(getattr(bulk if before else search, function)).parameters
        assert [*declared][before:][: len(wanted)] == wanted, function
        for name in wanted:
            assert declared[name] == first[name], (function, name)
    read = {*_NAMES, *_TIMES, "states", "headers"}
    assert read == set(wanted)
    # click names an option's value when it decorates.
    assert len(_FILTERS) == len(wanted) - len(["states"])


def test_the_calls_of_the_check_are_alike() -> None:
    """The types of two filters are the same, so their places could be changed unseen."""
    for function in SEARCHES:
        (path,) = (each for each in sources.FUNCTION_FILES if each.stem == function)
        call = re.search(r"pgq\._job_filters\((.*?)\n  \);", path.read_text(), re.S)
        assert call, function
        given = re.sub(r"pgq\._check_bulk\(.*?\)", "states", call.group(1))
        names = [each.split()[0] for each in given.split(",")]
        declared = re.search(r"function pgq\.\w+\((.*?)\n\)", path.read_text(), re.S)
        assert declared
        arguments = [line.split()[0] for line in declared.group(1).strip().splitlines()]
        before = SEARCHES[function]
        assert names == arguments[before : before + len(names)], function
