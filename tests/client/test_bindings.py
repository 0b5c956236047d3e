"""Every public SQL function has a binding of the same name, in both clients."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from pgq import (
    AsyncClient,
    Client,
    calls,
    flow_calls,
    health_calls,
    lookups,
    operator_calls,
    schedule_calls,
)

MODULES = (calls, flow_calls, health_calls, operator_calls, schedule_calls)

PUBLIC = """
select p.proname, p.proargnames[1:p.pronargs]
from pg_proc as p
where p.pronamespace = 'pgq'::regnamespace
  and left(p.proname, 1) <> '_'
  and p.prorettype <> 'trigger'::regtype
"""


def functions_of(module: Any) -> dict[str, Callable[..., Any]]:
    return {
        name: function
        for name, function in inspect.getmembers(module, inspect.isfunction)
        if function.__module__ == module.__name__ and not name.startswith("_")
    }


def bindings() -> dict[str, Callable[..., Any]]:
    return {name: bound for each in MODULES for name, bound in functions_of(each).items()}


def test_every_public_function_has_a_binding_with_its_arguments_in_order(
    conn: psycopg.Connection,
) -> None:
    in_sql = {name: arguments or [] for name, arguments in conn.execute(PUBLIC)}
    in_python = {
        name: list(inspect.signature(bound).parameters) for name, bound in bindings().items()
    }
    assert in_python == in_sql


def test_arguments_without_a_default_in_sql_have_none_in_python(conn: psycopg.Connection) -> None:
    rows = conn.execute(
        "select proname, pronargs - pronargdefaults from pg_proc"
        " where pronamespace = 'pgq'::regnamespace and proname = any(%s)",
        (list(bindings()),),
    )
    for name, required in rows:
        parameters = inspect.signature(bindings()[name]).parameters.values()
        assert required == sum(each.default is each.empty for each in parameters), name


@pytest.mark.parametrize("name", [*bindings(), *functions_of(lookups)])
def test_the_clients_have_equal_methods(name: str) -> None:
    build = bindings().get(name) or functions_of(lookups)[name]
    blocking, awaited = getattr(Client, name), getattr(AsyncClient, name)
    assert inspect.signature(blocking) == inspect.signature(awaited)
    assert list(inspect.signature(blocking).parameters)[1:] == list(
        inspect.signature(build).parameters
    )
    assert blocking.__doc__ == awaited.__doc__ == build.__doc__
    assert "Call" not in inspect.signature(blocking).return_annotation
    assert inspect.iscoroutinefunction(awaited)


@pytest.mark.parametrize(
    "view", ["all_jobs:Job", "failed_jobs:FailedJob", "queue_stats:QueueStats",
             "worker_status:WorkerStatus", "schedule_status:ScheduleStatus",
             "schedule_history:ScheduleFire", "blocked_jobs:BlockedJob", "job_links:JobLinks",
             "semaphore_status:SemaphoreStatus", "queue_limits:QueueLimits",
             "batch_status:BatchStatus"],
)  # fmt: skip
def test_lookups_read_every_column_of_their_view(conn: psycopg.Connection, view: str) -> None:
    name, kind = view.split(":")
    columns = conn.execute(
        "select array_agg(attname::text order by attnum) from pg_attribute"
        " where attrelid = %s::regclass and attnum > 0",
        (f"pgq.{name}",),
    ).fetchone()
    assert columns
    assert list(getattr(lookups, kind)._fields) == columns[0]
