"""Arguments and results written and read by the settings json_dumps and json_loads.

So values that JSON does not know may be passed: UUID, datetime, Decimal. What is stored is JSON.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Callable
from typing import Any, Final, TypeVar, cast

from pgq.contrib.asyncmq.conf import settings
from pgq.contrib.asyncmq.exceptions import PayloadTooLarge
from pgq.errors import InvalidJob
from pgq.lib.shapes import is_async

_packed: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode

F = TypeVar("F", bound=Callable[..., Any])


def encoded(value: Any) -> Any:
    """Return a value as JSON has it; InvalidJob for what json_dumps refuses."""
    dumps: Callable[[Any], str | bytes] = settings.json_dumps
    if dumps is json.dumps:
        return value
    try:
        return json.loads(dumps(value))
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidJob(f"not JSON: {error}", "Let json_dumps write such values.") from error


def decoded(value: Any) -> Any:
    """Return what is stored as json_loads reads it."""
    loads: Callable[[str], Any] = settings.json_loads
    return value if loads is json.loads else loads(json.dumps(value))


def check_size(args: Any, kwargs: Any) -> None:
    """Raise PayloadTooLarge where arguments are longer than the setting says."""
    most = settings.max_job_payload_bytes
    if most is None:
        return
    try:
        size = len(_packed([args or [], kwargs or {}]).encode(errors="surrogatepass"))
    except (TypeError, ValueError, RecursionError):
        return  # it is refused for that
    if size > most:
        raise PayloadTooLarge(
            f"the arguments are {size} bytes, and max_job_payload_bytes is {most}",
            "Store them elsewhere, and pass where they are.",
        )


def with_json(function: F, *, after: int = 0) -> F:
    """Return a handler that gets its arguments as json_loads reads them; so with the result.

    The first `after` arguments are no job's.
    """
    if is_async(function):

        @functools.wraps(function)
        async def run_async(*args: Any, **kwargs: Any) -> Any:
            return encoded(
                await function(*args[:after], *decoded(list(args[after:])), **decoded(kwargs))
            )

        return cast("F", run_async)

    @functools.wraps(function)
    def run(*args: Any, **kwargs: Any) -> Any:
        return encoded(function(*args[:after], *decoded(list(args[after:])), **decoded(kwargs)))

    return cast("F", run)
