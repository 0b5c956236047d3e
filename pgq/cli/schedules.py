"""Commands about recurring jobs: `pgq schedule add`, `list`, `show` and the others."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import click

from pgq.cli.app import Subgroup, cli
from pgq.cli.database import open_client
from pgq.cli.failures import Refusal
from pgq.cli.job_options import job_options
from pgq.cli.options import database_options, json_option, json_text, time
from pgq.cli.output import record, span, write_details, write_json, write_table
from pgq.schedules import OPTIONS, NewSchedule

if TYPE_CHECKING:
    from pgq.client.clients import Client
    from pgq.rows import ScheduleStatus

_NEXT_RUNS = 5
_LAST_FIRES = 10

_NAME = click.argument("name")


@cli.group(cls=Subgroup, short_help="Enqueue jobs again and again, by the clock.")
def schedule() -> None:
    """Enqueue jobs again and again: at the ticks of a cron expression, or once in each interval.

    Any worker fires due schedules; there is nothing else to start. With --json each of these
    commands writes JSON.

    \b
      pgq schedule add nightly report --cron '30 2 * * mon-fri' --timezone Europe/Berlin
      pgq schedule add heartbeat ping --every 30s
      pgq schedule list
    """


@schedule.command()
@_NAME
@click.argument("task")
@click.option("--args", type=json_text, metavar="JSON", help="The jobs' arguments, - for stdin.")
@job_options(OPTIONS)
@database_options
@json_option
def add(name: str, task: str, dsn: str | None, schema: str, as_json: bool, **options: Any) -> None:
    """Add a schedule called NAME, or change it.

    It enqueues a job of TASK at every tick of --cron, or once in each interval of --every.

    \b
      pgq schedule add nightly report --cron '30 2 * * *' --args '{"kind": "full"}'
      pgq schedule add poll fetch --every 90s --overlap skip
    """
    NewSchedule(name, task, **options)  # refuses a wrong timing before a server is needed
    with open_client(dsn, schema) as client:
        next_run_at = client.schedule(name, task, **options)
    if as_json:
        write_json({"name": name, "next_run_at": next_run_at})
    else:
        click.echo(f"{name} runs next at {_moment(next_run_at, options['timezone'])}")


@schedule.command(name="list")
@database_options
@json_option
def list_(dsn: str | None, schema: str, as_json: bool) -> None:
    """List all schedules, their next runs, and what their last ticks did.

    \b
      pgq schedule list
      pgq schedule list --json | jq '.[] | select(.late > 60)'
    """
    with open_client(dsn, schema) as client:
        found = client.schedule_status()
    if as_json:
        write_json([record(each) for each in found])
        return
    now = datetime.now(UTC)
    write_table(
        ("name", "timing", "timezone", "task", "queue", "next", "last", "source"),
        [
            (
                each.name,
                each.timing,
                each.timezone,
                each.task,
                each.queue,
                _next(each, now),
                _last(each, now),
                each.source,
            )
            for each in found
        ],
        "no schedules",
    )


@schedule.command()
@_NAME
@database_options
@json_option
def show(name: str, dsn: str | None, schema: str, as_json: bool) -> None:
    """Show one schedule, its next runs and its last ticks.

    Exit code 1 if there is no such schedule.

    \b
      pgq schedule show nightly
    """
    with open_client(dsn, schema) as client:
        found = _find(client, name)
        runs = _next_runs(client, found)
        fires = [record(fire) for fire in client.schedule_history(name, _LAST_FIRES)]
    if as_json:
        write_json({**record(found), "next_runs": runs, "fires": fires})
        return
    shown = {**record(found), "every": None}
    write_details({key: value for key, value in shown.items() if value is not None})
    click.echo()
    write_table(
        ("next runs", "in"),
        [(_moment(at, found.timezone), span(at - datetime.now(UTC))) for at in runs],
        "no next run" + (": it is paused" if found.paused else ""),
    )
    click.echo()
    columns = ("run_at", "outcome", "job_id", "job_state", "delay", "message")
    write_table(columns, [[fire[column] for column in columns] for fire in fires], "no fires yet")


@schedule.command()
@_NAME
@database_options
@json_option
def pause(name: str, dsn: str | None, schema: str, as_json: bool) -> None:
    """Stop a schedule until it is resumed. Exit code 1 if it was already paused.

    \b
      pgq schedule pause nightly
    """
    with open_client(dsn, schema) as client:
        changed = client.pause_schedule(name)
    _tell({"name": name, "was_paused": not changed}, changed, as_json, "is paused", "was paused")


@schedule.command()
@_NAME
@database_options
@json_option
def resume(name: str, dsn: str | None, schema: str, as_json: bool) -> None:
    """Let a paused schedule go on. Exit code 1 if it was not paused.

    Ticks that passed meanwhile do not fire.

    \b
      pgq schedule resume nightly
    """
    with open_client(dsn, schema) as client:
        changed = client.resume_schedule(name)
    _tell({"name": name, "was_paused": changed}, changed, as_json, "goes on", "was not paused")


@schedule.command()
@_NAME
@database_options
@json_option
def run(name: str, dsn: str | None, schema: str, as_json: bool) -> None:
    """Enqueue a schedule's job now, and print its id, even if the schedule is paused.

    \b
      pgq job "$(pgq schedule run nightly)"
    """
    with open_client(dsn, schema) as client:
        job_id = client.run_schedule_now(name)
    if as_json:
        write_json({"id": job_id})
    else:
        click.echo(job_id)


@schedule.command()
@_NAME
@database_options
@json_option
def remove(name: str, dsn: str | None, schema: str, as_json: bool) -> None:
    """Delete a schedule; jobs that it enqueued stay. Exit code 1 if there is no such schedule.

    If code or a file declares it, remove it there.

    \b
      pgq schedule remove nightly
    """
    with open_client(dsn, schema) as client:
        removed = client.unschedule(name)
    _tell({"name": name, "removed": removed}, removed, as_json, "is removed", "is no schedule")


@schedule.command(name="next")
@click.argument("expression", metavar="EXPR")
@click.option(
    "-n",
    "times",
    type=click.IntRange(1, 1000),
    default=_NEXT_RUNS,
    show_default=True,
    help="How many times.",
)
@click.option("--timezone", metavar="ZONE", help="The zone of EXPR.  [default: UTC]")
@click.option("--after", type=time, metavar="TIME", help="Show times after this.  [default: now]")
@database_options
@json_option
def next_(
    expression: str,
    times: int,
    timezone: str | None,
    after: datetime | None,
    dsn: str | None,
    schema: str,
    as_json: bool,
) -> None:
    """Show when a cron expression is due next, in its own zone.

    Exit code 1 if it never is.

    \b
      pgq schedule next '30 2 * * mon-fri' -n 3 --timezone Europe/Berlin
    """
    with open_client(dsn, schema) as client:
        found = client.cron_preview(expression, times, after, timezone)
    if as_json:
        write_json(found)
    else:
        click.echo("\n".join(_moment(at, timezone) for at in found) or "never")
    if not found:
        click.get_current_context().exit(Refusal.exit_code)


@schedule.command()
@click.argument("file", type=click.Path(path_type=Path))
@database_options
@json_option
def sync(file: Path, dsn: str | None, schema: str, as_json: bool) -> None:
    """Make the schedules of a TOML file, and remove those that it no longer has.

    FILE has a table [schedules.NAME] for each, whose keys are the arguments of the SQL function
    schedule(). Its schedules belong to the file: you can change and remove them only there. A
    worker does the same at its start: `pgq worker --schedules FILE`.

    \b
      pgq schedule sync schedules.toml
    """
    from pgq.schedule_files import read_schedules

    source, schedules = read_schedules(file)
    with open_client(dsn, schema) as client:
        changes = client.sync_schedules(source, schedules)
    if as_json:
        write_json([record(change) for change in changes])
    else:
        write_table(("name", "change"), changes, f"no schedules in {file}")


def _tell(answer: Mapping[str, Any], done: bool, as_json: bool, yes: str, no: str) -> None:
    """Say what became of a schedule; exit code 1 where nothing did."""
    if as_json:
        write_json(answer)
    else:
        click.echo(f"{answer['name']} {yes if done else no}")
    if not done:
        click.get_current_context().exit(Refusal.exit_code)


def _find(client: Client, name: str) -> ScheduleStatus:
    found = client.schedule_status(name)
    if not found:
        raise Refusal(f"there is no schedule {name}", "`pgq schedule list` names them")
    return found[0]


def _next_runs(client: Client, found: ScheduleStatus) -> list[datetime]:
    first = found.next_run_at
    if first is None or found.paused:
        return []
    if found.every is not None:
        return [first + n * found.every for n in range(_NEXT_RUNS)]
    later = client.cron_preview(found.timing, _NEXT_RUNS - 1, first, found.timezone)
    return [first, *later]


def _next(found: ScheduleStatus, now: datetime) -> str:
    """Say how long it is until the next run, or why there is none."""
    if found.problem is not None:
        return f"stopped: {found.problem}"
    if found.paused:
        return "paused"
    if found.next_run_at is None:
        return "never"
    due = found.next_run_at - now
    return f"in {span(due)}" if due > timedelta(0) else f"due for {span(-due)}"


def _last(found: ScheduleStatus, now: datetime) -> str:
    if found.last_run_at is None:
        return ""
    return f"{found.last_outcome or 'fired'} {span(now - found.last_run_at)} ago"


def _moment(at: datetime, timezone: str | None) -> str:
    """Return a time as people read it, in a schedule's zone."""
    local = at.astimezone(_zone(timezone))
    return f"{local:%a} {local:%Y-%m-%d %H:%M:%S} {local.tzname()}"


def _zone(name: str | None) -> tzinfo:
    """Return a zone; UTC where Python does not know what Postgres does."""
    try:
        return ZoneInfo(name or "UTC")
    except (KeyError, OSError, ValueError):
        return UTC
