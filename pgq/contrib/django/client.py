"""A client on Django's own connection: its calls are statements of Django's.

    from pgq.contrib.django import DjangoClient

    with transaction.atomic():
        order.save()
        DjangoClient().enqueue("ship", {"order": order.pk})

The job exists if and only if the block commits. Errors of the server are Django's (such as
django.db.OperationalError) but for those of pgq, and Django's log and tests see every statement.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

import psycopg
from django.core.exceptions import ImproperlyConfigured
from django.db import DEFAULT_DB_ALIAS, Error, connections, transaction

from pgq import errors
from pgq.calls.call import Call, name_actor
from pgq.client.clients import Client
from pgq.schema.names import Names

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper

T = TypeVar("T")


class DjangoClient(Client):
    """A client of the schema in one of DATABASES; each thread uses its own connection of Django's.

    As with Django itself, its methods must not be called in an event loop: use sync_to_async.
    """

    def __init__(
        self,
        using: str = DEFAULT_DB_ALIAS,
        *,
        schema: str = "pgq",
        actor: str | Callable[[], str | None] | None = None,
    ) -> None:
        self.schema = Names(schema).schema
        self.using = using
        self._lent = None
        self._actor = actor

    def run(self, call: Call[T]) -> T:
        """Send a call in the current transaction of Django's; outside of one it is alone in it."""
        with call.around():
            if call.audited and (actor := self._named()):
                with transaction.atomic(self.using, savepoint=False):
                    self._send(name_actor(actor))
                    return self._send(call)
            return self._send(call)

    def connection(self) -> AbstractContextManager[psycopg.Connection[Any]]:
        """Lend psycopg's connection beneath that of Django."""
        return self._beneath()

    @contextmanager
    def _beneath(self) -> Generator[psycopg.Connection[Any], None, None]:
        wrapper = self._wrapper()
        wrapper.ensure_connection()
        yield wrapper.connection

    def _wrapper(self) -> BaseDatabaseWrapper:
        wrapper = connections[self.using]
        if wrapper.vendor != "postgresql":
            raise ImproperlyConfigured(
                f"pgq is in the database {self.using!r}, which is no Postgres but "
                f"{wrapper.vendor}: name another one in OPTIONS['database_alias']."
            )
        return wrapper

    def _send(self, call: Call[T]) -> T:
        try:
            with self._wrapper().cursor() as cursor:
                cursor.execute(call.statement(self.schema).decode(), call.parameters)
                return call.read(cursor.fetchall())
        except Error as error:
            cause = error.__cause__
            if isinstance(cause, psycopg.Error) and (ours := errors.from_server(cause)):
                raise ours from error
            raise

    @property
    def _dsn(self) -> str | None:
        return None
