"""Run every proof: python -m tests.proof.prove [--long]; prints a table of what each one found.

--write puts the table into docs/reliability.md. The short form takes a quarter of an hour, the long
one hours. Each proof is a program of this folder, or the property test, and can be run alone; what
it said is in build/prove/. Exits 1 if one of them failed.
"""

from __future__ import annotations

import argparse
import os
import platform
import re
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, NamedTuple

ROOT: Final = Path(__file__).parents[2]
LOGS: Final = ROOT / "build" / "prove"


class Proof(NamedTuple):
    """A program of this folder with its options, short and long; and what its answer looks like."""

    name: str
    program: str
    short: str
    long: str
    said: tuple[str, ...] = ()  # how the lines begin, or end, that go into the table

    def command(self, *, is_long: bool) -> list[str]:
        """Return what to run."""
        options = (self.long if is_long else self.short).split()
        module = "pytest" if self.program == "pytest" else f"tests.proof.{self.program}"
        return [sys.executable, "-m", module, *options]


PROPERTY: Final = "-q --timeout=0 tests/property"
FOUND: Final = (
    "figures",
    "accidents:",
    "lost",
    "doubled",
    "stranded",
    "above a limit",
    "violations",
)
PROOFS: Final = (
    Proof(
        "random calls against a model, 18", "pytest", f"{PROPERTY} --pg 18", f"{PROPERTY} --pg 18"
    ),
    Proof(
        "random calls against a model, 15", "pytest", f"{PROPERTY} --pg 15", f"{PROPERTY} --pg 15"
    ),
    Proof("accidents, 18", "soak", "--seconds 40 --pg 18", "--seconds 180 --pg 18", FOUND),
    Proof("accidents, 15", "soak", "--seconds 40 --pg 15", "--seconds 180 --pg 15", FOUND),
    Proof(
        "interleavings", "interleavings", "--seconds 60", "--rounds 10000", ("interleavings in",)
    ),
    Proof("controls", "controls", "--only tick", "", (": the ", "NOT FOUND", "not found")),
    Proof("deadlocks", "deadlocks", "--seconds 20", "--seconds 60", ("calls", "violations")),
    Proof(
        "every SQL function",
        "fuzz_functions",
        "--calls 1000",
        "--calls 20000",
        ("functions,", "figures", " bad"),
    ),
    Proof(
        "semaphores",
        "chaos_semaphores",
        "--seconds 20",
        "--seconds 180",
        ("sessions killed", "starts above", "lost wake-ups", "jobs stranded", "violations"),
    ),
    Proof(
        "statistics",
        "chaos_statistics",
        "--seconds 30",
        "--seconds 180",
        ("accidents", "counted"),
    ),
    Proof(
        "schedules",
        "soak_schedules",
        "--seconds 60",
        "--seconds 600",
        ("ticks expected", "missed", "doubled", "uncalled", "workers started"),
    ),
    Proof("failover", "failover", "--rounds 1", "--rounds 5", ()),
    Proof(
        "cron", "fuzz_cron", "--cases 3000", "--cases 20000", ("unexplained", "as the rules say")
    ),
    Proof("faults in SQL", "mutants", "--sample 300 --part 1/50", "--sample 300", ("faults,",)),
)
EXAMPLES: Final = {False: "60", True: "2000"}


def run(proof: Proof, *, is_long: bool) -> tuple[bool, float, list[str]]:
    """Run one; return whether it passed, the seconds that it took, and what it found."""
    log = LOGS / f"{proof.name.replace(' ', '-').replace(',', '')}.log"
    began = time.monotonic()
    with log.open("w") as out:
        done = subprocess.run(
            proof.command(is_long=is_long),
            cwd=ROOT,
            env={**os.environ, "PGQ_EXAMPLES": EXAMPLES[is_long]},
            stdout=out,
            stderr=subprocess.STDOUT,
            check=False,
        )
    lines = [" ".join(line.split()) for line in log.read_text(errors="replace").splitlines()]
    found = [line for line in lines if any(words in line for words in proof.said)]
    return done.returncode == 0, time.monotonic() - began, found or lines[-3:]


def write(text: str) -> None:
    """Put the table where docs/reliability.md has its place."""
    path = ROOT / "docs" / "reliability.md"
    place = re.compile(r"(<!-- proofs -->\n).*?(<!-- end -->\n)", re.DOTALL)
    path.write_text(place.sub(lambda match: f"{match[1]}{text}{match[2]}", path.read_text()))


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition(":")[0])
    parser.add_argument("--long", action="store_true", help="run the full form of each")
    parser.add_argument("--only", default="", help="a part of the names of proofs")
    parser.add_argument("--write", action="store_true", help="write docs/reliability.md")
    given = parser.parse_args()
    LOGS.mkdir(parents=True, exist_ok=True)
    form = "full" if given.long else "short"
    machine = f"{os.cpu_count()} cores ({platform.machine()})"
    head = f"{datetime.now(UTC):%Y-%m-%d}, the {form} form, on {machine}"
    print(head)
    failed = 0
    table = [f"{head}:", "", "| proof | | seconds | what it said |", "|---|---|---:|---|"]
    for proof in PROOFS:
        if given.only in proof.name:
            passed, seconds, found = run(proof, is_long=given.long)
            failed += not passed
            print(f"{'passed' if passed else 'FAILED'}  {proof.name} ({seconds:.0f} s)", flush=True)
            for line in found:
                print(f"        {line}", flush=True)
            said = "; ".join(found).replace("|", "/")
            verdict = "passed" if passed else "**failed**"
            table.append(f"| {proof.name} | {verdict} | {seconds:.0f} | {said} |")
    if given.write:
        write("\n".join(table) + "\n")
    sys.exit(bool(failed))


if __name__ == "__main__":
    main()
