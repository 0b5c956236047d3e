"""What an action is, and how it reads what was sent."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Literal

from werkzeug.datastructures import MultiDict

from pgq.client.clients import Client
from pgq.contrib.web.access import Access
from pgq.errors import InvalidArgument
from pgq.lib.durations import parse_duration
from pgq.rows import Outcome

MOST_IDS: Final = 1000
# Ends the names of fields that hold JSON: browsers change the ends of lines in all others.
AS_JSON: Final = "~json"
_LONGEST: Final = 64_000


@dataclass(frozen=True)
class Undo:
    """The action that takes it back, and what to send with it."""

    action: str
    values: Mapping[str, Any]


@dataclass(frozen=True)
class Done:
    """What an action did: said, for people; answer, for programs; page, where to go on."""

    said: str
    answer: Any = None
    undo: Undo | None = None
    is_well: bool = True
    page: tuple[str, Mapping[str, Any]] | None = None


@dataclass(frozen=True)
class Question:
    """What is asked before: a sentence, more to know, and what is sent along with a yes."""

    text: str
    lines: Sequence[str] = ()
    fixed: Mapping[str, Any] = field(default_factory=dict[str, Any])
    samples: Sequence[int] = ()


class Form:
    """What was sent with an action; InvalidArgument for what cannot be read."""

    def __init__(self, values: MultiDict[str, str], left_out: int = 0) -> None:
        self.values = _decoded(values)
        self.left_out = left_out

    def text(self, name: str) -> str | None:
        """Return a text; None where it is empty."""
        given = self.values.get(name, "")
        if len(given) > _LONGEST or "\0" in given:
            raise InvalidArgument(f"{name} is too long, or has a NUL", "Shorten it.")
        return given or None

    def need(self, name: str) -> str:
        """Return a text that must be there, blanks around it too: it may be a name."""
        if (found := self.text(name)) is None:
            raise InvalidArgument(f"{name} is missing", "Fill it in.")
        return found

    def number(self, name: str) -> int | None:
        """Return a whole number; None where there is none."""
        given = (self.text(name) or "").strip()
        if not given:
            return None
        if not re.fullmatch(r"-?[0-9]{1,18}", given):
            raise InvalidArgument(f"{name} is no whole number", "Digits only.")
        return int(given)

    def id(self, name: str) -> int:
        """Return a number that must be there."""
        if (found := self.number(name)) is None:
            raise InvalidArgument(f"{name} is missing", "Fill it in.")
        return found

    def ids(self) -> list[int]:
        """Return the ids of jobs, each once, at least one."""
        found = list(dict.fromkeys(self._ids()))
        if not 0 < len(found) <= MOST_IDS:
            raise InvalidArgument(
                "no job is chosen" if not found else f"more than {MOST_IDS:,} jobs are chosen",
                "Choose jobs first." if not found else "Take all that match, in their place.",
            )
        return found

    def _ids(self) -> Iterable[int]:
        for given in self.values.getlist("id"):
            if not (given.isascii() and given.isdigit() and len(given) < 20):
                raise InvalidArgument(f"{given[:40]!r} is no id", "Ids are numbers.")
            yield int(given)

    def length(self, name: str) -> timedelta | None:
        """Return a length of time, such as 10m; None where there is none."""
        given = self.text(name)
        if given is None:
            return None
        if (found := parse_duration(given.strip())) is None:
            raise InvalidArgument(f"{name} is no length of time", "Write 30s, 5m, 1h30m or 2d.")
        return found

    def moment(self, name: str) -> datetime | None:
        """Return a time, UTC unless it says another zone; None where there is none."""
        given = self.text(name)
        if given is None:
            return None
        try:
            found = datetime.fromisoformat(given.strip())
            return found if found.tzinfo else found.replace(tzinfo=UTC)
        except ValueError:
            hint = "Write 2030-01-31T08:00, which is UTC, or 2030-01-31T08:00+02:00."
            raise InvalidArgument(f"{name} is no time", hint) from None

    def json(self, name: str) -> Any:
        """Return what JSON says; None where there is none."""
        given = self.text(name)
        if given is None or not given.strip():
            return None
        try:
            return json.loads(given)
        except (ValueError, RecursionError) as error:
            raise InvalidArgument(f"{name} is no JSON: {error}", "Mend it.") from None

    def has(self, name: str) -> bool:
        """Return whether a box is ticked."""
        return self.values.get(name, "") not in ("", "0", "false", "off")

    def with_ids(self, ids: Iterable[int]) -> Form:
        """Return the same with these jobs chosen."""
        kept = MultiDict(self.values)
        chosen = [str(each) for each in ids]
        kept.setlist("id", chosen)
        return Form(kept, len(self.ids()) - len(chosen))


def _decoded(values: MultiDict[str, str]) -> MultiDict[str, str]:
    found: MultiDict[str, str] = MultiDict()
    for name, value in values.items(multi=True):
        if name.endswith(AS_JSON):
            try:
                text = json.loads(value)
            except (ValueError, RecursionError):
                text = None
            if isinstance(text, str):
                found.add(name.removesuffix(AS_JSON), text)
        else:
            found.add(name, value)
    return found


Ask = Callable[[Client, Form], Question | str | None]
Proof = Callable[[Form], str | None]


@dataclass(frozen=True)
class Action:
    """Something that can be done.

    do: does it. reach: returns what the user may do it to of what was sent, or raises Forbidden.
    asks: the question before, None where it needs none. proof: what must be typed in besides.
    """

    name: str
    label: str
    right: str
    do: Callable[[Client, Form], Done]
    reach: Callable[[Client, Access, Form], Form]
    asks: Ask | None = None
    proof: Proof | None = None
    is_grave: bool = False
    login: Literal["operator", "producer"] = "operator"
    own_queues: bool = True

    def is_for(self, access: Access, queue: str | None = None) -> bool:
        """Return whether its button is shown: for all queues, or for what is of one."""
        if not self.own_queues:
            return access.can_everywhere(self.right)
        return access.can(self.right, queue)


def counted(outcomes: Iterable[Outcome], good: str) -> tuple[str, dict[str, int], bool]:
    """Return how many jobs had which outcome: in words, as numbers, and whether all are good."""
    found = Counter(each.outcome for each in outcomes)
    said = [f"{found[good]:,} {_word(good)}", *(
        f"{number:,} {_word(outcome)}" for outcome, number in sorted(found.items())
        if outcome != good
    )]  # fmt: skip
    return ", ".join(said), dict(found), set(found) <= {good}


def _word(outcome: str) -> str:
    return outcome.replace("_", " ")


def jobs_word(number: int) -> str:
    """Return so many jobs in words."""
    return "1 job" if number == 1 else f"{number:,} jobs"
