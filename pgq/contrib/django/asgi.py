"""A worker in the process of Django's ASGI application, under dj-queue's name.

    from pgq.contrib.django.asgi import DjQueueLifespan

    application = DjQueueLifespan(get_asgi_application())

What the settings say of workers holds here too: each set of workers runs in the event loop of the
server. The server must send lifespan events: uvicorn, hypercorn and granian do.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pgq.config.load import provide, read_config
from pgq.contrib.asgi import SHUTDOWN_TIMEOUT, App, Message, Receive, Send, with_worker
from pgq.contrib.django.installations import DEFAULT, installation
from pgq.contrib.django.options import worker_table
from pgq.processes.plan import plan_processes
from pgq.worker.worker import Worker


class DjQueueLifespan:
    """The application with the workers of a backend of TASKS; see pgq.contrib.asgi.with_worker.

    only_one: a name that one process of the host holds; the others have no worker. Without it each
    process of the server has its own.
    """

    def __init__(
        self, app: App, *, backend_alias: str = DEFAULT, only_one: str | None = None
    ) -> None:
        self.app = app
        wrapped = app
        for number, options in enumerate(worker_options(backend_alias)):
            name = only_one and f"{only_one}-{number}"
            wrapped = with_worker(wrapped, _maker(backend_alias, options), only_one=name)
        self._wrapped = wrapped

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Pass everything on; the events of the lifespan start and stop the workers."""
        await self._wrapped(scope, receive, send)


def worker_options(alias: str) -> list[dict[str, Any]]:
    """Return the options of each worker that a process for a backend alias has."""
    provide({**worker_table(alias)}, f"TASKS[{alias!r}]")
    chosen = installation(alias)
    overrides = {"worker.mode": "async", "schema": chosen.schema}
    config, _ = read_config(environ={}, overrides=overrides)
    (plan,) = plan_processes(config, chosen.dsn)
    return [{"shutdown_timeout": SHUTDOWN_TIMEOUT, **each} for each in plan.workers]


def _maker(alias: str, options: dict[str, Any]) -> Callable[[], Worker]:
    def make() -> Worker:
        from pgq.contrib.django.workers import registry_of

        return Worker(registry=registry_of(alias), handle_signals=False, **options)

    return make
