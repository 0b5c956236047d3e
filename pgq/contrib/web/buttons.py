"""Buttons and forms of actions in templates, and what is said after one; absent without a right.

{{ act("retry", id=job.id, queue=job.queue) }}
{% if act.can("configure_queue", queue) %}<form …>{{ act.hidden() }} … {% endif %}
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from markupsafe import Markup

from pgq.contrib.web.actions import ACTIONS
from pgq.contrib.web.actions.action import AS_JSON, Done
from pgq.contrib.web.csrf import FIELD
from pgq.contrib.web.page import SAID, Visit
from pgq.lib.durations import format_duration

# Longer addresses are refused by some servers.
_LONGEST: Final = 3000
_LONGEST_TEXT: Final = 600


class Buttons:
    """What templates call `act`."""

    def __init__(self, visit: Visit) -> None:
        self._visit = visit

    def can(self, name: str, queue: str | None = None) -> bool:
        """Return whether a user may do an action, to what is of that queue."""
        return ACTIONS[name].is_for(self._visit.access, queue)

    def can_worker(self, queues: str) -> bool:
        """Return whether a user may order a worker that works for all these selectors."""
        return all(self.can("pause_worker", each) for each in queues.split(", "))

    def length(self, given: timedelta | None) -> str:
        """Return a length of time as a field takes it, such as 1h30m."""
        return "" if given is None else format_duration(given)

    def url(self, name: str) -> str:
        """Return where the form of an action goes."""
        return self._visit.links("do", action=name)

    def hidden(self, **values: Any) -> Markup:
        """Return the fields that each form needs, and more that nobody sees."""
        is_form = self._visit.request.method == "POST"
        back = back_address(self._visit) if is_form else self._visit.links.here(said=None)
        given = {FIELD: self._visit.token(), "back": back, **values}
        field = Markup('<input type="hidden" name="{}" value="{}">')
        return Markup().join(field.format(name, each) for name, each in _flat(given))

    def __call__(
        self, name: str, label: str | None = None, /, *, queue: str | None = None, **values: Any
    ) -> Markup:
        """Return a form with one button; nothing without the right to it."""
        action = ACTIONS[name]
        if not action.is_for(self._visit.access, queue):
            return Markup()
        if queue is not None and action.name.endswith("_queue"):
            values["queue"] = queue
        return Markup(
            '<form class="act" method="post" action="{}">{}<button{}>{}</button></form>'
        ).format(
            self.url(name),
            self.hidden(**values),
            Markup(' class="danger"') if action.is_grave else "",
            label or action.label,
        )

    @property
    def said(self) -> Mapping[str, Any] | None:
        """Return what the last action said; None: nothing, or it was not us."""
        found = self._visit.said
        if found is None:
            return None
        name, values = found.get("undo") or (None, {})
        undo = Markup()
        if name in ACTIONS and ACTIONS[name].right in self._visit.access.may:
            undo = self(name, "Undo", **values)
        page, parts = found.get("page") or ("", {})
        url = self._visit.links(page, **parts) if page else ""
        return {**found, "undo": undo, "url": url}


def _flat(values: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, value in values.items():
        for each in value if isinstance(value, list | tuple) else (value,):
            if isinstance(each, str) and ("\r" in each or "\n" in each):
                yield f"{name}{AS_JSON}", json.dumps(each)
            elif each is not None:
                yield name, each


def address_after(visit: Visit, done: Done) -> str:
    """Return where to go on after an action: back, with what it said."""
    user = visit.access.user
    said: dict[str, Any] = {
        "text": done.said[:_LONGEST_TEXT],
        "is_well": done.is_well,
        "at": visit.source.tell_of_change(),
    }
    if done.page is not None:
        said["page"] = [done.page[0], dict(done.page[1])]
    sealed = visit.keeper.seal(user, said)
    if done.undo is not None:
        said["undo"] = [done.undo.action, dict(done.undo.values)]
        with_undo = visit.keeper.seal(user, said)
        sealed = with_undo if len(with_undo) <= _LONGEST else sealed
    parts = urlsplit(back_address(visit))
    kept = [(name, value) for name, value in parse_qsl(parts.query, keep_blank_values=True)
            if name != SAID]  # fmt: skip
    return urlunsplit(("", "", parts.path, urlencode([*kept, (SAID, sealed)]), ""))


def back_address(visit: Visit) -> str:
    """Return where a form came from, if that is one of our pages; else the overview."""
    given = visit.request.form.get("back", "")
    usual = visit.links("overview")
    parts = urlsplit(given) if given.isprintable() and "\\" not in given else urlsplit("")
    root = visit.request.root_path.rstrip("/")
    is_ours = parts.path.startswith(f"{root}/") and not parts.path.startswith("//")
    return given if is_ours and not parts.scheme and not parts.netloc else usual
