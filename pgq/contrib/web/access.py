"""Who may see and do what: what the dashboard asks before each page and each action.

An `authorize` function takes a request of werkzeug's and returns the Access of who sent it, or
None. It may raise an error of werkzeug.exceptions to answer in its own way. The functions here make
such functions: of a token, of a password, of the header of a proxy, and of being on this machine.
"""

from __future__ import annotations

import hmac
import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Final

from werkzeug.datastructures import WWWAuthenticate
from werkzeug.exceptions import Forbidden, Unauthorized
from werkzeug.wrappers import Request

from pgq.contrib.web.hosts import Network, comes_from, forwarded, is_loopback, named_host, sender
from pgq.errors import InvalidArgument
from pgq.logs import log_event

RIGHTS: Final = {
    "view": "see the pages",
    "see_args": "see arguments, headers, results and progress of jobs, not only their shapes",
    "audit": "see who changed what",
    "retry": "retry jobs, run them now, change their priority",
    "cancel": "cancel jobs",
    "discard": "delete jobs for good, clear queues",
    "enqueue_again": "enqueue copies of jobs",
    "enqueue": "enqueue new jobs",
    "pause": "pause and resume queues",
    "limits": "change the limits of queues and semaphores",
    "release": "take semaphores and unique keys from jobs",
    "workers": "give orders to workers, and give them up",
    "schedules": "run, pause, resume and delete schedules",
    "batches": "close batches",
    "marks": "mark moments in charts",
}

READ: Final = frozenset({"view"})
SHOWS: Final = READ | {"see_args", "audit"}
ALL: Final = frozenset(RIGHTS)

_SHORTEST: Final = 12
_LONGEST_NAME: Final = 200
_HINT: Final = 'Take a long random one: python -c "import secrets; print(secrets.token_urlsafe())"'


@dataclass(frozen=True)
class Access:
    """What one user may see and do.

    may: of RIGHTS. queues: the selectors of the queues that all this holds for, as workers name
    them (`mail`, `mail.*`); None: all. What belongs to no single queue, such as a semaphore, needs
    None. is_ambient: a browser sends the proof of who asks by itself, so a page of somebody else's
    could make it act.
    """

    user: str
    may: frozenset[str] = READ
    queues: tuple[str, ...] | None = None
    is_ambient: bool = field(default=True, compare=False)

    def __post_init__(self) -> None:
        """Take any iterable; raise InvalidArgument for a right that there is not."""
        object.__setattr__(self, "may", rights(self.may))
        if self.queues is not None:
            object.__setattr__(self, "queues", _selectors(self.queues))

    def can(self, right: str, queue: str | None = None) -> bool:
        """Return whether the user has a right; with a queue, whether for the jobs of that one."""
        return right in self.may and (queue is None or self.reaches(queue))

    def only_looking(self) -> Access:
        """Return the same without the rights to change anything."""
        return replace(self, may=self.may & SHOWS)

    def can_everywhere(self, right: str) -> bool:
        """Return whether the user has a right for all queues."""
        return right in self.may and self.queues is None

    def reaches(self, queue: str) -> bool:
        """Return whether a queue, or all queues of a selector, are among those of the user."""
        return self.queues is None or any(_covers(each, queue) for each in self.queues)


Authorize = Callable[[Request], Access | None]


def rights(given: Iterable[str]) -> frozenset[str]:
    """Return rights, of which there must be such; a text is one of them, `all`, or several."""
    names = given.replace(",", " ").split() if isinstance(given, str) else [*given]
    found = ALL if "all" in names else frozenset(names)
    if unknown := found - ALL:
        raise InvalidArgument(
            f"there is no right {min(unknown)!r}", f"Rights: {', '.join(RIGHTS)}; or all."
        )
    return found | READ


def _selectors(given: Iterable[str]) -> tuple[str, ...]:
    if isinstance(given, str):
        raise InvalidArgument("queues: a text, not a list of selectors", "Pass a list.")
    return tuple(given)


def _covers(selector: str, queue: str) -> bool:
    if selector.endswith("*"):
        return queue.startswith(selector[:-1])
    return queue == selector


def from_here(access: Access) -> Authorize:
    """Let those in who ask on this machine, by its own name, and through no proxy.

    Behind a proxy everybody seems to be on this machine.
    """

    def authorize(request: Request) -> Access | None:
        here = is_loopback(sender(request) or "") and is_loopback(named_host(request) or "")
        return access if here and not forwarded(request) else None

    return authorize


def by_token(token: str, access: Access) -> Authorize:
    """Let those in who know the token: as `Bearer`, or as the password that a browser asks for."""
    known = by_password(token, access)

    def authorize(request: Request) -> Access | None:
        given = request.authorization
        if given is None or given.type != "bearer":
            return known(request)
        if not _same(given.token or "", token):
            raise _unknown(request)
        return replace(access, is_ambient=False)

    return authorize


def by_password(password: str, access: Access) -> Authorize:
    """Let those in who know the password, and call them by the name that they give with it."""
    if not (password.isprintable() and len(password.strip()) >= _SHORTEST):
        raise InvalidArgument(f"the password or token is shorter than {_SHORTEST} signs", _HINT)

    def authorize(request: Request) -> Access | None:
        given = request.authorization
        if given is None:
            raise _challenge()
        if given.type != "basic" or not _same(given.password or "", password):
            raise _unknown(request)
        return replace(access, user=_name(given.username or "") or access.user)

    return authorize


def by_header(
    header: str,
    proxies: Iterable[Network],
    access: Callable[[str], Access | None] | Access,
) -> Authorize:
    """Let those in whom a proxy names in a header, if the connection comes from such a proxy.

    access: that of all of them, or a function that takes a name. The proxy must ask who it is, and
    remove that header from what it gets.
    """
    trusted = tuple(proxies)
    if not trusted:
        raise InvalidArgument(
            f"no proxy is named that may say in {header} who asks", "Name its address."
        )

    def authorize(request: Request) -> Access | None:
        if not comes_from(sender(request), trusted):
            return None
        user = _name(request.headers.get(header, ""))
        if not user:
            return None
        return access(user) if callable(access) else replace(access, user=user)

    return authorize


def admit(request: Request, authorize: Authorize) -> Access:
    """Return the access of who asks; raise Forbidden for one who may not see the pages."""
    access = authorize(request)
    if access is None or not access.can("view"):
        raise Forbidden("You may not see these pages.")
    return access


def _same(given: str, known: str) -> bool:
    # In a time that does not depend on how much of it is right.
    return hmac.compare_digest(given.encode("utf-8", "surrogatepass"), known.encode())


def _name(given: str) -> str:
    printable = "".join(each for each in given.strip() if each.isprintable())
    return printable[:_LONGEST_NAME]


def _challenge() -> Unauthorized:
    basic = WWWAuthenticate("basic", {"realm": "pgq", "charset": "UTF-8"})
    return Unauthorized("Say who you are.", www_authenticate=basic)


def _unknown(request: Request) -> Unauthorized:
    log_event(logging.WARNING, "web.refused", peer=sender(request), reason="wrong password")
    return _challenge()
