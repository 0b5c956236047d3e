"""The benchmark with its peers: python -m tests.proof.bench [--peers] [--quick] [--json FILE].

Without --peers the same as `pgq bench`. With them, workloads enqueue, bulk, drain and latency take
them in; their environments are made at the first call, which takes a minute or two.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from pathlib import Path

from pgq.bench.figures import BenchFailed
from pgq.bench.run import WORKLOADS, Options, run
from pgq.bench.sizes import FULL, QUICK, TINY
from pgq.cli.bench import show, show_machine
from pgq.cli.server import sigterm_raises
from tests.proof.bench.peers import PEERS, install, others_for
from tests.servers import free_port

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


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition(":")[0])
    parser.add_argument("workloads", nargs="*", choices=[*WORKLOADS, []], metavar="WORKLOAD")
    parser.add_argument("--peers", action="store_true", help="with the peers")
    parser.add_argument("--only", nargs="+", choices=[*PEERS], help="these peers")
    parser.add_argument("--size", choices=SIZES, default="full")
    parser.add_argument("--runs", type=int)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    sizes = SIZES[given.size]
    options = Options(
        workloads=given.workloads, sizes=replace(sizes, runs=given.runs) if given.runs else sizes
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


if __name__ == "__main__":
    main()
