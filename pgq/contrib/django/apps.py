"""The app that a Django project installs."""

from __future__ import annotations

from django.apps import AppConfig


class PgqConfig(AppConfig):
    """`INSTALLED_APPS = ["pgq.contrib.django"]`; Django calls it `pgq`."""

    name = "pgq.contrib.django"
    label = "pgq"
    verbose_name = "pgq"

    def ready(self) -> None:
        """Connect what Django calls by itself."""
        from pgq.contrib.django import startup

        startup.connect(self)
