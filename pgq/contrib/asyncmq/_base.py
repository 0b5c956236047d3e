"""What all parts of a Queue share: its name, its client, and how it reads ids."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from pgq.calls import operate as operator_calls
from pgq.contrib.asyncmq._backend import backend_of
from pgq.contrib.asyncmq.events import event_emitter
from pgq.contrib.asyncmq.exceptions import InvalidValue
from pgq.contrib.asyncmq.jobs import JobId, id_key
from pgq.rows import State as OurState

if TYPE_CHECKING:
    from pgq.client.clients_async import AsyncClient
    from pgq.contrib.asyncmq._backend import Source

# One transaction deletes so many jobs.
DISCARD_AT_ONCE = 5000


class QueueBase:
    """A queue's name and where its jobs are."""

    def __init__(self, name: str, backend: Source = None, *, schema: str = "pgq") -> None:
        if not name:
            raise InvalidValue("the queue's name is empty", 'Name one, such as "default".')
        self.name = name
        self.backend = backend_of(backend, schema)

    @property
    def client(self) -> AsyncClient:
        """The client of the running event loop: all that pgq can do."""
        return self.backend.client

    async def close(self) -> None:
        """Close the connection that a DSN opened in this event loop; the next call opens another.

        Queues of the same DSN share it.
        """
        await self.backend.close()

    async def find_id(self, job_id: JobId) -> int | None:
        """Return the database's id of a job; None if no job has this job_id, and had it lately."""
        if isinstance(job_id, int):
            return job_id
        if job_id.isdecimal():
            return int(job_id)
        owner = await self.client.run(operator_calls.unique_key_owner(id_key(self.name, job_id)))
        return None if owner is None else owner.job_id

    async def _discard(self, ids: list[int], states: Sequence[OurState] | None = None) -> list[int]:
        """Delete jobs that are in one of these states now, and return their ids."""
        outcomes = await self.client.run(operator_calls.discard(ids, states))
        return [job_id for job_id, outcome in outcomes if outcome == "discarded"]

    async def _emit(self, event: str, job_id: int | None, **more: Any) -> None:
        # A listener belongs to the loop that it was added in; ours waits for it.
        await asyncio.shield(
            event_emitter.emit(event, {"queue": self.name, "job_id": job_id, **more})
        )
