"""Random questions for pgq.cron_next: expressions, zones, and instants around their transitions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from random import Random
from zoneinfo import ZoneInfo

from tests.sql.cron.oracle import MACROS, MONTHS, WEEKDAYS


@dataclass(frozen=True)
class Case:
    expression: str
    after: datetime
    zone: str


# The years in which to ask. Of the odd ones, in this order: changes at a minute past midnight,
# skipped midnights, hours repeated at midnight, a day left out, seconds in the offset, a day twice.
ZONES = {
    "UTC": 2026,
    "America/New_York": 2026,
    "Europe/Berlin": 2026,
    "Asia/Kolkata": 2026,
    "Australia/Lord_Howe": 2026,
    "America/St_Johns": 2008,
    "America/Sao_Paulo": 2018,
    "America/Havana": 2016,
    "Pacific/Apia": 2011,
    "Africa/Monrovia": 1972,
    "Pacific/Kwajalein": 1969,
}
USUAL, ODD = list(ZONES)[:5], list(ZONES)[5:]


@cache
def transitions(zone: str) -> list[datetime]:
    """Return the instants of the zone's year at which its offset changes."""

    def offset(instant: datetime) -> timedelta | None:
        return instant.astimezone(ZoneInfo(zone)).utcoffset()

    found = []
    begin = datetime(ZONES[zone], 1, 1, tzinfo=UTC)
    for day in range(366):
        low, high = begin + timedelta(days=day), begin + timedelta(days=day + 1)
        if offset(low) != offset(high):
            while high - low > timedelta(seconds=1):
                middle = low + timedelta(seconds=(high - low) // timedelta(seconds=2))
                low, high = (middle, high) if offset(middle) == offset(low) else (low, middle)
            found.append(high)
    return found


def _part(random: Random, low: int, high: int, names: list[str]) -> str:
    def word(number: int) -> str:
        return random.choice([names[number], str(number)]) if number < len(names) else str(number)

    def end(number: int) -> str:
        late_sunday = number == 7 and names == WEEKDAYS and first > 0
        return "sun" if late_sunday and random.random() < 0.5 else word(number)

    first, last = sorted(random.choices(range(low, high + 1), k=2))
    step = random.randint(1, max(2, (last - first + 1) // 2))
    match random.choices(range(5), weights=(50, 20, 10, 5, 15))[0]:
        case 0:
            return word(first)
        case 1:
            return f"{word(first)}-{end(last)}"
        case 2:
            return f"{word(first)}-{end(last)}/{step}"
        case 3:
            return f"{word(first)}/{step}"
        case _:
            return f"*/{random.randint(1, high - low)}"


def _field(random: Random, low: int, high: int, star: float, names: list[str] | None = None) -> str:
    if random.random() < star:
        return "*"
    count = random.choice([1, 1, 1, 2, 3])
    return ",".join(_part(random, low, high, names or []) for _ in range(count))


def expression(random: Random) -> str:
    """Return a valid expression of five fields, or a macro."""
    if random.random() < 0.02:
        return random.choice(list(MACROS))
    # Clocks change at night.
    hours = 4 if random.random() < 0.4 else 23
    day = _field(random, 1, 31, star=0.6)
    weekday = _field(random, 0, 7, 0.6, WEEKDAYS)
    if random.random() < 0.08:
        day = random.choice(["L", f"{random.randint(1, 28)},L"])
    if random.random() < 0.08:
        weekday = f"{random.choice([*WEEKDAYS, '7'])}#{random.randint(1, 5)}"
    elif random.random() < 0.06:
        weekday = f"{random.randint(0, 7)}L"
    months = _field(random, 1, 12, 0.8, MONTHS)
    return " ".join(
        [
            _field(random, 0, 59, star=0.2),
            _field(random, 0, hours, star=0.25),
            day,
            months,
            weekday,
        ]
    )


def spoilt(random: Random) -> str:
    """Return an expression with a few characters or words changed; most are wrong, not all."""
    text = expression(random)
    for _ in range(random.choice([1, 1, 2, 3])):
        place = random.randrange(len(text) + 1)
        match random.randrange(4):
            case 0:
                text = text[:place] + random.choice("*/-,#lL?WRh 0123456789\t\n") + text[place:]
            case 1:
                text = text[:place] + text[place + 1 :]
            case 2:
                texts = text.split(" ")
                texts[random.randrange(len(texts))] = _word(random)
                text = " ".join(texts)
            case _:
                texts = text.split(" ")
                random.shuffle(texts)
                text = " ".join(texts)
    return text


def _word(random: Random) -> str:
    one = [
        *map(str, range(62)),
        *MONTHS,
        *WEEKDAYS,
        "l",
        "fril",
        "*",
        "r",
        "h",
        "007",
        "1000000000",
    ]
    return random.choice(
        [
            random.choice(one),
            f"{random.choice(one)}-{random.choice(one)}",
            f"{random.choice(one)}/{random.choice(one)}",
            f"{random.choice(one)}-{random.choice(one)}/{random.randrange(40)}",
            f"{random.choice(one)}#{random.randrange(8)}",
            f"{random.choice(one)},{random.choice(one)}l",
            *("*/31", "29-31", "30", "31", "2", "feb", "4,6", "*/2"),
        ]
    )


def cases(random: Random, count: int) -> Iterator[Case]:
    """Yield that many cases, most of them around the hours in which a clock changes."""
    for _ in range(count):
        zone = random.choice(USUAL * 3 + ODD)
        around = transitions(zone)
        if around and random.random() < 0.7:
            after = random.choice(around) + timedelta(minutes=random.randint(-300, 180))
        else:
            begin = datetime(ZONES[zone], 1, 1, tzinfo=UTC)
            after = begin + timedelta(minutes=random.randrange(366 * 24 * 60))
        if random.random() < 0.3:
            after += timedelta(microseconds=random.randrange(60_000_000))
        yield Case(expression(random), after, zone)
