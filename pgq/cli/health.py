"""Commands that say how the queue system is: health, doctor."""

from __future__ import annotations

import re
import secrets
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, Literal

import click

from pgq.cli.app import cli
from pgq.cli.database import open_client
from pgq.cli.failures import Failure, Refusal, WrongCall
from pgq.cli.fleet import ask_each, front_of, in_front, targets, tell_failures
from pgq.cli.options import database_options, duration, fleet_options, json_option, page_of
from pgq.cli.output import clean, record, span, write_json, write_table

if TYPE_CHECKING:
    from pgq.client.clients import Client
    from pgq.rows import HealthCheck

_TITLES = ("check", "status", "reason")

_CLOCK_MEANING = "The clocks of this machine and of the database differ."
_AWAY_MEANING = "Nothing is enqueued or run there; the other databases go on."
_LISTEN_MEANING = "Notifications do not arrive here: workers with this DSN only poll."

# Seconds. NTP keeps clocks within a few milliseconds; a slow answer is allowed for anyway.
_CLOCKS_DIFFER: Final = 5.0

_CLOCK_HINT = (
    "Let NTP set the clock of this machine, or of the database's: times that programs compute, "
    "such as run_at, are too early or too late by that."
)
_STANDBY_HINT = "Give workers the DSN of the primary, as by target_session_attrs=read-write"
_POOLER_HINT = (
    "This DSN leads through a transaction pooler: give workers a direct one, too, with "
    "--listen-dsn; else ready jobs wait for the next poll."
)


def _max_lag_option(command: Any) -> Any:
    return click.option(
        "--max-lag",
        type=duration,
        metavar="DURATION",
        help="Fail when a ready job waits longer; warn from a tenth of it.  [default: 1h]",
    )(command)


@cli.command()
@click.option("--deep", is_flag=True, help="Also check every job, the tables and the server.")
@click.option(
    "--max-age",
    type=duration,
    metavar="DURATION",
    help="A worker is alive if its last heartbeat is younger.  [default: its lease]",
)
@_max_lag_option
@click.option(
    "--require-version", metavar="VERSION", help="Fail when the schema is older than this."
)
@click.option("--strict", is_flag=True, help="Fail on warnings, too.")
@fleet_options
@json_option
def health(
    deep: bool,
    max_age: timedelta | None,
    max_lag: timedelta | None,
    require_version: str | None,
    strict: bool,
    dsn: str | None,
    schema: str | None,
    as_json: bool,
) -> None:
    """Say whether all is well. Exit code 0: no check failed; 1: a check failed; 3: no database.

    Warnings are shown, and fail only with --strict. You can run this every few seconds, but not
    with --deep, which reads every job. `pgq doctor` says more. With several databases each row
    begins with its own; one that does not answer is a check that failed.

    \b
      pgq health --max-age 30s || alert
      pgq health --deep --strict --require-version 0.1.0
    """

    def ask(client: Client) -> list[HealthCheck]:
        checks = client.health(deep or None, max_lag, max_age)
        if require_version is not None:
            checks[0] = _required(checks[0], client.version(), require_version)
        return checks

    where = targets(dsn, schema)
    answers, failures = ask_each(where, ask)
    if failures and not answers:
        tell_failures(failures)
    told = [(at, check) for at, checks in answers for check in checks]
    told += [(at, _no_answer(failures[at.name])) for at in where if at.name and at.name in failures]
    found = [check for _, check in told]
    if as_json:
        checks = [in_front(at, record(check)) for at, check in told]
        write_json({"status": _worst(found), "checks": checks})
    else:
        front = front_of(where)
        write_table(
            (*front, *_TITLES),
            [(*[at.name for _ in front], c.name, c.status, c.reason) for at, c in told],
            "no checks",
        )
        if (page := None if front else page_of("health")) and _worst(found) != "ok":
            click.echo(f"more: {page}", err=True)
    bad = {"fail", "warn"} if strict else {"fail"}
    if any(check.status in bad for check in found):
        click.get_current_context().exit(Refusal.exit_code)


@cli.command()
@_max_lag_option
@database_options
@json_option
def doctor(max_lag: timedelta | None, dsn: str | None, schema: str, as_json: bool) -> None:
    """Say what is wrong, what it means, and what to do about it. Exit code 1 if a check failed.

    It reads every job, and checks the tables and the server. Give it the DSN that workers use: it
    also tests whether notifications arrive.

    \b
      pgq doctor
      pgq doctor --json | jq -r '.[].hint'
    """
    with open_client(dsn, schema) as client:
        found = [*client.health(True, max_lag), _clock_check(client)]
    found.append(_listen_check(dsn, schema))
    sick = [check for check in found if check.status != "ok"]
    sick.sort(key=lambda check: check.status != "fail")
    if as_json:
        write_json([record(check) for check in sick])
    else:
        _tell(sick, len(found))
    if any(check.status == "fail" for check in sick):
        click.get_current_context().exit(Refusal.exit_code)


def _tell(sick: list[HealthCheck], checks: int) -> None:
    for check in sick:
        mark = click.style(check.status.upper(), fg="red" if check.status == "fail" else "yellow")
        click.echo(f"{mark}  {check.name}: {clean(check.reason)}")
        click.echo(f"      means: {check.meaning}")
        if check.hint:
            click.echo(f"      cure:  {clean(check.hint)}")
        if page := page_of(f"health#check-{check.name}"):
            click.echo(f"      page:  {page}")
        click.echo()
    well = checks - len(sick)
    click.echo(f"{checks} checks: {well} well, {len(sick)} not" if sick else f"all {checks} well")


def _no_answer(failure: Failure) -> HealthCheck:
    from pgq.rows import HealthCheck

    return HealthCheck("database", "fail", None, failure.message, failure.hint, _AWAY_MEANING)


def _worst(found: list[HealthCheck]) -> str:
    statuses = {check.status for check in found}
    return next(status for status in ("fail", "warn", "ok") if status in statuses)


def _required(check: HealthCheck, version: str, wanted: str) -> HealthCheck:
    """Return the check of the schema, failed where its version is under the wanted one."""
    if not re.fullmatch(r"\d+(\.\d+)*", wanted):
        raise WrongCall(f"{wanted!r} is no version", "write it like 0.1.0")
    if _numbers(version) >= _numbers(wanted):
        return check
    return check._replace(
        status="fail",
        reason=f"version {version}, older than {wanted}",
        hint="Bring it up to date: pgq migrate",
    )


def _numbers(version: str) -> list[int]:
    return [int(part) for part in version.split(".") if part.isdigit()]


def _clock_check(client: Client) -> HealthCheck:
    """Compare this machine's clock with the queue's, without the time that the question took."""
    from pgq.calls.call import call_function, moment
    from pgq.rows import HealthCheck

    asked = datetime.now(UTC)
    database_says = client.run(call_function("_now", moment))
    took = datetime.now(UTC) - asked
    ahead = (asked + took / 2 - database_says).total_seconds()
    off = max(abs(ahead) - took.total_seconds() / 2, 0.0)
    if off <= _CLOCKS_DIFFER:
        reason = "this machine's clock is the database's"
        return HealthCheck("clock", "ok", off, reason, None, _CLOCK_MEANING)
    how_far = f"{span(timedelta(seconds=off))} {'ahead of' if ahead > 0 else 'behind'}"
    reason = f"this machine's clock is {how_far} the database's"
    return HealthCheck("clock", "warn", off, reason, _CLOCK_HINT, _CLOCK_MEANING)


def _listen_check(dsn: str | None, schema: str) -> HealthCheck:
    """Notify one session from another, and say whether it arrives within a second."""
    from psycopg.errors import ReadOnlySqlTransaction

    from pgq.rows import HealthCheck

    def found(status: Literal["ok", "warn"], reason: str, hint: str | None) -> HealthCheck:
        return HealthCheck("listen", status, None, reason, hint, _LISTEN_MEANING)

    try:
        heard = _hears(dsn, schema)
    except ReadOnlySqlTransaction:
        reason = "this server is a standby, or only reads: nobody can listen here"
        return found("warn", reason, _STANDBY_HINT)
    if heard:
        return found("ok", "notifications arrive through this DSN", None)
    return found("warn", "notifications do not arrive through this DSN", _POOLER_HINT)


def _hears(dsn: str | None, schema: str) -> bool:
    channel = f"pgq_doctor_{secrets.token_hex(8)}"
    with open_client(dsn, schema) as ear, ear.connection() as listening:
        listening.execute(f"listen {channel}".encode())
        with open_client(dsn, schema) as mouth, mouth.connection() as sending:
            sending.execute(f"notify {channel}".encode())
        return bool(list(listening.notifies(timeout=1.0, stop_after=1)))
