"""What came of the demo, read from the database and checked against a count without a queue."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, NamedTuple

import psycopg

from pgq.demo.count import COUNTED, Counts, count, library
from pgq.demo.screen import Show
from pgq.schema.names import quote_identifier

# One job of so many fails at its first attempt on purpose.
STUMBLE_EVERY = 100

_FIGURES = """\
select count(*) as jobs,
  count(*) filter (where state = 'succeeded') as succeeded,
  sum(attempt - 1)::bigint as retries,
  (count(*) / extract(epoch from max(finished_at) - min(claimed_at)))::float8 as jobs_per_second,
  percentile_cont(0.5) within group (order by claimed_at - ready_at) as wait_p50,
  percentile_cont(0.99) within group (order by claimed_at - ready_at) as wait_p99
from {schema}.all_jobs
where queue = $1"""

_RESULTS = """\
select args ->> 'path', result
from {schema}.all_jobs
where queue = $1 and state = 'succeeded'"""


class Figures(NamedTuple):
    """What the queue says of its work; the wait is that for a worker, of each last attempt."""

    jobs: int
    succeeded: int
    retries: int
    jobs_per_second: float
    wait_p50: timedelta
    wait_p99: timedelta


@dataclass(frozen=True)
class Report:
    """The demo's outcome; `different` are files that the queue counted otherwise, or not at all."""

    figures: Figures
    counts: dict[str, Counts]
    files: int
    different: list[str]
    violations: int

    @property
    def checks(self) -> list[tuple[str, bool]]:
        """What is claimed of the outcome, and whether it is so."""
        jobs, succeeded, retries = self.figures[:3]
        stumbled = -(-self.files // STUMBLE_EVERY)
        same = self.files - len(self.different)
        return [
            (f"{succeeded:,} of {self.files:,} jobs succeeded", succeeded == jobs == self.files),
            (
                f"retries: {retries:,}, jobs that failed on purpose: {stumbled:,}",
                retries == stumbled,
            ),
            (f"violations found by verify(): {self.violations:,}", self.violations == 0),
            (
                f"{same:,} of {self.files:,} files counted the same without the queue",
                not self.different,
            ),
        ]

    @property
    def passed(self) -> bool:
        """Whether every check holds."""
        return all(holds for _, holds in self.checks)

    def totals(self) -> dict[str, int]:
        """Return the sums over all files, and how many of them this Python could not parse."""
        every = self.counts.values()
        return {
            "files": len(every),
            "not_parsed": sum(not counts["parsed"] for counts in every),
            **{key: sum(counts[key] for counts in every) for key in COUNTED},
        }

    def largest(self, limit: int = 10) -> list[tuple[str, Counts]]:
        """Return the files with the most lines, named by their place in the library."""
        by_lines = sorted(self.counts.items(), key=lambda item: (-item[1]["lines"], item[0]))
        return [(path.removeprefix(f"{library()}/"), counts) for path, counts in by_lines[:limit]]


def make_report(
    connection: psycopg.Connection[Any], schema: str, queue: str, files: list[Path], show: Show
) -> Report:
    """Read the outcome of a queue whose jobs have ended, and count every file once more, here.

    The connection's cursors must take $1 as a placeholder.
    """

    def rows(query: str, *parameters: str) -> list[Any]:
        script = query.replace("{schema}", quote_identifier(schema))
        return connection.execute(script.encode(), parameters).fetchall()

    counted = dict(rows(_RESULTS, queue))
    different: list[str] = []
    for number, file in enumerate(files, 1):
        if counted.get(str(file)) != count(file):
            different.append(str(file))
        show(number, "")
    return Report(
        figures=Figures(*rows(_FIGURES, queue)[0]),
        counts=counted,
        files=len(files),
        different=different,
        violations=len(rows("select * from {schema}.verify()")),
    )
