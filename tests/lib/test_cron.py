"""Cron expressions where they are declared: refused at once, as cron_next would refuse them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from random import Random

import psycopg
import pytest

import pgq
from pgq.contrib.asyncmq import Queue
from pgq.lib.cron import check_cron
from pgq.schedule_files import read_schedules
from tests.sql.cron.cases import expression, spoilt
from tests.sql.cron.test_cron_next import MEANINGS, NEVER, NO_EXPRESSIONS, WRONG

NOWHERE = "postgresql://nobody@127.0.0.1:1/nothing"
# Some only croniter takes, some only cron_next, and some both.
CORNERS = """
5-1 * * * *|5-5 * * * *|*/60 * * * *|*/90 * * * *|0 5-5/2 * * *|r * * * *|h * * * *|0,r * * * *
0 0 L * *|0 0 30,L 2 *|0 0 31-31 2 *|0 0 31-31/2 4,6 *|0 0 LW * *|0 0 15W * *|0 0 L,l 2 *
0 0 */32 * *|0 0 * * friL|0 0 * * L5|0 0 * * 5L,mon|0 0 * * fri#2,mon|0 0 * * fri#2,friL
0 0 13 * fri#2|0 0 * * mon-sun|0 0 * * 0-7|0 0 * * sun-7
0 0 * * 7/2|0 0 * * 7-sun|0 0 * * 0-sun|0 0 * * sat-mon
0 0 * * 0-sun/7|0 0 * * fri#002|0 0 * * jul|0 0 * * mon#|0 0 * * *#2|0 0 * * *l|0 0 * * #2
0 0 * jan/3 *|0 0 * dec-jan *|0 0 * dec/1 *|0 0 * JAN,Feb Mon|007 * * * *|0000000001 * * * *
0 0 31 */2 *|0 0 31 2-12/2 *|0 0 31 4-6/2 *|0 0 */31 2 mon|0 0 */30 2 mon|0 0 30 2 */2|0 0 30 2 mon
0 0 29 2 *|0 0 1-31/30 2 *|0 0 31-32 * *|@daily|@Weekly| @HOURLY\t|@daily * * * *|@ * * * *
@wee\u212aly|* * * * *\u00a0|*\v* * * *|* *\t\n* * *|60-foo * * * *|foo-60 * * * *
60-5 * * * *|5-1/99 * * * *|1-sun * * * *
""".strip().splitlines()

ASK = """
    create or replace function pg_temp.why(expression text)
      returns text[] language plpgsql as $$
    declare
      v_hint text;
    begin
      perform pgq.cron_next(expression, '2026-06-01Z');
      return null;
    exception
      when sqlstate 'JQ006' then
        get stacked diagnostics v_hint = pg_exception_hint;
        return array[sqlerrm, v_hint];
    end
    $$
"""


def by_cron_next(conn: psycopg.Connection, expressions: list[str]) -> list[list[str] | None]:
    """Return the message and the hint of each that cron_next refuses."""
    conn.execute(ASK)
    asked = "select pg_temp.why(each) from unnest(%s::text[]) with ordinality as _ (each, place)"
    return [why for (why,) in conn.execute(f"{asked} order by place".encode(), (expressions,))]


def by_declaration(expression: str) -> list[str] | None:
    try:
        check_cron(expression)
    except pgq.InvalidCron as error:
        return [error.message, error.hint or ""]
    return None


@pytest.mark.slow
def test_a_declaration_refuses_what_cron_next_refuses_in_its_words(
    conn: psycopg.Connection,
) -> None:
    """Only where a weekday makes days that never come, the database alone says so."""
    random = Random(7)
    asked = [
        *(text for line in CORNERS for text in line.split("|")),
        *(one for one, *_ in (*MEANINGS, *WRONG, *NO_EXPRESSIONS, *NEVER) if one is not None),
        *(expression(random) for _ in range(800)),
        *(spoilt(random) for _ in range(2000)),
    ]
    differ, refused, left = [], 0, []
    for text, theirs in zip(asked, by_cron_next(conn, asked), strict=True):
        ours = by_declaration(text)
        refused += ours is not None
        if ours is None and theirs is not None and "never come together" in theirs[0]:
            left.append(text)
        elif ours != theirs:
            differ.append((text, ours, theirs))
    assert not differ, differ
    assert 500 < refused < len(asked) - 1000
    assert [text for text in left if text.split()[-1] == "*"] == []


DECLARED = [
    ("0 9-17,25 * * *", r'cron: "25" in the hour field is out of range'),
    ("0 0 30 2 *", "never come together"),
    ("0 0 12 * * *", "has 6 fields, not five"),
    ("0 5-1 * * *", r'"5-1" in the hour field runs backwards'),
]


@pytest.mark.parametrize(("expression", "words"), DECLARED)
def test_a_wrong_expression_is_refused_wherever_it_is_declared(
    expression: str, words: str, tmp_path: Path
) -> None:
    """No server is there: nothing may wait for one."""
    registry = pgq.Registry()
    file = tmp_path / "times.toml"
    file.write_text(f'[schedules.nightly]\ntask = "t"\ncron = "{expression}"\n')
    client = pgq.Client(NOWHERE)
    asyncmq = Queue("mail", NOWHERE)
    declarations = [
        lambda: registry.task("nightly", cron=expression)(print),
        lambda: registry.schedule("nightly", "t", cron=expression),
        lambda: pgq.NewSchedule("nightly", "t", cron=expression),
        lambda: read_schedules(file),
        lambda: client.schedule("nightly", "t", expression),
        lambda: asyncmq.add_repeatable("t", cron=expression),
    ]
    for declare in declarations:
        with pytest.raises(pgq.InvalidCron, match=words) as caught:
            declare()
        assert caught.value.hint
        assert "schedule" in caught.value.message
    assert registry.names == []


@pytest.mark.slow
def test_the_command_line_refuses_it_without_a_server(tmp_path: Path) -> None:
    file = tmp_path / "times.toml"
    file.write_text('[schedules.nightly]\ntask = "t"\ncron = "0 25 * * *"\n')
    commands = [
        ["schedule", "add", "nightly", "t", "--cron", "0 25 * * *"],
        ["schedule", "sync", str(file)],
    ]
    for command in commands:
        done = subprocess.run(
            [sys.executable, "-m", "pgq", *command, "--dsn", NOWHERE],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode != 0
        assert '"25" in the hour field is out of range' in done.stderr


@pytest.mark.slow
def test_only_a_cron_expression_loads_croniter() -> None:
    code = """
import sys, pgq
registry = pgq.Registry()
registry.schedule("often", "t", every=60)
pgq.Worker; pgq.Client
print("croniter" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
