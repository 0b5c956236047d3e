"""Every public SQL function has a binding of the same name, in both clients."""

from __future__ import annotations

import inspect
import subprocess
import sys
from collections.abc import Callable, Iterator
from importlib import import_module
from types import ModuleType
from typing import Any, get_args, get_origin, get_type_hints

import psycopg
import pytest

from pgq import AsyncClient, Client
from tests import sources

PUBLIC = """
select p.proname, p.proargnames[1:p.pronargs]
from pg_proc as p
where p.pronamespace = 'pgq'::regnamespace
  and left(p.proname, 1) <> '_'
  and p.prorettype <> 'trigger'::regtype
"""


def modules_with_calls() -> Iterator[ModuleType]:
    """Find the modules of pgq.calls with functions that make a Call of their own."""
    for path in sorted((sources.CHECKOUT / "pgq" / "calls").glob("*.py")):
        tools = path.stem in {"call", "publishing"}
        if not tools and "\ndef " in (text := sources.read(path)) and "-> Call[" in text:
            yield import_module(f"pgq.calls.{path.stem}")


def calls() -> dict[str, Callable[..., Any]]:
    """Return every function that makes a Call to hand to a client: bindings and lookups."""
    return {
        name: function
        for module in modules_with_calls()
        for name, function in inspect.getmembers(module, inspect.isfunction)
        if function.__module__ == module.__name__
        and not name.startswith("_")
        and str(function.__annotations__.get("return")).startswith("Call[")
    }


# A lookup reads a view. A name of no function and no view fails with the lookups.
BINDINGS = {name: bound for name, bound in calls().items() if name in sources.PUBLIC}
LOOKUPS = {name: bound for name, bound in calls().items() if name not in BINDINGS}
# Their last argument is for type checkers.
TYPED = ("result", "results")
VIEWS = {name: {"job": "all_jobs", "job_state": "job_states"}.get(name, name) for name in LOOKUPS}


def row_of(hint: Any) -> Any:
    """Return the NamedTuple in a type such as Call[list[Row]]; None where there is none."""
    kind = get_origin(hint) or hint
    if isinstance(kind, type) and issubclass(kind, tuple) and hasattr(kind, "_fields"):
        return kind
    return next((row for each in get_args(hint) if (row := row_of(each))), None)


def test_every_public_function_has_a_binding_with_its_arguments_in_order(
    conn: psycopg.Connection,
) -> None:
    in_sql = {name: arguments or [] for name, arguments in conn.execute(PUBLIC)}
    in_python = {name: [*inspect.signature(bound).parameters] for name, bound in BINDINGS.items()}
    for name in TYPED:
        assert in_python[name].pop() == "task"
    for name in ("publish", "subscribe"):  # they take the options of a job by name
        del in_python[name], in_sql[name]
    assert in_python == in_sql


def test_arguments_without_a_default_in_sql_have_none_in_python(conn: psycopg.Connection) -> None:
    rows = conn.execute(
        "select proname, pronargs - pronargdefaults from pg_proc"
        " where pronamespace = 'pgq'::regnamespace and proname = any(%s)",
        (list(BINDINGS),),
    )
    for name, required in rows:
        if name in ("publish", "subscribe"):
            continue
        parameters = inspect.signature(BINDINGS[name]).parameters.values()
        assert required == sum(each.default is each.empty for each in parameters), name


def test_the_clients_have_equal_methods() -> None:
    for name, build in calls().items():
        blocking, awaited = getattr(Client, name), getattr(AsyncClient, name)
        assert inspect.signature(blocking) == inspect.signature(awaited), name
        assert list(inspect.signature(blocking).parameters)[1:] == list(
            inspect.signature(build).parameters
        ), name
        assert blocking.__doc__ == awaited.__doc__ == build.__doc__, name
        assert "Call" not in inspect.signature(blocking).return_annotation, name
        assert inspect.iscoroutinefunction(awaited), name


def test_lookups_read_every_column_of_their_view(conn: psycopg.Connection) -> None:
    for name, bound in LOOKUPS.items():
        columns = conn.execute(
            "select array_agg(attname::text order by attnum) from pg_attribute"
            " where attrelid = to_regclass('pgq.' || %s) and attnum > 0",
            (VIEWS[name],),
        ).fetchone()
        assert columns and columns[0], f"{name} is the name of no function and of no view"
        row = row_of(get_type_hints(bound)["return"])
        assert list(row._fields) == columns[0], name


@pytest.mark.slow
def test_the_blocking_client_is_written_from_the_async_one() -> None:
    """Each module X_async.py of pgq.client has its twin X.py as `make twins` writes it."""
    script = sources.CHECKOUT / "pgq" / "client" / "generate.py"
    ran = subprocess.run([sys.executable, script, "--check"], capture_output=True, text=True)
    assert (ran.returncode, ran.stderr) == (0, "")
