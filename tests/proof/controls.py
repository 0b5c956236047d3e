"""See whether the checkers find what they must: python -m tests.proof.controls [--only NAME].

A checker that finds nothing proves something only if it finds a fault that is there. So each
control breaks one thing that a promise rests on, in the SQL or in what a client does, and runs the
soak, the interleavings or the chase of semaphores as they are. Prints what found it first. Exits 1
if one was not found.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Final, NamedTuple

import psycopg

from pgq import embedded
from tests.proof.chaos_semaphores import Chaos
from tests.proof.interleavings.__main__ import prove
from tests.proof.mutate import SQL
from tests.proof.soak.__main__ import soak
from tests.proof.soak.actors import Producer
from tests.proof.soak.ledger import Asked
from tests.servers import SETTINGS, find_targets, install

SOAK_S: Final = 40
CHASE_S: Final = 20
EPISODES: Final = 8
SEED: Final = 1


class Change(NamedTuple):
    """One change of one function: what stands in its file, and what stands there instead."""

    path: str
    was: str
    instead: str = ""

    def make(self, text: str) -> str:
        """Return the file's text with the change; raise if what should be there is not."""
        if text.count(self.was) != 1:
            raise SystemExit(f"{self.path} does not have this once: {self.was}")
        return text.replace(self.was, self.instead)


class HastyProducer(Producer):
    """A producer that takes a job for acknowledged before the server has answered."""

    def _send(
        self, session: psycopg.Connection, asked: list[Asked], query: str, *values: Any
    ) -> None:
        self.ledger.ask(*asked)
        self.ledger.acknowledge(*asked)
        session.execute(query.encode(), values).fetchall()


class Control(NamedTuple):
    """What is broken, and by which checker it must be found."""

    name: str
    changes: tuple[Change, ...] = ()
    more: tuple[str, ...] = ()  # statements
    only: tuple[str, ...] = ()  # the calls that meet the fault
    soaks: bool = False
    chases: bool = False
    producer: type[Producer] = Producer


_TICKS: Final = """    where not exists (
      select
      from pgq.schedule_runs as run
      where run.schedule = _fire_schedule.schedule.name
        and run.run_at = tick
    )
"""
_ROW: Final = "\n    on conflict on constraint schedule_runs_pkey do nothing"
_KEY_LOCK: Final = """ pg_try_advisory_xact_lock(
        hashtextextended(key, 'pgq.slots'::regclass::oid::bigint)
      )
"""
_COUNT: Final = " pgq._semaphore_capacity(v_locked);\n"
_LATE_LOCK: Final = """ pgq._semaphore_capacity(v_locked)
  where pg_sleep(0.002) is not null and pg_try_advisory_xact_lock(
    hashtextextended(concurrency_key, 'pgq.slots'::regclass::oid::bigint)
  );
"""
CONTROLS: Final = (
    Control(
        "a claim is settled whatever its claim_id",
        (
            Change("settle/_lock_claims.sql", "        and claim.claim_id = asked.claim_id\n"),
            Change("settle/_complete_one.sql", "    and held.claim_id = _complete_one.claim_id\n"),
            Change("settle/_complete_many.sql", " and claim_id = any(held_claim_ids)"),
        ),
    ),
    Control(
        "a tick fires without a lock and without its row",
        (
            Change("schedules/_fire_schedule.sql", _TICKS),
            Change("schedules/_fire_schedule.sql", _ROW),
            Change("schedules/fire_due_schedules.sql", "    for update skip locked\n"),
        ),
        ("alter table pgq.schedule_runs drop constraint schedule_runs_pkey cascade",),
        only=("keep_house", "schedule"),
    ),
    Control(
        "slots are given without a lock of the key",
        (Change("unblock/_promote_waiters.sql", _KEY_LOCK, " true\n"),),
        chases=True,
    ),
    Control(
        "slots are counted by a snapshot from before the lock of the key",
        (
            Change("unblock/_promote_waiters.sql", _KEY_LOCK, " true\n"),
            Change("unblock/_promote_waiters.sql", _COUNT, _LATE_LOCK),
            Change("limits/_semaphore_capacity.sql", "  rows 10\n", "  stable\n  rows 10\n"),
        ),
        chases=True,
    ),
    Control(
        "a job is taken for acknowledged before the answer", soaks=True, producer=HastyProducer
    ),
)


def found_by(control: Control) -> str | None:
    """Run the checker with the fault; return what it found first, None: nothing."""
    files = {change.path: (SQL / change.path).read_text() for change in control.changes}
    for change in control.changes:
        files[change.path] = change.make(files[change.path])
    faults = [*files.values(), *control.more]
    if control.soaks:
        with tempfile.TemporaryDirectory() as folder:
            verdict, _ = soak(
                find_targets()[0], SOAK_S, SEED, Path(folder) / "log", faults, control.producer
            )
        found = [f"{number} {what}" for what, number in verdict.faults.items() if number]
        return f"the soak: {', '.join(found)}" if found else None
    if control.chases:
        with embedded.start(None, settings=SETTINGS | {"max_connections": "260"}) as server:
            install(server.dsn)
            with psycopg.connect(server.dsn, autocommit=True) as conn:
                for fault in faults:
                    conn.execute(fault.encode())
            report = Chaos(server.dsn, CHASE_S, claimers=8, keys=20, seed=SEED).run()
        found = [f"{report.ledger.over} starts above a limit"] if report.ledger.over else []
        found += report.errors[:1]
        return f"the chase of semaphores: {', '.join(found)}" if found else None
    counts, bad = prove(EPISODES, float("inf"), SEED, faults=faults, only=control.only, most=1)
    if not bad:
        return None
    return f"the interleavings, after {counts['rounds']}: {bad[0].splitlines()[-1][:150]}"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition(":")[0])
    parser.add_argument("--only", default="", help="a part of the names of controls")
    given = parser.parse_args()
    missed = 0
    for control in CONTROLS:
        if given.only in control.name:
            began = time.monotonic()
            found = found_by(control)
            missed += found is None
            seconds = time.monotonic() - began
            print(f"{control.name}: {found or 'NOT FOUND'} ({seconds:.0f} s)", flush=True)
    print(f"{missed} faults not found")
    sys.exit(bool(missed))


if __name__ == "__main__":
    main()
