"""What a cron expression says in words, where the library's words are what the database does.

The database has the last word: its next times stand beside the words. So words that would be wrong
are left out: a step begins again in each hour, day and month, and two day fields, of which one
begins with a star, must both fit.
"""

from __future__ import annotations

import importlib
import re
from functools import lru_cache
from typing import Any, Final

from pgq.lib.cron import MACROS

_LONGEST: Final = 100
# How many values the fields have over which a step can be even.
_EVEN: Final = (60, 24)


@lru_cache(maxsize=1000)
def cron_words(expression: str) -> str | None:
    """Return a cron expression in words; None where they are not known, or not to be trusted."""
    text = " ".join(expression.split())
    text = MACROS.get(text.lower(), text.upper())
    fields = text.split(" ")
    if len(fields) != 5 or len(text) > _LONGEST or not _is_plain(fields):
        return None
    try:
        library: Any = importlib.import_module("cron_descriptor")
        described = library.ExpressionDescriptor(
            text, use_24hour_time_format=True, locale_code="en_US"
        )
        said = str(described.get_description())
    except Exception:  # noqa: BLE001 (it is not installed, or does not know the expression)
        return None
    return said[:1].lower() + said[1:]


def _is_plain(fields: list[str]) -> bool:
    """Say whether the words mean what the database does."""
    for field, size in zip(fields, (*_EVEN, 0, 0, 0), strict=True):
        for start, step in re.findall(r"([^,/]+)/([0-9]+)", field):
            if not size or (start == "*" and (not int(step) or size % int(step))):
                return False
            if start != "*" and "," in field:
                return False
    day, weekday = fields[2], fields[4]
    both = day != "*" and weekday != "*"
    mixed = "," in day and "L" in day
    return not mixed and not (both and (day[0] == "*" or weekday[0] == "*"))
