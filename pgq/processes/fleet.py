"""What processes serve several databases: one plan for all of them.

Each process of a set serves the set's queues in every database, with a worker for each, and these
share the slots of the set. Limits, schedules and housekeeping are each database's own.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import Any, Final

from pgq.config.keys import Config
from pgq.errors import InvalidArgument
from pgq.processes.plan import ProcessPlan, plan_processes

# What differs between the databases that a process serves.
_OF_A_DATABASE: Final = ("dsn", "listen_dsn", "schema", "web_url")
# What a process has only one of.
_OF_A_PROCESS: Final = {
    "mode": "worker.mode",
    "pidfile": "worker.pidfile",
    "lock": "worker.lock",
    "metrics_port": "worker.metrics_port",
    "log_level": "log.level",
    "log_format": "log.format",
}


@dataclass(frozen=True)
class Database:
    """One database of several: what people call it, how it is configured, its DSNs."""

    name: str
    config: Config
    dsn: str
    listen_dsn: str | None = None

    def with_own_sets(self, *, named_only: bool) -> Database | None:
        """Leave out the sets of other installations; None where no set is left.

        named_only: also those that name no installation.
        """
        sets = tuple(
            each
            for each in self.config.worker_sets
            if (
                not named_only
                if each.installation is None
                else fnmatchcase(self.name, each.installation)
            )
        )
        return replace(self, config=replace(self.config, worker_sets=sets)) if sets else None


def plan_fleet(databases: Sequence[Database], *, drain: bool = False) -> list[ProcessPlan]:
    """Return a plan for each process: of databases whose sets are alike, one for all of them.

    Raises InvalidArgument where they contradict each other, or a set has fewer slots than
    databases.
    """
    _check_alike(databases)
    groups: dict[tuple[str, int], list[tuple[Database, ProcessPlan]]] = {}
    for each in databases:
        places: dict[str, int] = {}
        for plan in plan_processes(each.config, each.dsn, each.listen_dsn, drain=drain):
            shape = _shape(plan)
            places[shape] = place = places.get(shape, -1) + 1
            groups.setdefault((shape, place), []).append((each, plan))
    return [_merged(group) for group in groups.values()]


def _merged(group: Sequence[tuple[Database, ProcessPlan]]) -> ProcessPlan:
    first = group[0][1]
    workers: list[dict[str, Any]] = []
    for place, options in enumerate(first.workers):
        together = [{**plan.workers[place], "database": each.name} for each, plan in group]
        if options.get("claims", True) and len(group) > 1:
            if options["concurrency"] < len(group):
                raise InvalidArgument(
                    f"a concurrency of {options['concurrency']} for {len(group)} databases",
                    "Raise it: each database needs a slot that no other one takes.",
                )
            # It changes with any of them: then all begin anew, with slots of their own.
            name = hashlib.sha256(json.dumps([place, together]).encode()).hexdigest()
            together = [{**each, "budget": name} for each in together]
        workers += together
    return ProcessPlan(first.modules, first.log_level, first.log_format, tuple(workers))


def _shape(plan: ProcessPlan) -> str:
    """Return what must be the same for databases to be served by one process."""
    workers = [
        {name: each[name] for name in sorted(each) if name not in _OF_A_DATABASE}
        for each in plan.workers
    ]
    return json.dumps([plan.modules, workers])


def _check_alike(databases: Sequence[Database]) -> None:
    first, *others = databases
    for other in others:
        for field, key in _OF_A_PROCESS.items():
            if getattr(first.config, field) != getattr(other.config, field):
                raise InvalidArgument(
                    f"{first.name} and {other.name} differ in {key}, of which a process has one",
                    "Say it above the installations, or run a command for each.",
                )


def check_distinct(databases: Sequence[Database]) -> None:
    """Raise InvalidArgument where two are the same database and schema."""
    for place, one in enumerate(databases):
        for other in databases[:place]:
            if (one.dsn, one.config.schema) == (other.dsn, other.config.schema):
                raise InvalidArgument(
                    f"{other.name} and {one.name} are the same database and schema",
                    "PGQ_DSN and PGQ_SCHEMA go before what installations say.",
                )
