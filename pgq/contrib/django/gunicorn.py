"""A worker beside gunicorn for a Django project: hooks for gunicorn.conf.py.

    import os

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    from pgq.contrib.django.gunicorn import when_ready, on_reload, on_exit

runs `python -m django pgq worker` as a child of gunicorn's arbiter, as pgq.contrib.gunicorn does.
dj-queue's own hooks work as well, and start it beside the first web worker:

    from pgq.contrib.django.gunicorn import post_fork, worker_exit

With them each web worker keeps a guard, and the guards agree on one worker for the host.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any

from pgq.contrib.gunicorn import Hooks
from pgq.contrib.gunicorn import hooks as of_pgq


def hooks(*arguments: str, only_one: str | None = None, stop_timeout: float = 30.0) -> Hooks:
    """Return hooks that run `manage.py pgq worker` with these arguments, options included.

    only_one, stop_timeout: as for pgq.contrib.gunicorn.hooks.
    """
    return of_pgq(*arguments, only_one=only_one, stop_timeout=stop_timeout, program="django")


def post_fork(_server: Any, worker: Any) -> None:
    """Start a guard of this web worker's; one of the guards of a project has a worker."""
    worker.pgq_hooks = hooks(only_one=_name())
    worker.pgq_hooks.when_ready(None)


def worker_exit(_server: Any, worker: Any) -> None:
    """Stop this web worker's guard, and its worker in order."""
    started = getattr(worker, "pgq_hooks", None)
    if started is not None:
        worker.pgq_hooks = None
        started.on_exit(None)


def _name() -> str:
    """Return what the web workers of one project agree on."""
    project = f"{os.environ.get('DJANGO_SETTINGS_MODULE')} {Path.cwd()}"
    return f"pgq-django-{hashlib.sha256(project.encode()).hexdigest()[:12]}"


when_ready, on_reload, on_exit = hooks()
