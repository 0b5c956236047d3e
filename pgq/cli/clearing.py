"""Commands that delete many jobs for good: clear, prune."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import click

from pgq.cli.app import cli
from pgq.cli.bars import has_bar, progress
from pgq.cli.database import open_client
from pgq.cli.failures import WrongCall
from pgq.cli.jobs import confirm
from pgq.cli.operations import how_many
from pgq.cli.options import database_options, duration, json_option
from pgq.cli.output import record, span, write_json, write_table

if TYPE_CHECKING:
    from pgq.client.clients import Client
    from pgq.reports import Estimate
    from pgq.rows import State
    from pgq.task_rows import Prunable

FINISHED: tuple[State, ...] = ("succeeded", "failed", "cancelled", "expired")
_BATCH = 1000
_MANY = 10000


@cli.command(short_help="Delete the waiting jobs of a queue.")
@click.argument("queue")
@click.option("--include-scheduled", is_flag=True, help="Also delete scheduled jobs.")
@click.option("--keep-blocked", is_flag=True, help="Keep blocked jobs.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--dry-run", is_flag=True, help="Only say how many jobs that is.")
@database_options
@json_option
def clear(
    queue: str,
    include_scheduled: bool,
    keep_blocked: bool,
    yes: bool,
    dry_run: bool,
    dsn: str | None,
    schema: str,
    as_json: bool,
) -> None:
    """Delete the ready and the blocked jobs of a queue for good; running ones are left alone.

    Asks first; without a terminal to ask on it needs --yes. Deletes a thousand jobs per
    transaction.

    \b
      pgq clear mail --yes
    """
    states: list[State] = ["ready"]
    states += [] if keep_blocked else ["blocked"]
    states += ["scheduled"] if include_scheduled else []
    if dry_run:
        with open_client(dsn, schema) as client:
            _tell_estimate(client.estimate_jobs(queue=queue, states=states), as_json)
        return
    if not yes:
        confirm(f"Delete what waits in {queue} for good?")
    deleted = 0
    with open_client(dsn, schema) as client:
        total = _expected(client, queue=queue, states=states)
        with progress(f"clearing {queue}", total) as advance:
            while True:
                batch = client.clear_queue(queue, include_scheduled, _BATCH, not keep_blocked)
                deleted += batch
                advance(batch)
                if batch < _BATCH:
                    break
    _tell({"queue": queue, "deleted": deleted}, _counted(deleted, "job", "deleted"), as_json)


@cli.command(short_help="Delete finished jobs, or the history of schedules.")
@click.option(
    "--older-than", type=duration, metavar="DURATION", help="Only what ended longer ago than this."
)
@click.option(
    "--state", "states", type=click.Choice(FINISHED), multiple=True, help="Only those; repeat."
)
@click.option("--task", help="Only those of this task.")
@click.option("-q", "--queue", help="Only those of this queue.")
@click.option("--schedules", is_flag=True, help="Delete the history of ticks instead of jobs.")
@click.option("--schedule", metavar="NAME", help="The same for one schedule.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--dry-run", is_flag=True, help="Only say what would go.")
@database_options
@json_option
def prune(
    older_than: timedelta | None,
    schedules: bool,
    schedule: str | None,
    yes: bool,
    dry_run: bool,
    dsn: str | None,
    schema: str,
    as_json: bool,
    **filters: Any,
) -> None:
    """Delete finished jobs for good, sooner than the workers do by themselves.

    Without a filter, whole days of the history are dropped, at once; --older-than is by default
    what the workers go by. With --state, --task or --queue, jobs are deleted one by one, and
    --older-than is needed. Asks first; without a terminal to ask on it needs --yes.

    --dry-run shows what would go, by day, queue and state. Without --older-than it shows what the
    workers delete when they are next due, also of days that stay.

    \b
      pgq prune --dry-run
      pgq prune --older-than 3d
      pgq prune --older-than 1h --state succeeded --task ping
      pgq prune --older-than 30d --schedules
    """
    given = {name: value for name, value in filters.items() if value}
    of_schedules = schedules or schedule is not None
    if given and of_schedules:
        raise WrongCall("ticks have neither state, task nor queue", "leave --schedules out")
    if given and older_than is None:
        raise WrongCall("--state, --task and --queue need --older-than", "say --older-than 0s")
    if dry_run:
        if of_schedules:
            raise WrongCall("--dry-run counts finished jobs, no ticks", "leave --schedules out")
        with open_client(dsn, schema) as client:
            if older_than is None or not given:
                _tell_preview(client.prune_preview(older_than), as_json)
                return
            found = client.estimate_jobs(
                queue=given.get("queue"),
                task=given.get("task"),
                states=given.get("states", FINISHED),
                finished_before=datetime.now(UTC) - older_than,
            )
            _tell_estimate(found, as_json)
        return
    if not yes:
        age = (
            "as old as the workers go by"
            if older_than is None
            else f"older than {span(older_than)}"
        )
        what = "what became of ticks" if of_schedules else "finished jobs"
        confirm(f"Delete {what}, {age}, for good?")
    with open_client(dsn, schema) as client:
        if of_schedules:
            with progress("deleting ticks") as advance:
                count = batch = client.prune_schedule_history(schedule, older_than, _MANY)
                while batch == _MANY:
                    advance(batch)
                    batch = client.prune_schedule_history(schedule, older_than, _MANY)
                    count += batch
            _tell({"runs": count}, _counted(count, "tick", "deleted"), as_json)
        elif older_than is not None and given:
            count = _discard(client, older_than, **filters)
            _tell({"jobs": count}, _counted(count, "job", "deleted"), as_json)
        else:
            with progress("dropping days of history"):
                count = client.prune(older_than)
            _tell({"days": count}, _counted(count, "day", "of history dropped"), as_json)


def _tell_preview(found: list[Prunable], as_json: bool) -> None:
    if as_json:
        write_json([record(each) for each in found])
        return
    table = [
        (
            f"{each.day.astimezone(UTC):%Y-%m-%d}",
            each.queue,
            each.state,
            f"{'' if each.exact else 'about '}{each.jobs}",
            "the whole day" if each.whole_day else "these jobs",
        )
        for each in found
    ]
    write_table(("day", "queue", "state", "jobs", "what goes"), table, "nothing would go")


def _discard(
    client: Client,
    older_than: timedelta,
    states: tuple[State, ...],
    task: str | None,
    queue: str | None,
) -> int:
    """Delete jobs in batches; those that somebody retries meanwhile are passed over."""
    wanted = states or FINISHED
    before = datetime.now(UTC) - older_than
    deleted = last = 0
    total = _expected(client, queue=queue, task=task, states=wanted, finished_before=before)
    with progress("deleting jobs", total) as advance:
        while ids := client.find_jobs(
            queue=queue,
            task=task,
            states=wanted,
            max_jobs=_BATCH,
            after_id=last,
            finished_before=before,
        ):
            outcomes = client.discard(ids, wanted)
            deleted += sum(each.outcome == "discarded" for each in outcomes)
            last = ids[-1]
            advance(len(ids))
    return deleted


def _expected(client: Client, **filters: Any) -> int | None:
    """Return about how many jobs there are, for a bar that somebody sees; None: not known."""
    return client.estimate_jobs(**filters).jobs if has_bar() else None


def _tell_estimate(found: Estimate, as_json: bool) -> None:
    """Write how many jobs would be deleted."""
    if as_json:
        write_json({"would": "delete", "jobs": found.jobs, "exact": found.exact})
    else:
        click.echo(f"would delete {how_many(found.jobs, found.exact)}")


def _counted(count: int, what: str, done: str) -> str:
    return f"{count} {what}{'s' * (count != 1)} {done}"


def _tell(answer: dict[str, object], sentence: str, as_json: bool) -> None:
    if as_json:
        write_json(answer)
    else:
        click.echo(sentence)
