"""See whether tests notice faults in SQL: python -m tests.proof.mutants [--part 1/6].

Takes faulty copies of SQL functions (tests.proof.mutate) at random, as many of each function as of
any other at most, puts each into a copy of the project, and runs the tests that must notice it:
those named after the function, those of its folder, those of races, and the property test. Prints
each copy that they let pass. A fault that changes nothing but a cost, or that cannot be seen, is
named in EXPLAINED with the reason. Exits 1 if fewer than 98 per cent of the others are noticed.
That takes hours, so run it in parts: the same seed gives the same sample.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import subprocess
import sys
import tempfile
from collections import Counter, defaultdict
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue
from typing import Final, Literal

import psycopg

from pgq import embedded
from tests.proof.explained import EXPLAINED
from tests.proof.mutate import SQL, Mutant, all_mutants
from tests.servers import install

ROOT: Final = SQL.parent
WANTED: Final = 0.98
# A fault may make a call wait for ever; then the tests are ended, and have noticed it.
PATIENCE_S: Final = 420
Verdict = Literal["noticed", "passed"]


def chosen(mutants: list[Mutant], number: int, seed: int) -> list[Mutant]:
    """Choose at random, a first one of each function, then a second one of each, and so on."""
    by_function = defaultdict[str, list[Mutant]](list)
    draw = random.Random(seed)
    for mutant in draw.sample(mutants, len(mutants)):
        by_function[mutant.path].append(mutant)
    rounds = sorted(
        (place, draw.random(), mutant)
        for of_one in by_function.values()
        for place, mutant in enumerate(of_one)
    )
    return [mutant for _, _, mutant in rounds[:number]]


def is_taken(conn: psycopg.Connection, mutant: Mutant) -> bool:
    """Tell whether Postgres can make this function at all."""
    try:
        with conn.transaction(force_rollback=True):
            conn.execute(mutant.text.encode())
    except psycopg.Error:
        return False
    return True


def tests_of(mutant: Mutant) -> list[str]:
    """Name the tests that must notice the fault, the likeliest first."""
    folder, _, name = mutant.path.removesuffix(".sql").partition("/")
    home = ROOT / "tests/sql" / folder
    named = [
        str(path.relative_to(ROOT))
        for path in (home / f"test_{name.removeprefix('_')}.py",)
        if path.exists()
    ]
    homes = [str(home.relative_to(ROOT))] if home.is_dir() else []
    return [*named, *homes, "tests/sql/races", "tests/property"]


def try_it(copy: Path, mutant: Mutant) -> Verdict:
    """Put the fault into the copy of the project, run the tests there, and take it out again."""
    path = copy / "sql" / mutant.path
    right = path.read_text()
    path.write_text(mutant.text)
    command = [
        *(
            sys.executable,
            "-m",
            "pytest",
            "-x",
            "-q",
            "-p",
            "no:cacheprovider",
            "-p",
            "no:randomly",
        ),
        *("--pg", "18", *tests_of(mutant)),
    ]
    environment = {
        **os.environ,
        "PYTHONPATH": str(copy),
        "PGQ_EXAMPLES": "20",
        "PGQ_SHRINK": "no",
    }
    try:
        done = subprocess.run(
            command,
            cwd=copy,
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=PATIENCE_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return "noticed"
    finally:
        path.write_text(right)
    if done.returncode not in (0, 1):
        raise SystemExit(f"pytest ended with {done.returncode}: {' '.join(command)}")
    return "noticed" if done.returncode else "passed"


def run(mutants: list[Mutant], jobs: int) -> Counter[str]:
    """Try all, `jobs` at a time, each in a copy of the project of its own; print what passed."""
    counted = Counter[str]()
    copies = SimpleQueue[Path]()
    with tempfile.TemporaryDirectory(prefix="pgq-mutants-") as name:
        for number in range(jobs):
            copy = Path(name) / str(number)
            left = shutil.ignore_patterns(".*", "build", "dist", "__pycache__", ".peers")
            shutil.copytree(ROOT, copy, ignore=left)
            copies.put(copy)

        def try_one(mutant: Mutant) -> None:
            if mutant.name in EXPLAINED:
                counted["explained"] += 1
                return
            copy = copies.get()
            try:
                verdict = try_it(copy, mutant)
            finally:
                copies.put(copy)
            counted[verdict] += 1
            if verdict == "passed":
                print(f"passed: {mutant.name}", flush=True)

        with ThreadPoolExecutor(jobs) as threads:
            for tried in [threads.submit(try_one, mutant) for mutant in mutants]:
                tried.result()
    return counted


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition(":")[0])
    parser.add_argument("--sample", type=int, default=300, help="how many to try")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--part", default="1/1", metavar="N/OF", help="a part of the sample")
    parser.add_argument("--jobs", type=int, default=2, help="how many at once")
    parser.add_argument("--only", default="", help="a part of the names of functions")
    given = parser.parse_args()
    part, of = map(int, given.part.split("/"))
    sample = chosen(
        [one for one in all_mutants() if given.only in one.path], given.sample, given.seed
    )
    with embedded.start(None) as server, psycopg.connect(server.dsn, autocommit=True) as conn:
        install(server.dsn)
        taken = [mutant for mutant in sample if is_taken(conn, mutant)]
    counted = run(taken[part - 1 :: of], given.jobs)
    tried = counted["noticed"] + counted["passed"]
    score = counted["noticed"] / tried if tried else 1.0
    print(
        f"{tried} faults, {counted['noticed']} noticed ({score:.1%}), {counted['passed']} passed,"
        f" {counted['explained']} explained; {len(sample) - len(taken)} cannot be made"
    )
    sys.exit(score < WANTED)


if __name__ == "__main__":
    main()
