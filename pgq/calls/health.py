"""How the queue system is: the SQL functions for health, written like those in `calls`."""

from __future__ import annotations

from pgq.calls import call as _call
from pgq.calls.call import Call, boolean, call_function, interval
from pgq.rows import ConnectionBudget, HealthCheck
from pgq.values import Duration


def health(
    deep: bool | None = None, max_lag: Duration | None = None, max_age: Duration | None = None
) -> Call[list[HealthCheck]]:
    """Say how the queue system is, a row per check, always all of them.

    Cheap, unless `deep`. The lag of ready jobs fails above `max_lag` (default 1 hour) and warns
    from a tenth of it. A worker lives that was heard of within its lease, and within `max_age`.
    """
    return call_function(
        "health",
        _call.rows_as(HealthCheck),
        deep=boolean(deep),
        max_lag=interval(max_lag),
        max_age=interval(max_age),
    )


def connection_budget() -> Call[ConnectionBudget]:
    """Say how many sessions the server allows, how many there are, how many workers may add."""
    return call_function("connection_budget", _call.row_as(ConnectionBudget))
