"""Run a Postgres server of one's own: for development, demos and tests.

    with pgq.embedded.start(None) as server:
        psycopg.connect(server.dsn)

Only plain Postgres binaries are needed (`find_bindir` says where they come from). The server lives
as long as the process that started it, however that ends. POSIX systems only.
"""

from __future__ import annotations

from pgq.embedded.binaries import ServerError, find_bindir, version_of
from pgq.embedded.server import Server, start

__all__ = ["Server", "ServerError", "find_bindir", "start", "version_of"]
