"""A warning at a worker's start if the server may run out of sessions."""

from __future__ import annotations

import logging

from pgq.calls import health as health_calls
from pgq.lib.report import first_line
from pgq.logs import log_event
from pgq.tasks import Registry
from pgq.worker.session import Session

# Of the sessions that the server allows; above it, others may soon be refused.
_FULL = 0.8


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
