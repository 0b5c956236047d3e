"""Workers that a command of ours starts for itself, a demo or a benchmark, and that end with it."""

from __future__ import annotations

import os
import threading
import time
from typing import Final

# Set for such workers: whose end is theirs too.
_PARENT: Final = "PGQ_TIED_TO"
# What would configure them as it does the workers of an application.
_OURS: Final = (*("PGQ_WORKER_", "PGQ_LOG_", "PGQ_LISTEN_DSN", "PGQ_INSTALLATION", "PGQ_MODULES"),)


def tied_environment(dsn: str) -> dict[str, str]:
    """Return our environment for a worker that ends with us, without a configuration of workers.

    The DSN may hold a password. So it is not an argument, because everybody can read those.
    """
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_OURS)}
    return {**kept, "PGQ_CONFIG": os.devnull, "PGQ_DSN": dsn, _PARENT: str(os.getpid())}


def end_with_parent() -> None:
    """End this process when the one that tied it to itself is gone.

    A command that is ended by kill -9 cannot end its workers, and takes their server with it.
    """
    parent = int(os.environ.get(_PARENT, "0"))

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(0.5)
        os._exit(1)

    if parent:
        threading.Thread(target=watch, daemon=True).start()
