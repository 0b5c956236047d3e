"""What came of the demo, read from the database and checked against a count without it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import psycopg

from pgq.demo.count import COUNTED, Counts, count, library
from pgq.demo.screen import Show
from pgq.schema.names import quote_identifier

# One job of so many fails at its first attempt on purpose.
STUMBLE_EVERY = 100
# One more job looks for a file that is not there, so often.
MISSING_ATTEMPTS = 2
# At most so many files are counted without the queue too.
_COUNTED_AGAIN = 200

_FIGURES = """\
select count(*) as jobs,
  count(*) filter (where state = 'succeeded') as succeeded,
  count(*) filter (where state = 'failed') as failed,
  sum(attempt - 1)::bigint as retries,
  (count(*) / extract(epoch from max(finished_at) - min(claimed_at)))::float8 as jobs_per_second,
  percentile_cont(0.5) within group (order by finished_at - claimed_at) as run_p50,
  percentile_cont(0.95) within group (order by finished_at - claimed_at) as run_p95
from {schema}.all_jobs
where queue = $1"""

_RESULTS = """\
select args ->> 'path', result
from {schema}.all_jobs
where queue = $1 and state = 'succeeded'"""

_STORY = """\
select id, created_at, finished_at, max_attempts, errors
from {schema}.all_jobs
where queue = $1 and state = 'failed'
order by id
limit 1"""


class Figures(NamedTuple):
    """What the queue says of its work; the times are those of each job's last attempt."""

    jobs: int
    succeeded: int
    failed: int
    retries: int
    jobs_per_second: float
    run_p50: timedelta
    run_p95: timedelta


class Story(NamedTuple):
    """A job that failed for good: its attempts as all_jobs has them, oldest first."""

    id: int
    created_at: datetime
    finished_at: datetime
    max_attempts: int
    attempts: list[dict[str, Any]]

    def moments(self) -> Iterator[tuple[timedelta, str]]:
        """Yield what happened to it, with the time since it was enqueued."""
        yield timedelta(0), "enqueued"
        said = None
        for attempt in self.attempts:
            failed, started = (
                datetime.fromisoformat(attempt[name]) for name in ("failed_at", "started_at")
            )
            error = f"{attempt['type']}: {attempt['message']}"
            ran = (failed - started) / timedelta(milliseconds=1)
            yield (
                failed - self.created_at,
                f"attempt {attempt['attempt']} fails on {attempt['worker']} after {ran:.0f} ms"
                + (", by the same" if error == said else f":\n{error}"),
            )
            said = error
        yield (
            self.finished_at - self.created_at,
            f"failed: it had {self.max_attempts} attempts",
        )


@dataclass(frozen=True)
class Report:
    """The demo's outcome.

    `different` are files that the queue did not count, or counted otherwise than this process did:
    it counts one of so many again, `again` in all.
    """

    figures: Figures
    counts: dict[str, Counts]
    files: int
    again: int
    different: list[str]
    violations: int
    story: Story | None

    @property
    def checks(self) -> list[tuple[str, bool]]:
        """What is claimed of the outcome, and whether it is so."""
        figures = self.figures
        meant = -(-self.files // STUMBLE_EVERY) + MISSING_ATTEMPTS - 1
        same = self.again - len(self.different)
        return [
            (
                f"{figures.succeeded:,} of {self.files:,} files are counted, each by a job",
                figures.succeeded == self.files == len(self.counts),
            ),
            (
                f"{figures.failed:,} job failed, the one that looks for a missing file",
                figures.failed == figures.jobs - figures.succeeded == 1,
            ),
            (
                f"{figures.retries:,} retries, of attempts that fail on purpose: {meant:,}",
                figures.retries == meant,
            ),
            (f"{self.violations:,} violations found by verify()", self.violations == 0),
            (
                f"{same:,} of {self.again:,} files counted again, without the queue: the same",
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
    """Read the outcome of a queue whose jobs have ended, and count some files once more, here.

    The connection's cursors must take $1 as a placeholder.
    """

    def rows(query: str, *parameters: str) -> list[Any]:
        script = query.replace("{schema}", quote_identifier(schema))
        return connection.execute(script.encode(), parameters).fetchall()

    counted = dict(rows(_RESULTS, queue))
    again = sample(files)
    different: list[str] = []
    for number, file in enumerate(again, 1):
        if counted.get(str(file)) != count(file):
            different.append(str(file))
        show(number, "")
    stories = rows(_STORY, queue)
    return Report(
        figures=Figures(*rows(_FIGURES, queue)[0]),
        counts=counted,
        files=len(files),
        again=len(again),
        different=different,
        violations=len(rows("select * from {schema}.verify()")),
        story=Story(*stories[0]) if stories else None,
    )


def sample(files: list[Path]) -> list[Path]:
    """Return some of the files: to count all of them twice would take longer than the queue."""
    return files[:: -(-len(files) // _COUNTED_AGAIN)]
