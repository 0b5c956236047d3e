"""What `manage.py check` says of the queue.

E001 a database is no Postgres              W001 a database of its own: no atomic enqueue
E002 Django uses psycopg 2                  W002 two backends share a schema
E003 OPTIONS are wrong                      W003 an option of dj-queue is a setting of the schema
                                            W004 the schema is missing or behind (with --database)
"""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any, Final

from django.core import checks
from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError, connections

from pgq.config.file import read_table
from pgq.contrib.django.installations import DEFAULT, Installation, configured, schemas
from pgq.contrib.django.options import AGES, KEEPS, days_to_keep, options, worker_table
from pgq.errors import MigrationError
from pgq.schema.advance import revision_of
from pgq.schema.migrate import head

Message = Any
_TAG: Final = "pgq"


def register_all() -> None:
    """Add the checks to Django's."""
    checks.register(check_settings, _TAG)
    checks.register(check_schemas, _TAG, checks.Tags.database)


def check_settings(**_given: Any) -> list[Message]:
    """Look at the settings alone."""
    return [message for each in configured() for message in _of_one(each)] + [*_shared()]


def check_schemas(databases: Sequence[str] | None = None, **_given: Any) -> list[Message]:
    """Look into the databases that were named."""
    if sys.argv[1:2] == ["migrate"]:
        return []  # it is about to be done
    return [
        message
        for alias in databases or ()
        if alias in connections and connections[alias].vendor == "postgresql"
        for each in schemas(alias)
        if (message := _of_schema(each)) is not None
    ]


def _of_one(each: Installation) -> Iterator[Message]:
    where = f"TASKS[{each.backend!r}]"
    if each.database not in connections:
        yield checks.Error(
            f"{where}: DATABASES has no {each.database!r}",
            hint="Name one of DATABASES in OPTIONS['database_alias'].",
            id="pgq.E003",
        )
        return
    connection = connections[each.database]
    if connection.vendor != "postgresql":
        yield checks.Error(
            f"{where}: the database {each.database!r} is no Postgres but {connection.vendor}",
            hint="Add a Postgres to DATABASES, and name it in OPTIONS['database_alias'].",
            id="pgq.E001",
        )
        return
    from django.db.backends.postgresql.psycopg_any import is_psycopg3

    if not is_psycopg3:
        yield checks.Error(
            "Django uses psycopg 2", hint="pip install 'psycopg[binary]'", id="pgq.E002"
        )
    yield from _of_options(each, where)


def _of_options(each: Installation, where: str) -> Iterator[Message]:
    wrong: list[str] = []
    try:
        _ = each.names
        given = options(each.backend)
        days = days_to_keep(given)
        # The schedules are not looked at: that would import every task.
        wrong = read_table(worker_table(each.backend), where).problems
    except (ImproperlyConfigured, ValueError) as error:
        yield checks.Error(f"{where}: {error}".replace(f"{where}: {where}", where), id="pgq.E003")
        return
    for problem in wrong:
        yield checks.Error(problem, id="pgq.E003")
    if each.database != DEFAULT and not given.get("enqueue_on_commit"):
        yield checks.Warning(
            f"{where}: jobs are in the database {each.database!r}, so a transaction of "
            f"{DEFAULT!r} that is rolled back leaves its jobs there",
            hint="Set OPTIONS['enqueue_on_commit'], keep the queue in the same database, or "
            "silence this if no task belongs to a transaction.",
            id="pgq.W001",
        )
    named = [name for name in AGES if given.get(name) is not None]
    if given.get(KEEPS) is False:
        named.insert(0, KEEPS)
    if days:
        ages = ", ".join(
            f"{kind} => '{count} day{'s' * (count > 1)}'" if count else f"{kind} => '0'"
            for kind, count in days.items()
        )
        yield checks.Warning(
            f"{where}: workers do not look at {', '.join(named)}",
            hint="The schema has them, in whole days: "
            f"select {each.schema}.configure_retention({ages}); "
            "Then leave them out here. `manage.py dj_queue_prune` still reads them.",
            id="pgq.W003",
        )


def _shared() -> Iterator[Message]:
    sharing: dict[tuple[str, str], list[str]] = defaultdict(list)
    for each in configured():
        sharing[each.database, each.schema].append(each.backend)
    for (database, schema), aliases in sharing.items():
        if len(aliases) > 1:
            yield checks.Warning(
                f"the backends {', '.join(aliases)} of TASKS share the schema {schema!r} of the "
                f"database {database!r}: their queues, pauses, schedules and semaphores are the "
                "same ones",
                hint="Give each a schema of its own in OPTIONS['schema'].",
                id="pgq.W002",
            )


def _of_schema(each: Installation) -> Message | None:
    try:
        connection = connections[each.database]
        connection.ensure_connection()
        found = revision_of(connection.connection, each.schema)
    except (DatabaseError, MigrationError):
        return None  # whether there is a database is for others to say
    if found is not None and found >= head():
        return None
    return checks.Warning(
        f"the schema {each.schema!r} of the database {each.database!r} is "
        + ("not installed" if found is None else f"at revision {found} of {head()}"),
        hint=f"manage.py migrate pgq --database {each.database}",
        id="pgq.W004",
    )
