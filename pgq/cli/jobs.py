"""Commands about single jobs: enqueue, jobs, job, cancel, retry, discard."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import click

from pgq.cli import bulk
from pgq.cli.app import cli
from pgq.cli.bulk import STATES, Change, apply, chosen, filters, of_filters
from pgq.cli.database import open_client
from pgq.cli.failures import GONE, Refusal, WrongCall
from pgq.cli.fleet import Target, ask_each, front_of, in_front, no_answers, targets, tell_failures
from pgq.cli.following import follow_job
from pgq.cli.job_options import job_options
from pgq.cli.options import (
    database_options,
    duration,
    fleet_options,
    json_option,
    json_text,
    page_of,
    time,
)
from pgq.cli.output import record, span, write_details, write_json, write_table
from pgq.options import OPTIONS

if TYPE_CHECKING:
    from pgq.client.clients import Client
    from pgq.rows import Job, JobPage, ListedJob

_CANCELLED = {"cancelled", "requested"}


@cli.command()
@click.argument("task")
@click.argument("args", metavar="[ARGS-JSON]", type=json_text, default="{}")
@job_options(OPTIONS)
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


@cli.command(short_help="List jobs, the newest first.")
@click.option(
    "--state", "states", type=click.Choice(STATES), multiple=True, help="Of this state; repeat."
)
@filters
@click.option("--oldest", is_flag=True, help="The oldest first.")
@click.option("--before", type=int, metavar="ID", help="Only those with a lower id.")
@click.option("--after", type=int, metavar="ID", help="Only those with a higher id.")
@click.option(
    "--limit", type=click.IntRange(1, 1000), default=20, show_default=True, help="At most so many."
)
@click.option(
    "--look-at",
    type=click.IntRange(1, 1_000_000),
    metavar="N",
    help="Look at so many jobs for those that fit.  [default: 10000]",
)
@fleet_options
@json_option
def jobs(
    states: Sequence[Any],
    oldest: bool,
    before: int | None,
    after: int | None,
    limit: int,
    look_at: int | None,
    dsn: str | None,
    schema: str | None,
    as_json: bool,
    **given: Any,
) -> None:
    """List jobs of every state, the newest first.

    It looks at a bounded number of jobs, so it is fast however many there are. The last line says
    how far it looked, and how to go on; in JSON that is "looked_to", null where that was all. With
    several databases each row begins with its own, and "looked_to" is an object.

    \b
      pgq jobs --state failed --queue mail
      pgq jobs --task send --older-than 1h --header tenant=acme
      pgq jobs --state failed --before 9812044
    """
    where, wanted = targets(dsn, schema), of_filters(given)
    if len(where) > 1 and (before is not None or after is not None):
        raise WrongCall("an id is of one database", "name that one to go on in its list")
    answers, failures = ask_each(
        where,
        lambda client: client.list_jobs(
            **wanted,
            states=states or None,
            before_id=before,
            after_id=after,
            newest_first=not oldest,
            page_size=limit,
            max_looked_at=look_at,
            details=as_json,
        ),
    )
    listed = _in_order([(at, job) for at, page in answers for job in page.jobs], oldest, limit)
    if as_json:
        looked = {at.name: page.looked_to for at, page in answers}
        rows = [in_front(at, record(job)) for at, job in listed]
        said = {"jobs": rows, "looked_to": looked if front_of(where) else looked[None]}
        write_json({**said, **no_answers(where, failures)})
    else:
        _tell_jobs(where, listed)
        for at, page in answers:
            if page.looked_to is not None:
                of_it = "" if at.name is None else f"{at.name}: "
                click.echo(f"{of_it}{_how_far(page, limit, oldest)}", err=True)
    tell_failures(failures)


def _in_order(
    found: list[tuple[Target, ListedJob]], oldest: bool, limit: int
) -> list[tuple[Target, ListedJob]]:
    """Put what several databases listed in one order, that of their times."""
    if len({at for at, _ in found}) > 1:
        found.sort(key=lambda each: each[1].created_at, reverse=not oldest)
    return found[:limit]


def _tell_jobs(where: Sequence[Target], listed: Sequence[tuple[Target, ListedJob]]) -> None:
    now = datetime.now(UTC)
    failed = any(job.error_type for _, job in listed)
    write_table(
        (
            *(*front_of(where), "id", "state", "queue", "task", "attempt", "when"),
            *["error"] * failed,
        ),
        [
            (
                *[at.name for _ in front_of(where)],
                *(job.id, job.state, job.queue, job.task, f"{job.attempt}/{job.max_attempts}"),
                *(_when(job, now), *[job.error_type] * failed),
            )
            for at, job in listed
        ],
        "no such jobs",
    )


@cli.command(short_help="Show everything about one job.")
@click.argument("job_id", metavar="ID", type=int)
@click.option("--follow", is_flag=True, help="Wait until it has ended, and show how it goes.")
@database_options
@json_option
def job(job_id: int, follow: bool, dsn: str | None, schema: str, as_json: bool) -> None:
    """Show one job: arguments, result, errors, times, and its links to other jobs.

    "waits" says why it does not run now. "page" is where the dashboard shows it, if PGQ_WEB_URL or
    the configuration says where that is. "children" are the jobs that still wait for it, at most
    twenty. "key_owner" is the job that has its unique key. "exhausted_from" is the failed job for
    which it was made, and "redriven_from" the one of which it is a copy. Exit code 1 if there is no
    such job, and with --follow if it does not succeed. Ctrl-C then ends the command, not the job.

    \b
      pgq job 17 --follow && echo done
      pgq job 17 --json | jq .result
    """
    with open_client(dsn, schema) as client:
        ended = follow_job(client, job_id) if follow else "succeeded"
        found = client.job(job_id)
        ties = _ties(client, job_id)
    if found is None:
        raise Refusal(f"there is no job {job_id}", GONE)
    ties["page"] = page_of(f"jobs/{job_id}")
    if as_json:
        write_json({**record(found), **ties})
    else:
        _tell_job(found, ties)
    if ended != "succeeded":
        click.get_current_context().exit(Refusal.exit_code)


def _tell_job(found: Job, ties: dict[str, Any]) -> None:
    if ties["parents"]:
        ties["parents"] = ", ".join(f"{each['id']} ({each['state']})" for each in ties["parents"])
    ties["waits"] = "\n".join(ties["waits"])
    if ties["children"]:
        ties["children"] = ", ".join(map(str, ties["children"]))
    said = {**record(found), **{name: value or None for name, value in ties.items()}}
    shown = {name: value for name, value in said.items() if value is not None}
    for error in shown.pop("errors", ()):
        shown[f"attempt {error.get('attempt')} failed"] = _error_text(error)
    write_details(shown)


@cli.command(short_help="Cancel jobs, waiting or running.")
@chosen
@database_options
@json_option
def cancel(dsn: str | None, schema: str, **given: Any) -> None:
    """Cancel jobs: waiting ones at once, running ones by asking their worker ("requested").

    By ids, or by filters: then live jobs of every state, unless one is given, in a bulk operation
    that asks first. Exit code 1 unless every job is cancelled or its worker asked.

    \b
      pgq cancel 17 18
      pgq cancel --queue mail --task newsletter --older-than 2h --yes
    """
    change = Change("cancel", lambda client, ids: client.cancel(ids), _CANCELLED)
    apply(change, given, dsn, schema)


@cli.command(short_help="Run failed or cancelled jobs again, or waiting ones now.")
@chosen
@click.option("--at", type=time, metavar="TIME", help="Not before this time.  [default: now]")
@click.option(
    "--over", type=duration, metavar="DURATION", help="With filters: spread them over this long."
)
@database_options
@json_option
def retry(
    at: datetime | None, over: timedelta | None, dsn: str | None, schema: str, **given: Any
) -> None:
    """Run jobs again that failed, were cancelled or expired; run waiting ones now.

    By ids, or by filters: then failed jobs, unless a state is given, in a bulk operation that asks
    first. Exit code 1 unless every job is retried.

    \b
      pgq retry 17 18
      pgq retry --all --state failed --over 10m
      pgq retry --queue mail --header tenant=acme --yes
      pgq jobs --state failed --json | jq '.jobs[].id' | xargs pgq retry
    """
    change = Change(
        "retry", lambda client, ids: client.retry(ids, at), {"retried"}, {"at": at, "spread": over}
    )
    if over is not None and given["ids"]:
        raise WrongCall("--over is for jobs by filters", "say --at, or leave it out")
    apply(change, given, dsn, schema)


@cli.command()
@chosen
@database_options
@json_option
def discard(dsn: str | None, schema: str, **given: Any) -> None:
    """Delete jobs for good, waiting or finished. It leaves running jobs alone: cancel them.

    By ids, or by filters with a state, in a bulk operation. Asks first; without a terminal to ask
    on it needs --yes. Exit code 1 unless every job is discarded.

    \b
      pgq discard 17 18 --yes
      pgq discard --state failed --state expired --older-than 7d --yes
    """
    ids = given["ids"]
    if ids and not given["yes"] and not given["dry_run"]:
        confirm(f"Delete {len(ids)} job{'s' * (len(ids) > 1)} for good?")
    apply(
        Change("discard", lambda client, ids: client.discard(ids), {"discarded"}, by_state=True),
        given,
        dsn,
        schema,
    )


def _ties(client: Client, job_id: int) -> dict[str, Any]:
    """Return what ties a job to other jobs, under the names to show it by."""
    links = client.job_links(job_id)
    parents = client.parent_results(job_id) if links and links.parents else []
    return {
        "parents": [{"id": each.parent_id, "state": each.state or "gone"} for each in parents],
        "children": links.children if links else [],
        "concurrency_weight": links and links.concurrency_weight,
        "holds_slots": bool(links and links.holds_slots),
        "worker": links and links.worker,
        "schedule": links and links.schedule,
        "exhausted_from": links and links.exhausted_from,
        "redriven_from": links and links.redriven_from,
        "key_owner": links and links.key_owner,
        "waits": [each.explanation for each in client.why_waiting(job_id)],
    }


def confirm(question: str) -> None:
    """Ask before something is deleted; Refusal for a no, WrongCall where nobody can answer."""
    bulk.confirm(question, "nothing was deleted")


def _how_far(page: JobPage, limit: int, oldest: bool) -> str:
    """Say how far a list came, and how to go on."""
    way = f"{'--after' if oldest else '--before'} {page.looked_to}"
    if len(page.jobs) == limit:
        return f"there may be more: {way}"
    return f"looked {'up' if oldest else 'down'} to id {page.looked_to}; to look further: {way}"


def _when(job: ListedJob, now: datetime) -> str:
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
    """Return a failure's class and message, where and when, and its traceback below."""
    lines = str(error.get("traceback") or "").rstrip().splitlines()
    said = [f"{error.get('type')}: {error.get('message')}", _run_text(error), *lines]
    return "\n".join(line for line in said if line is not None)


def _run_text(error: Mapping[str, Any]) -> str | None:
    """Return how long the attempt waited and ran, and whose it was; None where it is not known."""
    if not error.get("started_at"):
        return None
    ready, started, failed = (
        datetime.fromisoformat(error[name]) for name in ("ready_at", "started_at", "failed_at")
    )
    where = f" on {error['worker']}" if error.get("worker") else ""
    return f"waited {span(started - ready)}, ran {span(failed - started)}{where}"
