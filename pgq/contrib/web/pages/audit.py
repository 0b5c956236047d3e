"""Who changed what: the calls of operators, with filters, the newest first."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any, Final, NamedTuple

from werkzeug.exceptions import BadRequest

from pgq.client.clients import Client
from pgq.contrib.web.filters import When, when_of
from pgq.contrib.web.page import Page, View, Visit
from pgq.reports import AuditEntry

SIZE: Final = 100
_TEXTS: Final = ("who", "what", "about")
_IDS: Final = {"job": "job_id", "operation": "of_operation", "before_id": "before_id"}
_TIMES: Final = ("since", "until")


class Entry(NamedTuple):
    """A call as the page shows it."""

    id: int
    at: datetime
    login: str
    actor: str | None
    address: str | None
    action: str
    target: str | None
    options: str
    ids: list[int]
    affected: int | None
    outcomes: dict[str, int]
    operation_id: int | None


def audit(visit: Visit) -> View:
    """Show a page of the audit."""
    wanted = _wanted(visit)
    return View(
        "Audit",
        "audit.html",
        entries=lambda: [_shown(visit, row) for row in _entries(visit, wanted)],
        given={name: visit.arg(name) for name in (*_TEXTS, "job", "operation", *_TIMES)},
        size=SIZE,
    )


def _entries(visit: Visit, wanted: dict[str, Any]) -> list[AuditEntry]:
    return visit.ask(Client.audit_log, page_size=SIZE, **wanted)


def _wanted(visit: Visit) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name in _TEXTS:
        if given := visit.arg(name).strip():
            if "\0" in given:
                raise BadRequest(f"?{name}= has a NUL")
            found[name] = given
    for name, meaning in _IDS.items():
        if given := visit.arg(name).strip():
            if not (given.isascii() and given.isdigit() and len(given) < 19):
                raise BadRequest(f"?{name}= is no id")
            found[meaning] = int(given)
    for name in _TIMES:
        if given := visit.arg(name).strip():
            when: When | None = when_of(given)
            if when is None:
                raise BadRequest(f"?{name}= is neither a time nor a length of time such as 24h")
            found[name] = when.moment(visit.now.replace(microsecond=0))
    return found


def _shown(visit: Visit, row: AuditEntry) -> Entry:
    hidden = {} if visit.access.can("see_args") else {"args", "headers"}
    options = {name: value for name, value in (row.options or {}).items() if name not in hidden}
    text = json.dumps(options, ensure_ascii=False) if options else ""
    said = visit.redactor.document(text).text if text else ""
    return Entry(
        row.id, row.at, row.login, row.actor, row.address and str(row.address), row.action,
        row.target, said, [*(row.ids or [])], row.affected,
        row.outcomes or {}, row.operation_id,
    )  # fmt: skip


PAGES: Final = (
    Page("audit", "/audit", audit, nav="Audit", order=90, key="a", right="audit", whole=True),
)
