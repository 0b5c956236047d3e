"""What an installation chooses for its pages: where traces are shown, and lists with a name."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

from pgq.contrib.web.filters import Filters, of_pairs
from pgq.errors import InvalidArgument

_TRACE_ID: Final = "{trace_id}"
_TRACEPARENT: Final = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}")
_MOST_SAVED: Final = 50
_LONGEST_LABEL: Final = 60


@dataclass(frozen=True)
class Settings:
    """Checked when it is made; InvalidArgument.

    trace_url: an address with `{trace_id}` in it. saved: by a name to show, the address of a list
    of jobs as a browser has it, or the part after its `?`.
    """

    trace_url: str | None = None
    saved: Mapping[str, str] = field(default_factory=dict)
    lists: Mapping[str, Filters] = field(init=False)
    """Those that were saved, as filters."""

    def __post_init__(self) -> None:
        """Check what was given."""
        if self.trace_url is not None:
            _check_trace_url(self.trace_url)
        if len(self.saved) > _MOST_SAVED:
            raise InvalidArgument(f"more than {_MOST_SAVED} lists are saved")
        object.__setattr__(
            self, "lists", {label: _list(label, each) for label, each in self.saved.items()}
        )

    def trace_link(self, trace_id: str | None) -> str:
        """Return where a trace is shown; empty where that is not known."""
        if trace_id is None or self.trace_url is None:
            return ""
        return self.trace_url.replace(_TRACE_ID, trace_id)


def trace_id_of(headers: Any) -> str | None:
    """Return the id of the trace that a job belongs to, of its headers, if there is one."""
    given = headers.get("traceparent") if isinstance(headers, Mapping) else None
    found = _TRACEPARENT.fullmatch(given) if isinstance(given, str) else None
    return found[1] if found else None


def _check_trace_url(url: str) -> None:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.netloc or _TRACE_ID not in url:
        raise InvalidArgument(
            f"trace_url is no address of http with {_TRACE_ID} in it",
            f"Such as https://jaeger.example.com/trace/{_TRACE_ID}",
        )


def _list(label: str, address: str) -> Filters:
    if not label or len(label) > _LONGEST_LABEL or not label.isprintable():
        raise InvalidArgument(f"the name of a saved list has 1 to {_LONGEST_LABEL} characters")
    query = urlsplit(address).query if "?" in address else address
    filters, problems = of_pairs(parse_qsl(query, keep_blank_values=True), ("q", "show"))
    if problems or filters.is_empty:
        why = f"{problems[0].name} {problems[0].what}" if problems else "it has no filter"
        raise InvalidArgument(
            f"the saved list {label!r}: {why}",
            "Give the address of a list of jobs, such as /jobs?state=failed&queue=mail",
        )
    return filters._replace(before_id=None, after_id=None)
