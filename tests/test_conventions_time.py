"""No time in sql/ depends on the zone of the session: days are of UTC, and have 24 hours.

`timestamptz + interval` counts days and months by the clocks of the session's zone, where a day may
have 23 hours. So a length of time that a caller gave is added by pgq._add_interval(), our own
lengths are written in hours or less, and every part of a date is taken in a zone that is named.
"""

from __future__ import annotations

import re
from pathlib import Path

import psycopg
import pytest

from tests.servers import Databases
from tests.sources import FILES, offenders, uncommented

# The calendar counts in timestamps of a zone that it is given, _add_interval in those of UTC.
CALENDAR = {
    *(
        "_cron_days",
        "_cron_local_time",
        "_cron_near_offset_change",
        "_add_interval",
        "_instant_of_local_time",
        "_zone_offset_change",
    ),
}
# Parts of an interval, and the difference of two.
OF_INTERVALS = {
    *("_health_workers", "_schedule_problem", "maintenance", "queue_latency", "schedule_status"),
}

# Ages of jobs in configure_retention(), and numbers of jobs everywhere else.
NUMBERS_TOO = {"succeeded", "failed", "cancelled"}

PINNED = re.compile(r"^  set timezone = 'UTC'$", re.M)
OF_THE_SESSION = (
    r"\b(current_date|current_time(stamp)?|local(time|timestamp))\b|\b(now|timeofday)\(",
    r"[+-] *interval '[^']*(day|week|mon|year|decade|cent)",
    r"(_at|_now|_now\(\)) [+-] (case|\(select)\b",
    r"make_interval\((?!\s*secs =>)",
    r"date_trunc\('(?!milli|second|minute)\w+', [^,()]*\)",
    r"extract\(\s*(hour|day|dow|doy|isodow|isoyear|week|month|quarter|year)\b",
    r"to_char\((?![^;]{0,60}(at time zone 'UTC'|v_today|day::timestamp|since\.day))",
    r"::date\b",
)


def checked(path: Path) -> str:
    """Return the SQL without comments; nothing of a file that may read times as it does."""
    text = uncommented(path)
    if PINNED.search(text) or path.stem in CALENDAR | OF_INTERVALS:
        return ""
    # A date of a moment in UTC, whatever is taken from that before.
    return re.sub(r"\([^;]*?at time zone 'UTC'[^;()]*(\([^()]*\))?[^;()]*\)::date", "day", text)


@pytest.mark.slow
def test_nothing_is_read_in_the_zone_of_the_session() -> None:
    def check(path: Path) -> list[str]:
        return [form for form in OF_THE_SESSION if re.search(form, checked(path))]

    assert offenders(FILES, check) == {}


@pytest.fixture(scope="module")
def lengths(template: str, databases: Databases) -> re.Pattern[str]:
    """What adds a length of time by its name: an argument or a column of type interval."""
    with psycopg.connect(databases.dsn(template)) as conn:
        found = conn.execute(
            "select attname from pg_attribute join pg_class c on c.oid = attrelid"
            " where relnamespace = 'pgq'::regnamespace and atttypid = 'interval'::regtype"
            " union select name from pg_proc,"
            " unnest(proargnames, coalesce(proallargtypes, proargtypes)) as a (name, type)"
            " where pronamespace = 'pgq'::regnamespace and type = 'interval'::regtype"
        )
        names = "|".join(sorted({str(name) for (name,) in found} - NUMBERS_TOO | {r"v_\w+"}))
    return re.compile(rf"[\w)'\"]\s*[+-]\s*(?:coalesce\(|\()*(?:\w+\.)?({names})\b")


def test_days_of_a_caller_are_added_as_24_hours(lengths: re.Pattern[str]) -> None:
    def check(path: Path) -> set[str]:
        text = checked(path)
        # Variables: those that are intervals, unless they are written out as seconds or minutes.
        mine = set(re.findall(r"\b(v_\w+) (?:constant )?interval\b", text))
        mine -= set(re.findall(r"\b(v_\w+) constant interval := '\d+ (?:second|minute)s?'", text))
        found = set(lengths.findall(text))
        return {name for name in found if not name.startswith("v_") or name in mine}

    assert offenders(FILES, check) == {}
