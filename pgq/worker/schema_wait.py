"""Waiting for a server and a schema that a worker can work with."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from pgq.calls import jobs as calls
from pgq.errors import SchemaMissing, SchemaTooOld
from pgq.lib.report import first_line, type_of
from pgq.logs import log_event
from pgq.version import OLDEST_SCHEMA
from pgq.worker.session import Session
from pgq.worker.verdicts import Verdict, verdict_of

if TYPE_CHECKING:
    from pgq.worker.worker import Options

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
