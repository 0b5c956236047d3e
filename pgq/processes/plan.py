"""What a worker process is to run, made from the configuration and handed over as text."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from pgq.errors import InvalidArgument

if TYPE_CHECKING:
    from pgq.config.keys import Config, WorkerSet
    from pgq.processes.lasting import LastingWorker
    from pgq.tasks import Registry
    from pgq.worker.worker import Worker


@dataclass(frozen=True)
class ProcessPlan:
    """One process: what it imports, how it logs, and the arguments of its Workers.

    Equal plans need no new process.
    """

    modules: tuple[str, ...]
    log_level: str
    log_format: str
    workers: tuple[Mapping[str, Any], ...]

    def to_text(self) -> str:
        """Return it as one line of JSON."""
        return json.dumps(asdict(self))

    @staticmethod
    def from_text(text: str) -> ProcessPlan:
        """Read what `to_text` wrote."""
        found = json.loads(text)
        return ProcessPlan(
            tuple(found["modules"]),
            found["log_level"],
            found["log_format"],
            tuple(found["workers"]),
        )

    @property
    def label(self) -> str:
        """Which queues it serves, and in which databases if several, for the log."""
        served: dict[str, list[str]] = {}
        for worker in self.workers:
            databases = served.setdefault(",".join(worker["queues"]), [])
            if worker.get("database"):
                databases.append(worker["database"])
        return "; ".join(
            f"{queues} in {', '.join(databases)}" if databases else queues
            for queues, databases in served.items()
        )

    @property
    def shutdown_timeout(self) -> float | None:
        """How long (seconds) its running jobs may take to end; None: no limit."""
        limits = [worker.get("shutdown_timeout") for worker in self.workers]
        known = [limit for limit in limits if limit is not None]
        return max(known) if known and len(known) == len(limits) else None

    def make_workers(self, registry: Registry) -> list[Worker | LastingWorker]:
        """Make the workers, which leave signals to others; raises like Worker.

        Those of a fleet outlive their databases; those of one budget share its slots.
        """
        from pgq.processes.lasting import LastingWorker
        from pgq.worker.budget import Budget
        from pgq.worker.worker import Worker

        budgets: dict[str, Budget] = {}
        hopeful: set[LastingWorker] = set()
        made: list[Worker | LastingWorker] = []
        for each in self.workers:
            options = dict(each)
            database, shared = options.pop("database", None), options.pop("budget", None)
            if shared is not None:
                own = Budget(options["concurrency"])
                options["budget"] = budgets.setdefault(shared, own)
            make = partial(Worker, registry=registry, handle_signals=False, **options)
            made.append(make() if database is None else LastingWorker(make, database, hopeful))
        return made


def plan_processes(
    config: Config, dsn: str, listen_dsn: str | None = None, *, drain: bool = False
) -> list[ProcessPlan]:
    """Return a plan for each process that the configuration asks for.

    Raises InvalidArgument where mode and sets contradict each other.
    """
    shared = _shared(config, dsn, listen_dsn, drain=drain)
    if config.only == "maintain":
        # One maintains for all; which queues the sets serve does not matter.
        first = _options(config.worker_sets[0], None)
        nothing = {"queues": ["*"], "concurrency": 1, "claims": False}
        workers = [{**shared, **first, **nothing}]
    elif config.mode == "async":
        _check_async(config)
        workers = [{**shared, **_options(each, None)} for each in config.worker_sets]
    else:
        workers = [
            {**shared, **_options(each, number if each.processes > 1 else None)}
            for each in config.worker_sets
            for number in range(each.processes)
        ]
    groups = [workers] if config.mode == "async" else [[worker] for worker in workers]
    return [
        ProcessPlan(config.modules, config.log_level, config.log_format, tuple(group))
        for group in groups
    ]


def _shared(config: Config, dsn: str, listen_dsn: str | None, *, drain: bool) -> dict[str, Any]:
    works_only = config.only == "work"
    shared: dict[str, Any] = {
        "dsn": dsn,
        "listen_dsn": listen_dsn,
        "schema": config.schema,
        "schedules": config.schedules and not works_only,
        "schedule_source": config.schedule_source or ",".join(sorted({*config.modules})),
        "schema_timeout": _plain(config.schema_timeout),
        "drain": drain,
        "maintains": not works_only,
        "web_url": config.web_url,
    }
    if config.schedules_file is not None and shared["schedules"]:
        shared["schedules_file"] = str(config.schedules_file)
    return _known(shared)


def _options(chosen: WorkerSet, number: int | None) -> dict[str, Any]:
    """Return the options of a set's workers; several of one name get numbers."""
    of_plans = ("processes", "installation")
    options = {name: _plain(value) for name, value in vars(chosen).items() if name not in of_plans}
    if chosen.name is not None and number is not None:
        options["name"] = f"{chosen.name}-{number}"
    return _known(options)


def _check_async(config: Config) -> None:
    for each in config.worker_sets:
        if each.processes > 1:
            raise InvalidArgument(
                f"{each.processes} processes, but mode async runs everything in one",
                "Leave processes out and raise concurrency, or use the mode process.",
            )


def _plain(value: Any) -> Any:
    """Return a value as JSON has it, and Worker takes it: lengths of time as seconds."""
    match value:
        case timedelta():
            return value.total_seconds()
        case tuple():
            return [*value]
        case _:
            return value


def _known(options: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in options.items() if value is not None}
