"""What TASKS[alias]["OPTIONS"] says of workers: in pgq's words, or in those of dj-queue.

    "OPTIONS": {
        "database_alias": "default",                      # where the schema is
        "schema": "pgq",
        "worker": {"concurrency": 20},                    # as [worker] in pgq.toml
        "workers": [{"queues": ["mail*"], "threads": 8}], # as [[workers]], or as dj-queue has them
    }

DJ_QUEUE_CONFIG names a YAML file that is laid over OPTIONS, DJ_QUEUE_MODE and
DJ_QUEUE_SKIP_RECURRING go before both.
"""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, cast

from django.core.exceptions import ImproperlyConfigured

from pgq.contrib.django.installations import DATABASE, DEFAULT, ROLE_PREFIX, SCHEMA, installation

CONFIG, MODE, SKIP_RECURRING = "DJ_QUEUE_CONFIG", "DJ_QUEUE_MODE", "DJ_QUEUE_SKIP_RECURRING"
WORKERS_MODULE: Final = "pgq.contrib.django.workers"

# dj-queue's words for keys of [worker], and for keys of a set of workers.
_OF_WORKER: Final = {
    "process_heartbeat_interval": "heartbeat_interval",
    "process_alive_threshold": "lease",
    "shutdown_timeout": "shutdown_timeout",
    "supervisor_pidfile": "pidfile",
}
_OF_SET: Final = {"threads": "concurrency", "polling_interval": "poll_interval"}
_LONGEST: Final = 100 * 365 * 86_400
_MODES: Final = {"fork": "process", "async": "async", "process": "process"}
_WORDS: Final = {
    **dict.fromkeys(("1", "true", "yes", "on"), True),
    **dict.fromkeys(("0", "false", "no", "off"), False),
}

NEEDLESS: Final[Mapping[str, str]] = {
    "dispatchers": "every worker does this work",
    "scheduler": "every worker fires schedules, and schedules may be changed at any time",
    "default_concurrency_duration": "without a duration a job keeps its slot until it ends",
    "use_skip_locked": "claims always skip what others lock",
    "listen_notify": "workers always listen",
    "silence_polling": "workers log no polls",
}
"""dj-queue's options that change nothing here, and why."""

KEEPS: Final = "preserve_finished_jobs"
AGES: Final = {
    "clear_finished_jobs_after": ("succeeded", "cancelled"),
    "clear_failed_jobs_after": ("failed",),
    "clear_recurring_executions_after": ("schedule_history",),
}
"""Seconds after which dj-queue deletes what is finished, and what configure_retention calls it."""

OF_JOBS: Final = ("max_attempts", "atomic", "enqueue_on_commit", "import_tasks")
_KNOWN: Final = frozenset({
    *(DATABASE, SCHEMA, ROLE_PREFIX, "worker", "workers", "mode", "recurring", "on_thread_error"),
    *OF_JOBS, *_OF_WORKER, *NEEDLESS, KEEPS, *AGES,
})  # fmt: skip


def options(alias: str = DEFAULT, environ: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Return OPTIONS of an alias with what the overlay says. ImproperlyConfigured."""
    variables = os.environ if environ is None else environ
    given = installation(alias).options
    found = {**given, **overlay(variables.get(CONFIG), alias)}
    if unknown := sorted(map(str, found.keys() - _KNOWN)):
        raise ImproperlyConfigured(
            f"TASKS[{alias!r}]: there is no option {', '.join(unknown)}; "
            f"there are {', '.join(sorted(_KNOWN))}"
        )
    for name in (DATABASE, SCHEMA):
        if name in found and found[name] != given.get(name, DEFAULT if name == DATABASE else "pgq"):
            raise ImproperlyConfigured(
                f"{variables[CONFIG]}: {name} is {found[name]!r} and something else in TASKS. "
                "Write it into TASKS, because who enqueues reads it there."
            )
    if mode := variables.get(MODE):
        found["mode"] = mode
    return found


def worker_table(alias: str = DEFAULT, environ: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Return the same as a pgq.toml would say it, for `pgq.config.load.provide`."""
    variables = os.environ if environ is None else environ
    found = options(alias, variables)
    worker = {**_mapping(found.get("worker", {}), "worker")}
    for theirs, ours in _OF_WORKER.items():
        if found.get(theirs) is not None:
            worker.setdefault(ours, found[theirs])
    if (mode := found.get("mode")) is not None:
        if mode not in _MODES:
            raise ImproperlyConfigured(f"mode must be 'fork' or 'async', got {mode!r}")
        worker["mode"] = _MODES[mode]
    if skips_recurring(variables):
        worker["schedules"] = False
    worker.setdefault("schedule_source", f"django:{alias}")
    table: dict[str, Any] = {"modules": [module_of(alias)], "worker": worker}
    sets = found.get("workers")
    if sets:
        listed = [sets] if isinstance(sets, Mapping) else sets
        table["workers"] = [_set(each, worker.get("mode") == "async") for each in listed]
    return table


def days_to_keep(found: Mapping[str, Any]) -> dict[str, int]:
    """Return how many days dj-queue would keep what is finished, as configure_retention takes them.

    Whole days, at least one; 0 for successes that leave no row. ImproperlyConfigured.
    """
    days: dict[str, int] = {}
    for name, kinds in AGES.items():
        age = found.get(name)
        if age is None:
            continue
        if isinstance(age, bool) or not isinstance(age, int | float) or not 0 <= age < _LONGEST:
            raise ImproperlyConfigured(f"{', '.join(AGES)} are seconds or None, and not {age!r}")
        days |= dict.fromkeys(kinds, max(1, math.ceil(age / 86_400)))
    return days | {"succeeded": 0} if found.get(KEEPS) is False else days


def skips_recurring(environ: Mapping[str, str]) -> bool:
    """Whether DJ_QUEUE_SKIP_RECURRING says that this process makes and fires no schedules."""
    text = environ.get(SKIP_RECURRING, "").strip().lower()
    if text and text not in _WORDS:
        raise ImproperlyConfigured(f"{SKIP_RECURRING} must be one of {', '.join(sorted(_WORDS))}")
    return _WORDS.get(text, False)


def module_of(alias: str) -> str:
    """Return what a worker of an alias imports, as MODULE of `pgq worker`."""
    return f"{WORKERS_MODULE}:registry" + ("" if alias == DEFAULT else f"@{alias}")


def overlay(file: str | None, alias: str) -> Mapping[str, Any]:
    """Return what a YAML file says of an alias: flat, or under `backends`."""
    if not file:
        return {}
    try:
        import yaml
    except ImportError as error:
        raise ImproperlyConfigured(
            f"{CONFIG} is YAML: pip install pyyaml, or write it as pgq.toml"
        ) from error
    try:
        content = yaml.safe_load(Path(file).read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError) as error:
        raise ImproperlyConfigured(f"{CONFIG}: cannot read {file}: {error}") from error
    flat = _mapping(content or {}, f"{CONFIG} {file}")
    if flat.get("backends") is None:
        return flat
    if len(flat) > 1:
        raise ImproperlyConfigured(f"{file}: either options, or `backends` alone")
    backends = _mapping(flat["backends"], f"{file}: backends")
    return _mapping(backends.get(alias) or {}, f"{file}: backends.{alias}")


def _set(given: object, is_async: bool) -> dict[str, Any]:
    found = {_OF_SET.get(key, key): value for key, value in _mapping(given, "workers").items()}
    queues = found.get("queues", "*")
    found["queues"] = [queues] if isinstance(queues, str) else [*queues]
    if is_async:
        found.pop("processes", None)  # dj-queue says so in a warning
    return found


def _mapping(found: object, what: str) -> Mapping[str, Any]:
    if isinstance(found, Mapping):
        return cast("Mapping[str, Any]", found)
    raise ImproperlyConfigured(f"{what} must be a mapping, and is {found!r}")
