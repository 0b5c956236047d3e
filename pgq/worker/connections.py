"""The worker's own connections: dropped, not waited for, when a call on one is given up."""

from __future__ import annotations

import asyncio
from collections.abc import Generator
from typing import Any, Final, NamedTuple, TypeVar

import psycopg
from psycopg import waiting

from pgq.lib.connect import connect_async

T = TypeVar("T")

# A peer that vanished silently is noticed within half a minute.
KEEPALIVES: Final[dict[str, Any]] = {
    "connect_timeout": 10,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 25_000,
}

# How long (seconds) opening a connection may take, several hosts and a slow name server included.
OPENING: Final = 60.0
# Not through a pooler, where it would stay behind on a connection that others get next. A server
# before 17 knows no transaction_timeout; arrays of texts that we send have nulls in them.
_OURS: Final = """
    select case when pg_backend_pid() = %(pid)s then
      coalesce(set_config('idle_session_timeout', '0', false), '')
      || coalesce(set_config('statement_timeout', %(limit)s, false), '')
      || coalesce(set_config('array_nulls', 'on', false), '')
      || coalesce(set_config('default_transaction_isolation', 'read committed', false), '')
      || coalesce(case when current_setting('transaction_timeout', true) is not null
        then set_config('transaction_timeout', '0', false) end, '')
    end is not null
"""


class Dropping(psycopg.AsyncConnection[Any]):
    """A connection that is dropped when a call on it is cancelled, while `drops`.

    Nobody waits for the peer then, who may be frozen, or gone silently. Otherwise psycopg
    asks the server to cancel the statement, and waits for it.
    """

    drops = True

    async def wait(self, gen: Generator[Any, Any, T], *args: Any, **options: Any) -> T:
        """Do as psycopg does, with that exception."""
        if not self.drops:
            return await super().wait(gen, *args, **options)
        if not args:
            options.setdefault("interval", 0.1)
        try:
            return await waiting.wait_async(gen, self.pgconn.socket, *args, **options)
        except (asyncio.CancelledError, KeyboardInterrupt):
            self.pgconn.finish()
            raise


class Opened(NamedTuple):
    """A connection, and whether there is no pooler between."""

    connection: Dropping
    is_direct: bool


async def open_connection(dsn: str, name: str, limit: float = 0.0) -> Opened:
    """Open a connection in autocommit mode; what the DSN says goes before our defaults.

    Transactions begun on it are read committed, whatever the role's or the database's default is:
    in any other a limit cannot be counted, and a lost race is an error. A direct one may idle for
    as long as it likes, and its statements take `limit` seconds at most; 0: any time.
    """
    defaults = {**KEEPALIVES, "fallback_application_name": name}
    async with asyncio.timeout(OPENING):
        opened = await connect_async(dsn, defaults, Dropping, autocommit=True)
        assert isinstance(opened, Dropping)
        try:
            await opened.set_isolation_level(psycopg.IsolationLevel.READ_COMMITTED)
            ours = {"pid": opened.info.backend_pid, "limit": f"{milliseconds(limit)}"}
            answer = await opened.execute(_OURS, ours)
            (is_direct,) = await answer.fetchone() or [False]
        except BaseException:
            await opened.close()
            raise
    return Opened(opened, is_direct)


def milliseconds(seconds: float) -> int:
    """Return the number of milliseconds, at least 1; 0: no limit."""
    return 0 if seconds <= 0 else max(1, round(seconds * 1000))
