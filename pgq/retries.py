"""Which errors of a handler deserve another attempt: a task's retry_on and no_retry_on."""

from __future__ import annotations

from typing import Any, Final, cast

from pgq.errors import Decision, InvalidArgument, JobTimeout

ErrorTypes = type[BaseException] | tuple[type[BaseException], ...]
"""A class of exceptions, or a tuple of them."""

# These say themselves how the job goes on: they count only where they are named.
_OUR_OWN: Final = (Decision, JobTimeout)


class RetryRule:
    """Decides by the class of an error whether its attempt was the last one."""

    __slots__ = ("_never", "_only")

    def __init__(self, retry_on: ErrorTypes | None, no_retry_on: ErrorTypes | None) -> None:
        """None: any error is retried. InvalidArgument for what is no class of exceptions."""
        self._only = None if retry_on is None else _classes("retry_on", retry_on)
        self._never = () if no_retry_on is None else _classes("no_retry_on", no_retry_on)

    def gives_up_on(self, kind: type[BaseException]) -> bool:
        """Return whether an error of this class ends the job; no_retry_on is the stronger one."""
        if _is_named(kind, self._never):
            return True
        if self._only is None or issubclass(kind, _OUR_OWN):
            return False
        return not _is_named(kind, self._only)


def _is_named(kind: type[BaseException], classes: tuple[type[BaseException], ...]) -> bool:
    if issubclass(kind, _OUR_OWN):
        classes = tuple(each for each in classes if issubclass(each, _OUR_OWN))
    return issubclass(kind, classes)


def _classes(what: str, given: Any) -> tuple[type[BaseException], ...]:
    classes: tuple[Any, ...] = given if isinstance(given, tuple) else (given,)
    for each in classes:
        if not (isinstance(each, type) and issubclass(each, BaseException)):
            raise InvalidArgument(
                f"{what} names {each!r}, which is no class of exceptions",
                f"Pass one or a tuple of them: {what}=(ConnectionError, TimeoutError).",
            )
    return cast("tuple[type[BaseException], ...]", classes)
