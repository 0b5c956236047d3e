"""A wrong cron expression is refused where it is declared, as `cron_next` would refuse it later.

An expression that `cron_next` takes is never refused here. The grammar is written out, because
croniter takes more, and understands some parts in another way. croniter says which names a field
knows, and whether a date ever comes. tests/lib/test_cron.py compares the answers.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Final, NamedTuple

from pgq.errors import InvalidCron

_LONGEST: Final = 1000
_SHOWN: Final = 100
_BLANKS: Final = " \t\r\n"
MACROS: Final = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
_LOWER: Final = {upper: upper + 32 for upper in range(ord("A"), ord("Z") + 1)}

_WORD: Final = "[0-9]{1,9}|[a-z]+"
_PART: Final = re.compile(
    rf"(?:[*]|(?P<first>{_WORD})(?:-(?P<last>{_WORD}))?)(?:/(?P<step>[0-9]{{1,9}}))?"
)
_OF_MONTH: Final = re.compile(r"(?P<day>[a-z0-9]{1,3})(?:#(?P<number>[0-9]{1,9})|l)")


class _Field(NamedTuple):
    """A field: what an error calls it, its lowest and highest number, and what it takes."""

    place: int
    name: str
    low: int
    high: int
    takes: str


_MINUTE: Final = _Field(0, "minute", 0, 59, "0 to 59")
_HOUR: Final = _Field(1, "hour", 0, 23, "0 to 23")
_DATE: Final = _Field(2, "day of month", 1, 31, "1 to 31, L (the last day)")
_MONTH: Final = _Field(3, "month", 1, 12, "1 to 12, jan to dec")
_WEEKDAY: Final = _Field(
    4, "day of week", 0, 7,
    "0 to 7 or sun to sat (0 and 7 are Sunday), fri#2 (the second), friL (the last)",
)  # fmt: skip


def check_cron(expression: str) -> None:
    """Raise InvalidCron for an expression that cron_next refuses; the message names the field."""
    texts = _split(expression)
    for field, text in zip((_MINUTE, _HOUR), texts, strict=False):
        _read(field, text)
    dates, months = _read(_DATE, texts[2]), _read(_MONTH, texts[3])
    _check_weekdays(texts[4])
    either_day_will_do = texts[2][0] != "*" and texts[4][0] != "*"
    if not (either_day_will_do or "l" in dates or _ever_come(dates, months)):
        date, month, weekday = (_shortened(text) for text in texts[2:])
        raise InvalidCron(
            f'cron: day of month "{date}", month "{month}" and day of week "{weekday}"'
            " never come together",
            "If the day of month or the day of week begins with a star, as */2 does, a day must fit"
            " both. The last day of a month is L.",
        )


def _split(expression: str) -> list[str]:
    """Return the five fields in lower case, those of a macro too."""
    if len(expression) > _LONGEST:
        raise InvalidCron(
            f"cron: the expression has {len(expression)} characters",
            "At most 1000 are read; write ranges and steps rather than long lists.",
        )
    text = expression.translate(_LOWER).strip(_BLANKS)
    fields = re.split(f"[{_BLANKS}]+", MACROS.get(text, text)) if text else []
    if len(fields) == 5:
        return fields
    if text.startswith("@"):
        raise InvalidCron(
            f"cron: the expression is {_shortened(expression)}",
            "Write five fields, or one of @hourly, @daily, @weekly, @monthly, @yearly.",
        )
    raise InvalidCron(
        f'cron: "{_shortened(expression)}" has {len(fields)} fields, not five',
        "Write minute, hour, day of month, month and day of week, such as 30 2 * * mon-fri; there"
        " is no field for seconds.",
    )


def _read(field: _Field, text: str) -> list[str]:
    """Return the parts of a field, written so that croniter understands the same."""
    return [_read_part(field, part) for part in text.split(",")] if text != "*" else ["*"]


def _read_part(field: _Field, part: str) -> str:
    if part == "l" and field is _DATE:
        return part
    if not part:
        raise _refused(field, part, "is empty")
    found = _PART.fullmatch(part)
    if not found:
        raise _refused(field, part, "is not understood")
    first, last, step = found["first"], found["last"], found["step"]
    start = _number(field, first) if first else field.low
    if last == "sun" and field is _WEEKDAY and start:
        end: int | None = 7
    elif last:
        end = _number(field, last)
    else:
        end = field.high if step or not first else start
    if start is None or end is None:
        raise _refused(field, part, "is not understood")
    if not field.low <= min(start, end) <= max(start, end) <= field.high:
        raise _refused(field, part, "is out of range")
    if start > end:
        raise _refused(field, part, "runs backwards")
    longest = field.high - field.low + (field is not _WEEKDAY)
    if step and not 1 <= int(step) <= longest:
        raise _refused(field, part, f"has a step that is not between 1 and {longest}")
    # For croniter, a range of one value is the whole cycle.
    return f"{start}" if start == end else f"{start}-{end}/{step or 1}"


def _check_weekdays(text: str) -> None:
    """Refuse a day of week; `fri#2` and `fril` stand alone in their parts."""
    if not re.search("[#l]", text):
        _read(_WEEKDAY, text)
        return
    for part in text.split(","):
        found = _OF_MONTH.fullmatch(part)
        _read_part(_WEEKDAY, found["day"] if found else part)
        if found and found["number"] and not 1 <= int(found["number"]) <= 5:
            raise _refused(_WEEKDAY, part, "is out of range")


def _number(field: _Field, word: str) -> int | None:
    """Return what a number or a name stands for; None if the field does not know the name."""
    if word.isdecimal():
        return int(word)
    if len(word) != 3:  # the names have three letters; croniter has commands of one
        return None
    from croniter import CroniterError, croniter

    alone = ["*"] * 5
    alone[field.place] = word
    try:
        (number,) = croniter.expand(" ".join(alone))[0][field.place]
    except CroniterError:
        return None
    return int(number)


def _ever_come(dates: list[str], months: list[str]) -> bool:
    """Whether any of these dates is in any of these months."""
    if dates == ["*"]:
        return True
    from croniter import CroniterBadDateError, croniter

    every_year = f"0 0 {','.join(dates)} {','.join(months)} *"
    try:
        croniter(every_year, datetime(2000, 1, 1, tzinfo=UTC)).get_next(datetime)
    except CroniterBadDateError:
        return False
    return True


def _refused(field: _Field, part: str, problem: str) -> InvalidCron:
    return InvalidCron(
        f'cron: "{_shortened(part)}" in the {field.name} field {problem}',
        f"The field takes *, {field.takes}; ranges a-b, steps */n, a-b/n or a/n, and lists a,b.",
    )


def _shortened(text: str) -> str:
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]} ..."
