"""What a page is: a function from a visit to a view, under a path.

    def queues(visit: Visit) -> View:
        return View("Queues", "queues.html", queues=lambda: visit.ask(Client.depths))

    PAGES = (Page("queues", "/queues", queues, nav="Queues", order=20),)

What a view has by name is what its template sees, and what JSON answers. A function among it is a
region: it is called by the frame, and where the database fails it, that region alone says so.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from typing import Any, Concatenate, Final, ParamSpec, TypeVar

from werkzeug.exceptions import BadRequest
from werkzeug.wrappers import Request, Response

from pgq.client.clients import Client
from pgq.contrib.web.access import Access
from pgq.contrib.web.actions.perform import Operator
from pgq.contrib.web.csrf import Keeper
from pgq.contrib.web.links import Links
from pgq.contrib.web.lookups import sampled_health
from pgq.contrib.web.redact import Redactor
from pgq.contrib.web.settings import Settings
from pgq.contrib.web.source import Source
from pgq.rows import HealthCheck

P = ParamSpec("P")
T = TypeVar("T")

SAID: Final = "said"
"""The argument of an address that has what an action said."""
# Seconds after an action in which a sample may be from before it.
_SAMPLED: Final = 15.0


class Trouble(str):
    """Why a region is missing, in the place of what it would hold."""

    __slots__ = ()


@dataclass(frozen=True)
class Visit:
    """One request, and what a page needs to answer it."""

    request: Request
    access: Access
    links: Links
    source: Source
    keeper: Keeper
    operator: Operator | None = None
    redactor: Redactor = field(default_factory=Redactor)
    settings: Settings = field(default_factory=Settings)
    now: datetime = field(default_factory=lambda: datetime.now(UTC))

    def ask(
        self, question: Callable[Concatenate[Client, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Return what a question answers: `visit.ask(Client.stats, queue="mail")`.

        The database only reads, for 2 s at most, and the answer may be a second old. It is the same
        for all who ask it: leave out what `access` does not reach. Take functions with a name, or
        methods of Client: a lambda is never asked twice for one answer.
        """
        return self.source.ask_after(self._changed_at, question, *args, **kwargs)

    def health(self) -> list[HealthCheck]:
        """Return what health() says, as a worker sampled it; just after an action, as it is now."""
        if max(self._changed_at, self.source.changed_at) > time.time() - _SAMPLED:
            return self.ask(Client.health)
        return self.ask(sampled_health)

    def reads_a_standby(self) -> bool:
        """Return whether what is shown comes from a standby."""
        return self.source.reads_a_standby()

    @cached_property
    def said(self) -> Mapping[str, Any] | None:
        """What the action said that led here; None: there was none, or it was not us."""
        sealed = self.arg(SAID)
        found: Mapping[str, Any] | None = (
            self.keeper.unseal(self.access.user, sealed) if sealed else None
        )
        return found

    @cached_property
    def _changed_at(self) -> float:
        """When this user last changed something, maybe by another process of the server."""
        return float(self.said.get("at", 0)) if self.said else 0.0

    def token(self) -> str:
        """Return what a form must hold, in a hidden field called csrf_token."""
        return self.keeper.token(self.access.user)

    def arg(self, name: str, default: str = "") -> str:
        """Return an argument of the URL."""
        found: str = self.request.args.get(name, default)
        return found

    def name(self, argument: str) -> str:
        """Return an argument that must be there, and be a name; BadRequest."""
        found = self.arg(argument)
        if not found or "\0" in found:
            raise BadRequest(f"The address lacks a name: ?{argument}=")
        return found


class View:
    """What a page shows: a title, a template, and data by name; of functions, what they return.

    is_live: whether the browser looks again every few seconds. under: the word of the menu that it
    belongs to, the title without one.
    """

    def __init__(
        self,
        title: str,
        template: str,
        /,
        *,
        status: int = 200,
        is_live: bool = True,
        under: str | None = None,
        **data: Any,
    ) -> None:
        self.title = title
        self.template = template
        self.status = status
        self.is_live = is_live
        self.under = under or title
        self.data: Mapping[str, Any] = data


@dataclass(frozen=True)
class Page:
    """A page under a path, as werkzeug's rules have it; its parts are the function's arguments.

    name: what links call it. nav: its word in the menu, where it has one; order: its place there;
    key: what to type after `g` to go there. right: what it needs besides view; whole: whether it
    shows what belongs to no single queue, so that it is only for who may see all. A page that takes
    POST answers with a Response, after the frame has checked where the form comes from.
    """

    name: str
    path: str
    make: Callable[..., View | Response]
    nav: str | None = None
    order: int = 0
    key: str | None = None
    methods: tuple[str, ...] = ("GET",)
    right: str = "view"
    whole: bool = False

    def is_for(self, access: Access) -> bool:
        """Return whether a user may see it."""
        return access.can_everywhere(self.right) if self.whole else access.can(self.right)
