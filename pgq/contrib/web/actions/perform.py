"""Doing an action: by another login or role than the pages, in one transaction, under a name."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Final

import psycopg
from werkzeug.exceptions import Forbidden

from pgq.client.clients import Client
from pgq.contrib.web.access import Access
from pgq.contrib.web.actions.action import Action, Done, Form, Question, jobs_word
from pgq.lib.connect import connect
from pgq.schema.names import quote_identifier

_DEFAULTS: Final = {
    "connect_timeout": "3",
    "tcp_user_timeout": "10000",
    "application_name": "pgq web",
}
_STATEMENT_MS: Final = 30_000
_LOCK_MS: Final = 3000


class Operator:
    """Connections for what changes something: one for each action, closed afterwards.

    roles: what to become in the transaction, by the kind of login; so the DSN of a role that may
    become an operator, and is none by itself, is enough.
    """

    def __init__(
        self,
        dsn: str,
        schema: str,
        *,
        role: str | None = None,
        producer_role: str | None = None,
        producer_dsn: str | None = None,
    ) -> None:
        self.dsn = dsn
        self._schema = schema
        self._logins = {"operator": (dsn, role), "producer": (producer_dsn or dsn, producer_role)}

    @contextmanager
    def session(self, login: str, actor: str) -> Iterator[Client]:
        """Lend a client whose calls are one transaction, noted under that name."""
        dsn, role = self._logins[login]
        with connect(dsn, _DEFAULTS) as connection:
            connection.isolation_level = psycopg.IsolationLevel.READ_COMMITTED
            connection.execute(
                f"set local statement_timeout = {_STATEMENT_MS};"
                f"set local lock_timeout = {_LOCK_MS}".encode()
            )
            if role is not None:
                connection.execute(f"set local role {quote_identifier(role)}".encode())
            yield Client(connection, schema=self._schema, actor=actor)


def perform(action: Action, form: Form, access: Access, operator: Operator) -> Done | Question:
    """Do an action, or return what it asks first; Forbidden for who may not.

    `confirmed` among what was sent is the yes; what must be typed in is in `proof`.
    """
    if not may(action, access):
        raise Forbidden("You may not do that.")
    with operator.session(action.login, access.user) as client:
        form = action.reach(client, access, form)
        asked = None
        if action.asks is not None and not (form.has("confirmed") and is_proven(action, form)):
            asked = action.asks(client, form)
        if asked is not None:
            return Question(asked) if isinstance(asked, str) else asked
        done = action.do(client, form)
    if not form.left_out:
        return done
    others = f" {jobs_word(form.left_out)} of other queues, or gone, left out."
    return replace(done, said=done.said + others)


def may(action: Action, access: Access) -> bool:
    """Return whether a user has the right to an action, whatever it is done to."""
    return action.right in access.may and (action.own_queues or access.queues is None)


def is_proven(action: Action, form: Form) -> bool:
    """Return whether what must be typed in was."""
    needed = action.proof(form) if action.proof is not None else None
    given = (form.text("proof") or "").strip()
    return needed is None or needed.strip() in (given, given.replace(",", ""))
