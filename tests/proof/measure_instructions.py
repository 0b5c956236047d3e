"""Count the instructions of calls: python -m tests.proof.measure_instructions. Judges nothing.

Each call runs in `postgres --single` under valgrind's callgrind, which counts what a processor
does, whatever else the machine does meanwhile. A count is the difference of two runs on copies of
the same data, one with twice as many rounds as the other, so what only the start costs falls out.
`--configured "statistics => 'off'"` counts under another setting. Needs valgrind. Takes about four
minutes.
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Final, NamedTuple

import psycopg

from pgq import embedded
from pgq.embedded.identity import choose_identity
from tests.servers import install


class Case(NamedTuple):
    """One round of a case is `calls`, after `fill` has made the jobs for one round."""

    name: str
    rounds: int
    calls: str
    fill: str = ""


PLAIN: Final = "perform pgq.enqueue('work', '{\"user_id\": 1}') from generate_series(1, %s);"
KEYED: Final = (
    "perform pgq.enqueue('work', concurrency_key => 'key-' || n %% 100, concurrency_limit => 2)"
    " from generate_series(1, %s) as n;"
)
# Each call in a transaction of its own, as a worker sends it.
DRAIN: Final = """
    select array_agg(job_id), array_agg(claim_id) into v_ids, v_claims
    from pgq.claim_batch('{default}', null, %s, '{work}');
    commit;
    perform pgq.complete_batch(v_ids, v_claims);
    commit;
"""
CASES: Final = (
    Case("enqueue of 1", 200, "perform pgq.enqueue('work', '{\"user_id\": 1}'); commit;"),
    Case("claim and complete of 1", 100, DRAIN % 1, PLAIN % 1),
    Case("claim and complete of 20", 40, DRAIN % 20, PLAIN % 20),
    Case("claim and complete of 500", 4, DRAIN % 500, PLAIN % 500),
    Case(
        "claim and complete of 20 with keys",
        40,
        "perform pgq.promote_due();" + DRAIN % 20,
        KEYED % 20,
    ),
)


PROCEDURE: Final = """
    create procedure rounds(n integer) language plpgsql as $body$
    declare v_ids bigint[]; v_claims bigint[];
    begin
      for i in 1 .. n loop {calls} end loop;
    end
    $body$
"""
# What a session plans and reads once falls into these rounds.
WARM: Final = 10


def count(case: Case, configured: str) -> float:
    """Return the instructions of one round of `case`, in thousands."""
    with tempfile.TemporaryDirectory(prefix="pgq-count-") as name:
        Path(name).chmod(0o755)
        data = Path(name) / "data"
        with embedded.start(data, settings={"autovacuum": "off", "jit": "off"}) as server:
            install(server.dsn)
            with psycopg.connect(server.dsn, autocommit=True) as conn:
                conn.execute(f"select pgq.configure({configured})" if configured else "select 1")
                conn.execute(PROCEDURE.format(calls=case.calls))
                for _ in range(2 * case.rounds + WARM):
                    if case.fill:
                        conn.execute(f"do $$ begin {case.fill} end $$")
                conn.execute("vacuum analyze")
                pgdata = Path(conn.execute("show data_directory").fetchall()[0][0])
            bindir = server.bindir
        spent = [
            run(bindir, pgdata, Path(name) / f"copy{times}", WARM + times * case.rounds)
            for times in (1, 2)
        ]
        return (spent[1] - spent[0]) / case.rounds / 1000


def run(bindir: Path, data: Path, copy: Path, rounds: int) -> int:
    """Run so many rounds on a copy of the data; return what callgrind counted."""
    shutil.copytree(data, copy, symlinks=True)
    identity = choose_identity(bindir)
    for path in (copy, *copy.rglob("*")):
        shutil.chown(path, identity.uid)
    (copy / "postmaster.pid").unlink(missing_ok=True)
    out = copy / "callgrind.out"
    command = [
        *identity.prefix,
        *("valgrind", "--tool=callgrind", f"--callgrind-out-file={out}", "--error-limit=no"),
        *(str(bindir / "postgres"), "--single", "-D", str(copy), "postgres"),
    ]
    done = subprocess.run(
        command,
        input=f"call rounds({rounds})\n",
        capture_output=True,
        text=True,
        cwd=copy,
        check=False,
    )
    if done.returncode or "ERROR" in done.stderr:
        raise SystemExit(done.stderr[-3000:])
    found = re.search(r"^(?:summary|totals): (\d+)", out.read_text(), re.MULTILINE)
    assert found
    shutil.rmtree(copy)
    return int(found[1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--configured", default="", help="arguments of pgq.configure()")
    parser.add_argument("--only", default="", help="a part of the names of cases")
    options = parser.parse_args()
    for case in CASES:
        if options.only in case.name:
            print(f"{case.name:45} {count(case, options.configured):12,.1f}", flush=True)


if __name__ == "__main__":
    main()
