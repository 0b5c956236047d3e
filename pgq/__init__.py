"""pgq: a job queue that is a Postgres schema, and this thin package over its functions.

    import pgq

    @pgq.task
    async def send(user_id: int) -> None: ...

    with pgq.Client("postgresql://…") as client:
        client.enqueue(send.job(1))

    asyncio.run(pgq.Worker("postgresql://…", queues=["default"]).run())

Each name is imported when it is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pgq.client.clients import Client
    from pgq.client.clients_async import AsyncClient
    from pgq.client.queue import QueueInfo
    from pgq.client.queue_async import AsyncQueueInfo
    from pgq.config.keys import (
        Config,
        WorkerSet,
    )
    from pgq.config.load import (
        load_config,
    )
    from pgq.context import (
        Context,
    )
    from pgq.errors import (
        Cancel,
        DatabaseAway,
        Decision,
        Fail,
        InvalidArgument,
        InvalidCron,
        InvalidJob,
        JobLost,
        JobTimeout,
        MigrationError,
        PgqError,
        Retry,
        SchemaMissing,
        SchemaNotOurs,
        SchemaTooOld,
        ServerError,
        Snooze,
        UniqueKeyTaken,
        UnsupportedClient,
        WaitTimeout,
        WorkerNotRegistered,
        WorkerStuck,
    )
    from pgq.flows import (
        flow,
    )
    from pgq.hooks import (
        Hooks,
        Process,
    )
    from pgq.jobs import (
        ClaimedJob,
        Created,
        Job,
        JobResult,
        NewJob,
        Order,
        Outcome,
        ParentResult,
        Promotion,
        Result,
        Settled,
        Step,
        Undecodable,
        Violation,
    )
    from pgq.middleware import (
        CallNext,
        Middleware,
    )
    from pgq.rows import (
        BatchProgress,
        BatchStatus,
        BlockedJob,
        ConnectionBudget,
        FailedJob,
        HealthCheck,
        JobCount,
        JobLinks,
        KeyOwner,
        QueueLimits,
        QueueStats,
        SemaphoreStatus,
        WorkerStatus,
    )
    from pgq.schedules import (
        Firing,
        NewSchedule,
        ScheduleChange,
        ScheduleFire,
        ScheduleStatus,
    )
    from pgq.tasks import (
        Registry,
        Task,
        add_middleware,
        on_exit,
        on_infrastructure_error,
        on_start,
        on_stop,
        registry,
        task,
    )
    from pgq.version import (
        __version__,
    )
    from pgq.worker.worker import (
        Worker,
    )

# So `pgq --help` loads neither psycopg nor a worker.
_HOMES = {
    "client.clients": ("Client",),
    "client.clients_async": ("AsyncClient",),
    "config.keys": (
        "Config",
        "WorkerSet",
    ),
    "config.load": ("load_config",),
    "context": ("Context",),
    "errors": (
        "Cancel",
        "DatabaseAway",
        "Decision",
        "Fail",
        "InvalidArgument",
        "InvalidCron",
        "InvalidJob",
        "JobLost",
        "JobTimeout",
        "MigrationError",
        "PgqError",
        "Retry",
        "SchemaMissing",
        "SchemaNotOurs",
        "SchemaTooOld",
        "ServerError",
        "Snooze",
        "UniqueKeyTaken",
        "UnsupportedClient",
        "WaitTimeout",
        "WorkerNotRegistered",
        "WorkerStuck",
    ),
    "flows": ("flow",),
    "hooks": (
        "Hooks",
        "Process",
    ),
    "jobs": (
        "ClaimedJob",
        "Created",
        "Job",
        "JobResult",
        "NewJob",
        "Order",
        "Outcome",
        "ParentResult",
        "Promotion",
        "Result",
        "Settled",
        "Step",
        "Undecodable",
        "Violation",
    ),
    "middleware": (
        "CallNext",
        "Middleware",
    ),
    "client.queue": ("QueueInfo",),
    "client.queue_async": ("AsyncQueueInfo",),
    "schedules": (
        "Firing",
        "NewSchedule",
        "ScheduleChange",
        "ScheduleFire",
        "ScheduleStatus",
    ),
    "rows": (
        "BatchProgress",
        "BatchStatus",
        "BlockedJob",
        "ConnectionBudget",
        "FailedJob",
        "HealthCheck",
        "JobCount",
        "JobLinks",
        "KeyOwner",
        "QueueLimits",
        "QueueStats",
        "SemaphoreStatus",
        "WorkerStatus",
    ),
    "tasks": (
        "Registry",
        "Task",
        "add_middleware",
        "on_exit",
        "on_infrastructure_error",
        "on_start",
        "on_stop",
        "registry",
        "task",
    ),
    "version": ("__version__",),
    "worker.worker": ("Worker",),
}
_HOME_OF = {name: module for module, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF:
        raise AttributeError(f"module 'pgq' has no attribute {name!r}")
    found = getattr(import_module(f"pgq.{_HOME_OF[name]}"), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


__all__ = [
    "AsyncClient",
    "AsyncQueueInfo",
    "BatchProgress",
    "BatchStatus",
    "BlockedJob",
    "CallNext",
    "Cancel",
    "ClaimedJob",
    "Client",
    "Config",
    "ConnectionBudget",
    "Context",
    "Created",
    "DatabaseAway",
    "Decision",
    "Fail",
    "FailedJob",
    "Firing",
    "HealthCheck",
    "Hooks",
    "InvalidArgument",
    "InvalidCron",
    "InvalidJob",
    "Job",
    "JobCount",
    "JobLinks",
    "JobLost",
    "JobResult",
    "JobTimeout",
    "KeyOwner",
    "Middleware",
    "MigrationError",
    "NewJob",
    "NewSchedule",
    "Order",
    "Outcome",
    "ParentResult",
    "PgqError",
    "Process",
    "Promotion",
    "QueueInfo",
    "QueueLimits",
    "QueueStats",
    "Registry",
    "Result",
    "Retry",
    "ScheduleChange",
    "ScheduleFire",
    "ScheduleStatus",
    "SchemaMissing",
    "SchemaNotOurs",
    "SchemaTooOld",
    "SemaphoreStatus",
    "ServerError",
    "Settled",
    "Snooze",
    "Step",
    "Task",
    "Undecodable",
    "UniqueKeyTaken",
    "UnsupportedClient",
    "Violation",
    "WaitTimeout",
    "Worker",
    "WorkerNotRegistered",
    "WorkerSet",
    "WorkerStatus",
    "WorkerStuck",
    "__version__",
    "add_middleware",
    "flow",
    "load_config",
    "on_exit",
    "on_infrastructure_error",
    "on_start",
    "on_stop",
    "registry",
    "task",
]
