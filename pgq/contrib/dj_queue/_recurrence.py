"""A schedule as dj-queue's users write it: cron, cron with a zone, or words such as "every day".

What it means here is one of pgq's: a cron expression of five fields in a zone, or an interval. What
cannot be said so is refused, with what to write instead.
"""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Final, TypedDict
from zoneinfo import ZoneInfo

from pgq.contrib.dj_queue.exceptions import EnqueueError
from pgq.errors import InvalidCron
from pgq.lib.cron import check_cron


class Timing(TypedDict, total=False):
    """What `schedule` takes."""

    cron: str
    every: timedelta
    timezone: str


_ZONE: Final = re.compile(r"(?i:utc|gmt|z)|[A-Za-z_]+/[A-Za-z0-9_+/-]+")
_UNITS: Final = {
    "second": timedelta(seconds=1),
    "sec": timedelta(seconds=1),
    "minute": timedelta(minutes=1),
    "min": timedelta(minutes=1),
    "hour": timedelta(hours=1),
    "day": timedelta(days=1),
    "week": timedelta(weeks=1),
}
# In an hour and in a day there are so many of these: a number that divides it is a step of cron's.
_STEPS: Final = {"minute": (60, "*/{} * * * *"), "min": (60, "*/{} * * * *"),
                 "hour": (24, "0 */{} * * *")}  # fmt: skip
_EVERY_ONE: Final = {
    "minute": "* * * * *",
    "hour": "0 * * * *",
    "day": "0 0 * * *",
    "week": "0 0 * * 0",
    "month": "0 0 1 * *",
    "year": "0 0 1 1 *",
}
_DAYS: Final = {
    **{day[:length]: f"{number}"
       for number, day in enumerate(
           ("sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"))
       for length in (3, len(day))},
    "day": "*", "weekday": "1-5", "weekend": "0,6",
}  # fmt: skip
_SECONDS: Final = re.compile(r"[0-9*/,-]+")
_INTERVAL: Final = re.compile(r"every (\d{1,6}) ([a-z]+?)s?")
_ONE: Final = re.compile(r"every ([a-z]+)")
_AT: Final = re.compile(r"every (?P<days>[a-z]+(?:(?:, ?(?:and )?| and )[a-z]+)*) at (?P<times>.+)")
_BETWEEN: Final = re.compile(r", ?(?:and )?| and ")
_TIME: Final = re.compile(r"(\d{1,2})(?::(\d{2}))? ?(am|pm)?")
_SPECIAL: Final = {"noon": (12, 0), "midnight": (0, 0)}


def timing_of(schedule: str, timezone: str = "UTC") -> Timing:
    """Return what a schedule means in a zone, unless it names one itself.

    InvalidCron or EnqueueError where it cannot be said.
    """
    text = " ".join(schedule.split())
    rest, _, last = text.rpartition(" ")
    if rest and _ZONE.fullmatch(last):
        text, timezone = rest, _zone(last)
    words = re.sub(r" (?:in|on)$", "", text.lower())
    if words == "@noon":
        return {"cron": "0 12 * * *", "timezone": timezone}
    if words.startswith("every "):
        return _of_words(words, timezone)
    if len(text.split()) == 6:
        text = _without_seconds(schedule, text.split())
    check_cron(text)
    return {"cron": text, "timezone": timezone}


def _without_seconds(schedule: str, fields: list[str]) -> str:
    """Return the five fields of six, if they can only be read so and the second is 0."""
    first, end = " ".join(fields[1:]), " ".join(fields[:-1])
    readings = [
        (seconds, rest)
        for seconds, rest in ((fields[0], first), (fields[-1], end))
        if _SECONDS.fullmatch(seconds) and _is_cron(rest)
    ]
    if [seconds for seconds, _ in readings] == ["0"]:
        return readings[0][1]
    raise EnqueueError(
        f"{schedule!r} has six fields, and there is no field for seconds",
        f"Write {end!r} if the seconds stand last, as dj-queue 0.5 read it, and {first!r} if "
        "they stand first, as later ones do. For less than a minute write 'every 10 seconds'.",
    )


def _is_cron(text: str) -> bool:
    try:
        check_cron(text)
    except InvalidCron:
        return False
    return True


def _of_words(words: str, timezone: str) -> Timing:
    if found := _INTERVAL.fullmatch(words):
        number, unit = int(found[1]), found[2]
        if unit in _UNITS and number > 0:
            size, cron = _STEPS.get(unit, (0, ""))
            if size and number < size and size % number == 0:
                return {"cron": cron.format(number), "timezone": timezone}
            return {"every": number * _UNITS[unit]}
    if found := _ONE.fullmatch(words):
        if found[1] in _EVERY_ONE:
            return {"cron": _EVERY_ONE[found[1]], "timezone": timezone}
        if found[1] == "second":
            return {"every": _UNITS["second"]}
        if found[1] in _DAYS:
            return {"cron": f"0 0 * * {_DAYS[found[1]]}", "timezone": timezone}
    if found := _AT.fullmatch(words):
        days = [_DAYS.get(day) for day in _BETWEEN.split(found["days"])]
        times = [_time(each) for each in _BETWEEN.split(found["times"])]
        if None not in days and None not in times:
            return {"cron": _cron_of(days, times, words), "timezone": timezone}
    raise EnqueueError(
        f"{words!r} is read neither as cron nor as words",
        "Write cron of five fields, or words such as 'every 5 minutes', 'every hour', 'every day "
        "at 9am', 'every weekday at 9:30 and 17:30', 'every monday at noon'.",
    )


def _cron_of(days: list[str | None], times: list[tuple[int, int] | None], words: str) -> str:
    found = [each for each in times if each is not None]
    minutes = {minute for _, minute in found}
    if len(minutes) > 1 and len({hour for hour, _ in found}) > 1:
        raise EnqueueError(
            f"{words!r} names times with different minutes, which one cron expression cannot",
            "Make two schedules of it.",
        )
    hours = ",".join(f"{hour}" for hour in sorted({hour for hour, _ in found}))
    weekdays = ",".join(str(day) for day in days)
    if "*" in days:
        weekdays = "*"
    return f"{','.join(f'{minute}' for minute in sorted(minutes))} {hours} * * {weekdays}"


def _time(text: str) -> tuple[int, int] | None:
    if text in _SPECIAL:
        return _SPECIAL[text]
    found = _TIME.fullmatch(text)
    if found is None or (found[2] is None and found[3] is None):
        return None
    hour, minute, half = int(found[1]), int(found[2] or 0), found[3]
    if half is not None:
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + (12 if half == "pm" else 0)
    return (hour, minute) if hour < 24 and minute < 60 else None


def _zone(name: str) -> str:
    if name.upper() in ("Z", "UTC", "GMT"):
        return "UTC"
    try:
        ZoneInfo(name)
    except (ValueError, LookupError, OSError) as error:
        raise EnqueueError(
            f"there is no time zone {name!r}", "Name one as Europe/Berlin."
        ) from error
    return name
