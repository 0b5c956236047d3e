"""Completion of names in the shell: queues, tasks and schedules, by their arguments' names.

It asks once, waits a few seconds at most, and is silent where there is no database.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, Final

import click
from click.shell_completion import CompletionItem

if TYPE_CHECKING:
    from pgq.client.clients import Client

# Names of one press of the tab key, at most.
_MOST: Final = 500
_SECONDS: Final = 3


class Name(click.types.StringParamType):
    """A text that is the name of something in the database."""

    def __init__(self, ask: Callable[[Client], Iterable[str]]) -> None:
        self._ask = ask

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """Return the names that begin so."""
        try:
            names = sorted({name for name in _asked(ctx, self._ask) if name.startswith(incomplete)})
        except Exception:  # noqa: BLE001 (a shell shows what is written while it completes)
            return []
        # A shell would break a name with a line break, and show one that steers the terminal.
        return [CompletionItem(name) for name in names[:_MOST] if name.isprintable()]


def _asked(ctx: click.Context, ask: Callable[[Client], Iterable[str]]) -> list[str]:
    from pgq.cli.database import find_dsn
    from pgq.cli.options import read_chosen
    from pgq.client.clients import Client
    from pgq.lib.connect import connect

    config, _ = read_chosen(ctx)
    dsn = find_dsn(ctx.params.get("dsn") or config.dsn)
    schema = ctx.params.get("schema") or config.schema or "pgq"
    defaults = {"fallback_application_name": "pgq", "connect_timeout": str(_SECONDS)}
    with connect(dsn, defaults) as connection:
        # In this transaction alone, so that a pooler may stand between.
        connection.execute(f"set local statement_timeout = {1000 * _SECONDS}".encode())
        return list(ask(Client(connection, schema=schema)))


def _queues(client: Client) -> Iterable[str]:
    yield from client.queue_names()
    yield from (each.queue for each in client.task_stats(max_tasks=1000))


def _tasks(client: Client) -> Iterable[str]:
    return (each.task for each in client.task_stats(max_tasks=1000))


def _schedules(client: Client) -> Iterable[str]:
    return (each.name for each in client.schedule_status(limit=_MOST))


_QUEUE, _TASK, _SCHEDULE = Name(_queues), Name(_tasks), Name(_schedules)
_BY_NAME: Final = {
    "queue": _QUEUE,
    "queues": _QUEUE,
    "task": _TASK,
    "tasks": _TASK,
    "schedule": _SCHEDULE,
}
# A parameter called `name` is that of a schedule in these modules.
_OF_SCHEDULES: Final = "pgq.cli.schedules"


def complete_names(params: Sequence[click.Parameter], callback: Any) -> None:
    """Let a command's parameters that take such a name complete it."""
    for param in params:
        kind = _BY_NAME.get(str(param.name))
        if param.name == "name" and getattr(callback, "__module__", "") == _OF_SCHEDULES:
            kind = _SCHEDULE
        if kind is not None and type(param.type) is click.types.StringParamType:
            param.type = kind
