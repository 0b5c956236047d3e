"""Filters as one line of text: `state:failed queue:mail args.user_id:7 since:24h`.

A value with spaces stands in quotes: `queue:"my mail"`. In args and headers a quoted value is a
text, and one without quotes is JSON if it can be: `args.n:7` is a number, `args.n:"7"` is not.
"""

from __future__ import annotations

import json
import re
from typing import Final

from pgq.contrib.web.filters import STATES, Filters, Problem, of_pairs

LONGEST: Final = 8000
_WORD: Final = re.compile(r'(?:"(?:[^"\\]|\\.)*"|[^\s"])+|"')
_PLAIN_NAME: Final = re.compile(r'[^\s":]+')


def of_text(text: str) -> tuple[Filters, list[Problem]]:
    """Read a line of filters, and say what is wrong with it."""
    if len(text) > LONGEST:
        return Filters(), [Problem("", f"it is longer than {LONGEST} characters")]
    pairs: list[tuple[str, str]] = []
    problems: list[Problem] = []
    for word in _WORD.findall(text):
        name, colon, value = word.partition(":")
        if colon and '"' not in name and value:
            pairs.append((name, value if _is_document(name) else _unquoted(value)))
        elif word in STATES:
            pairs.append(("state", word))
        else:
            shown = word[:80]
            problems.append(Problem(shown, f"say what it is: task:{shown}, queue:{shown} …"))
    filters, more = of_pairs(pairs, ())
    return filters, problems + more


def as_text(filters: Filters) -> str:
    """Write filters as a line that `of_text` reads, without the place in the list."""
    pairs = filters.pairs(places=False)
    if not all(_PLAIN_NAME.fullmatch(name) for name, _ in pairs):
        pairs = filters.pairs(paths=False, places=False)
    return " ".join(f"{name}:{_quoted(name, value)}" for name, value in pairs)


def _is_document(name: str) -> bool:
    return name.partition(".")[0] in ("args", "headers")


def _unquoted(value: str) -> str:
    if not value.startswith('"'):
        return value
    try:
        return str(json.loads(value, strict=False))
    except ValueError:
        return value


def _quoted(name: str, value: str) -> str:
    if _WORD.fullmatch(value) and (_is_document(name) or '"' not in value):
        return value
    return json.dumps(value, ensure_ascii=False)
