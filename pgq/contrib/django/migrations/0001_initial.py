"""The first revision of the schema."""

from __future__ import annotations

from typing import Any

from django.db import migrations

from pgq.contrib.django.operations import RunRevision


class Migration(migrations.Migration):
    """Installs the schema."""

    initial = True
    dependencies: tuple[Any, ...] = ()
    operations = (RunRevision("0001"),)
