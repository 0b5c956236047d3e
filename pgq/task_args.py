"""The arguments of jobs, and of the handlers that get them."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any, Final, cast

from pgq.errors import InvalidArgument
from pgq.options import Args

BY_PLACE: Final = (
    inspect.Parameter.POSITIONAL_ONLY,
    inspect.Parameter.POSITIONAL_OR_KEYWORD,
)


def is_telling(default: Any) -> bool:
    """Return whether the default of an argument can be in a key that the database makes."""
    if isinstance(default, str):
        return len(default) <= 200 and default.isprintable()
    return default is None or (type(default) is int and abs(default) < 2**63)


def signature_of(handler: Callable[..., Any], wants_context: bool) -> inspect.Signature | None:
    """Return the signature that a job's arguments must fit; None where Python knows none."""
    try:
        signature = inspect.signature(handler)
    except ValueError:
        return None
    if not wants_context:
        return signature
    parameters = list(signature.parameters.values())
    if not parameters or parameters[0].kind is inspect.Parameter.KEYWORD_ONLY:
        raise InvalidArgument(f"{handler!r} has no first argument for its context")
    if parameters[0].kind is not inspect.Parameter.VAR_POSITIONAL:
        parameters = parameters[1:]
    return signature.replace(parameters=parameters)


def as_args(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Args:
    """Return the args of a job for these positional and keyword arguments; see call_arguments."""
    if args and not kwargs:
        return list(args)
    if args or kwargs.keys() == {"args", "kwargs"}:
        return {"args": list(args), "kwargs": kwargs}
    return kwargs


def call_arguments(args: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Return the positional and keyword arguments that a job's args stand for."""
    if not isinstance(args, dict):
        return tuple(args), {}
    given = cast("dict[str, Any]", args)
    if given.keys() == {"args", "kwargs"}:
        positional, keyword = given["args"], given["kwargs"]
        if type(positional) is list and type(keyword) is dict:
            return tuple(cast("Sequence[Any]", positional)), cast("dict[str, Any]", keyword)
    return (), given
