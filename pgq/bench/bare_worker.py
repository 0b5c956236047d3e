"""The smallest possible worker: LISTEN, and DELETE ... RETURNING at each notification."""

from __future__ import annotations

import os

from pgq.bench import floors
from pgq.bench.processes import DSN_VARIABLE
from pgq.bench.tasks import ledger
from pgq.lib.connect import connect


def main() -> None:
    """Work until ended by a signal."""
    dsn, statement = os.environ[DSN_VARIABLE], floors.DELETE_BATCH.encode()
    with (
        connect(dsn, autocommit=True, application_name="bare worker") as work,
        connect(dsn, autocommit=True) as ears,
    ):
        work.execute(statement, (1,), prepare=True)
        ears.execute(f"listen {floors.CHANNEL}".encode())
        # The benchmark sees by this name that somebody listens.
        ears.execute("select set_config('application_name', %s, false)", (floors.CHANNEL,))
        for _ in ears.notifies():
            while found := work.execute(statement, (1,), prepare=True).fetchall():
                for _, args in found:
                    ledger.count_moment(args["n"])


if __name__ == "__main__":
    main()
