"""Compare pgq.cron_next with three oracles:

    python -m tests.proof.fuzz_cron [--cases 20000] [--seed 1]

Random expressions, times and zones, most of them around the hours in which a clock changes. The
brute force of tests/sql/cron/oracle.py must agree always; where cronsim or croniter do not, the
reason must be known, which tests/sql/cron/others.py puts to the test. Prints how often each was
met, and what 100,000 evaluations cost. Exits 1 where anything is left unexplained. Without --dsn on
a temporary server of its own; with --dsn in a database of its own on that server.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from itertools import islice
from random import Random
from zoneinfo import ZoneInfo

import psycopg

from tests.proof.measure_engine import database
from tests.sql.cron.cases import Case, cases
from tests.sql.cron.oracle import HORIZON_DAYS, days_that_fit, next_due, read
from tests.sql.cron.others import CRONITER, CRONSIM, Answer, explain

BATCH = 1000
NO_DAY = "no day fits"
# Whatever a session's own zone is, it must not matter.
SESSION_ZONES = ["UTC", "America/New_York", "Australia/Lord_Howe"]

TRY = """
    create or replace function pg_temp.try_next(expression text, after timestamptz, zone text)
      returns text language plpgsql as $$
    begin
      return extract(epoch from pgq.cron_next(expression, after, zone))::bigint;
    exception
      when sqlstate 'JQ006' then
        return case when sqlerrm like '%never come together' then 'no day fits' else sqlerrm end;
    end
    $$
"""
ASK = """
    select pg_temp.try_next(expression, after, zone)
    from unnest(%s::text[], %s::timestamptz[], %s::text[])
      with ordinality as asked (expression, after, zone, place)
    order by place
"""
COST = """
    select count(pgq.cron_next(%s, '2026-06-01Z'::timestamptz + n * interval '7 minutes', %s))
    from generate_series(1, 100000) as n
"""
TIMED = [
    ("*/15 * * * *", "UTC"),
    ("30 2 * * mon-fri", "UTC"),
    ("30 2 * * mon-fri", "Europe/Berlin"),
    ("0 0 29 2 *", "UTC"),
]


@dataclass
class Comparison:
    """What came of some cases.

    Where pgq is wrong; how often other programs differ from it, by program and reason; and where no
    reason is known.
    """

    wrong: list[str] = field(default_factory=list)
    explained: Counter[tuple[str, str]] = field(default_factory=Counter)
    unexplained: list[str] = field(default_factory=list)

    def add(self, case: Case, ours: Answer) -> None:
        """Compare one answer of pgq.cron_next with the three oracles."""
        cron = read(case.expression)
        due = next_due(cron, case.after, case.zone)
        some_day = next(days_that_fit(cron, case.after.date(), HORIZON_DAYS), None)
        expected: Answer = due if some_day else NO_DAY
        if ours != expected:
            self.wrong.append(f"{case}: {ours}, by the rules {expected}")
            return
        zone: tzinfo = UTC if case.zone == "UTC" else ZoneInfo(case.zone)
        for program in (CRONSIM, CRONITER):
            theirs = program.ask(case.expression, case.after, zone)
            if theirs == due:
                continue
            reason = explain(program, case, due, theirs)
            if reason:
                self.explained[program.name, reason] += 1
            else:
                self.unexplained.append(f"{case}: {due}, {program.name} {theirs}")


def ask(conn: psycopg.Connection, asked: list[Case]) -> list[Answer]:
    """Return what pgq.cron_next answers; a text is an error."""
    columns = zip(*((case.expression, case.after, case.zone) for case in asked), strict=True)
    answers = [text for (text,) in conn.execute(ASK.encode(), [list(one) for one in columns])]
    return [
        datetime.fromtimestamp(int(text), UTC) if text and text.lstrip("-").isdigit() else text
        for text in answers
    ]


def compare(conn: psycopg.Connection, asked: Iterable[Case]) -> Comparison:
    """Ask in batches, and compare every answer."""
    conn.execute(TRY.encode())
    comparison = Comparison()
    rest = iter(asked)
    number = 0
    while batch := list(islice(rest, BATCH)):
        conn.execute("select set_config('timezone', %s, false)", (SESSION_ZONES[number % 3],))
        for case, answer in zip(batch, ask(conn, batch), strict=True):
            comparison.add(case, answer)
        number += 1
    return comparison


def print_costs(conn: psycopg.Connection) -> None:
    print("100,000 evaluations")
    for expression, zone in TIMED:
        began = time.perf_counter()
        conn.execute(COST.encode(), (expression, zone))
        seconds = time.perf_counter() - began
        print(f"    {expression:18} {zone:15} {seconds:6.2f} s, {10 * seconds:6.1f} us each")


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition(":")[0])
    parser.add_argument("--cases", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--dsn", help="a server to use, instead of a temporary one")
    options = parser.parse_args()
    with database(options.dsn) as connect:
        conn = connect()
        print(f"Postgres {conn.info.parameter_status('server_version')}, seed {options.seed}")
        found = compare(conn, cases(Random(options.seed), options.cases))
        print(f"{options.cases:,} cases, {len(found.wrong)} not as the rules say")
        for line in found.wrong[:50]:
            print(f"    wrong: {line}")
        print("other programs differ")
        for (program, reason), count in sorted(found.explained.items()):
            print(f"    {count:6,} {program} {reason}")
        print(f"    {len(found.unexplained):6} unexplained")
        for line in found.unexplained[:50]:
            print(f"    unexplained: {line}")
        print_costs(conn)
    return 1 if found.wrong or found.unexplained else 0


if __name__ == "__main__":
    sys.exit(main())
