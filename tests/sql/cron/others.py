"""What cronsim and croniter answer, and why it is not always what pgq.cron_next answers.

A difference counts as explained when its reason has been put to the test: the brute force of
cron_oracle, told to read or to rule in this one way as the other program does, gives that program's
answer; or the program gives ours once the clock of its zone is not changed on its way.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from itertools import chain, combinations
from zoneinfo import ZoneInfo

from croniter import CroniterBadDateError, croniter
from cronsim import CronSim, CronSimError

from tests.sql.cron.cases import Case, transitions
from tests.sql.cron.oracle import (
    DAY,
    HOUR,
    MINUTE,
    MONTHS,
    NONE,
    WEEKDAYS,
    Cron,
    fields,
    next_due,
    numbers,
    read,
)

# A time; None: never; or why there is no answer.
Answer = datetime | str | None
Ask = Callable[[str, datetime, tzinfo], Answer]
Rewrite = Callable[[int, str], str]
Rule = Callable[[list[str], Cron], Cron]

ENDLESS = "walks in a circle"
ENDS = [(0, 59), (0, 23), (1, 31), (1, 12), (0, 6)]


class Endless(Exception):
    """The program would never answer."""


class _Walk(CronSim):
    """CronSim that notices when it walks in a circle."""

    steps = 0

    def tick(self, seconds: int = 1) -> None:
        self.steps += 1
        if self.steps > 50_000:
            raise Endless
        super().tick(seconds)


def ask_cronsim(expression: str, after: datetime, zone: tzinfo) -> Answer:
    """Return cronsim's answer."""
    # Sunday as the end of a range is 7 to cronsim.
    readable = re.sub(r"\b(?!0|sun)(\w+)-sun\b", r"\1-7", " ".join(fields(expression)))
    try:
        return next(_Walk(readable, after.astimezone(zone))).astimezone(UTC)
    except (CronSimError, StopIteration):
        return None
    except Endless:
        return ENDLESS


def ask_croniter(expression: str, after: datetime, zone: tzinfo) -> Answer:
    """Return croniter's answer."""
    *others, weekday = fields(expression)
    # The last Friday is L5 to croniter.
    readable = " ".join([*others, re.sub(r"\b(\w)l\b", r"l\1", weekday)])
    try:
        answer: datetime = croniter(readable, after.astimezone(zone)).get_next(datetime)
    except CroniterBadDateError:
        return None
    return answer.astimezone(UTC)


@dataclass(frozen=True)
class Difference:
    """One way in which a program differs: how it reads a part, or what it makes of it."""

    name: str
    rewrite: Rewrite | None = None
    rule: Rule | None = None

    def read(self, texts: list[str]) -> list[str]:
        if not self.rewrite:
            return texts
        return [
            ",".join(self.rewrite(place, part) for part in text.split(","))
            for place, text in enumerate(texts)
        ]


def _number(place: int, word: str) -> int:
    names = {3: MONTHS, 4: WEEKDAYS}.get(place, [])
    number = names.index(word) if word in names else int(word)
    return number % 7 if place == 4 else number


def _single(place: int, part: str) -> re.Match[str] | None:
    """Match a range that is one number long."""
    found = re.fullmatch(r"(\w+)-(\w+)(/\d+)?", part)
    return found if found and _number(place, found[1]) == _number(place, found[2]) else None


def _whole_cycle(place: int, part: str) -> str:
    found = _single(place, part)
    low, high = ENDS[place]
    return f"{low}-{high}{found[3] or ''}" if found else part


def _to_the_end(place: int, part: str) -> str:
    found = _single(place, part)
    return f"{found[1]}{found[3]}" if found and found[3] else part


def _until_saturday(place: int, part: str) -> str:
    found = re.fullmatch(r"(\w+)(/\d+)", part)
    return f"{_number(place, found[1])}-6{found[2]}" if found and place == 4 else part


def _is_star(texts: list[str], place: int, beside: int) -> bool:
    """Whether croniter takes a day field for a star: one, or all there is, beside some star."""
    if texts[place] == "*" or "*" not in texts[beside] or re.search("[#l]", texts[place]):
        return texts[place] == "*"
    if place == 4:
        return {number % 7 for number in numbers(texts[place], 0, 7)} == set(range(7))
    return numbers(texts[place], 1, 31) == set(range(1, 32))


def _bare_star_in_days(texts: list[str], cron: Cron) -> Cron:
    return replace(cron, either_day=not _is_star(texts, 2, 4) and not _is_star(texts, 4, 2))


def _counted_alone(texts: list[str], cron: Cron) -> Cron:
    return replace(cron, day="*", either_day=False) if re.search("[#l]", texts[4]) else cron


def _bare_star_in_hours(_: list[str], cron: Cron) -> Cron:
    return replace(cron, every_minute=len(cron.hours) == 24)


def _repeats(_: list[str], cron: Cron) -> Cron:
    return replace(cron, repeats=True)


def _both_days(texts: list[str], cron: Cron) -> Cron:
    return replace(cron, either_day=False) if re.search("[#l]", texts[4]) else cron


@dataclass(frozen=True)
class Program:
    """Another program, and the ways in which it is known to differ."""

    name: str
    ask: Ask
    differences: Sequence[Difference]
    # Text that only explains that there is no answer.
    failures: Sequence[Difference] = ()


CRONSIM = Program(
    "cronsim",
    ask_cronsim,
    [Difference("a-a/n goes on to the end of the field", rewrite=_to_the_end)],
)
CRONITER = Program(
    "croniter",
    ask_croniter,
    [
        Difference("a-a means the whole cycle", rewrite=_whole_cycle),
        Difference("a/n in the day of week ends on Saturday", rewrite=_until_saturday),
        Difference("*/n in a day field is no star", rule=_bare_star_in_days),
        Difference("beside # or L the day of month is ignored", rule=_counted_alone),
        Difference("only * as the hour lets skipped times go", rule=_bare_star_in_hours),
        Difference("repeated times are due twice", rule=_repeats),
    ],
    [Difference("beside # or L a day of month that never meets them fails", rule=_both_days)],
)


def explain(program: Program, case: Case, ours: datetime | None, theirs: Answer) -> str | None:
    """Return why a program's answer is not ours; None: nothing that is known explains it."""
    if isinstance(theirs, datetime) and theirs <= case.after:
        return "answers a time that is over, once the clock was put back"
    known = (*program.differences, *(program.failures if theirs is None else ()))
    some = chain.from_iterable(combinations(known, size) for size in range(4))
    for differences in map(list, some):
        like = ruled_by(differences, case, case.after)
        rounded = _whole_minute(case, like)
        names = [one.name for one in differences]
        if theirs == rounded != like:
            names.append("changes of the clock are rounded up to a minute")
        elif theirs != like:
            if not _led_astray(program, case, differences, theirs):
                continue
            names.append("is led astray by an odd change of the clock")
        return " and ".join(sorted(names))
    return None


def ruled_by(differences: Iterable[Difference], case: Case, after: datetime) -> datetime | None:
    """Return the answer of the brute force that reads and rules in these other ways."""
    texts = fields(case.expression)
    for one in differences:
        texts = one.read(texts)
    cron = read(" ".join(texts))
    for one in differences:
        cron = one.rule(texts, cron) if one.rule else cron
    return next_due(cron, after, case.zone)


def _whole_minute(case: Case, answer: datetime | None) -> datetime | None:
    """Round up an answer that is a change of the clock within a minute."""
    if answer not in transitions(case.zone):
        return answer
    return answer + (MINUTE - timedelta(seconds=answer.second)) % MINUTE


def _led_astray(
    program: Program, case: Case, differences: Iterable[Difference], theirs: Answer
) -> bool:
    """Whether the answer is right once the clock has always been as it is after a change."""
    zone = ZoneInfo(case.zone)
    latest = theirs if isinstance(theirs, datetime) else case.after + DAY
    for change in transitions(case.zone):
        before, now = (change - MINUTE).astimezone(zone), change.astimezone(zone)
        shift = (now.utcoffset() or NONE) - (before.utcoffset() or NONE)
        # Anything but whole hours, on the hour, within one day, is odd.
        is_plain = shift % HOUR == NONE and now.minute == 0 and before.date() == now.date()
        # A program may step back to the beginning of the day.
        if is_plain or not case.after - DAY < change <= latest:
            continue
        begin = max(case.after, change - timedelta(seconds=1))
        fixed = timezone(now.utcoffset() or NONE)
        if program.ask(case.expression, begin, fixed) == ruled_by(differences, case, begin):
            return True
    return False
