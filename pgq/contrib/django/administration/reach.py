"""Which backend of TASKS a page of the admin is about, and a client for it.

`?backend=ALIAS` chooses one; without it, it is "default", or the first one of ours.
"""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import urlencode

from django.contrib.admin import SimpleListFilter
from django.contrib.admin.utils import quote
from django.urls import reverse

from pgq.contrib.django.client import DjangoClient
from pgq.contrib.django.installations import (
    DEFAULT,
    Installation,
    installation_or_404,
    installations,
)

BACKEND: Final = "backend"


def chosen(request: Any) -> Installation:
    """Return the installation that the address names; Http404 for an unknown one."""
    return installation_or_404(request.GET.get(BACKEND) or DEFAULT)


def client_for(request: Any) -> DjangoClient:
    """Return a client of that schema; the audit names the user for what it does."""
    where = chosen(request)
    return DjangoClient(
        where.database, schema=where.schema, actor=request.user.get_username() or None
    )


def address(request: Any, site: str, model: type, page: str, *args: Any, **query: Any) -> str:
    """Return the address of a page of a model, about the same backend."""
    meta: Any = vars(model)["_meta"]
    place = reverse(
        f"{site}:{meta.app_label}_{meta.model_name}_{page}", args=[quote(each) for each in args]
    )
    if alias := request.GET.get(BACKEND):
        query[BACKEND] = alias
    return f"{place}?{urlencode(query)}" if query else place


class BackendFilter(SimpleListFilter):
    """Chooses the backend; it is not there in a project that has one."""

    title = "backend"
    parameter_name = BACKEND

    def lookups(self, request: Any, model_admin: Any) -> list[tuple[str, str]]:
        """Return the aliases."""
        found = [each.backend for each in installations()]
        return [(alias, alias) for alias in found] if len(found) > 1 else []

    def queryset(self, request: Any, queryset: Any) -> Any:
        """Leave the query as it is: the list asks `chosen`."""
        return queryset
