"""Where the schemas of a project are: which backend alias has which database and which schema.

    TASKS = {
        "default": {"BACKEND": "pgq.contrib.django.PgqBackend"},
        "critical": {
            "BACKEND": "pgq.contrib.django.PgqBackend",
            "OPTIONS": {"database_alias": "queue", "schema": "critical"},
        },
    }

A project without such a backend has one schema, `pgq` in the database "default".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final

from pgq.schema.names import Names

LABEL: Final = "pgq"
"""What Django calls the app."""

DEFAULT: Final = "default"
DATABASE, SCHEMA, ROLE_PREFIX = "database_alias", "schema", "role_prefix"
_PACKAGE: Final = "pgq.contrib.django"


@dataclass(frozen=True)
class Installation:
    """A schema in a database of the project's, and the backend alias that it belongs to."""

    backend: str = DEFAULT
    database: str = DEFAULT
    schema: str = "pgq"
    role_prefix: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict, compare=False)

    @cached_property
    def names(self) -> Names:
        """The names in SQL; ValueError for an unusable one."""
        return Names(self.schema, self.role_prefix)

    @property
    def dsn(self) -> str:
        """The DSN of the database, from DATABASES."""
        return dsn_of(self.database)


def installations(database: str | None = None) -> list[Installation]:
    """Return one for each backend alias of ours, or for each of one database."""
    found = configured() or [Installation()]
    return [each for each in found if database in (None, each.database)]


def configured() -> list[Installation]:
    """Return those that TASKS names: none where a project's tests run other backends, say."""
    return [*_of_settings()]


def schemas(database: str) -> list[Installation]:
    """Return one for each schema of a database: backend aliases may share a schema."""
    return list({each.schema: each for each in reversed(installations(database))}.values())[::-1]


def installation(backend: str = DEFAULT) -> Installation:
    """Return that of a backend alias; ImproperlyConfigured where there is none."""
    from django.core.exceptions import ImproperlyConfigured

    found = {each.backend: each for each in installations()}
    if backend in found:
        return found[backend]
    raise ImproperlyConfigured(
        f"TASKS has no backend of pgq called {backend!r}, only {', '.join(found)}"
    )


def main_installation() -> Installation:
    """Return that of the backend "default", or else the first one."""
    found = installations()
    return next((each for each in found if each.backend == DEFAULT), found[0])


def installation_or_404(backend: str) -> Installation:
    """Return that of a backend alias which an address names; "default" may be another one."""
    from django.http import Http404

    if backend == DEFAULT:
        return main_installation()
    for each in installations():
        if each.backend == backend:
            return each
    raise Http404(f"TASKS has no backend of pgq called {backend!r}")


def _of_settings() -> Iterator[Installation]:
    from django.conf import settings

    for alias, entry in getattr(settings, "TASKS", {}).items():
        if not is_ours(entry.get("BACKEND")):
            continue
        options = entry.get("OPTIONS") or {}
        yield Installation(
            backend=alias,
            database=options.get(DATABASE, DEFAULT),
            schema=options.get(SCHEMA, "pgq"),
            role_prefix=options.get(ROLE_PREFIX),
            options=options,
        )


def is_ours(backend: object) -> bool:
    """Whether a backend of TASKS, a class or its path, is one of these modules', or made of it."""
    from django.utils.module_loading import import_string

    if isinstance(backend, str):
        if backend.startswith(f"{_PACKAGE}."):
            return True
        try:
            backend = import_string(backend)
        except ImportError:
            return False  # Django says so when it makes the backend
    bases = backend.__mro__ if isinstance(backend, type) else ()
    return any(base.__module__.startswith(f"{_PACKAGE}.") for base in bases)


def dsn_of(database: str) -> str:
    """Return the DSN of a database of DATABASES, with all that libpq knows of its options."""
    from django.db import connections
    from psycopg.conninfo import make_conninfo
    from psycopg.pq import Conninfo

    wrapper: Any = connections[database]
    words = {each.keyword.decode() for each in Conninfo.get_defaults()}
    given = {
        name: value for name, value in wrapper.get_connection_params().items() if name in words
    }
    if role := wrapper.settings_dict["OPTIONS"].get("assume_role"):
        option = "-c role=" + str(role).replace("\\", "\\\\").replace(" ", "\\ ")
        given["options"] = " ".join(filter(None, (given.get("options"), option)))
    return make_conninfo(**given)
