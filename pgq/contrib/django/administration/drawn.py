"""How the admin shows what a field cannot: documents, lengths of time, links and small tables."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Any

from django.utils.html import format_html, format_html_join
from django.utils.timezone import template_localtime

from pgq.contrib.web.redact import Redactor
from pgq.lib.durations import format_duration

REDACTOR = Redactor()
"""Takes secrets out of documents and messages, as the dashboard does."""


def document(text: str | None, *, task: str = "", is_whole: bool = True) -> Any:
    """Return JSON, given as its text, on lines and without secrets."""
    if text is None:
        return "-"
    shown = REDACTOR.document(text, task=task, is_whole=is_whole)
    return format_html('<pre class="pgq-text">{}{}</pre>', shown.text, " …" if shown.more else "")


def message(text: str | None) -> str:
    """Return a message or a traceback without secrets."""
    return REDACTOR.text(text)


def length(given: timedelta | None) -> str:
    """Return a length of time: tenths of a second up to ten, whole seconds from there on."""
    if given is None:
        return "-"
    seconds = given.total_seconds()
    return (
        f"{seconds:.1f}s"
        if abs(seconds) < 10
        else format_duration(timedelta(seconds=round(seconds)))
    )


def moment(given: Any) -> str:
    """Return a time to the second, in the time zone of the admin."""
    return "-" if given is None else f"{template_localtime(given):%Y-%m-%d %H:%M:%S}"


def link(address: str, text: Any) -> Any:
    """Return a link."""
    return format_html('<a href="{}">{}</a>', address, text)


def links(pairs: Iterable[tuple[str, Any]]) -> Any:
    """Return links, one after the other; a dash for none."""
    return format_html_join(", ", '<a href="{}">{}</a>', pairs) or "-"


def table(heads: Sequence[str], rows: Iterable[Sequence[Any]]) -> Any:
    """Return a table."""
    return format_html(
        '<table class="pgq-table"><thead><tr>{}</tr></thead><tbody>{}</tbody></table>',
        format_html_join("", '<th scope="col">{}</th>', ((head,) for head in heads)),
        format_html_join(
            "",
            "<tr>{}</tr>",
            ((format_html_join("", "<td>{}</td>", ((cell,) for cell in row)),) for row in rows),
        ),
    )
