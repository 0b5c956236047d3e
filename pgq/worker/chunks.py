"""Jobs that a worker keeps until there are enough for one call of their handler."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from pgq.chunks import item_of
from pgq.context import Context, JobHolder
from pgq.rows import ClaimedJob
from pgq.task_args import call_arguments
from pgq.tasks import AnyTask
from pgq.worker.handler import Held
from pgq.worker.outcome import Failed, RunOutcome, of_unreadable


class Member(Held):
    """A claim whose job runs in a call with others. Everything but the call is its own."""

    __slots__ = ("chunk", "item")

    chunk: Chunk

    def __init__(self, job: ClaimedJob, task: AnyTask, holder: JobHolder) -> None:
        super().__init__(job, task, holder)
        self.item: Any = None

    def read(self) -> Failed | None:
        """Read what the job carries; return how it fails where it cannot be run."""
        if (unreadable := of_unreadable(self.job)) is not None:
            return unreadable
        try:
            self.item = item_of(*call_arguments(self.job.args))
        except TypeError as misfit:
            said = f"the args do not fit {self.job.task!r}: {misfit}"
            return Failed(said, "ArgsMismatch", final=True)
        return None

    @property
    def has_begun(self) -> bool:
        """Whether the call that it is in runs."""
        return self.chunk.has_begun


class Chunk(Held):
    """A call of a handler for several jobs. It takes one slot; each member is settled alone."""

    __slots__ = ("_has_begun", "members", "outcomes")

    def __init__(self, task: AnyTask, holder: JobHolder, first: ClaimedJob) -> None:
        # A limit of time is each member's own.
        super().__init__(first._replace(timeout=None), task, holder)
        self.members: list[Member] = []
        self.outcomes: list[RunOutcome | None] = []
        self._has_begun = False

    def add(self, member: Member) -> None:
        """Take one more job."""
        member.chunk = self
        self.members.append(member)

    def remove(self, member: Member) -> None:
        """Let a job go, before it starts."""
        self.members.remove(member)
        if self.members:
            self.job = self.members[0].job._replace(timeout=None)

    @property
    def context(self) -> Context:
        """The first job's: it is what middleware sees."""
        return self.members[0].context

    @property
    def has_begun(self) -> bool:
        """Whether the handler has been called, or will be at once."""
        return self._has_begun

    def begin(self) -> None:
        """Note that it starts now, with the members that it has."""
        self._has_begun = True
        contexts = [member.context for member in self.members]
        for member, context in zip(self.members, contexts, strict=True):
            member.began = self.began
            context.together = contexts

    def call(self, task: AnyTask) -> Any:
        """Call the handler with what all of the jobs carry."""
        items = [member.item for member in self.members]
        if task.wants_context:
            return task.handler([member.context for member in self.members], items)
        return task.handler(items)

    def tell_to_stop(self, reason: str) -> None:
        """Let the handler know for each job."""
        self.reason = self.reason or reason
        for member in self.members:
            member.tell_to_stop(reason)

    def outcome_of(self, value: Any) -> RunOutcome | None:
        """Keep what the handler's return makes of each job; see Chunk.end."""
        self._share()
        if value is None:
            value = [None] * len(self.members)
        if not isinstance(value, list | tuple) or len(value) != len(self.members):
            returned = f"{len(value)} outcomes" if isinstance(value, list | tuple) else _kind(value)
            return Failed(
                f"the handler returned {returned} for {len(self.members)} jobs. "
                "Return None, or a list with a result or an exception for each of them.",
                "InvalidResult",
            )
        self.outcomes = [
            member.outcome_of_error(each, None)
            if issubclass(type(each), BaseException)
            else member.outcome_of(each)
            for member, each in zip(self.members, value, strict=True)
        ]
        return None

    def outcome_of_error(
        self, error: BaseException, outer: BaseException | None
    ) -> RunOutcome | None:
        """Keep what an error of the call makes of each job, by why it was told to stop."""
        self._share()
        known: dict[str, RunOutcome | None] = {}
        for member in self.members:
            if member.reason not in known:
                known[member.reason] = member.outcome_of_error(error, outer)
        self.outcomes = [known[member.reason] for member in self.members]
        return None

    def end(self, outcome: RunOutcome | None) -> list[tuple[Member, RunOutcome | None]]:
        """Return each job with how it ended, and let go of them; `outcome` is for all of a chunk
        that never began.
        """
        outcomes = self.outcomes or [outcome] * len(self.members)
        ends = list(zip(self.members, outcomes, strict=True))
        for member in self.members:
            if member.timer is not None:
                member.timer.cancel()
            if self._has_begun:
                # Which leads back to it: else all would wait for the collector.
                member.context.together = ()
        self.members = []
        return ends

    def _share(self) -> None:
        """Let the members know what has happened to the call."""
        for member in self.members:
            member.reason = member.reason or self.reason
            member.was_disturbed = self.was_disturbed


def alone(
    job: ClaimedJob, task: AnyTask | None, holder: JobHolder
) -> tuple[Held, RunOutcome | None]:
    """Return what runs a job by itself, and how it fails where it cannot be run."""
    if task is None or task.chunking is None:
        return Held(job, task, holder), of_unreadable(job)
    member, chunk = Member(job, task, holder), Chunk(task, holder, job)
    chunk.add(member)
    unreadable = member.read()
    chunk.begin()
    return chunk, unreadable


def outcome_alone(held: Held, outcome: RunOutcome | None) -> RunOutcome | None:
    """Return how a job ended that has run by itself."""
    return held.end(outcome)[0][1] if isinstance(held, Chunk) else outcome


class Gathering:
    """The chunks that wait for more jobs, one for each task; `start` gets them when time is up."""

    def __init__(self, start: Callable[[Chunk], None]) -> None:
        self.taken = 0
        self._start = start
        self._open: dict[str, Chunk] = {}

    def __bool__(self) -> bool:
        return bool(self._open)

    def add(self, member: Member, task: AnyTask, holder: JobHolder) -> Chunk | None:
        """Keep a job; return its chunk where it is complete.

        A job that has failed before, or killed a worker, runs alone: it must not harm others again.
        """
        assert task.chunking is not None
        self.taken += 1
        name, size = member.job.task, task.chunking.size
        alone = size == 1 or member.job.attempt > 1
        chunk = None if alone else self._open.get(name)
        if chunk is None:
            chunk = Chunk(task, holder, member.job)
            if not alone:
                self._open[name] = chunk
                loop = asyncio.get_running_loop()
                chunk.timer = loop.call_later(task.chunking.wait, partial(self._close, chunk))
        chunk.add(member)
        if alone or len(chunk.members) >= size:
            self.drop(chunk)
            return chunk
        return None

    def wanted(self, others: int) -> list[tuple[str, int]]:
        """Return the tasks whose chunks lack jobs, and how many if `others` may come anyway."""
        lacking: list[tuple[str, int]] = []
        for name, chunk in self._open.items():
            assert chunk.task is not None
            assert chunk.task.chunking is not None
            lacking.append((name, chunk.task.chunking.size - len(chunk.members) - others))
        return [each for each in lacking if each[1] > 0]

    def drop(self, chunk: Chunk) -> bool:
        """Forget a chunk that waits for nothing more; return whether it was here."""
        if chunk.timer is not None:
            chunk.timer.cancel()
            chunk.timer = None
        # Until it starts: what waits for a slot is handed back where that takes too long.
        chunk.began = time.monotonic()
        if self._open.get(chunk.job.task) is not chunk:
            return False
        del self._open[chunk.job.task]
        return True

    def take_all(self) -> list[Member]:
        """Return all jobs that wait here, and forget them."""
        chunks = list(self._open.values())
        for chunk in chunks:
            self.drop(chunk)
        return [member for chunk in chunks for member in chunk.members]

    def _close(self, chunk: Chunk) -> None:
        self.drop(chunk)
        self._start(chunk)


def _kind(value: Any) -> str:
    return f"a value of the type {type(value).__name__}"
