"""The dashboard of a database as an application: what it is made of, and who may see it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from werkzeug.wrappers import Request

from pgq.contrib.web.access import READ, Access, Authorize, admit, from_here
from pgq.contrib.web.actions.perform import Operator
from pgq.contrib.web.csrf import keeper_of
from pgq.contrib.web.hosts import check_host, host_names
from pgq.contrib.web.page import Visit
from pgq.contrib.web.pages import found
from pgq.contrib.web.redact import Redactor
from pgq.contrib.web.settings import Settings
from pgq.contrib.web.site import Site
from pgq.contrib.web.source import Source

if TYPE_CHECKING:
    from pgq.client.clients import Client


class Dashboard(Site):
    """The pages of a database."""

    def __init__(
        self,
        dsn: str,
        *,
        schema: str = "pgq",
        authorize: Authorize | None = None,
        host_names: Iterable[str] | None = None,
        operator: Operator | None = None,
        secret: str | None = None,
        title: str = "pgq",
        redactor: Redactor | None = None,
        trace_url: str | None = None,
        saved: Mapping[str, str] | None = None,
    ) -> None:
        """Nothing is connected yet; the role pgq_observer is enough for the DSN.

        authorize: returns the Access of who sent a request of werkzeug's, or None. Without it only
        this machine may look, and nobody may change anything. host_names: by which names the pages
        are asked, besides addresses and localhost; None: any, which is for applications that look
        at the name themselves. operator: by which login actions are done; without one nobody may
        change anything. secret: signs forms, and is the same for all processes that serve these
        pages; where there is none, PGQ_WEB_SECRET or the password of a DSN. title: what the pages
        call this installation. redactor: takes secrets out of what jobs carry; None: the usual one.
        trace_url: where a trace is shown, with `{trace_id}` in it. saved: lists of jobs to offer,
        as in `{"broken mail": "/jobs?state=failed&queue=mail"}`.
        """
        super().__init__(found(), title)
        self._authorize = authorize or from_here(Access("local", READ))
        self._names = None if host_names is None else _checked(host_names)
        if authorize is None and host_names is None:
            self._names = ()
        self._operator = operator
        self.keeper = keeper_of(
            secret, operator.dsn if operator else None, dsn, is_needed=bool(operator)
        )
        self._redactor = redactor or Redactor()
        self._settings = Settings(trace_url, saved or {})
        self._dsn = dsn
        self._source = Source(dsn, schema)

    def close(self) -> None:
        """Close the connections to the database."""
        self._source.close()

    def check_host(self, request: Request) -> None:
        """Raise BadRequest where a request is for a name that is none of ours."""
        check_host(request, self._names)

    def visit(self, request: Request) -> Visit:
        """Return the visit of who asks; Forbidden or Unauthorized for who may not see the pages."""
        access = admit(request, self._authorize)
        if self._operator is None or self._cannot_act():
            access = access.only_looking()
        return Visit(
            request, access, self.links(request), self._source, self.keeper, self._operator,
            self._redactor, self._settings,
        )  # fmt: skip

    def check_ready(self) -> None:
        """Raise one of FAILURES where the database does not answer."""
        self._source.ask(_version)

    def _cannot_act(self) -> bool:
        """Say whether actions would go to a standby."""
        operator = self._operator
        is_there = operator is not None and operator.dsn == self._dsn
        return is_there and self._source.reads_a_standby()


def _version(client: Client) -> str:
    return client.version()


def _checked(names: Iterable[str]) -> tuple[str, ...]:
    return host_names(names)
