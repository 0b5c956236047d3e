from __future__ import annotations

import psycopg
import pytest

from tests.sql.calls import refused, scalar, value
from tests.sql.schedules.calls import (
    DAY,
    HOUR,
    NOON,
    fire,
    jobs,
    next_run,
    runs,
    schedule,
    set_clock,
)


@pytest.fixture(autouse=True)
def three_ticks_each(conn: psycopg.Connection) -> None:
    set_clock(conn, NOON)
    for name in ("a", "b"):
        schedule(conn, name, every="1 hour")
    for hour in (1, 2, 3):
        set_clock(conn, NOON + hour * HOUR)
        fire(conn)


def test_older_ones_go_and_nothing_fires_again(conn: psycopg.Connection) -> None:
    assert value(conn, "prune_schedule_history", older_than="90 minutes") == 2
    assert [run_at for run_at, _ in runs(conn, "a")] == [NOON + 2 * HOUR, NOON + 3 * HOUR]
    assert fire(conn)[0] == 0
    assert (next_run(conn, "a"), jobs(conn)) == (NOON + 4 * HOUR, 6)


def test_of_one_schedule_oldest_first(conn: psycopg.Connection) -> None:
    options = {"schedule_name": "a", "older_than": "0"}
    assert value(conn, "prune_schedule_history", **options, max_runs=1) == 1
    assert [run_at for run_at, _ in runs(conn, "a")] == [NOON + 2 * HOUR, NOON + 3 * HOUR]
    set_clock(conn, NOON + 4 * HOUR)
    assert value(conn, "prune_schedule_history", **options) == 2
    assert (len(runs(conn, "a")), len(runs(conn, "b"))) == (0, 3)


def test_without_an_age_the_setting_counts(conn: psycopg.Connection) -> None:
    kept = scalar(conn, "select keep_history_for from pgq.settings")
    set_clock(conn, NOON + kept)
    assert value(conn, "prune_schedule_history") == 0
    set_clock(conn, NOON + kept + DAY)
    assert value(conn, "prune_schedule_history") == 6


@pytest.mark.parametrize(
    "options", [{"older_than": "-1 s"}, {"older_than": "101 years"}, {"max_runs": -1}], ids=str
)
def test_what_is_refused(conn: psycopg.Connection, options: dict[str, object]) -> None:
    with refused("JQ002"):
        value(conn, "prune_schedule_history", **options)
