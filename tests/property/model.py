"""What a queue should do, in plain Python: the model that the SQL functions are compared with."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

from tests.property.operate import Operating
from tests.property.things import ENDED, LIVE, WAITING, Job, Options, Semaphore

_NONE = Semaphore("")


class Model(Operating):
    """A queue, and what it should show."""

    def enqueue_again(self, owner_id: int, options: Options) -> None:
        """Do with the owner of a key what on_conflict says."""
        owner = self.jobs.get(owner_id)
        if not owner or owner.state not in WAITING:
            return
        if options.on_conflict == "bump":
            owner.priority = min(owner.priority, options.priority)
            owner.run_at = min(owner.run_at, self.now + options.delay)
            self.put_waiting(owner)
        elif options.on_conflict == "replace":
            self._replace(owner, options)
        elif options.on_conflict == "merge":
            self._replace(owner, replace(options, items=owner.items + options.items))

    def _replace(self, replaced: Job, options: Options) -> None:
        """Give a job all that is new, but not what ties it to others."""
        windows = dict(self.windows)
        self.enqueue(replaced.id, options)
        self.windows = windows
        job = self.jobs[replaced.id]
        for kept in (
            "last_claim", "edges", "parents", "on_parent_failure", "batch", "created_at",
            "unique_key",
        ):  # fmt: skip
            setattr(job, kept, getattr(replaced, kept))
        if options.max_wait:
            earlier = max(0, job.run_at - max(job.created_at + options.max_wait, self.now))
            job.run_at -= earlier
            job.expires_at = job.expires_at and job.expires_at - earlier
        self.put_waiting(job)

    def add(self, job_id: int | None, options: Options) -> bool:
        """Enqueue under the id that was answered; return whether that made a job."""
        owner_id = self.owner_id(options.unique_key)
        if owner_id is None:
            assert job_id is not None and job_id not in self.jobs
            self.enqueue(job_id, options)
            return True
        assert job_id == (None if options.on_conflict == "discard" else owner_id)
        self.enqueue_again(owner_id, options)
        return False

    def like(self, job_id: int) -> Options | None:
        """Return what makes another job like this one: not when, nor what it was part of."""
        job = self.jobs.get(job_id)
        if not job:
            return None
        return Options(
            queue=job.queue,
            task=job.task,
            priority=job.priority,
            max_attempts=job.max_attempts,
            timeout=job.timeout,
            semaphore=job.semaphore,
            partition_key=job.partition_key,
            tag=job.tag,
            items=job.items,
            is_letter=job.is_letter,
        )

    # What it should show

    def rows(self) -> dict[int, tuple[object, ...]]:
        """Return what all_jobs should show, by job id."""
        return {
            job.id: (
                job.state,
                job.queue,
                job.task,
                job.priority,
                job.attempt + (job.state == "running"),
                job.max_attempts,
                job.run_at,
                job.unique_key,
                job.expires_at if job.state in LIVE else None,
                [*job.items],
            )
            for job in self.jobs.values()
        }

    def progress(self) -> dict[int, tuple[int, ...]]:
        """Return the counters of every batch: all of it, waiting, running, and by how it ended."""
        found = {}
        for batch, known in self.batches.items():
            states = Counter(job.state for job in self.jobs.values() if job.batch == batch)
            states += known.forgotten
            waiting = sum(states[state] for state in WAITING)
            ended = [states[state] for state in ENDED]
            found[batch] = (states.total(), waiting, states["running"], *ended)
        return found

    def key_owners(self, keys: tuple[str, ...]) -> dict[str, tuple[int, int | None]]:
        """Return who owns the keys, and until when at least."""
        found: dict[str, tuple[int, int | None]] = {}
        for key in keys:
            owner_id = self.owner_id(key)
            if owner_id is not None:
                _, until = self.windows.get(key, (None, self.now))
                found[key] = owner_id, until if until > self.now else None
        return found

    def find(self, **filters: Any) -> list[int]:
        """Return the jobs that fit the filters of find_jobs."""
        return sorted(job.id for job in self.jobs.values() if _fits(job, **filters))


def _fits(
    job: Job,
    states: list[str] | None = None,
    concurrency_key: str | None = None,
    created_before: int | None = None,
    batch_id: int | None = None,
    **same: object,
) -> bool:
    return (
        (states is None or job.state in states)
        and (concurrency_key is None or (job.semaphore or _NONE).key == concurrency_key)
        and (created_before is None or job.created_at < created_before)
        and (batch_id is None or job.batch == batch_id)
        and all(wanted is None or getattr(job, name) == wanted for name, wanted in same.items())
    )
