"""Jobs chosen by ids or by filters, for the commands that list jobs or change them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeVar

import click

from pgq.cli.app import cli
from pgq.cli.database import open_client
from pgq.cli.failures import Refusal, WrongCall
from pgq.cli.operations import follow, how_many, tell_samples, tell_started
from pgq.cli.options import asks, database_options, duration, json_option, json_text, moment
from pgq.cli.output import write_json, write_table

if TYPE_CHECKING:
    from pgq.client.clients import Client
    from pgq.rows import BulkAction, BulkOperation

Command = TypeVar("Command", bound=Callable[..., Any])

STATES: Final = (
    *("scheduled", "blocked", "ready", "running"),
    *("succeeded", "failed", "cancelled", "expired"),
)


def chosen(command: Command) -> Command:
    """Give a command ids and, in their place, filters; `apply` reads them."""
    options = (
        click.argument("ids", metavar="[ID...]", type=int, nargs=-1),
        click.option("--all", "everything", is_flag=True, help="Instead of ids: all that fit."),
        click.option(
            "--state",
            "states",
            type=click.Choice(STATES),
            multiple=True,
            help="Instead of ids: all in this state; repeat.",
        ),
        filters,
        click.option(
            "--in",
            "starts_in",
            type=duration,
            metavar="DURATION",
            help="Start after this; until then it can be undone.  [default: 10s; with --yes: 0s]",
        ),
        click.option(
            "--background", is_flag=True, help="Do not wait: workers do it; print its id."
        ),
        click.option("--yes", is_flag=True, help="Do not ask."),
        click.option(
            "--dry-run", is_flag=True, help="With filters: only say how many jobs, and which first."
        ),
    )
    for option in reversed(options):
        command = option(command)
    return command


def filters(command: Command) -> Command:
    """Give a command what jobs are filtered by, besides their state."""
    for option in reversed(_FILTERS):
        command = option(command)
    return command


def _header(text: str) -> tuple[str, str]:
    """Read `name=value`; else a usage error."""
    name, is_pair, value = text.partition("=")
    if not name or not is_pair:
        raise click.BadParameter(f"{text!r} is no header: write name=value")
    return name, value


def _contained(text: str) -> Any:
    """Read JSON that arguments can contain; null would be no filter at all."""
    found = json_text(text)
    if found is None:
        raise click.BadParameter("null is not contained in anything")
    return found


_FILTERS: Final = (
    click.option("-q", "--queue", help="Only those of this queue."),
    click.option("--task", help="Only those of this task."),
    click.option("--key", metavar="KEY", help="Only the one with this unique key."),
    click.option("--concurrency-key", metavar="KEY", help="Only those of this semaphore."),
    click.option("--partition-key", metavar="KEY", help="Only those with this partition key."),
    click.option("--batch", type=int, metavar="ID", help="Only those of this batch."),
    click.option("--error", metavar="TYPE", help="Only those whose last error has this type."),
    click.option("--fingerprint", help="Only those whose last error has this one."),
    click.option(
        "--older-than", type=moment, metavar="WHEN", help="Only those enqueued before that."
    ),
    click.option(
        "--ended-before", type=moment, metavar="WHEN", help="Only those that ended before."
    ),
    click.option(
        "--header",
        "headers",
        type=_header,
        multiple=True,
        metavar="NAME=VALUE",
        help="Only those with this text in their headers; repeat.",
    ),
    click.option("--worker", type=int, metavar="ID", help="Only those that it ran last."),
    click.option(
        "--newer-than", type=moment, metavar="WHEN", help="Only those enqueued since then."
    ),
    click.option(
        "--ended-within", type=moment, metavar="WHEN", help="Only those that ended since."
    ),
    click.option(
        "--args",
        "contained",
        type=_contained,
        metavar="JSON",
        help="Only those whose arguments contain this.",
    ),
)
# By what list_jobs and bulk_start call them.
_NAMES: Final = {
    "queue": "queue",
    "task": "task",
    "unique_key": "key",
    "concurrency_key": "concurrency_key",
    "partition_key": "partition_key",
    "batch_id": "batch",
    "worker_id": "worker",
    "error_type": "error",
    "fingerprint": "fingerprint",
    "args": "contained",
}
_TIMES: Final = {
    "created_before": "older_than",
    "created_after": "newer_than",
    "finished_before": "ended_before",
    "finished_after": "ended_within",
}


def of_filters(given: dict[str, Any]) -> dict[str, Any]:
    """Take the filters out of a command's options, and return those that were given by meaning."""
    headers: Sequence[tuple[str, str]] = given.pop("headers")
    found = {meaning: given.pop(name, None) for meaning, name in _NAMES.items()}
    found["headers"] = dict(headers) or None
    now = datetime.now(UTC)
    for meaning, name in _TIMES.items():
        when: timedelta | datetime | None = given.pop(name, None)
        found[meaning] = now - when if isinstance(when, timedelta) else when
    return {meaning: value for meaning, value in found.items() if value is not None}


class Change(NamedTuple):
    """What a command does to jobs: `act` to those of some ids, the bulk operation to all others."""

    action: BulkAction
    act: Callable[[Client, list[int]], Iterable[Any]]
    good: set[str]
    options: Mapping[str, Any] = {}
    """More of the bulk operation."""
    by_state: bool = False
    """Whether filters need a state."""


def apply(change: Change, given: dict[str, Any], dsn: str | None, schema: str) -> None:
    """Change the jobs that `given`, which `chosen` read, names by ids or by filters.

    By filters it is a bulk operation: asks first, with the number, and shows how far it is. Exit
    code 1 unless all of them are changed. WrongCall for both, and for neither.
    """
    ids, asked = list(given.pop("ids")), list(given.pop("states"))
    if ids and given["dry_run"]:
        raise WrongCall("--dry-run is for jobs by filters", "look at them by `pgq job ID`")
    as_json = given.pop("as_json")
    by = of_filters(given)
    if ids and (by or asked or given["everything"]):
        raise WrongCall("both ids and filters are given", "pass only one of them")
    if not (ids or by or asked or given["everything"]):
        raise WrongCall(
            "neither ids nor filters are given", "name jobs, or a --queue or --state, or say --all"
        )
    if not ids and not asked and change.by_state:
        raise WrongCall("no --state is given", f"say of which state are those to {change.action}")
    with open_client(dsn, schema) as client:
        if ids:
            tell_outcomes(change.act(client, ids), change.good, as_json)
            return
        by = {**by, **change.options, "states": asked or None}
        if given["dry_run"]:
            _tell_preview(client, change.action, by, as_json)
            return
        started = _start(client, change.action, by, given["yes"], given["starts_in"])
        if started is None:
            _tell_outcomes_of(None, change.good, as_json)
        elif given["background"]:
            tell_started(started, as_json)
        else:
            _tell_outcomes_of(follow(client, started), change.good, as_json)


def _start(
    client: Client,
    action: BulkAction,
    by: Mapping[str, Any],
    yes: bool,
    starts_in: timedelta | None,
) -> int | None:
    """Start a bulk operation on what its preview has shown; return its id, None for no jobs."""
    seen = client.bulk_start(action, **by, starts_in=starts_in, preview=True)
    if seen.is_exact and not seen.jobs:
        return None
    if not yes:
        verb = action.replace("_", " ").capitalize()
        tell_samples(client, seen)
        confirm(f"{verb} {how_many(seen.jobs, seen.is_exact)}?", "nothing was changed")
    elif starts_in is None:
        starts_in = timedelta(0)
    up_to = seen.highest_id
    return client.bulk_start(action, **by, starts_in=starts_in, up_to_id=up_to).id


def _tell_preview(client: Client, action: BulkAction, by: Mapping[str, Any], as_json: bool) -> None:
    """Write what an operation would do to how many jobs."""
    seen = client.bulk_start(action, **by, preview=True)
    if as_json:
        write_json(
            {"would": action, "jobs": seen.jobs, "exact": seen.is_exact, "samples": seen.samples}
        )
        return
    click.echo(f"would {action.replace('_', ' ')} {how_many(seen.jobs, seen.is_exact)}")
    tell_samples(client, seen)


def confirm(question: str, no: str) -> None:
    """Ask before much is changed; Refusal for a no, WrongCall where nobody can answer."""
    if not asks():
        raise WrongCall("there is no terminal to ask on", "say --yes")
    if not click.confirm(question, err=True):
        raise Refusal(no)


def _tell_outcomes_of(done: BulkOperation | None, good: set[str], as_json: bool) -> None:
    outcomes = Counter(done.outcomes if done else {})
    if as_json:
        operation = {"operation": done.id} if done else {}
        write_json({**operation, "jobs": outcomes.total(), "outcomes": dict(outcomes)})
    else:
        write_table(("outcome", "jobs"), outcomes.most_common(), "no such jobs")
    if done and done.status != "finished":
        raise Refusal(f"operation {done.id} is {done.status}", done.error)
    if not good.issuperset(outcomes):
        click.get_current_context().exit(Refusal.exit_code)


@cli.command(short_help="Give waiting jobs another priority.")
@click.argument("priority", type=int)
@chosen
@database_options
@json_option
def reprioritise(priority: int, dsn: str | None, schema: str, **given: Any) -> None:
    """Give waiting jobs another priority: a lower one runs first. Write -- before a negative one.

    By ids, or by filters, which asks first. Exit code 1 unless every job has the priority.

    \b
      pgq reprioritise 10 17 18
      pgq reprioritise 10 --queue mail --task newsletter --yes
    """
    change = Change(
        "reprioritise",
        lambda client, ids: client.reprioritise(ids, priority),
        {"reprioritised"},
        {"priority": priority},
    )
    apply(change, given, dsn, schema)


def tell_outcomes(outcomes: Iterable[Any], good: set[str], as_json: bool) -> None:
    """Write what became of each job; exit code 1 unless every outcome is a good one."""
    # The job comes first in each of these rows.
    found = [dict(zip(("id", *one._fields[1:]), one, strict=True)) for one in outcomes]
    if as_json:
        write_json(found)
    else:
        names = [name.replace("_", " ") for name in found[0]] if found else ()
        write_table(names, [tuple(one.values()) for one in found], "no jobs")
    if not good.issuperset(one["outcome"] for one in found):
        click.get_current_context().exit(Refusal.exit_code)
