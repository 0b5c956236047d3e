"""Slots that several workers of one event loop share: how many each may use right now.

No worker is left without a slot: each may always hold one job. All others go to those that have
work: where only one has more than it can run, it gets them all; where several have, they get the
same number. A slot that is taken stays taken until its job ends.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Protocol

from pgq.errors import InvalidArgument


class Member(Protocol):
    """One worker's side: what it holds, and whether it has work for more slots."""

    @property
    def busy(self) -> int:
        """How many slots it uses."""
        ...

    @property
    def held(self) -> int:
        """How many claimed jobs it has that have not ended, started or not."""
        ...

    @property
    def hung(self) -> int:
        """How many of its slots threads past their timeouts hang in."""
        ...

    @property
    def wants(self) -> bool:
        """Whether it has, as far as it knows, work for more slots than it uses."""
        ...

    def look(self) -> None:
        """Look again: there may be room now."""


class Budget:
    """Slots for the jobs of several workers: `pgq.Worker(dsn, budget=budget)`.

    All of the workers must run in one event loop. Raises InvalidArgument under one slot.
    """

    def __init__(self, concurrency: int) -> None:
        if concurrency < 1:
            raise InvalidArgument(f"concurrency is {concurrency}", "Pass at least 1.")
        self.concurrency: Final = concurrency
        self._members: list[Member] = []

    def join(self, member: Member) -> None:
        """Let a worker take part; raises InvalidArgument where there is no slot for each."""
        if len(self._members) >= self.concurrency:
            raise InvalidArgument(
                f"{self.concurrency} slots, but more workers share them",
                "Raise concurrency: each worker needs a slot that no other one takes.",
            )
        self._members.append(member)

    def leave(self, member: Member) -> None:
        """Forget a worker that has ended; its slots are free for the others."""
        if member in self._members:
            self._members.remove(member)
            self.freed(member)

    def most_held(self, member: Member) -> int:
        """Return how many jobs the worker may hold, to claim no more."""
        return self._share(member, lambda other: other.held)

    def most_busy(self, member: Member) -> int:
        """Return how many slots the worker may use, to start no more."""
        return self._share(member, lambda other: other.busy)

    def freed(self, member: Member) -> None:
        """Tell the others that the worker uses, or wants, less than before."""
        if len(self._members) > 1 or member not in self._members:
            for other in [each for each in self._members if each is not member and each.wants]:
                other.look()

    @property
    def is_stuck(self) -> bool:
        """Whether threads hang in every slot that one worker could have."""
        hung = sum(each.hung for each in self._members)
        return hung > self.concurrency - max(1, len(self._members))

    def _share(self, member: Member, load: Callable[[Member], int]) -> int:
        """Return what the others leave: what they have, and what they are entitled to."""
        if len(self._members) == 1:
            return self.concurrency
        others = [each for each in self._members if each is not member]
        hungry = [load(each) for each in others if each.wants]
        left = self.concurrency - sum(max(load(each), 1) for each in others if not each.wants)
        even = max(1, left // (len(hungry) + 1))
        return left - sum(max(taken, even) for taken in hungry)
