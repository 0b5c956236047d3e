"""The benchmark with its peers: python -m tests.proof.bench [--peers] [--pg 15] [--json FILE].

Without --peers the same as `pgq bench`. With them, workloads enqueue, bulk, drain and latency take
them in; their environments are made at the first call, which takes a minute or two. Then each of
our rows is shown beside the best peer, and in full size the command fails if such a ratio got worse
by a tenth than docs/performance.md says (with --accept it only says so).
"""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from pgq.bench.figures import BenchFailed
from pgq.bench.run import WORKLOADS, Options, run
from pgq.bench.sizes import FULL, QUICK, TINY
from pgq.cli.bench import show, show_machine
from pgq.cli.server import sigterm_raises
from pgq.embedded.binaries import system_bindirs
from tests.proof.bench.beside import beside, worse
from tests.proof.bench.long import many_jobs
from tests.proof.bench.peers import PEERS, install, others_for
from tests.proof.bench.write_docs import pages
from tests.servers import free_port

# These take long, and run only where they are named.
MORE = {"long": many_jobs}
SIZES = {"full": FULL, "quick": QUICK, "tiny": TINY}


def install_all(names: list[str]) -> tuple[list[str], dict[str, str]]:
    """Install peers; return those that are there, and why the others are not."""
    there, missing = [], {}
    for name in names:
        print(f"  installing {name} ...", flush=True)
        if reason := install(PEERS[name]):
            missing[PEERS[name].title] = reason
        else:
            there.append(name)
    return there, missing


def bindir_of(server: str) -> Path:
    """Return the folder of a server's programs, by its major version or by its path."""
    if not server.isdigit():
        return Path(server)
    for folder in system_bindirs():
        if folder.parent.name == server:
            return folder
    raise SystemExit(f"no Postgres {server} is installed here; name its folder with --pg")


def show_beside(found: dict[str, Any]) -> None:
    print("\nbeside the best peer")
    for table in found["tables"]:
        for line in beside(table):
            print(f"  {table['workload']}, {line}")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition(":")[0])
    parser.add_argument("workloads", nargs="*", choices=[*WORKLOADS, *MORE, []], metavar="WORKLOAD")
    parser.add_argument("--peers", action="store_true", help="with the peers")
    parser.add_argument("--only", nargs="+", choices=[*PEERS], help="these peers")
    parser.add_argument("--size", choices=SIZES, default="full")
    parser.add_argument("--runs", type=int)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--pg", help="a server's major version, or the folder of its programs")
    parser.add_argument("--accept", action="store_true", help="whatever got worse")
    given = parser.parse_args()
    sizes = SIZES[given.size]
    options = Options(
        workloads=given.workloads,
        more=MORE,
        bindir=bindir_of(given.pg) if given.pg else None,
        sizes=replace(sizes, runs=given.runs) if given.runs else sizes,
    )
    if given.peers:
        there, missing = install_all(given.only or [*PEERS])
        options = replace(options, port=free_port(), others=others_for(there), missing=missing)
    try:
        with sigterm_raises():
            found = run(options, lambda text: print(f"  {text}", flush=True), show)
    except BenchFailed as error:
        raise SystemExit(f"{error.message}\n{error.detail or ''}") from error
    show_machine(found["machine"])
    if given.json:
        given.json.write_text(json.dumps(found, indent=2) + "\n")
    if given.peers:
        show_beside(found)
        # Rates of another server, or of fewer jobs, are not what is published.
        if given.size == "full" and not given.pg:
            lines = [line for page in pages() for line in worse(page.read_text(), found["tables"])]
            if lines:
                print("\nworse than published:", *lines, sep="\n  ")
            if lines and not given.accept:
                raise SystemExit(1)


if __name__ == "__main__":
    main()
