"""Jobs chosen by ids or by filters, for jobs, cancel, retry, discard and reprioritise."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeVar

import click

from pgq.cli.app import cli
from pgq.cli.database import open_client
from pgq.cli.failures import Refusal, WrongCall
from pgq.cli.options import asks, database_options, duration, json_option
from pgq.cli.output import write_json, write_table

if TYPE_CHECKING:
    from pgq.client.clients import Client

Command = TypeVar("Command", bound=Callable[..., Any])

STATES: Final = (
    *("scheduled", "blocked", "ready", "running"),
    *("succeeded", "failed", "cancelled", "expired"),
)
# How many jobs are found, and changed in one transaction, at a time.
_PAGE: Final = 1000


def chosen(command: Command) -> Command:
    """Give a command ids and, in their place, filters; `apply` reads them."""
    ids = click.argument("ids", metavar="[ID...]", type=int, nargs=-1)
    state = click.option(
        "--state",
        "states",
        type=click.Choice(STATES),
        multiple=True,
        help="Instead of ids: all in this state; repeat.",
    )
    yes = click.option("--yes", is_flag=True, help="Do not ask.")
    return ids(state(filters(yes(command))))


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


_FILTERS: Final = (
    click.option("-q", "--queue", help="Only those of this queue."),
    click.option("--task", help="Only those of this task."),
    click.option("--key", metavar="KEY", help="Only the one with this unique key."),
    click.option("--batch", type=int, metavar="ID", help="Only those of this batch."),
    click.option(
        "--older-than", type=duration, metavar="DURATION", help="Only those enqueued before that."
    ),
    click.option(
        "--header",
        "headers",
        type=_header,
        multiple=True,
        metavar="NAME=VALUE",
        help="Only those with this text in their headers; repeat.",
    ),
)


def of_filters(given: dict[str, Any]) -> dict[str, Any]:
    """Take the filters out of a command's options, and return those that were given by meaning."""
    older_than: timedelta | None = given.pop("older_than")
    headers: Sequence[tuple[str, str]] = given.pop("headers")
    found = {
        "queue": given.pop("queue"),
        "task": given.pop("task"),
        "unique_key": given.pop("key"),
        "batch_id": given.pop("batch"),
        "created_before": None if older_than is None else datetime.now(UTC) - older_than,
        "headers": dict(headers) or None,
    }
    return {name: value for name, value in found.items() if value is not None}


class Change(NamedTuple):
    """What a command does to jobs.

    `act` takes ids, and the states in which they were found by filters; it answers an outcome each.
    """

    verb: str
    act: Callable[[Client, list[int], list[Any] | None], Iterable[Any]]
    good: set[str]
    states: Sequence[str] = ()
    """What filters look at where no state is given; without any, one has to be."""


def apply(change: Change, given: dict[str, Any], dsn: str | None, schema: str) -> None:
    """Change the jobs that `given`, which `chosen` read, names by ids or by filters.

    By filters it asks first, with the number, and goes page by page. Exit code 1 unless all of them
    are changed. WrongCall for both, and for neither.
    """
    ids, asked = list(given.pop("ids")), list(given.pop("states"))
    yes, as_json = given.pop("yes"), given.pop("as_json")
    by = of_filters(given)
    if ids and (by or asked):
        raise WrongCall("both ids and filters are given", "give one of them")
    if not (ids or by or asked):
        raise WrongCall("neither ids nor filters are given", "name jobs, or a --queue or --state")
    by["states"] = asked or list(change.states)
    if not (ids or by["states"]):
        raise WrongCall("no --state is given", f"say of which state are those to {change.verb}")
    with open_client(dsn, schema) as client:
        if ids:
            tell_outcomes(change.act(client, ids, None), change.good, as_json)
        else:
            _tell(_change_found(client, change, by, yes), change.good, as_json)


def _change_found(client: Client, change: Change, by: dict[str, Any], yes: bool) -> Counter[str]:
    count = sum(map(len, _pages(client, by)))
    if count and not yes:
        question = f"{change.verb.capitalize()} {count} job{'s' * (count > 1)}?"
        confirm(question, "nothing was changed")
    outcomes: Counter[str] = Counter()
    for page in _pages(client, by) if count else ():
        outcomes.update(each.outcome for each in change.act(client, page, by["states"]))
    return outcomes


def _pages(client: Client, by: Mapping[str, Any]) -> Iterator[list[int]]:
    """Yield the ids of what the filters find, each page found when the last one is done with."""
    last = 0
    while page := client.find_jobs(**by, max_jobs=_PAGE, after_id=last):
        yield page
        last = page[-1]


def confirm(question: str, no: str) -> None:
    """Ask before much is changed; Refusal for a no, WrongCall where nobody can answer."""
    if not asks():
        raise WrongCall("there is no terminal to ask on", "say --yes")
    if not click.confirm(question, err=True):
        raise Refusal(no)


def _tell(outcomes: Counter[str], good: set[str], as_json: bool) -> None:
    if as_json:
        write_json({"jobs": outcomes.total(), "outcomes": dict(outcomes)})
    else:
        write_table(("outcome", "jobs"), outcomes.most_common(), "no such jobs")
    if not good.issuperset(outcomes):
        click.get_current_context().exit(Refusal.exit_code)


@cli.command(short_help="Give waiting jobs another priority.")
@click.argument("priority", type=int)
@chosen
@database_options
@json_option
def reprioritise(priority: int, dsn: str | None, schema: str, **given: Any) -> None:
    """Give jobs that wait another priority: lower ones run first. Below zero: write -- before it.

    By ids, or by filters, which asks first. Exit code 1 unless every job has the priority.

    \b
      pgq reprioritise 10 17 18
      pgq reprioritise 10 --queue mail --task newsletter --yes
    """
    change = Change(
        "reprioritise",
        lambda client, ids, _: client.reprioritise(ids, priority),
        {"reprioritised"},
        ("scheduled", "blocked", "ready"),
    )
    apply(change, given, dsn, schema)


def tell_outcomes(outcomes: Iterable[Any], good: set[str], as_json: bool) -> None:
    """Write what became of each job; exit code 1 unless every outcome is a good one."""
    found = [(outcome.job_id, outcome.outcome) for outcome in outcomes]
    if as_json:
        write_json([{"id": job_id, "outcome": outcome} for job_id, outcome in found])
    else:
        write_table(("id", "outcome"), found, "no jobs")
    if not good.issuperset(outcome for _, outcome in found):
        click.get_current_context().exit(Refusal.exit_code)
