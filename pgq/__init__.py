"""pgq: a job queue that is a Postgres schema, and this thin package over its functions.

    import pgq

    @pgq.task
    async def send(user_id: int) -> None: ...

    with pgq.Client("postgresql://…") as client:
        client.enqueue(send.job(1))

    asyncio.run(pgq.Worker("postgresql://…", queues=["default"]).run())

Each name is imported when it is first used.
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

# The stub is what type checkers read. `pgq --help` loads neither psycopg nor a worker, so nothing
# is imported before it is used.
_LINES = Path(__file__).with_suffix(".pyi").read_text().splitlines()
_HOMES = {words[3]: words[1] for words in map(str.split, _LINES) if words[:1] == ["from"]}

__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'pgq' has no attribute {name!r}")
    home = _HOMES[name]
    found = import_module(f"pgq.{name}") if home == "pgq" else getattr(import_module(home), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
