"""Follow one job to its end: `pgq job ID --follow`."""

from __future__ import annotations

import importlib.util
import sys
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import click

from pgq.cli.failures import GONE, Refusal
from pgq.cli.output import as_text, clean
from pgq.cli.top.columns import share_done

if TYPE_CHECKING:
    from pgq.client.clients import Client
    from pgq.rows import ListedJob

# Seconds between two looks.
_EVERY: Final = 0.5
ENDED: Final = frozenset({"succeeded", "failed", "cancelled", "expired"})


def follow_job(client: Client, job_id: int) -> str:
    """Show how a job goes until it has ended; return the state it ended in.

    Refusal where there is no such job, or it is gone meanwhile.
    """
    with _shown(job_id) as show:
        while True:
            page = client.list_jobs(before_id=job_id + 1, after_id=job_id - 1, page_size=1)
            if not page.jobs:
                raise Refusal(f"there is no job {job_id}", GONE)
            show(page.jobs[0])
            if page.jobs[0].state in ENDED:
                return page.jobs[0].state
            time.sleep(_EVERY)


def _said(job: ListedJob) -> str:
    """Return how a job stands, in words."""
    words = [job.state, f"attempt {job.attempt} of {job.max_attempts}"]
    if job.state == "scheduled":
        words.append(f"due at {job.run_at.astimezone():%H:%M:%S}")
    if job.waits_for:
        parents = ", ".join(map(str, job.parents or ()))
        words.append(f"waits for {parents or job.concurrency_key}")
    if job.error_type and job.state != "succeeded":
        words.append(f"{job.error_type}: {job.error_message}")
    if job.progress is not None and share_done(job.progress) is None:
        words.append(as_text(job.progress))
    return clean("  ".join(words))


@contextmanager
def _shown(job_id: int) -> Generator[Callable[[ListedJob], None], None, None]:
    """Yield what shows a job on stderr: a bar on a terminal, else a line for each change."""
    if not (sys.stderr.isatty() and importlib.util.find_spec("rich")):
        said: list[str] = []

        def tell(job: ListedJob) -> None:
            share = share_done(job.progress)
            text = _said(job) + ("" if share is None else f"  {share:.0%}")
            if said[-1:] != [text]:
                said[:] = [text]
                click.echo(f"{job_id}  {text}", err=True)

        yield tell
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(20),
        TaskProgressColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[said]}", markup=False),
    )
    with Progress(*columns, console=Console(stderr=True)) as shown:
        bar = shown.add_task(str(job_id), total=None, said="")

        def draw(job: ListedJob) -> None:
            share = 1.0 if job.state == "succeeded" else share_done(job.progress)
            total = None if share is None and job.state not in ENDED else 1.0
            shown.update(bar, total=total, completed=share or 0, said=_said(job), refresh=True)

        yield draw
