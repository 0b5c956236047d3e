# Written by generate.py from sending_async.py: change that one.
"""Methods of a client, each made of a function that builds what it sends."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar

from pgq.calls.call import Call

P = ParamSpec("P")
T = TypeVar("T")
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


class Sender(Protocol):
    """What sends calls: a client."""

    def run(self, call: Call[T]) -> T:
        """Send a call and return its answer."""
        ...


def sending(
    build: Callable[P, Call[T]],
) -> Callable[Concatenate[Sender, P], T]:
    """Return the method that sends what `build` returns."""

    @wraps(build)
    def method(self: Sender, /, *args: P.args, **kwargs: P.kwargs) -> T:
        return self.run(build(*args, **kwargs))

    return presented(method, build)
