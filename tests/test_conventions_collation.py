"""What a caller's text is compared with decides how, not the collation that the caller brings.

A PL/pgSQL function compares by the collation of its arguments. So each public function names one
where it compares a text of its caller's, and where it hands one on: a helper then has that.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from tests.sources import FUNCTION_FILES, PUBLIC, code, offenders
from tests.test_conventions import FACES

# Their texts become a message or jsonb, and are not compared.
NOT_COMPARED = re.compile(
    r"_shorten|_audit_\w+|_raise_\w+|_parse_json|_match_claims|_complete_or_refuse|_append_errors"
)
COMPARED = r"<>|<@|@>|&&|[=<>~]|\b(?:not )?(?:like|in|similar to)\b"
NAMED = '(?: collate "default")'


def texts_of(path: Path) -> tuple[list[str], str]:
    """Return the names of the arguments that hold text, and the body.

    A variable takes over the collation of the arguments if its declaration names none.
    """
    head, body = code(path).split("\nas $$\n")
    signature = head[head.index(f"pgq.{path.stem}(") :].partition("\n  returns")[0]
    names = re.findall(r"[(,]\s*(\w+) text(?:\[\])?(?= default |,|\)|\n)", signature)
    if names:
        names += re.findall(rf"\n  ([vc]_\w+) (?:constant )?text\b(?!\[|{NAMED})", body)
        names += re.findall(rf"\n  ([vc]_\w+) (?:constant )?text\[\](?!{NAMED})", body)
    return names, body.split("\n$$;")[0]


def calls(body: str) -> Iterator[tuple[str, str]]:
    """Yield the helpers that are called, with their arguments; the inner calls too."""
    for begun in re.finditer(r"pgq\.(_\w+)\(", body):
        depth, end = 1, begun.end()
        while depth:
            depth += {"(": 1, ")": -1}.get(body[end], 0)
            end += 1
        yield begun[1], body[begun.end() : end - 1]


def lacking(path: Path) -> list[str]:
    """Return what compares or hands on a caller's text by the caller's collation."""
    names, body = texts_of(path)
    if not names:
        return []
    name = rf"(?<![\w.])(?:{path.stem}\.)?(?:{'|'.join(names)})\b(?! =>)"
    body = re.sub(r"\b(?:hint|detail|message|diagnostics \w+) = ", "", body)
    found = [
        f"{helper}({given})"
        for helper, given in calls(body)
        if not NOT_COMPARED.fullmatch(helper)
        and re.search(name, given)
        and not re.search(NAMED, given)
    ]
    # Without the function's name it may be a column, which has a collation of its own.
    qualified = name.replace(".)?", ".|(?=[vc]_))")
    for pattern in (
        rf"{name}\s+(?!= )(?:{COMPARED})",
        rf"{qualified}\s+(?:{COMPARED})",
        rf"(?<!:)(?:{COMPARED})\s+(?:any\(|all\()?{qualified}(?!{NAMED})",
    ):
        found += [each[0] for each in re.finditer(pattern, body)]
    return found


def test_a_callers_text_is_not_compared_by_its_own_collation() -> None:
    files = [path for path in FUNCTION_FILES if path.stem in PUBLIC - FACES]
    assert offenders(files, lacking) == {}
