"""A list of the admin whose rows come from a function, a page at a time, whatever the backlog.

No row is counted but by estimate: `Page.total` is what is known, and the page says whether that is
all. Pages follow each other by a key, so the last is as quick as the first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple
from urllib.parse import urlencode

from django.contrib import messages
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import ChangeList

from pgq.contrib.django.administration.reach import BACKEND
from pgq.errors import PgqError

# What chooses a page of a list.
AFTER, BEFORE = "after", "before"
_OWN: Final = (AFTER, BEFORE, BACKEND)


class Page(NamedTuple):
    """Some rows of a list; `more`: what to add to the address for those that follow."""

    rows: Sequence[Any]
    total: int
    is_exact: bool = True
    more: Mapping[str, Any] | None = None
    problems: Sequence[str] = ()


class FunctionChangeList(ChangeList):
    """The list of a FunctionAdmin, which reads a page of rows and makes objects of them."""

    is_exact: bool
    first_page: str | None
    next_page: str | None

    def get_queryset(self, request: Any, exclude_parameters: Any = None) -> Any:
        """Read the filters. Nothing is asked by the query that comes back."""
        specs, has_filters, unknown, _, are_active = self.get_filters(request)
        if unknown:
            raise IncorrectLookupParameters(f"no filter is called {', '.join(unknown)}")
        self.filter_specs, self.has_filters, self.has_active_filters = (
            specs,
            has_filters,
            are_active,
        )
        self.clear_all_filters_qs = self.get_query_string(
            remove=[*(self.get_filters_params()), AFTER, BEFORE]
        )
        return self.root_queryset.none()

    def get_filters_params(self, params: Any = None) -> dict[str, Any]:
        """Return the parameters that are filters."""
        found = super().get_filters_params(params)
        return {name: given for name, given in found.items() if name not in (AFTER, BEFORE)}

    def get_results(self, request: Any) -> None:
        """Read the page."""
        page = self._page(request)
        self.result_list = [self.model_admin.as_object(request, row) for row in page.rows]
        self.result_count = max(page.total, len(self.result_list))
        self.is_exact = page.is_exact
        self.full_result_count = self.result_count  # says nothing beside the search box
        self.show_full_result_count = False
        self.show_admin_actions = True
        self.can_show_all = self.multi_page = False
        self.paginator = None
        for problem in page.problems:
            messages.warning(request, problem)
        place = self.get_query_string(remove=[AFTER, BEFORE])
        turned = any(name in request.GET for name in (AFTER, BEFORE))
        self.first_page = place if turned else None
        self.next_page = (
            self.get_query_string({**page.more}, remove=[AFTER, BEFORE]) if page.more else None
        )

    def _page(self, request: Any) -> Page:
        try:
            page: Page = self.model_admin.page(request, self)
        except PgqError as error:  # what the address says cannot be
            return Page([], 0, problems=[": ".join(filter(None, (error.message, error.hint)))])
        return page

    def __init__(self, request: Any, *args: Any, **kwargs: Any) -> None:
        """Read the page, and say in the title how many rows there are."""
        super().__init__(request, *args, **kwargs)
        count = f"{self.result_count:,}"
        if not self.is_exact:
            count = f"more than {count}"
        names = self.opts.verbose_name if self.result_count == 1 else self.opts.verbose_name_plural
        self.title = f"{count} {names}"

    def url_for_result(self, result: Any) -> str:
        """Return the address of a row's page, about the same backend."""
        url = str(super().url_for_result(result))
        alias = self.params.get(BACKEND)
        return f"{url}?{urlencode({BACKEND: alias})}" if alias else url
