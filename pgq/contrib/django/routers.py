"""A database router for a queue with a database of its own."""

from __future__ import annotations

from typing import Any

from pgq.contrib.django.installations import LABEL, installations, main_installation


class PgqRouter:
    """Sends the app `pgq` to the databases that TASKS names for it; says nothing about others.

    DATABASE_ROUTERS = ["pgq.contrib.django.routers.PgqRouter"]

    The migrations look up in TASKS which schemas belong to a database, so they need no router. The
    models of the admin do, and an own router of the project's may go before this one.
    """

    def db_for_read(self, model: Any, **_hints: Any) -> str | None:
        """Return the database of the backend "default", or of the only one."""
        is_ours = model._meta.app_label == LABEL
        return main_installation().database if is_ours else None

    def db_for_write(self, model: Any, **_hints: Any) -> str | None:
        """Return the same."""
        return self.db_for_read(model)

    def allow_relation(self, one: Any, other: Any, **_hints: Any) -> bool | None:
        """Allow relations within the app alone."""
        labels = {one._meta.app_label, other._meta.app_label}
        return labels == {LABEL} if LABEL in labels else None

    def allow_migrate(self, db: str, app_label: str, **_hints: Any) -> bool | None:
        """Allow the app where it has a schema."""
        return bool(installations(db)) if app_label == LABEL else None
