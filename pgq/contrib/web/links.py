"""Addresses of pages, below wherever the dashboard is mounted.

Names that users choose stand in arguments: `/queue?name=a%2Fb`. In a path servers and proxies
would change them before we see them: `/`, `//`, `.` and `..`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import Enum
from typing import Any, Final
from urllib.parse import urlencode

from werkzeug.routing import BuildError, MapAdapter
from werkzeug.wrappers import Request

_STATIC: Final = "static"
# What stays as it is in an argument.
_SAFE: Final = "!$'()*,/:;?@"


class Links:
    """Makes addresses: `links("job", id=4711)`, `links.queue("mail")`.

    What is no part of the path becomes an argument; None is left out.
    """

    def __init__(self, adapter: MapAdapter, request: Request, tag: str) -> None:
        self._adapter = adapter
        self._request = request
        self._tag = tag
        self._plain: dict[str, str] = {}

    def __call__(self, page: str, /, **values: Any) -> str:
        """Return the address of a page; empty where no page has that name."""
        given = {name: _text(value) for name, value in values.items() if value is not None}
        # A list has hundreds of links, and werkzeug takes its time for each.
        if page in self._plain:
            arguments = urlencode(given, doseq=True, safe=_SAFE)
            return f"{self._plain[page]}?{arguments}" if arguments else self._plain[page]
        try:
            if not any(rule.arguments for rule in self._adapter.map.iter_rules(page)):
                self._plain[page] = self._adapter.build(page)
            return self._adapter.build(page, given)
        except (BuildError, KeyError):
            return ""

    def static(self, name: str) -> str:
        """Return the address of a static file, which changes with the files."""
        return self(_STATIC, tag=self._tag, name=name)

    def here(self, **changed: Any) -> str:
        """Return this page's own address with some arguments changed; None takes one away."""
        kept: Mapping[str, Any] = self._request.args.to_dict(flat=False)
        endpoint, parts = self._adapter.match(method="GET")
        return self(str(endpoint), **{**parts, **kept, **changed})

    def job(self, id: int) -> str:  # noqa: A002 (the column's name)
        """Return the address of a job."""
        return self("job", id=id)

    def queue(self, name: str) -> str:
        """Return the address of a queue."""
        return self("queue", name=name)

    def task(self, name: str) -> str:
        """Return the address of a task."""
        return self("task", name=name)

    def schedule(self, name: str) -> str:
        """Return the address of a schedule."""
        return self("schedule", name=name)

    def worker(self, id: int) -> str:  # noqa: A002 (the column's name)
        """Return the address of a worker."""
        return self("worker", id=id)


def _text(value: Any) -> Any:
    match value:
        case list() | tuple():
            return [_text(each) for each in value]
        case datetime():
            return value.isoformat()
        case Enum():
            return value.value
        case _:
            return value
