"""What operators and time do in the model."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace

from tests.property.consume import Consuming
from tests.property.things import ENDED, WAITING, Job

HALF_A_DAY = 43200


class Operating(Consuming):
    """The half of the model that operators see."""

    def promote(self, batch_size: int) -> tuple[int, int | None]:
        scheduled = sorted(
            (job.run_at, job.priority, job.id)
            for job in self.jobs.values()
            if job.state == "scheduled"
        )
        due = [key for key in scheduled if key[0] <= self.now][:batch_size]
        for *_, job_id in due:
            self.put_waiting(self.jobs[job_id])
        rest = scheduled[len(due) :]
        return len(due), rest[0][0] if rest else None

    def cancel(self, job_id: int) -> str:
        job = self.jobs.get(job_id)
        if not job:
            return "not_found"
        if job.state in WAITING:
            self.end(job, "cancelled")
            return "cancelled"
        if job.state == "running":
            self.cancel_requests.add(job_id)
            return "requested"
        return "finished"

    def blocked_by_parents(self) -> list[Job]:
        return [job for job in self.jobs.values() if job.edges]

    def retry(
        self, ids: Iterable[int], delay: int, states: Collection[str] | None = None
    ) -> dict[int, str]:
        """Retry jobs, in the order of their keys; a job waits for parents that come back too."""
        in_order = sorted(ids, key=lambda one: (self._key_of(one) or "\uffff", one))
        ended = [one for one in in_order if one in self.jobs and not self.is_live(one)]
        answers = {job_id: self._retry(job_id, delay, states) for job_id in in_order}
        for job_id in in_order:
            if answers[job_id] == "passed_over" and job_id in ended:
                # Answered at the end, when another may have come back with its key.
                if self.owner(self._key_of(job_id)):
                    answers[job_id] = "duplicate"
            elif answers[job_id] == "retried":
                job = self.jobs[job_id]
                if job_id in ended:
                    job.edges = {parent: [] for parent in job.parents if self.is_live(parent)}
                self.put_waiting(job)
        return answers

    def _key_of(self, job_id: int) -> str | None:
        job = self.jobs.get(job_id)
        return job.unique_key if job else None

    def _retry(self, job_id: int, delay: int, states: Collection[str] | None) -> str:
        job = self.jobs.get(job_id)
        if not job:
            return "not_found"
        if job.state in ("running", "succeeded"):
            return job.state
        if states is not None and job.state not in states:
            return "passed_over"
        if job.state not in WAITING:
            if self.owner(job.unique_key):
                return "duplicate"
            job.max_attempts = max(job.max_attempts, job.attempt + 1)
            job.expires_at = None
            job.last_claim = None
            job.state = "scheduled"
            for child in self.jobs.values():
                # A child that has not heard of its end yet waits for the new attempt.
                if job_id in child.edges:
                    child.edges[job_id].clear()
        job.run_at = self.now + delay
        self.cancel_requests.discard(job_id)
        return "retried"

    def run_now(self, job_id: int) -> str:
        job = self.jobs.get(job_id)
        if not job:
            return "not_found"
        if job.state == "scheduled":
            job.run_at = self.now
            self.put_waiting(job)
            return "promoted"
        if job.state in WAITING:
            return "waiting"
        return "running" if job.state == "running" else "finished"

    def reprioritise(self, job_id: int, priority: int) -> str:
        job = self.jobs.get(job_id)
        if not job:
            return "not_found"
        if job.state not in WAITING:
            return "running" if job.state == "running" else "finished"
        if job.priority != priority:
            job.priority = priority
            self.put_waiting(job)
        return "reprioritised"

    def discard(self, job_id: int, states: Collection[str] | None = None) -> str:
        job = self.jobs.get(job_id)
        if not job:
            return "not_found"
        if job.state == "running":
            return "running"
        if states is not None and job.state not in states:
            return "passed_over"
        self._forget(job)
        return "discarded"

    def _forget(self, job: Job) -> None:
        del self.jobs[job.id]
        self._count_forgotten(job)
        if job.state != "succeeded":
            self.tell(job.id, False)

    def clear(self, queue: str, include_scheduled: bool) -> int:
        states = WAITING if include_scheduled else ("ready", "blocked")
        gone = [job for job in self.jobs.values() if job.queue == queue and job.state in states]
        for job in gone:
            self._forget(job)
        return len(gone)

    def maintain(self) -> None:
        """Do what maintain() does when every step is due."""
        self.rescue()
        self.end_overdue_runs()
        for job in list(self.jobs.values()):
            if job.state in WAITING and job.id in self.cancel_requests:
                self.cancel(job.id)
        for job in list(self.jobs.values()):
            expired = job.expires_at is not None and job.expires_at <= self.now
            if expired and job.state in WAITING:
                self.end(job, "expired")
        self._expire_slots()
        self.fill_up()

    def _expire_slots(self) -> None:
        """Take slots from jobs that have run for longer than they may hold them."""
        for job_id, slot in list(self.slots.items()):
            if slot.expires_at is None or slot.expires_at > self.now:
                continue
            job = self.jobs[job_id]
            assert job.semaphore and job.semaphore.duration is not None
            started = job.claimed_at if job.state == "running" else self.now
            expires_at = started + job.semaphore.duration
            if expires_at > self.now:
                self.slots[job_id] = replace(slot, expires_at=expires_at)
            else:
                del self.slots[job_id]

    def release_semaphore(self, key: str) -> int:
        held = [
            job_id
            for job_id, slot in self.slots.items()
            if slot.key == key and not (slot.order and self.is_live(job_id))
        ]
        for job_id in held:
            del self.slots[job_id]
        return len(held)

    def prune(self) -> None:
        """Forget what ended before today; days begin at noon of the model's clock."""
        today = (self.now + HALF_A_DAY) // (2 * HALF_A_DAY) * 2 * HALF_A_DAY - HALF_A_DAY
        for job in list(self.jobs.values()):
            if not self.is_live(job.id) and job.finished_at < today:
                del self.jobs[job.id]
                self._count_forgotten(job)

    def _count_forgotten(self, job: Job) -> None:
        """Let the batch of a job that had ended, and is gone, go on counting it."""
        if job.state in ENDED and job.batch is not None:
            self.batches[job.batch].forgotten[job.state] += 1

    def release_unique_key(self, key: str) -> bool:
        """Take a key from its live job and its window; return whether somebody had it."""
        had = self.owner_id(key) is not None
        if owner := self.owner(key):
            owner.unique_key = None
        self.windows.pop(key, None)
        return had
