"""Call every public SQL function with hostile values: python -m tests.proof.fuzz_functions.

The functions, their arguments and types come from the catalog, the values from tests.proof.hostile:
each call draws some arguments, sane and hostile ones. Every 500 calls have a database of their own,
with jobs in all states, and at its end verify() must find nothing.

A call may answer, or refuse with an error of ours that has a hint. Anything else is bad: an
internal error, an error of Postgres or of a constraint, one of ours without a hint, a call that
takes over a second (twice: the machine may be busy), or rows that psycopg cannot read. A value that
Postgres cannot cast to the argument's type never reaches a function, so it is not tried. Prints
what was bad, once for each function and error, and exits 1.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from collections import Counter
from typing import Any, Final
from unittest import mock

import psycopg
from psycopg import errors, sql
from psycopg.conninfo import make_conninfo

from pgq import embedded
from tests.proof.hostile import Pools
from tests.schema.extensions import fill
from tests.servers import SETTINGS, install, memory_folder
from tests.sql.test_arguments import public_functions

CALLS: Final = 500  # in one database
# What would make all later calls of a database answer the same: it is taken back.
TAKEN_BACK: Final = frozenset(("shard_init", "configure", "pause_task", "configure_retention"))
# Ids of what is there, of every kind.
IDS: Final = """
    select id from pgq.jobs union all select id from pgq.job_history
    union all select claim_id from pgq.running union all select id from pgq.workers
    union all select id from pgq.batches union all select id from pgq.bulk_operations
"""
Call = tuple[str, dict[str, tuple[str | None, str]]]


class Fuzzer:
    """Sends calls to one database, and counts what came of them."""

    def __init__(self, dsn: str, seed: int) -> None:
        self.conn = psycopg.connect(dsn, autocommit=True)
        with self.conn.transaction():
            fill(self.conn)
        self.conn.execute("set client_min_messages = error")
        self.conn.execute("set statement_timeout = '1s'")
        self.draw = random.Random(seed)
        self.pools = Pools(self.conn, self.draw)
        self.functions = list(public_functions(self.conn))
        self.counts = Counter[str]()
        self.bad: dict[str, str] = {}

    def run(self, calls: int) -> None:
        """Send so many calls, and look whether the tables are as they must be."""
        for number in range(calls):
            if number % 50 == 0:
                self.pools.ids = [str(row[0]) for row in self.conn.execute(IDS).fetchall()] or ["1"]
            self._try(self._draw_call())
        self.conn.execute("set statement_timeout = 0")
        for violation in self.conn.execute("select violation, detail from pgq.verify()").fetchall():
            self._note("verify", str(violation), "")
        self.conn.close()

    def _draw_call(self) -> Call:
        function, arguments = self.draw.choice(self.functions)
        share = self.draw.choice((0.1, 0.3, 0.9))
        return function, {
            one.name: self.pools.literal(one.name, one.kind)
            for one in arguments
            if one.is_required or self.draw.random() < share
        }

    def _try(self, call: Call) -> None:
        self.counts["calls"] += 1
        began = time.monotonic()
        problem = self._problem(call)
        if problem and problem.startswith(("57014", "slow")):
            self.counts["calls asked again, after over 1 s"] += 1
            problem = self._problem(call)
        self.counts["slowest, ms"] = max(
            self.counts["slowest, ms"], round((time.monotonic() - began) * 1000)
        )
        if problem:
            shown = ", ".join(
                f"{name} => {text!r:.120}::{kind}" for name, (text, kind) in call[1].items()
            )
            self._note(call[0], problem, shown)

    def _problem(self, call: Call) -> str | None:
        """Send the call; return what is wrong with what came of it, None if nothing is."""
        function, given = call
        query = sql.SQL("select * from pgq.{}({})").format(
            sql.Identifier(function),
            sql.SQL(", ").join(
                sql.SQL("{} => %s::{}").format(sql.Identifier(name), sql.SQL(kind))
                for name, (_, kind) in given.items()
            ),
        )
        values: list[Any] = [text for text, _ in given.values()]
        try:
            with self.conn.transaction(force_rollback=function in TAKEN_BACK):
                self.conn.execute(query, values).fetchall()
        except errors.QueryCanceled:
            return "57014 it takes over a second"
        except psycopg.Error as error:
            state = error.sqlstate or "none"
            if not state.startswith("JQ"):
                return f"{state} {str(error)[:300]}"
            self.counts["refused"] += 1
            return None if error.diag.message_hint else f"{state} has no hint: {str(error)[:200]}"
        self.counts["answered"] += 1
        return None

    def _note(self, function: str, problem: str, shown: str) -> None:
        self.counts["bad"] += 1
        self.bad.setdefault(f"{function}: {problem[:60]}", f"{problem}\n      {function}({shown})")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition(":")[0])
    parser.add_argument("--calls", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=None, help="of the first database  [random]")
    given = parser.parse_args()
    seed = random.randrange(1 << 30) if given.seed is None else given.seed
    counts, bad, began = Counter[str](), dict[str, str](), time.monotonic()
    with mock.patch.object(tempfile, "tempdir", memory_folder()):
        server = embedded.start(None, settings=SETTINGS)
    with server, psycopg.connect(server.dsn, autocommit=True) as admin:
        admin.execute("create database with_schema")
        install(make_conninfo(server.dsn, dbname="with_schema"))
        for number in range(-(-given.calls // CALLS)):
            admin.execute("drop database if exists fuzzed with (force)")
            admin.execute("create database fuzzed template with_schema strategy file_copy")
            fuzzer = Fuzzer(make_conninfo(server.dsn, dbname="fuzzed"), seed + number)
            fuzzer.run(min(CALLS, given.calls))
            slowest = max(counts["slowest, ms"], fuzzer.counts["slowest, ms"])
            counts += fuzzer.counts
            counts["slowest, ms"] = slowest
            for what, shown in fuzzer.bad.items():
                if what not in bad:
                    bad[what] = shown
                    print(f"seed {seed + number}: {shown}", flush=True)
    print(f"{len(fuzzer.functions)} functions, seed {seed}, {time.monotonic() - began:.0f} s")
    print("figures:", ", ".join(f"{number:,} {what}" for what, number in counts.items()))
    print(f"{len(bad)} bad")
    sys.exit(bool(bad))


if __name__ == "__main__":
    main()
