"""Say what one primary carries: python -m tests.proof.capacity BENCH.json WORKERS.json [--write].

Computes from what a job costs here: `make bench` gives the processor time and the WAL of a job in
batches, `make measure-workers` those of a job that comes alone and those of an idle worker. Nothing
is measured. The first line compares the model with what was measured on this machine. --write puts
the table into docs/scaling.md.
"""

from __future__ import annotations

import argparse
import json
import re
from pathlib import Path
from typing import Any, Final, NamedTuple

DOCS: Final = Path(__file__).parents[2] / "docs" / "scaling.md"
# A server at more than this share of its cores answers late.
_BUSY: Final = 0.6
_CORES: Final = (2, 16, 64)
_SHARDS: Final = 10
_DAY: Final = 86_400


class Costs(NamedTuple):
    """Seconds of the server's processor and bytes of WAL."""

    in_batches: float
    alone: float
    idle_worker: float
    wal: float


class Drain(NamedTuple):
    """Jobs a second of two worker processes on this machine: as computed and as measured."""

    computed: float
    measured: float


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition(":")[0])
    parser.add_argument("bench", type=Path)
    parser.add_argument("workers", type=Path)
    parser.add_argument("--write", action="store_true")
    given = parser.parse_args()
    bench = json.loads(given.bench.read_text())
    workers = json.loads(given.workers.read_text())
    text = table(costs(bench, workers), drain(bench), max(each["workers"] for each in workers))
    print(text)
    if given.write:
        found = re.sub(
            r"(?<=<!-- capacity -->\n).*?(?=<!-- end -->)",
            lambda _: text,
            DOCS.read_text(),
            flags=re.DOTALL,
        )
        DOCS.write_text(found)


def costs(bench: dict[str, Any], workers: list[dict[str, Any]]) -> Costs:
    """Return what a job and an idle worker cost."""
    ours = _figures(bench, "costs", "pgq")
    most = max(each["workers"] for each in workers)
    idle, busy = [each for each in workers if each["workers"] == most]
    return Costs(
        (ours["server CPU s/10k, enqueue"] + ours["server CPU s/10k, drain"]) / 10_000,
        (busy["cpu_a_second"] - idle["cpu_a_second"]) / busy["jobs_a_second"],
        idle["cpu_a_second"] / most,
        ours["WAL B/job"],
    )


def drain(bench: dict[str, Any]) -> Drain:
    """Compare the rate that the processors allow, workers included, with the real one."""
    ours = _figures(bench, "drain", "pgq, async handlers")
    spent = (ours["server CPU s/10k"] + ours["worker CPU s/10k"]) / 10_000
    return Drain(bench["machine"]["cores"] / spent, ours["2 processes, jobs/s"])


def _figures(bench: dict[str, Any], workload: str, name: str) -> dict[str, float]:
    (found,) = [each for each in bench["tables"] if each["workload"] == workload]
    (line,) = [each for each in found["lines"] if each["name"] == name]
    return {column: figure["median"] for column, figure in line["figures"].items()}


def table(each: Costs, drained: Drain, workers: int) -> str:
    """Return the model as Markdown."""
    shares = f"{workers} idle workers use"
    lines = [
        f"A job in batches costs the server {each.in_batches * 1e6:.0f} us and {each.wal:,.0f} B of"
        f" WAL, a job that comes alone {each.alone * 1e6:,.0f} us, an idle worker"
        f" {each.idle_worker * 1e3:.2f} ms a second. The model says {drained.computed:,.0f} jobs/s"
        f" for a drain on this machine, {drained.measured:,.0f} were measured"
        f" ({drained.measured / drained.computed:.2f}).\n",
        "| cores of the server | in batches, jobs/s | one by one, jobs/s | WAL of batches, MB/s |"
        f" {shares} | {_SHARDS} such servers, in batches |",
        "|---:|---:|---:|---:|---:|---:|",
    ]
    for cores in _CORES:
        batches, alone = (cores * _BUSY / cost for cost in (each.in_batches, each.alone))
        share = workers * each.idle_worker / cores
        lines.append(
            f"| {cores} | {batches:,.0f} | {alone:,.0f} | {batches * each.wal / 1e6:,.0f}"
            f" | {share:.1%} of it | {_SHARDS * batches:,.0f} |"
        )
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
