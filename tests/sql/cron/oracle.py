"""The rules of pgq.cron_next once more, by brute force: look at a clock until it shows the time.

Written from docs/how-to/cron-expressions.md, and in another way than the SQL: there bits and
offsets, here sets of numbers and a walk over all minutes with zoneinfo. Expressions must be valid.
"""

from __future__ import annotations

import calendar
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache, lru_cache
from zoneinfo import ZoneInfo

NONE, MINUTE = timedelta(), timedelta(minutes=1)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
# 29 February is on each weekday within 40 years.
HORIZON_DAYS = 41 * 366
MACROS = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}
WEEKDAYS = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"]
MONTHS = ["", "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]


def fields(expression: str) -> list[str]:
    """Return the five fields in lower case."""
    return MACROS.get(expression.lower(), expression.lower()).split()


@cache
def numbers(field: str, low: int, high: int) -> frozenset[int]:
    """Return what a field of numbers, names, ranges and steps allows."""
    names = {12: MONTHS, 7: WEEKDAYS}.get(high, [])
    found: set[int] = set()
    for part in field.split(","):
        span, _, step = part.partition("/")
        first, dash, last = span.partition("-")
        if span == "*":
            begin, end = low, high
        else:
            begin = names.index(first) if first in names else int(first)
            end = high if step and not dash else begin
            if dash:
                end = names.index(last) if last in names else int(last)
                end = 7 if last == "sun" and begin > 0 else end
        found.update(range(begin, end + 1, int(step or 1)))
    return frozenset(found)


@cache
def month_days(field: str, year: int, month: int) -> frozenset[int]:
    """Return the days of a month that its day-of-month field allows."""
    length = calendar.monthrange(year, month)[1]
    found = {length} if "l" in field.split(",") else set[int]()
    rest = [part for part in field.split(",") if part != "l"]
    if rest:
        found |= numbers(",".join(rest), 1, 31)
    return frozenset(day for day in found if day <= length)


@cache
def weekday_days(field: str, year: int, month: int) -> frozenset[int]:
    """Return the days of a month that its day-of-week field allows."""
    found: set[int] = set()
    for part in field.split(","):
        name, _, place = part.partition("#")
        name, last, _ = (name, "", "") if place else name.partition("l")
        for weekday in {number % 7 for number in numbers(name, 0, 7)}:
            dates = [
                week[(weekday - 1) % 7]
                for week in calendar.monthcalendar(year, month)
                if week[(weekday - 1) % 7]
            ]
            if place:
                found.update(dates[int(place) - 1 : int(place)])
            else:
                found.update(dates[-1:] if last else dates)
    return frozenset(found)


@dataclass(frozen=True)
class Cron:
    """An expression, read; `replace` what another program understands in another way."""

    minutes: frozenset[int]
    hours: frozenset[int]
    day: str
    months: frozenset[int]
    weekday: str
    # A day need only fit one of the two day fields.
    either_day: bool
    # Either each minute counts as it passes, or each time on the clock, and none is left out.
    every_minute: bool
    # Times on the clock count again when the clock was put back.
    repeats: bool = False

    def fits_day(self, day: date) -> bool:
        if day.month not in self.months:
            return False
        by_date = day.day in month_days(self.day, day.year, day.month)
        by_weekday = day.day in weekday_days(self.weekday, day.year, day.month)
        return by_date or by_weekday if self.either_day else by_date and by_weekday

    def fits(self, label: datetime) -> bool:
        """Whether it means this minute of the calendar and the clock."""
        return (
            label.minute in self.minutes
            and label.hour in self.hours
            and self.fits_day(label.date())
        )


def read(expression: str) -> Cron:
    """Return what a valid expression means to pgq."""
    minute, hour, day, month, weekday = fields(expression)
    return Cron(
        minutes=numbers(minute, 0, 59),
        hours=numbers(hour, 0, 23),
        day=day,
        months=numbers(month, 1, 12),
        weekday=weekday,
        either_day=not day.startswith("*") and not weekday.startswith("*"),
        every_minute=minute.startswith("*") or hour.startswith("*"),
    )


def shown(instant: datetime, zone: str) -> datetime:
    """Return what a clock on the wall shows."""
    return instant.astimezone(ZoneInfo(zone)).replace(tzinfo=None)


@cache
def is_quiet(zone: str, day: datetime) -> bool:
    """Whether the clock shows 24 hours in a day of UTC, one after the other."""
    hours = [day + number * HOUR for number in range(25)]
    return len({hour.astimezone(ZoneInfo(zone)).utcoffset() for hour in hours}) == 1


@cache
def step_of(zone: str, day: datetime) -> timedelta:
    """Return how often to look at the clock in a day of UTC, so as to meet all its minutes."""
    # One of these zones has 44 minutes and a half.
    offsets = [(day + hours).astimezone(ZoneInfo(zone)).utcoffset() for hours in (NONE, DAY)]
    return MINUTE if all((offset or NONE) % MINUTE == NONE for offset in offsets) else MINUTE / 2


@lru_cache(maxsize=200)
def clock(zone: str, day: datetime) -> list[datetime]:
    """Return what the clock shows at each step of a day of UTC."""
    step = step_of(zone, day)
    past = [number * step for number in range(DAY // step)]
    if is_quiet(zone, day):
        begin = shown(day, zone)
        return [begin + time for time in past]
    return [shown(day + time, zone) for time in past]


def highest_shown(zone: str, day: datetime, place: int) -> datetime:
    """Return the most that the clock has shown before this step of a day."""
    # No clock was ever put back by more than a day.
    return max([*clock(zone, day - DAY), *clock(zone, day)[:place]])


def due(cron: Cron, label: datetime, highest: datetime) -> bool:
    """Whether it is due when the clock shows `label`, having shown at most `highest` before."""
    if cron.every_minute or (cron.repeats and label <= highest):
        return label.second == 0 and cron.fits(label)
    minute = highest.replace(second=0) + MINUTE
    while minute <= label:
        if cron.fits(minute):
            return True
        minute += MINUTE
    return False


def days_that_fit(cron: Cron, first: date, count: int) -> Iterator[date]:
    days = (first + number * DAY for number in range(count))
    return (day for day in days if cron.fits_day(day))


def next_due(cron: Cron, after: datetime, zone: str) -> datetime | None:
    """Return the first instant after `after` at which it is due; None: never."""
    day = after.replace(hour=0, minute=0, second=0, microsecond=0)
    begin = (after - day) // step_of(zone, day) + 1
    last = day + HORIZON_DAYS * DAY
    while day < last:
        # What the clock shows in a day of UTC is of that date, the one before or the one after.
        found = next(days_that_fit(cron, day.date() - DAY, HORIZON_DAYS), None)
        if found is None:
            return None
        if found > day.date() + DAY:
            day = day.replace(year=found.year, month=found.month, day=found.day) - DAY
            begin = 0
        highest = highest_shown(zone, day, begin)
        for place, label in enumerate(clock(zone, day)[begin:], begin):
            if due(cron, label, highest):
                return day + place * step_of(zone, day)
            highest = max(highest, label)
        day += DAY
        begin = 0
    return None
