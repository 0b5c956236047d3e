"""The three tasks that a worker must know to be judged: `pgq conformance -- pgq worker
pgq.conformance.tasks`.
"""

from __future__ import annotations

import asyncio
import time
from typing import Any

from pgq.processes.tied import end_with_parent
from pgq.tasks import task

end_with_parent()


@task("conformance.echo")
async def echo(**args: Any) -> dict[str, Any]:
    """Return the arguments."""
    return args


@task("conformance.fail")
async def fail(message: str) -> None:
    """Fail with this message."""
    raise RuntimeError(message)


@task("conformance.sleep")
async def sleep(seconds: float) -> dict[str, float]:
    """Sleep; return when that began and ended, in seconds since 1970."""
    began = time.time()
    await asyncio.sleep(seconds)
    return {"began": began, "ended": time.time()}
