"""All our connections are opened here, alike, whatever the defaults of database and role are.

They use UTF-8, through a pooler too. Nothing else is set, because no call of ours depends on a
style of dates or intervals, on the time zone, or on how literals are read. A child made by `fork`
does not share them.
"""

from __future__ import annotations

from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from pgq.lib.forks import not_for_children

AsyncConnection = psycopg.AsyncConnection[Any]


def conninfo(dsn: str, **defaults: Any) -> str:
    """Return the DSN for a connection of ours; `defaults` fill in what it does not say.

    Raises psycopg.ProgrammingError if it cannot be read.
    """
    given = conninfo_to_dict(dsn)
    missing = {key: value for key, value in defaults.items() if key not in given}
    return make_conninfo(dsn, **missing, client_encoding="utf8")


def connect(
    dsn: str, defaults: dict[str, Any] | None = None, **options: Any
) -> psycopg.Connection[Any]:
    """Open a connection; `defaults` are as in `conninfo`, `options` are psycopg's own."""
    return not_for_children(psycopg.connect(conninfo(dsn, **defaults or {}), **options))


async def connect_async(
    dsn: str,
    defaults: dict[str, Any] | None = None,
    kind: type[AsyncConnection] = psycopg.AsyncConnection,
    **options: Any,
) -> AsyncConnection:
    """Open a connection like `connect`, of that class."""
    text = conninfo(dsn, **defaults or {})
    return not_for_children(await kind.connect(text, **options))
