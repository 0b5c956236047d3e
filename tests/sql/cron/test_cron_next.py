from __future__ import annotations

from datetime import UTC, datetime
from random import Random
from zoneinfo import ZoneInfo

import psycopg
import pytest

from tests.conftest import Connect
from tests.proof.fuzz_cron import compare
from tests.servers import Server, Travel
from tests.sql.calls import refused, scalar, value
from tests.sql.cron.cases import cases

NEW_YORK, BERLIN, LORD_HOWE = "America/New_York", "Europe/Berlin", "Australia/Lord_Howe"


def after(text: str, zone: str) -> datetime:
    """Read a local time; one that comes twice is the first, or the second with `b` at its end."""
    naive = datetime.fromisoformat(text.rstrip("b"))
    return naive.replace(tzinfo=ZoneInfo(zone), fold=text.endswith("b"))


def following(
    conn: psycopg.Connection, expression: str, begin: str, zone: str, count: int
) -> list[str]:
    """Return the next times as the clock shows them, the second of two with `b` at its end."""
    found = []
    now = after(begin, zone)
    for _ in range(count):
        now = value(conn, "cron_next", expression=expression, after=now, timezone=zone)
        local = now.astimezone(ZoneInfo(zone))
        found.append(f"{local:%m-%d %H:%M}{'b' if local.fold else ''}")
    return found


MEANINGS = [
    ("* * * * *", "2026-06-01 12:00:00", "2026-06-01 12:01"),
    ("* * * * *", "2026-06-01 12:00:59.999999", "2026-06-01 12:01"),
    ("* * * * *", "2026-06-01 11:59:59.999999", "2026-06-01 12:00"),
    ("0 12 * * *", "2026-06-01 11:59:59.999999", "2026-06-01 12:00"),
    ("0 12 * * *", "2026-06-01 12:00:00", "2026-06-02 12:00"),
    ("0 12 * * *", "2026-06-01 12:00:00.000001", "2026-06-02 12:00"),
    ("59 23 31 12 *", "2026-12-31 23:59", "2027-12-31 23:59"),
    ("*/15 * * * *", "2026-06-01 12:46", "2026-06-01 13:00"),
    ("5/20 * * * *", "2026-06-01 12:26", "2026-06-01 12:45"),
    ("10-30/7 * * * *", "2026-06-01 12:24", "2026-06-01 13:10"),
    ("1,3,2,3 * * * *", "2026-06-01 12:02", "2026-06-01 12:03"),
    ("*/60 */24 */31 */12 *", "2026-06-01 12:02", "2027-01-01 00:00"),
    ("0 0 * JAN,Mar-apr *", "2026-02-01 00:00", "2026-03-01 00:00"),
    # 2026-06-01 is a Monday.
    ("0 0 * * 7", "2026-06-01 00:00", "2026-06-07 00:00"),
    ("0 0 * * 0", "2026-06-01 00:00", "2026-06-07 00:00"),
    ("0 0 * * Fri-sun", "2026-06-05 00:00", "2026-06-06 00:00"),
    ("0 0 * * sat-7", "2026-06-06 00:00", "2026-06-07 00:00"),
    ("0 0 * * sun-sun", "2026-06-01 00:00", "2026-06-07 00:00"),
    ("0 0 * * tue-tue", "2026-06-02 00:00", "2026-06-09 00:00"),
    ("0 0 * * 1/3", "2026-06-04 00:00", "2026-06-07 00:00"),
    ("0 0 * * */3", "2026-06-03 00:00", "2026-06-06 00:00"),
    ("0 0 * * fri#2", "2026-06-01 00:00", "2026-06-12 00:00"),
    ("0 0 * * mon#1,mon#3", "2026-06-01 00:00", "2026-06-15 00:00"),
    ("0 0 * * 1#5", "2026-06-01 00:00", "2026-06-29 00:00"),
    ("0 0 * * 7#5", "2026-06-01 00:00", "2026-08-30 00:00"),
    ("0 0 * * 5L", "2026-06-01 00:00", "2026-06-26 00:00"),
    ("0 0 * * tuel", "2026-06-30 00:00", "2026-07-28 00:00"),
    ("0 0 * 2 sunL", "2026-06-01 00:00", "2027-02-28 00:00"),
    ("0 0 * * fri#2,mon", "2026-06-08 00:00", "2026-06-12 00:00"),
    ("0 0 L * *", "2026-06-30 00:00", "2026-07-31 00:00"),
    ("0 0 l 2 *", "2027-03-01 00:00", "2028-02-29 00:00"),
    ("0 0 30,L 2 *", "2026-06-01 00:00", "2027-02-28 00:00"),
    ("0 0 29 2 *", "2096-02-29 00:00", "2104-02-29 00:00"),
    ("0 0 29 2 *", "9949-01-01 00:00", "9952-02-29 00:00"),
    # Sundays only, by the rule of the star; none in 2100.
    ("0 0 29 2 */7", "2088-02-29 00:00", "2128-02-29 00:00"),
    ("@hourly", "2026-06-01 12:00", "2026-06-01 13:00"),
    ("@daily", "2026-06-01 12:00", "2026-06-02 00:00"),
    ("@midnight", "2026-06-01 12:00", "2026-06-02 00:00"),
    ("@weekly", "2026-06-01 12:00", "2026-06-07 00:00"),
    ("@Monthly", "2026-06-01 12:00", "2026-07-01 00:00"),
    (" @yearly ", "2026-06-01 12:00", "2027-01-01 00:00"),
    ("@annually", "2026-06-01 12:00", "2027-01-01 00:00"),
    (" \t0  12\n* * * ", "2026-06-01 12:00", "2026-06-02 12:00"),
    ("0\t12\t*\t*\t*", "2026-06-01 12:00", "2026-06-02 12:00"),
]


@pytest.mark.slow
def test_what_expressions_mean(conn: psycopg.Connection) -> None:
    found = [
        value(conn, "cron_next", expression=expression, after=after(begin, "UTC"))
        for expression, begin, _ in MEANINGS
    ]
    said = [
        (expression, begin, f"{answer.astimezone(UTC):%Y-%m-%d %H:%M}")
        for (expression, begin, _), answer in zip(MEANINGS, found, strict=True)
    ]
    assert said == MEANINGS


DAYS = [
    ("13 * fri", ["06-05", "06-12", "06-13", "06-19"]),
    ("13 * *", ["06-13", "07-13", "08-13", "09-13"]),
    ("* * fri", ["06-05", "06-12", "06-19", "06-26"]),
    # A star at the front of one: both must fit.
    ("*/2 * fri", ["06-05", "06-19", "07-03", "07-17"]),
    ("13 * */5", ["09-13", "11-13", "12-13", "06-13"]),
    ("*,13 * fri", ["06-05", "06-12", "06-19", "06-26"]),
    # Everything, but no star at the front.
    ("1-31 * fri", ["06-02", "06-03", "06-04", "06-05"]),
    ("13 * fri,*", ["06-02", "06-03", "06-04", "06-05"]),
    ("13 * fri#2", ["06-12", "06-13", "07-10", "07-13"]),
    ("L * friL", ["06-26", "06-30", "07-31", "08-28"]),
]


def test_two_day_fields(conn: psycopg.Connection) -> None:
    found = [following(conn, f"0 0 {days}", "2026-06-01 00:00", "UTC", 4) for days, _ in DAYS]
    said = [[label.partition(" ")[0] for label in labels] for labels in found]
    assert said == [expected for _, expected in DAYS]


CHANGES = [
    # Spring in New York: 02:00 is 03:00.
    ("30 2 * * *", NEW_YORK, "2026-03-07 12:00", ["03-08 03:00", "03-09 02:30"]),
    ("0,30 2 * * *", NEW_YORK, "2026-03-07 12:00", ["03-08 03:00", "03-09 02:00"]),
    ("30 2,3 * * *", NEW_YORK, "2026-03-07 12:00", ["03-08 03:00", "03-08 03:30"]),
    ("0 3 * * *", NEW_YORK, "2026-03-07 12:00", ["03-08 03:00", "03-09 03:00"]),
    (
        "*/15 * * * *",
        NEW_YORK,
        "2026-03-08 01:44",
        ["03-08 01:45", "03-08 03:00", "03-08 03:15"],
    ),
    (
        "0 */2 * * *",
        NEW_YORK,
        "2026-03-07 23:00",
        ["03-08 00:00", "03-08 04:00", "03-08 06:00"],
    ),
    ("*/15 2 * * *", NEW_YORK, "2026-03-07 12:00", ["03-09 02:00", "03-09 02:15"]),
    # Autumn: 02:00 is 01:00 again.
    ("30 1 * * *", NEW_YORK, "2026-10-31 12:00", ["11-01 01:30", "11-02 01:30"]),
    ("30 1 * * *", NEW_YORK, "2026-11-01 01:10b", ["11-02 01:30"]),
    ("30 2 * * *", BERLIN, "2026-10-24 12:00", ["10-25 02:30", "10-26 02:30"]),
    ("30 2 * * *", NEW_YORK, "2026-10-31 12:00", ["11-01 02:30", "11-02 02:30"]),
    (
        "*/30 * * * *",
        NEW_YORK,
        "2026-11-01 01:00",
        ["11-01 01:30", "11-01 01:00b", "11-01 01:30b", "11-01 02:00"],
    ),
    ("0 * * * *", NEW_YORK, "2026-11-01 00:30", ["11-01 01:00", "11-01 01:00b", "11-01 02:00"]),
    ("0 */2 * * *", NEW_YORK, "2026-10-31 23:00", ["11-01 00:00", "11-01 02:00"]),
    # Lord Howe changes by half an hour: 02:00 is 02:30, 02:00 is 01:30 again.
    ("15 2 * * *", LORD_HOWE, "2026-10-03 12:00", ["10-04 02:30", "10-05 02:15"]),
    ("45 1 * * *", LORD_HOWE, "2026-04-04 12:00", ["04-05 01:45", "04-06 01:45"]),
    (
        "*/15 * * * *",
        LORD_HOWE,
        "2026-04-05 01:30",
        ["04-05 01:45", "04-05 01:30b", "04-05 01:45b", "04-05 02:00"],
    ),
    ("*/15 * * * *", LORD_HOWE, "2026-10-04 01:44", ["10-04 01:45", "10-04 02:30"]),
    ("* 17 * * *", LORD_HOWE, "2026-10-03 20:00", ["10-04 17:00", "10-04 17:01"]),
    # No midnight.
    ("0 0 * * *", "America/Sao_Paulo", "2018-11-03 12:00", ["11-04 01:00", "11-05 00:00"]),
    ("0 0 * * *", "Asia/Beirut", "2022-03-26 12:00", ["03-27 01:00", "03-28 00:00"]),
    ("0 * * * *", "Asia/Beirut", "2022-03-26 22:30", ["03-26 23:00", "03-27 01:00"]),
    # Midnight twice; the day before once more.
    ("0 0 * * *", "America/Havana", "2016-11-05 12:00", ["11-06 00:00", "11-07 00:00"]),
    (
        "*/20 * * * *",
        "America/St_Johns",
        "2008-11-02 00:00",
        ["11-01 23:20b", "11-01 23:40b", "11-02 00:00b", "11-02 00:20"],
    ),
    ("20 23 * * *", "America/St_Johns", "2008-11-02 00:00", ["11-02 23:20"]),
    # Samoa left out 30 December 2011.
    (
        "30 2 * * *",
        "Pacific/Apia",
        "2011-12-28 12:00",
        ["12-29 02:30", "12-31 00:00", "12-31 02:30"],
    ),
    ("*/30 2 * * *", "Pacific/Apia", "2011-12-29 02:15", ["12-29 02:30", "12-31 02:00"]),
    ("0 5 30 12 *", "Pacific/Apia", "2011-12-28 12:00", ["12-31 00:00", "12-30 05:00"]),
    ("0 0 * * fri", "Pacific/Apia", "2011-12-28 12:00", ["12-31 00:00", "01-06 00:00"]),
    # Far from any change, and far ahead of one.
    ("30 2 8-14 3 *", NEW_YORK, "2026-06-01 00:00", ["03-08 02:30"]),
    ("30 2 14 3 *", NEW_YORK, "2026-06-01 00:00", ["03-14 03:00"]),
]


def test_when_clocks_change(conn: psycopg.Connection) -> None:
    found = [
        (expression, zone, begin, following(conn, expression, begin, zone, len(expected)))
        for expression, zone, begin, expected in CHANGES
    ]
    assert found == CHANGES


def test_a_time_that_never_passes_is_null(conn: psycopg.Connection) -> None:
    asked = {"expression": "*/30 2 * mar sun#2", "timezone": NEW_YORK}
    assert value(conn, "cron_next", **asked) is None
    assert value(conn, "cron_next", **{**asked, "timezone": BERLIN}) is not None


def test_null_is_now_and_utc(conn: psycopg.Connection, travel: Travel) -> None:
    conn.execute("set timezone = 'Asia/Kolkata'")
    now = scalar(conn, "select pgq._now()")
    found = value(conn, "cron_next", expression="0 12 * * *", after=None, timezone=None)
    assert found > now
    assert found.astimezone(UTC).hour == 12
    travel("10 years")
    later = value(conn, "cron_next", expression="0 12 * * *")
    assert 3650 <= (later - found).days <= 3654


@pytest.mark.parametrize("zone", ["America/New_York", "Australia/Lord_Howe", "UTC"])
def test_the_sessions_settings_do_not_matter(connect: Connect, zone: str) -> None:
    options = f"-c timezone={zone} -c datestyle=ISO,DMY -c intervalstyle=sql_standard"
    session = connect(options=options)
    begins = ["2026-03-06 12:00", "2026-03-07 23:00", "2026-10-31 12:00", "2026-11-01 01:10b"]
    found = [following(session, "30 2 * * *", begin, "America/Los_Angeles", 1) for begin in begins]
    assert found == [["03-07 02:30"], ["03-08 03:00"], ["11-01 02:30"], ["11-01 02:30"]]


WRONG = [
    ("60 * * * *", "60", "minute", "is out of range"),
    ("0,60 * * * *", "60", "minute", "is out of range"),
    ("999999999 * * * *", "999999999", "minute", "is out of range"),
    ("9999999999 * * * *", "9999999999", "minute", "is not understood"),
    ("-1 * * * *", "-1", "minute", "is not understood"),
    ("1.5 * * * *", "1.5", "minute", "is not understood"),
    ("*/0 * * * *", "*/0", "minute", "has a step that is not between 1 and "),
    ("*/61 * * * *", "*/61", "minute", "has a step that is not between 1 and "),
    ("*/ * * * *", "*/", "minute", "is not understood"),
    ("*5 * * * *", "*5", "minute", "is not understood"),
    ("*-5 * * * *", "*-5", "minute", "is not understood"),
    ("1-2-3 * * * *", "1-2-3", "minute", "is not understood"),
    ("1/2/3 * * * *", "1/2/3", "minute", "is not understood"),
    ("jan * * * *", "jan", "minute", "is not understood"),
    ("* 24 * * *", "24", "hour", "is out of range"),
    ("* 5-1 * * *", "5-1", "hour", "runs backwards"),
    ("* */25 * * *", "*/25", "hour", "has a step that is not between 1 and "),
    ("* L * * *", "l", "hour", "is not understood"),
    ("* * 0 * *", "0", "day of month", "is out of range"),
    ("* * 1-32 * *", "1-32", "day of month", "is out of range"),
    ("* * 1,,2 * *", "", "day of month", "is empty"),
    ("* * , * *", "", "day of month", "is empty"),
    ("* * 15W * *", "15w", "day of month", "is not understood"),
    ("* * L-3 * *", "l-3", "day of month", "is not understood"),
    ("* * ? * *", "?", "day of month", "is not understood"),
    ("* * * 13 *", "13", "month", "is out of range"),
    ("* * * foo *", "foo", "month", "is not understood"),
    ("* * * jan-foo *", "jan-foo", "month", "is not understood"),
    ("1-sun * * * *", "1-sun", "minute", "is not understood"),
    ("* * * january *", "january", "month", "is not understood"),
    ("* * * */13 *", "*/13", "month", "has a step that is not between 1 and "),
    ("* * * * 8", "8", "day of week", "is out of range"),
    ("* * * * sat-mon", "sat-mon", "day of week", "runs backwards"),
    ("* * * * */8", "*/8", "day of week", "has a step that is not between 1 and "),
    ("* * * * fri#0", "fri#0", "day of week", "is out of range"),
    ("* * * * fri#6", "fri#6", "day of week", "is out of range"),
    ("* * * * 8#1", "8", "day of week", "is out of range"),
    ("* * * * fri#", "fri#", "day of week", "is not understood"),
    ("* * * * L", "l", "day of week", "is not understood"),
    ("* * * * mon-friL", "mon-fril", "day of week", "is not understood"),
    ("* * * * mon\u00a0", "mon\u00a0", "day of week", "is not understood"),
]


def test_errors_name_the_field_and_the_part(conn: psycopg.Connection) -> None:
    for expression, part, name, problem in WRONG:
        with refused("JQ006", f'cron: "{part}" in the {name} field {problem}'):
            value(conn, "cron_next", expression=expression)


NO_EXPRESSIONS = [
    (None, "null"),
    ("", "has 0 fields"),
    (" \n ", "has 0 fields"),
    ("* * * *", "has 4 fields"),
    ("0 0 12 * * *", "has 6 fields, not five"),
    ("0 0 12 * * * 2026", "has 7 fields, not five"),
    ("@every 5m", "@every"),
    ("@reboot", "@reboot"),
    ("@", "@"),
    ("every day at noon", "has 4 fields"),
    ("* " * 5000, "has 10000 characters"),
    ("0" * 10_000 + " * * * *", "has 10008 characters"),
    ("1," * 498 + "1 * * * *", "has 1005 characters"),
]


def test_what_is_no_expression(conn: psycopg.Connection) -> None:
    for expression, words in NO_EXPRESSIONS:
        with refused("JQ006", words):
            value(conn, "cron_next", expression=expression)


NEVER = [
    ("0 0 31 2 *", "31", "2", "*"),
    ("0 0 30,31 feb *", "30,31", "feb", "*"),
    ("0 0 31 4,6,9,11 *", "31", "4,6,9,11", "*"),
    ("0 0 */31 * mon#2", "*/31", "*", "mon#2"),
]


@pytest.mark.slow
def test_days_that_never_come(conn: psycopg.Connection) -> None:
    for expression, day, month, weekday in NEVER:
        words = f'day of month "{day}", month "{month}" and day of week "{weekday}" never come'
        with refused("JQ006", words):
            value(conn, "cron_next", expression=expression)
    for expression in ("0 0 1 * */7,*", "0 0 29 2 */7", "0 0 30 2 mon#1"):
        assert value(conn, "cron_next", expression=expression)


def test_zones(conn: psycopg.Connection) -> None:
    wrong = ["", "Nowhere/Land", "Europe/Berlin2", "CET", "PST", "UTC+2", "+02:00", "a" * 10_000]
    for zone in wrong:
        with refused("JQ002", f'timezone "{zone[:50]}'):
            value(conn, "cron_next", expression="* * * * *", timezone=zone)
    for zone in ("UTC", "utc", "GMT", "Etc/GMT-14", "america/argentina/ushuaia"):
        assert value(conn, "cron_next", expression="* * * * *", timezone=zone)


def test_times_out_of_range(conn: psycopg.Connection) -> None:
    for begin in ("infinity", "-infinity", "1899-12-31 UTC", "9951-01-01 UTC"):
        with refused("JQ002", "after is out of range"):
            value(conn, "cron_next", expression="* * * * *", after=begin)


@pytest.mark.newest
@pytest.mark.slow
def test_random_cases_against_three_oracles(conn: psycopg.Connection, server: Server) -> None:
    """`make fuzz-cron` asks more."""
    comparison = compare(conn, cases(Random(server.major), 750))
    assert comparison.wrong == []
    assert comparison.unexplained == []
    assert {program for program, _ in comparison.explained} == {"cronsim", "croniter"}
