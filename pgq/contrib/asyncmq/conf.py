"""AsyncMQ's settings: `settings`, and the class that a program's own are made of.

    class AppSettings(Settings):
        backend = "postgresql://..."
        tasks = ["app.tasks"]
        worker_on_startup = [connect]

ASYNCMQ_SETTINGS_MODULE="app.settings.AppSettings" names it. A variable with the upper-case name of
a setting that is text, a number or a bool goes before the class. The settings are made when they
are first read.
"""

from __future__ import annotations

import inspect
import json
import os
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import cached_property
from importlib import import_module
from typing import Any, Final

from pgq.contrib.asyncmq.exceptions import InvalidValue
from pgq.lib.checks import shown

SETTINGS_MODULE: Final = "ASYNCMQ_SETTINGS_MODULE"

Hooks = Callable[..., Any] | Sequence[Callable[..., Any]] | None

NEEDLESS: Final[Mapping[str, Any]] = {
    "debug": False,
    "logging_level": "INFO",
    "structured_logging": False,
    "jobs_table_schema": "asyncmq",
    "postgres_jobs_table_name": "asyncmq_jobs",
    "postgres_repeatables_table_name": "asyncmq_repeatables",
    "postgres_cancelled_jobs_table_name": "asyncmq_cancelled_jobs",
    "postgres_workers_heartbeat_table_name": "asyncmq_workers_heartbeat",
    "asyncmq_postgres_pool_options": None,
    "asyncmq_mongodb_backend_url": None,
    "asyncmq_mongodb_database_name": "asyncmq",
    "enable_stalled_check": False,
    "stalled_check_interval": 60.0,
    "stalled_threshold": 30.0,
    "sandbox_enabled": False,
    "sandbox_default_timeout": 30.0,
    "sandbox_ctx": "spawn",
    "worker_idle_poll_interval": 0.05,
    "worker_idle_poll_max_interval": 2.0,
    "heartbeat_ttl": 30,
    "tracing_enabled": False,
    "tracing_tracer_name": "asyncmq",
    "tracing_span_prefix": "asyncmq.job",
    "secret_key": None,
}
"""Settings of AsyncMQ's that change nothing here, and their defaults there."""

_PROPERTIES: Final = (property, cached_property)
_TRUTHS: Final = {"true", "1", "yes", "on", "y"}


class Settings:
    """AsyncMQ's settings. Arguments go before variables, and these before the class.

    backend: what a Queue without one uses; asyncmq_postgres_backend_url does the same. tasks:
    modules that a worker imports. json_dumps, json_loads: how arguments and results are written and
    read by this package. worker_on_startup, worker_on_shutdown: called around `run()` with backend,
    worker_id and queue. max_job_payload_bytes: longer arguments are refused here; None: by the
    server alone.
    """

    backend: Any = None
    asyncmq_postgres_backend_url: str | None = None
    scan_interval: float = 1.0
    worker_concurrency: int = 1
    tasks: Sequence[str] = ()
    json_dumps: Callable[[Any], str] = staticmethod(json.dumps)
    json_loads: Callable[[str], Any] = staticmethod(json.loads)
    max_job_payload_bytes: int | None = None
    worker_on_startup: Hooks = None
    worker_on_shutdown: Hooks = None

    def __init__(self, **given: Any) -> None:
        """Raise InvalidValue for a setting that AsyncMQ does not have, or of another kind."""
        vars(self).update(_from_environment(self))
        vars(self).update(given)
        names = _names(type(self))
        if unknown := sorted(given.keys() - {*names}):
            raise InvalidValue(
                f"there is no setting {', '.join(unknown)}",
                f"There are {', '.join(sorted(names))}.",
            )
        if self.sandbox_enabled:
            raise InvalidValue(
                "there is no sandbox for all tasks",
                'Use @pgq.task(isolation="process") for those that must be killed.',
            )
        self.post_init()

    def post_init(self) -> None:
        """Do what a class of yours does once all settings are known."""

    def dict(
        self,
        exclude_none: bool = False,
        upper: bool = False,
        exclude: Collection[str] = (),
        include_properties: bool = False,
    ) -> dict[str, Any]:
        """Return the settings by their names, on request also the properties of a class."""
        names = _names(type(self))
        if include_properties:
            of_class = inspect.getmembers(type(self), lambda it: isinstance(it, _PROPERTIES))
            names = [*dict.fromkeys([*names, *(name for name, _ in of_class)])]
        found = {name: getattr(self, name) for name in names if name not in exclude}
        return {
            name.upper() if upper else name: value
            for name, value in found.items()
            if not exclude_none or value is not None
        }

    def tuple(self, **which: Any) -> list[tuple[str, Any]]:
        """Return the same as pairs."""
        return [*self.dict(**which).items()]

    def __getattr__(self, name: str) -> Any:
        if name in NEEDLESS:
            return NEEDLESS[name]
        raise AttributeError(f"there is no setting {name!r}")


def _names(kind: type[Settings]) -> list[str]:
    """Return the names of all settings of a class, its own among them."""
    own = [name for each in kind.__mro__ for name in inspect.get_annotations(each)]
    return [*dict.fromkeys([*NEEDLESS, *own])]


def _from_environment(settings: Settings) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name in _names(type(settings)):
        text, default = os.environ.get(name.upper()), getattr(settings, name, None)
        if text is None or callable(default):
            continue
        if name == "tasks":
            found[name] = [each.strip() for each in text.split(",") if each.strip()]
        elif isinstance(default, bool):
            found[name] = text.strip().lower() in _TRUTHS
        elif name == "max_job_payload_bytes" or isinstance(default, int | float):
            kind = float if isinstance(default, float) else int
            try:
                found[name] = kind(text)
            except ValueError as error:
                hint = f"Set it to {kind.__name__}."
                raise InvalidValue(f"{name.upper()} is {shown(text)}", hint) from error
        elif default is None or isinstance(default, str):
            found[name] = text
    return found


def _load() -> Settings:
    path = os.environ.get(SETTINGS_MODULE)
    if not path:
        return Settings()
    module, _, name = path.replace(":", ".").rpartition(".")
    try:
        made = getattr(import_module(module), name)()
    except (ImportError, AttributeError, TypeError, ValueError) as error:
        if isinstance(error, InvalidValue):
            raise
        hint = "Name a class, as in app.settings.AppSettings."
        raise InvalidValue(f"{SETTINGS_MODULE}={path}: {error}", hint) from error
    if not isinstance(made, Settings):
        raise InvalidValue(
            f"{SETTINGS_MODULE}={path} is no Settings",
            "Make it a class of pgq.contrib.asyncmq.conf.Settings.",
        )
    return made


class _Lazy:
    """Stands for the settings of this process."""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._known(), name)

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(self._known(), name, value)

    def _known(self) -> Settings:
        known = vars(self).get("_settings")
        if known is None:
            known = vars(self)["_settings"] = _load()
        return known


settings: Final[Any] = _Lazy()
"""The settings of this process, made at the first look. Attributes may be set."""


def listed(hooks: Hooks) -> list[Callable[..., Any]]:
    """Return hooks as a list, each once."""
    if hooks is None:
        return []
    return list(dict.fromkeys([hooks] if callable(hooks) else hooks))
