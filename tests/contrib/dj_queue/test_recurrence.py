"""What dj-queue's users write as a schedule, and what it means here."""

from __future__ import annotations

from datetime import timedelta

import pytest

from pgq.contrib.dj_queue._recurrence import timing_of
from pgq.contrib.dj_queue.exceptions import EnqueueError
from pgq.errors import InvalidCron


@pytest.mark.parametrize(
    ("schedule", "cron"),
    [
        ("0 3 * * *", "0 3 * * *"),
        (" */5  * * * 1-5 ", "*/5 * * * 1-5"),
        ("@daily", "@daily"),
        ("@noon", "0 12 * * *"),
        ("every minute", "* * * * *"),
        ("every 5 minutes", "*/5 * * * *"),
        ("Every 6 hours", "0 */6 * * *"),
        ("every day", "0 0 * * *"),
        ("every month", "0 0 1 * *"),
        ("every day at 9am", "0 9 * * *"),
        ("every day at 12:05 am", "5 0 * * *"),
        ("every weekday at 9:30 and 17:30", "30 9,17 * * 1-5"),
        ("every monday at noon", "0 12 * * 1"),
        ("every sat and sunday at 8:15", "15 8 * * 6,0"),
        ("every friday", "0 0 * * 5"),
    ],
)
def test_cron_and_words(schedule: str, cron: str) -> None:
    assert timing_of(schedule, "Europe/Berlin") == {"cron": cron, "timezone": "Europe/Berlin"}


def test_intervals_have_no_zone() -> None:
    assert timing_of("every 10 seconds") == {"every": timedelta(seconds=10)}
    assert timing_of("every 7 minutes") == {"every": timedelta(minutes=7)}
    assert timing_of("every 2 weeks") == {"every": timedelta(weeks=2)}


def test_a_zone_may_stand_at_the_end() -> None:
    zoned = {"cron": "0 9 * * *", "timezone": "America/New_York"}
    assert timing_of("0 9 * * * America/New_York", "Europe/Berlin") == zoned
    assert timing_of("every day at 9am in America/New_York") == zoned
    assert timing_of("0 9 * * * UTC", "Europe/Berlin")["timezone"] == "UTC"
    with pytest.raises(EnqueueError, match="no time zone 'Europe/Nowhere'"):
        timing_of("0 9 * * * Europe/Nowhere")


def test_six_fields_are_refused_with_both_readings() -> None:
    with pytest.raises(EnqueueError, match="six fields") as raised:
        timing_of("0 0 3 * * *")
    hint = str(raised.value.hint)
    assert "'0 0 3 * *' if the seconds stand last" in hint
    assert "'0 3 * * *' if they stand first" in hint
    with pytest.raises(EnqueueError, match="six fields"):
        timing_of("*/30 * * * * *")


def test_six_fields_are_read_where_they_can_only_be_read_so() -> None:
    assert timing_of("0 30 9 * * mon")["cron"] == "30 9 * * mon"
    assert timing_of("30 9 1 * mon 0")["cron"] == "30 9 1 * mon"


@pytest.mark.parametrize(
    "schedule",
    [
        "every blue moon",
        "every 0 minutes",
        "every day at 25:00",
        "every day at 13pm",
        "every day at 9",
    ],
)
def test_other_words_are_refused_with_examples(schedule: str) -> None:
    with pytest.raises(EnqueueError) as raised:
        timing_of(schedule)
    assert "every day at 9am" in str(raised.value.hint)


def test_times_with_different_minutes_are_two_schedules() -> None:
    with pytest.raises(EnqueueError, match="different minutes"):
        timing_of("every day at 9:00 and 17:30")


@pytest.mark.parametrize("schedule", ["61 * * * *", "* * *", ""])
def test_wrong_cron_is_refused_as_everywhere(schedule: str) -> None:
    with pytest.raises(InvalidCron):
        timing_of(schedule)
