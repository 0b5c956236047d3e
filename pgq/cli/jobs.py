"""Commands about single jobs: enqueue, jobs, job, cancel, retry, discard."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import click

from pgq.cli.app import cli
from pgq.cli.database import open_client
from pgq.cli.failures import Refusal, WrongCall
from pgq.cli.options import asks, database_options, duration, json_option, json_text, time
from pgq.cli.output import record, span, write_details, write_json, write_table

if TYPE_CHECKING:
    from pgq.client import Client
    from pgq.job import Job

STATES = ("scheduled", "blocked", "ready", "running", "succeeded", "failed", "cancelled", "expired")

_ID = click.argument("ids", metavar="ID...", type=int, nargs=-1, required=True)


@cli.command()
@click.argument("task")
@click.argument("args", metavar="[ARGS-JSON]", type=json_text, default="{}")
@click.option("-q", "--queue", help="The queue.  [default: default]")
@click.option("--priority", type=int, help="Lower runs first.  [default: 0]")
@click.option("--run-at", type=time, metavar="TIME", help="Not before this time (ISO 8601).")
@click.option("--delay", type=duration, metavar="DURATION", help="Not before this has passed.")
@click.option("--max-attempts", type=int, help="How often it may be tried.")
@click.option(
    "--backoff",
    help="The wait before a retry: 30s, constant, linear, exponential, a JSON list of waits or a "
    "JSON object with kind, base, cap and jitter.",
)
@click.option("--timeout", type=duration, metavar="DURATION", help="How long an attempt may run.")
@click.option(
    "--expires-in", type=duration, metavar="DURATION", help="Not started by then, it expires."
)
@click.option("--unique-key", metavar="KEY", help="No two live jobs share it.")
@click.option(
    "--on-conflict",
    type=click.Choice(["return", "raise", "replace", "bump", "discard"]),
    help="What to do where a live job has the unique key.  [default: return]",
)
@click.option(
    "--unique-while",
    type=click.Choice(["live", "queued"]),
    help="Until when it has the unique key: its end, or its start.  [default: live]",
)
@click.option(
    "--unique-for",
    type=duration,
    metavar="DURATION",
    help="Keep the unique key for so long, even past the job's end.",
)
@click.option("--headers", type=json_text, metavar="JSON", help="Metadata, a JSON object.")
@click.option("--concurrency-key", metavar="KEY", help="The semaphore that it needs.")
@click.option("--concurrency-limit", type=int, help="How many slots that has.  [default: 1]")
@click.option("--concurrency-weight", type=int, help="How many it takes.  [default: 1]")
@click.option(
    "--concurrency-duration",
    type=duration,
    metavar="DURATION",
    help="It gives its slots back after this, even if it has not ended.",
)
@click.option(
    "--concurrency-on-conflict",
    type=click.Choice(["block", "discard"]),
    help="Wait for a slot, or be dropped.  [default: block]",
)
@click.option(
    "--depends-on", type=int, multiple=True, metavar="ID", help="Not before this job ended; repeat."
)
@click.option(
    "--on-parent-failure",
    type=click.Choice(["cancel", "run", "wait"]),
    help="What to do where one of those does not succeed.  [default: cancel]",
)
@click.option("--partition-key", metavar="KEY", help="The tenant, for queues that are fair.")
@click.option("--batch-id", type=int, metavar="ID", help="The batch that it counts for.")
@database_options
@json_option
def enqueue(
    task: str, args: Any, dsn: str | None, schema: str, as_json: bool, **options: Any
) -> None:
    """Add a job and print its id.

    ARGS-JSON is an object of keyword arguments, an array of positional ones, or - to read either
    from standard input.

    \b
      pgq enqueue send '{"user_id": 1}' --queue mail --delay 5m
      pgq enqueue report '[2030, 1]' --unique-key report-2030-1
    """
    options["depends_on"] = options["depends_on"] or None
    with open_client(dsn, schema) as client:
        job_id: int | None = client.enqueue(task, args, **options)
    if as_json:
        write_json({"id": job_id})
    else:
        click.echo("nothing was enqueued: the unique key is taken" if job_id is None else job_id)


@cli.command()
@click.option("--state", type=click.Choice(STATES), help="Only those in this state.")
@click.option("-q", "--queue", help="Only those of this queue.")
@click.option("--task", help="Only those of this task.")
@click.option(
    "--limit", type=click.IntRange(1), default=20, show_default=True, help="At most so many."
)
@database_options
@json_option
def jobs(dsn: str | None, schema: str, as_json: bool, **filters: Any) -> None:
    """List jobs of every state, the newest first.

    \b
      pgq jobs --state failed --queue mail
    """
    with open_client(dsn, schema) as client:
        found = client.jobs(**filters)
    if as_json:
        write_json([record(job) for job in found])
        return
    now = datetime.now(UTC)
    write_table(
        ("id", "state", "queue", "task", "attempt", "when"),
        [
            (job.id, job.state, job.queue, job.task, f"{job.attempt}/{job.max_attempts}", when)
            for job, when in ((job, _when(job, now)) for job in found)
        ],
        "no such jobs",
    )


@cli.command(short_help="Show all of one job.")
@click.argument("job_id", metavar="ID", type=int)
@database_options
@json_option
def job(job_id: int, dsn: str | None, schema: str, as_json: bool) -> None:
    """Show all of one job: arguments, result, errors, times, and what ties it to other jobs.

    "children" are those that still wait for it, at most twenty. Exit code 1 where there is no such
    job.

    \b
      pgq job 17 --json | jq .result
    """
    with open_client(dsn, schema) as client:
        found = client.job(job_id)
        ties = _ties(client, job_id)
    if found is None:
        raise Refusal(f"there is no job {job_id}", "it may have been discarded or pruned")
    if as_json:
        write_json({**record(found), **ties})
        return
    if ties["parents"]:
        ties["parents"] = ", ".join(f"{each['id']} ({each['state']})" for each in ties["parents"])
    if ties["children"]:
        ties["children"] = ", ".join(map(str, ties["children"]))
    said = {**record(found), **{name: value or None for name, value in ties.items()}}
    shown = {name: value for name, value in said.items() if value is not None}
    for error in shown.pop("errors", ()):
        shown[f"attempt {error.get('attempt')} failed"] = _error_text(error)
    write_details(shown)


@cli.command(short_help="Cancel jobs, waiting or running.")
@_ID
@database_options
@json_option
def cancel(ids: tuple[int, ...], dsn: str | None, schema: str, as_json: bool) -> None:
    """Cancel jobs: waiting ones at once, running ones by asking their worker ("requested").

    Exit code 1 unless every job is cancelled or its worker asked.

    \b
      pgq cancel 17 18
    """
    with open_client(dsn, schema) as client:
        outcomes = client.cancel(list(ids))
    _tell_outcomes(outcomes, {"cancelled", "requested"}, as_json)


@cli.command(short_help="Run failed or cancelled jobs again, or waiting ones now.")
@_ID
@click.option("--at", type=time, metavar="TIME", help="Not before this time.  [default: now]")
@database_options
@json_option
def retry(
    ids: tuple[int, ...], at: datetime | None, dsn: str | None, schema: str, as_json: bool
) -> None:
    """Run jobs again that failed, were cancelled or expired; run waiting ones now.

    Exit code 1 unless every job is retried.

    \b
      pgq retry 17 18
      pgq jobs --state failed --json | jq '.[].id' | xargs pgq retry
    """
    with open_client(dsn, schema) as client:
        outcomes = client.retry(list(ids), at)
    _tell_outcomes(outcomes, {"retried"}, as_json)


@cli.command()
@_ID
@click.option("--yes", is_flag=True, help="Do not ask.")
@database_options
@json_option
def discard(ids: tuple[int, ...], yes: bool, dsn: str | None, schema: str, as_json: bool) -> None:
    """Delete jobs for good, waiting or finished. Running ones are left alone: cancel them.

    Asks first; without a terminal to ask on it needs --yes. Exit code 1 unless every job is
    discarded.

    \b
      pgq discard 17 18 --yes
    """
    if not yes:
        _confirm(f"Delete {len(ids)} job{'s' * (len(ids) > 1)} for good?")
    with open_client(dsn, schema) as client:
        outcomes = client.discard(list(ids))
    _tell_outcomes(outcomes, {"discarded"}, as_json)


def _ties(client: Client, job_id: int) -> dict[str, Any]:
    """Return what ties a job to other jobs, under the names to show it by."""
    links = client.job_links(job_id)
    parents = client.parent_results(job_id) if links and links.parents else []
    return {
        "parents": [{"id": each.parent_id, "state": each.state or "gone"} for each in parents],
        "children": links.children if links else [],
        "concurrency_key": links and links.concurrency_key,
        "concurrency_weight": links and links.concurrency_weight,
        "holds_slots": bool(links and links.holds_slots),
        "partition_key": links and links.partition_key,
    }


def _confirm(question: str) -> None:
    if not asks():
        raise WrongCall("there is no terminal to ask on", "say --yes")
    if not click.confirm(question, err=True):
        raise Refusal("nothing was deleted")


def _tell_outcomes(outcomes: Iterable[Any], good: set[str], as_json: bool) -> None:
    found = [(outcome.job_id, outcome.outcome) for outcome in outcomes]
    if as_json:
        write_json([{"id": job_id, "outcome": outcome} for job_id, outcome in found])
    else:
        write_table(("id", "outcome"), found, "no jobs")
    if not good.issuperset(outcome for _, outcome in found):
        click.get_current_context().exit(Refusal.exit_code)


def _when(job: Job, now: datetime) -> str:
    """Say since when, or until when, a job is in its state."""
    match job.state:
        case "scheduled":
            due = job.run_at - now
            return f"in {span(due)}" if due > timedelta(0) else "due"
        case "ready" if job.ready_at:
            return f"waiting {span(now - job.ready_at)}"
        case "blocked":
            return f"blocked {span(now - job.created_at)}"
        case "running" if job.claimed_at:
            return f"running {span(now - job.claimed_at)}"
        case _:
            return f"{span(now - job.finished_at)} ago" if job.finished_at else ""


def _error_text(error: Mapping[str, Any]) -> str:
    """Return a failure's class and message, and its traceback below."""
    lines = str(error.get("traceback") or "").rstrip().splitlines()
    return "\n".join((f"{error.get('type')}: {error.get('message')}", *lines))
