"""Tasks that make a worker break promises: one forgets its result, one blocks the event loop."""

from __future__ import annotations

import time
from typing import Any

import pgq


@pgq.task("conformance.echo")
async def echo(**_: Any) -> dict[str, Any]:
    return {}


@pgq.task("conformance.fail")
async def fail(message: str) -> str:
    return message


@pgq.task("conformance.sleep")
async def sleep(seconds: float) -> dict[str, float]:
    began = time.time()
    time.sleep(seconds)  # noqa: ASYNC251 (that is what is wrong)
    return {"began": began, "ended": time.time()}
