"""pgq in a Django project: an app for INSTALLED_APPS, and a backend of Django's Tasks framework.

    INSTALLED_APPS = [..., "pgq.contrib.django"]
    TASKS = {"default": {"BACKEND": "pgq.contrib.django.PgqBackend"}}

It needs the extra `django`. With Django 6.0 the tasks are those of django.tasks; before that, those
of the package django-tasks, whose app django_tasks must be installed too.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from pgq.contrib.django.backend import PgqBackend
    from pgq.contrib.django.client import DjangoClient
    from pgq.contrib.django.declared import job_options
    from pgq.contrib.django.exceptions import EnqueueError

__all__ = ["DjangoClient", "EnqueueError", "PgqBackend", "job_options"]

# Django imports this package before its apps are ready, when their tasks cannot be imported yet.
_HOMES: Final = {
    "DjangoClient": "client",
    "EnqueueError": "exceptions",
    "PgqBackend": "backend",
    "job_options": "declared",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
