"""What the app does by itself when Django starts, and after each `migrate`."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from importlib import import_module
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.db import connections, transaction
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
from django.db.models.signals import post_migrate

from pgq.contrib import dj_queue
from pgq.contrib.django import checks
from pgq.contrib.django.client import DjangoClient
from pgq.contrib.django.installations import LABEL, Installation, installations
from pgq.contrib.django.operations import RunRevision, bring, schemas_here
from pgq.schema.migrate import head
from pgq.tasks import AnyTask


def connect(app: AppConfig) -> None:
    """Ask Django for its signals."""
    post_migrate.connect(after_migrate, sender=app, dispatch_uid="pgq.after_migrate")
    checks.register_all()
    for each in installations():
        _serve_dj_queue(each)


def _serve_dj_queue(each: Installation) -> None:
    """Let dj-queue's API, `pgq.contrib.dj_queue`, work on the project's connections."""

    def resolve(path: str) -> AnyTask | None:
        from pgq.contrib.django.backend import backend_of
        from pgq.contrib.django.workers import resolver_of

        return resolver_of(backend_of(each.backend))(path)

    with suppress(ValueError):  # an unusable name: a check says so
        dj_queue.connect(
            DjangoClient(each.database, schema=each.schema),
            backend_alias=each.backend,
            timezone=settings.TIME_ZONE or "UTC",
            resolve=resolve,
        )


def after_migrate(using: str, plan: list[tuple[Any, bool]] | None = None, **_others: Any) -> None:
    """Bring each schema of a database to where the recorded migrations are.

    A backend alias that is added later brings a schema for which no migration runs any more. And
    where a project runs no migrations in its tests, Django makes tables of models only.
    """
    if plan is None:
        return  # from `flush`
    connection = connections[using]
    found = schemas_here(connection)
    wanted = wanted_revision(using) if found else None
    if wanted is not None:
        for each in found:
            with transaction.atomic(using=using):
                bring(connection, each, wanted)


def wanted_revision(database: str) -> str | None:
    """Return the newest revision that a database's migrations record; None: they record none."""
    name, _ = MigrationLoader.migrations_module(LABEL)
    if name is None or connections[database].settings_dict["TEST"].get("MIGRATE") is False:
        return head()
    applied = MigrationRecorder(connections[database]).applied_migrations()
    recorded = [migration for app, migration in applied if app == LABEL]
    return max(filter(None, (revision_in(f"{name}.{each}") for each in recorded)), default=None)


def revision_in(module: str) -> str | None:
    """Return the revision that a migration runs, None where it runs none, or is gone."""
    try:
        found: Mapping[str, Any] = vars(import_module(module).Migration)
    except ModuleNotFoundError:
        return None
    runs = [each for each in found["operations"] if isinstance(each, RunRevision)]
    return runs[-1].revision if runs else None
