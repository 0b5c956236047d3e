"""Which shard a job goes to, by what the shards say of their slots. No I/O.

The slot of a job is a matter of SQL, `shard_slot`; what is here must answer the same, without a
round trip for each job. A job with parents or a batch goes where these are. Jobs of one call that
depend on each other go together.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
from itertools import cycle
from typing import Any, Final, TypeVar

from pgq.calls.call import Call
from pgq.calls.shards import shard_check
from pgq.errors import InvalidArgument, InvalidJob, SlotMoved
from pgq.reports import ShardMap

T = TypeVar("T")

SLOTS: Final = 1024
_SCAN: Final = json.JSONDecoder().raw_decode
_CHECK: Final = ", {schema}.shard_check("
_PLACE: Final = re.compile(r"job (\d+)(?=:)")


@dataclass
class Part:
    """The jobs of a call that go to one shard: their places in it, and what the shard checks."""

    number: int
    places: list[int] = field(default_factory=list[int])
    slots: set[int] = field(default_factory=set[int])
    spread: set[str] = field(default_factory=set[str])
    whole: set[str] = field(default_factory=set[str])

    def checked(self, call: Call[T]) -> Call[T]:
        """Return a call that enqueues, and in the same statement asks whether it may."""
        check = shard_check(sorted(self.slots), sorted(self.spread), sorted(self.whole))
        asked = check.template.partition("shard_check(")[2].replace(" as answer", " as checked")
        parameters = {**call.parameters, **check.parameters}
        return replace(
            call, template=f"{call.template}{_CHECK}{asked}", parameters=parameters, texts={}
        )

    def of_all(self, error: InvalidJob) -> InvalidJob:
        """Return an error of a part, with the job's place in the whole call."""
        said = _PLACE.sub(lambda found: f"job {self.places[int(found[1]) - 1] + 1}", error.message)
        return InvalidJob(said, error.hint)


class Routes:
    """Where jobs go, as the shards said when they were asked."""

    def __init__(self, maps: Iterable[ShardMap]) -> None:
        known = {each.number: each for each in maps}
        self.numbers = sorted(known)
        self.spread = frozenset(queue for each in known.values() for queue in each.spread)
        self.owners = [_owner(slot, known) for slot in range(SLOTS)]
        self._turns = cycle(sorted({each for each in self.owners if each is not None}) or [0])

    def slot_of(self, job: dict[str, Any]) -> int | None:
        """Return the slot of a job, given by its options; None: any. Raises InvalidJob."""
        queue = job.get("queue") or "default"
        if queue not in self.spread:
            return slot_of_key(queue)
        unique, semaphore = job.get("unique_key"), job.get("concurrency_key")
        if unique is not None and semaphore is not None and unique != semaphore:
            raise InvalidJob(
                "the unique_key and the concurrency_key of a job of a spread queue differ",
                "Each key has its shard: give the job one of them, or the same text twice.",
            )
        if job.get("unique_by") is not None:
            raise InvalidJob(
                "a job of a spread queue has a unique_by",
                "Its shard would make the key: pass it as unique_key, so that it says the shard.",
            )
        keys = (unique, semaphore, job.get("partition_key"))
        key = next((each for each in keys if each is not None), None)
        return None if key is None else slot_of_key(key)

    def parts(self, jobs: Sequence[dict[str, Any]]) -> list[Part]:
        """Divide jobs among the shards, which stand in the order of their numbers.

        Raises InvalidJob where one would have to be on two shards, SlotMoved while its slot moves.
        """
        slots = [self._slot(job, place) for place, job in enumerate(jobs, 1)]
        groups = _together(jobs)
        homes: dict[int, set[int]] = {}
        for place, job in enumerate(jobs):
            wanted = homes.setdefault(groups[place], set())
            slot = slots[place]
            if slot is not None:
                wanted.add(self._owner(slot))
            wanted.update(each % SLOTS for each in _ids_of(job))
            if len(wanted) > 1:
                raise InvalidJob(
                    f"job {place + 1}: what it belongs to is on several shards: "
                    f"{', '.join(map(str, sorted(wanted)))}",
                    "Its queue or key, its parents and its batch must be on one: see shard().",
                )
        parts: dict[int, Part] = {}
        chosen: dict[int, int] = {}
        for place, job in enumerate(jobs):
            group = groups[place]
            if group not in chosen:
                chosen[group] = next(iter(homes[group])) if homes[group] else next(self._turns)
            part = parts.setdefault(chosen[group], Part(chosen[group]))
            part.places.append(place)
            slot = slots[place]
            if slot is not None:
                part.slots.add(slot)
            queue = job.get("queue") or "default"
            (part.spread if queue in self.spread else part.whole).add(queue)
        return [parts[number] for number in sorted(parts)]

    def _slot(self, job: dict[str, Any], place: int) -> int | None:
        try:
            return self.slot_of(job)
        except InvalidJob as error:
            raise InvalidJob(f"job {place}: {error.message}", error.hint) from None

    def _owner(self, slot: int) -> int:
        owner = self.owners[slot]
        if owner is None:
            raise SlotMoved(f"slot {slot} moves from a shard to another one", "Try again later.")
        return owner


def slot_of_key(key: str) -> int:
    """Return the slot of a key, as the SQL function `shard_slot` does."""
    return int.from_bytes(sha256(key.encode()).digest()[:2]) % SLOTS


def by_shard(ids: Iterable[int]) -> dict[int, list[int]]:
    """Divide ids of jobs by the numbers of their shards."""
    found: dict[int, list[int]] = {}
    for each in ids:
        found.setdefault(each % SLOTS, []).append(each)
    return found


def elements(text: str) -> Iterator[tuple[dict[str, Any], str]]:
    """Yield the objects of a JSON array, each with its own text, which is kept as it is."""
    at = 1
    while text[at] != "]":
        found, end = _SCAN(text, at)
        yield found, text[at:end]
        at = end
        while text[at] in ", \n":
            at += 1


def number_of(maps: Sequence[ShardMap]) -> ShardMap:
    """Return the one row that a shard answers; InvalidArgument where it is none."""
    if not maps:
        raise InvalidArgument(
            "one of the databases is no shard", "Make it one before its first job: shard_init()."
        )
    return maps[0]


def _owner(slot: int, known: dict[int, ShardMap]) -> int | None:
    """Return who says that it takes a slot; else who is said to, if it did not answer."""
    for number, each in known.items():
        if each.owners[slot] == number:
            return number
    said = {each.owners[slot] for each in known.values()} - set(known) - {None}
    return said.pop() if len(said) == 1 else None


def _together(jobs: Sequence[dict[str, Any]]) -> list[int]:
    """Return for each job the place of the first of those that it is tied to by references."""
    first = list(range(len(jobs)))
    refs: dict[str, int] = {}

    def root(place: int) -> int:
        while first[place] != place:
            first[place] = place = first[first[place]]
        return place

    for place, job in enumerate(jobs):
        for parent in job.get("depends_on") or ():
            if isinstance(parent, str) and parent in refs:
                one, other = sorted((root(place), root(refs[parent])))
                first[other] = one
        if isinstance(job.get("ref"), str):
            refs[job["ref"]] = place
    return [root(place) for place in range(len(jobs))]


def _ids_of(job: dict[str, Any]) -> list[int]:
    """Return the ids that a job names: its parents and its batch."""
    found = [each for each in job.get("depends_on") or () if isinstance(each, int)]
    batch = job.get("batch_id")
    return found if batch is None else [*found, batch]
