"""How the queue system is: the SQL functions for health, written like those in `calls`."""

# A @sql_function is only declared.
# mypy: disable-error-code="empty-body"
# pyright: reportReturnType=false

from __future__ import annotations

from pgq.calls.binding import sql_function
from pgq.calls.call import Call
from pgq.rows import ConnectionBudget, HealthCheck
from pgq.values import Duration


@sql_function
def health(
    deep: bool | None = None, max_lag: Duration | None = None, max_age: Duration | None = None
) -> Call[list[HealthCheck]]:
    """Say how the queue system is, a row per check, always all of them.

    Cheap, unless `deep`. The lag of ready jobs fails above `max_lag` (default 1 hour) and warns
    from a tenth of it. A worker lives that was heard of within its lease, and within `max_age`.
    """


@sql_function
def connection_budget() -> Call[ConnectionBudget]:
    """Say how many sessions the server allows, how many there are, how many workers may add."""
