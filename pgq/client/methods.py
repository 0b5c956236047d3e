"""Functions that build calls, as methods of clients."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, TypeVar

M = TypeVar("M", bound=Callable[..., Any])


def presented(method: M, build: Callable[..., Any]) -> M:
    """Give a method the signature that help() and tools must show: with self, without Call."""
    signature = inspect.signature(build)
    this = inspect.Parameter("self", inspect.Parameter.POSITIONAL_OR_KEYWORD)
    answer = str(signature.return_annotation).partition("[")[2].removesuffix("]")
    shown: Any = method
    shown.__signature__ = signature.replace(
        parameters=[this, *signature.parameters.values()], return_annotation=answer
    )
    return method
