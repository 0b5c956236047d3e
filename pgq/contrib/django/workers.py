"""What a worker of a Django project runs: the tasks that were declared, and their schedules.

    pgq worker pgq.contrib.django.workers:registry
    pgq worker pgq.contrib.django.workers:registry@critical

Both read DATABASES and OPTIONS, as `manage.py pgq worker` does; PGQ_DSN, pgq.toml and options of
the command go before them.

Django must be set up. A worker takes jobs of tasks that it knows: those of the modules `tasks` of
all installed apps, and those of whatever else was imported. Jobs of others wait for a worker that
knows theirs, as during a deployment. With the option `import_tasks` it takes every job, and imports
the task that the job names.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from django.apps import apps
from django.db import connections
from django.utils.module_loading import autodiscover_modules, import_string

from pgq import tasks
from pgq.contrib.django.backend import PgqBackend, backend_of
from pgq.contrib.django.compat import Task
from pgq.contrib.django.declared import declared
from pgq.contrib.django.exceptions import EnqueueError
from pgq.contrib.django.installations import DEFAULT, installation
from pgq.contrib.django.options import options, worker_table
from pgq.contrib.django.recurring import declared_schedules
from pgq.logs import log_error, say_once
from pgq.processes.reload import watch_too

TASK_MODULES: Final = "tasks"
"""The module of each app that is imported for its tasks."""


def registry_of(alias: str = "default", *, accept_all: bool | None = None) -> tasks.Registry:
    """Return the tasks that a worker for a backend runs, after importing those of all apps.

    accept_all: whether it takes every job, and imports the task that it names; None: as the
    backend's option `import_tasks` says.
    """
    backend = backend_of(alias)
    autodiscover_modules(TASK_MODULES)
    takes_all = backend.options.get("import_tasks", False) if accept_all is None else accept_all
    registry = tasks.Registry(accept_all=takes_all, resolve=resolver_of(backend))
    for task in declared():
        registry.add(backend.as_pgq(task))
    for schedule in declared_schedules(backend):
        registry.add_schedule(schedule)
    _add_what_needs_no_django(registry)
    if told := options(alias).get("on_thread_error"):
        tell = import_string(told)
        registry.hooks.on_infrastructure_error(lambda error, _where: tell(error))
    return registry


def _add_what_needs_no_django(registry: tasks.Registry) -> None:
    """Add what modules declare by @pgq.task, @pgq.on_start and so on."""
    for task in tasks.registry:
        registry.add(task)
    for schedule in tasks.registry.schedules:
        registry.add_schedule(schedule)
    registry.hooks.extend(tasks.registry.hooks)
    registry.middleware.extend(tasks.registry.middleware)


def resolver_of(
    backend: PgqBackend, *, here: bool = False
) -> Callable[[str], tasks.AnyTask | None]:
    """Return what finds a task by its import path; of anything else that is there it says None."""

    def resolve(path: str) -> tasks.AnyTask | None:
        try:
            found: Any = import_string(path)
            return backend.as_pgq(found, here=here) if isinstance(found, Task) else None
        except (ImportError, EnqueueError):
            return None
        except Exception as error:  # noqa: BLE001 (a module may raise anything when it is imported)
            log_error("task.unimportable", error, task=path)
            return None

    return resolve


def settings_of(name: str) -> tuple[dict[str, Any], str]:
    """Return what TASKS and DATABASES say for a registry of this module, and who says it.

    `pgq worker` asks for it. ImproperlyConfigured.
    """
    alias = _alias_in(name)
    table = worker_table(alias)
    chosen = installation(alias)
    if connections[chosen.database].vendor == "postgresql":
        table["dsn"] = chosen.dsn
    table["schema"] = chosen.schema
    return table, f"TASKS[{alias!r}]"


def _alias_in(name: str) -> str:
    kind, _, alias = name.partition("@")
    if kind == "registry":
        return alias or DEFAULT
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __getattr__(name: str) -> Any:
    alias = _alias_in(name)
    say_once("django")  # with DEBUG, Django has a handler of its own
    watch_too(Path(each.path) for each in apps.get_app_configs())
    return registry_of(alias)
