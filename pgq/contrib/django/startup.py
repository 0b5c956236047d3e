"""What happens by itself: schemas that were configured after the migrations ran are installed."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any

from django.apps import AppConfig
from django.db import connections, transaction
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
from django.db.models.signals import post_migrate

from pgq.contrib.django.installations import LABEL
from pgq.contrib.django.operations import RunRevision, bring, schemas_here
from pgq.schema.migrate import head


def connect(app: AppConfig) -> None:
    """Ask Django for its signals."""
    post_migrate.connect(after_migrate, sender=app, dispatch_uid="pgq.after_migrate")


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
