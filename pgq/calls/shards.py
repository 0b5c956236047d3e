"""The SQL functions of a fleet of shards; the rest of `calls`, and written like it."""

# A @sql_function is only declared.
# mypy: disable-error-code="empty-body"
# pyright: reportReturnType=false

from __future__ import annotations

from collections.abc import Iterable, Sequence

from pgq.calls.binding import sql_function
from pgq.calls.call import Call
from pgq.reports import ShardMap, SlotLeft


@sql_function
def shard_map() -> Call[list[ShardMap]]:
    """Say what a shard knows of the fleet; no row: the database is no shard."""


@sql_function
def shard_slot(
    queue: str | None = None,
    unique_key: str | None = None,
    concurrency_key: str | None = None,
    partition_key: str | None = None,
) -> Call[int | None]:
    """Return the slot of a job: of its queue, or in a spread queue of its key; None: any.

    Raises InvalidJob where two keys of a spread queue differ.
    """


@sql_function
def shard_check(
    slots: Iterable[int],
    spread: Sequence[str] | None = None,
    whole: Sequence[str] | None = None,
) -> Call[int]:
    """Return the shard's number, or raise SlotMoved where it does not take jobs of these slots.

    In the transaction that enqueues them. `spread` and `whole` are the queues that the caller takes
    for spread, and for those of one shard.
    """


@sql_function
def shard_init(number: int, owners: Iterable[int] | None = None) -> Call[None]:
    """Make a database a shard, before its first job; owners: of the slots from 0 on."""


@sql_function
def shard_assign(slots: Iterable[int], owner: int | None = None) -> Call[int]:
    """Note in this shard who takes the jobs of slots; None: nobody, while they move.

    Return how many slots had another owner.
    """


@sql_function
def shard_spread(queue: str, spread: bool | None = None) -> Call[bool]:
    """Spread an empty queue over all shards, or no longer; return whether that is new here."""


@sql_function
def shard_left(
    slots: Iterable[int] | None = None, max_looked_at: int | None = None
) -> Call[list[SlotLeft]]:
    """Say what is in this shard of slots; without slots, of those that others take.

    It reads every live job; InvalidArgument where there are more than max_looked_at (1,000,000).
    """
