"""What a worker looks at before it works: the server, the schema, the sessions that are left."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from pgq.calls import health as health_calls
from pgq.calls import jobs as calls
from pgq.errors import SchemaMissing, SchemaTooOld
from pgq.lib.report import first_line, type_of
from pgq.logs import log_event
from pgq.tasks import Registry
from pgq.version import OLDEST_SCHEMA
from pgq.worker.session import Session
from pgq.worker.verdicts import Verdict, verdict_of

if TYPE_CHECKING:
    from pgq.worker.worker import Options

# Of the sessions that the server allows; above it, others may soon be refused.
_FULL = 0.8
_LOOK_EVERY = 0.5
_SAY_EVERY = 5.0


async def wait_for_schema(
    session: Session, options: Options, is_stopping: Callable[[], bool]
) -> bool:
    """Return true once the schema is there and new enough, false when stopped meanwhile.

    After `schema_timeout` raises what it met last: SchemaMissing, SchemaTooOld, or psycopg's error.
    """
    deadline = time.monotonic() + options.schema_timeout
    say_at = 0.0
    while not is_stopping():
        try:
            await _check(session, options.schema)
            return True
        except Exception as error:
            awaited = isinstance(error, SchemaMissing | SchemaTooOld)
            if not awaited and verdict_of(error, starting=True) is Verdict.EXIT:
                raise
            now = time.monotonic()
            if now >= deadline:
                raise
            if now >= say_at:
                say_at = now + _SAY_EVERY
                log_event(
                    logging.WARNING,
                    "schema.awaited",
                    schema=options.schema,
                    error_type=type_of(error),
                    error=first_line(error),
                )
            await session.close()
        await asyncio.sleep(_LOOK_EVERY)
    return False


async def _check(session: Session, schema: str) -> None:
    found = await session.try_call(calls.version())
    if _numbers(found) < _numbers(OLDEST_SCHEMA):
        raise SchemaTooOld(
            f"schema {schema} has version {found}, older than {OLDEST_SCHEMA}",
            "Bring it up to date with `pgq migrate`.",
        )


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".") if part.isdigit())


async def warn_of_connections(session: Session, registry: Registry) -> None:
    """Log a warning where sessions run out, or will if handlers open all that they may.

    Only handlers with a context can open any. The work never waits for this, nor fails by it.
    """
    try:
        budget = await session.try_call(health_calls.connection_budget())
    except Exception as error:  # noqa: BLE001 (nothing depends on the answer)
        log_event(logging.DEBUG, "worker.budget_unknown", error=first_line(error))
        await session.close()
        return
    handlers_open = any(task.wants_context for task in registry) or registry.accept_all
    may_be = budget.used + (budget.may_come if handlers_open else 0)
    if budget.used > _FULL * budget.available or may_be > budget.available:
        log_event(
            logging.WARNING,
            "worker.connections_short",
            used=budget.used,
            may_be=may_be,
            available=budget.available,
            hint="see pgq doctor",
        )
