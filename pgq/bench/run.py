"""Run workloads, one after the other, and return their tables."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from pgq.bench import backlog, draining, latency, machine, pinned, producing
from pgq.bench.bench import Bench, Workload
from pgq.bench.figures import Contestant, Line, Table, columns_of, in_turns, lines_of
from pgq.bench.place import Place, open_place
from pgq.bench.sizes import FULL, Sizes

WORKLOADS: Final[Mapping[str, Workload]] = {
    "enqueue": producing.one_by_one,
    "bulk": producing.in_bulk,
    "drain": draining.no_op_jobs,
    "engine": draining.engine_alone,
    "latency": latency.idle_worker,
    "backlog": backlog.around,
    "pinned": pinned.held_snapshot,
    "costs": draining.costs,
    "kinds": draining.kinds,
    "notify": producing.at_once,
    "statistics": draining.statistics,
}
"""By name, in the order in which they run."""

Others = Callable[[Place, Sizes], Mapping[str, Mapping[str, Contestant]]]


@dataclass(frozen=True)
class Options:
    """What to run and where; without `dsn` it is a temporary server from `bindir`.

    `others` makes more contestants, by workload; `missing` says why others are not there; `more`
    are workloads that run only where they are named.
    """

    workloads: Sequence[str] = ()
    sizes: Sizes = FULL
    dsn: str | None = None
    bindir: Path | None = None
    port: int | None = None
    others: Others | None = None
    missing: Mapping[str, str] | None = None
    more: Mapping[str, Workload] | None = None


def run(
    options: Options, tell: Callable[[str], None], show: Callable[[Table], None]
) -> dict[str, Any]:
    """Run the workloads; hand each table to `show`; return everything as JSON holds it.

    Raises BenchFailed for a run that was not valid. Whatever was made in the database is gone
    when this returns or raises.
    """
    began = datetime.now(UTC)
    tables: list[Table] = []
    with open_place(options.dsn, options.bindir, options.port) as place:
        with place.connect() as connection:
            found = machine.describe(connection)
        others = options.others(place, options.sizes) if options.others else {}
        bench = Bench(place, options.sizes, tell, others)
        for name in options.workloads or WORKLOADS:
            tell(f"{name} ...")
            workload = {**WORKLOADS, **(options.more or {})}[name]
            tables.append(_play(name, workload, bench, options.missing or {}))
            show(tables[-1])
    return {
        "began_at": began.isoformat(),
        "seconds": (datetime.now(UTC) - began).total_seconds(),
        "machine": found,
        "tables": [table.as_record() for table in tables],
    }


def _play(name: str, workload: Workload, bench: Bench, missing: Mapping[str, str]) -> Table:
    began = time.monotonic()
    with workload(bench) as contest:
        measured = {}
        runs = bench.sizes.runs
        if contest.contestants:
            measured = in_turns(
                contest.contestants, runs, lambda text: bench.tell(f"{name}, {text}")
            )
    lines = list(lines_of(measured, contest.against))
    if name in bench.others:
        lines += [Line(peer, missing=reason) for peer, reason in missing.items()]
    notes = [*contest.notes]
    if measured:
        notes.append(f"median of {runs} runs" if runs > 1 else "one run")
    return Table(
        name,
        contest.title,
        contest.against,
        columns_of(lines),
        tuple(lines),
        tuple(notes),
        time.monotonic() - began,
    )
