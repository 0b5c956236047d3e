"""What the commands' options have in common: types of values, the database, JSON output."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, TypeVar

import click

from pgq._resources import Names

Command = TypeVar("Command", bound=Callable[..., Any])

_UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|m|h|d|w)\s*")


def duration(text: str) -> timedelta:
    """Read `30s`, `1h30m`, `250ms` or a plain number of seconds; else a usage error."""
    try:
        if re.fullmatch(r"\d+(\.\d+)?", text):
            return timedelta(seconds=float(text))
        if text and not _DURATION.sub("", text):
            parts = _DURATION.findall(text)
            return timedelta(seconds=sum(float(amount) * _UNITS[unit] for amount, unit in parts))
    except OverflowError:
        pass
    raise click.BadParameter(f"{text!r} is no length of time: write 30s, 5m, 1h30m or 2d")


def count_or_off(text: str) -> int:
    """Read a number, or `off`, which is -1 for the database; else a usage error."""
    if text == "off":
        return -1
    if re.fullmatch(r"[0-9]{1,18}", text):
        return int(text)
    raise click.BadParameter(f"{text!r} is neither a number nor `off`")


def time(text: str) -> datetime:
    """Read an ISO 8601 time, of this machine's zone unless it names one; else a usage error."""
    try:
        return datetime.fromisoformat(text).astimezone()
    except (ValueError, OverflowError):
        raise click.BadParameter(
            f"{text!r} is no time: write 2030-01-31T08:00 or 2030-01-31T08:00Z"
        ) from None


def json_text(text: str) -> Any:
    """Read JSON, from standard input for `-`; else a usage error."""
    try:
        return json.loads(sys.stdin.read() if text == "-" else text)
    except ValueError as error:
        raise click.BadParameter(f"not JSON: {error}") from None


def asks() -> bool:
    """Say whether there is a terminal to ask questions on."""
    return sys.stdin.isatty()


def database_options(command: Command) -> Command:
    """Give a command --dsn and --schema."""
    dsn = click.option(
        "--dsn",
        envvar="PGQ_DSN",
        show_envvar=True,
        metavar="DSN",
        help="The database; without it libpq's variables (PGHOST, PGSERVICE, ...) name it.",
    )
    return dsn(schema_option(command))


def schema_option(command: Command) -> Command:
    """Give a command --schema."""
    return click.option(
        "--schema",
        envvar="PGQ_SCHEMA",
        show_envvar=True,
        default="pgq",
        metavar="NAME",
        show_default=True,
        callback=_checked_schema,
        help="The schema that pgq is installed in.",
    )(command)


def role_prefix_option(command: Command) -> Command:
    """Give a command --role-prefix."""
    return click.option(
        "--role-prefix",
        metavar="PREFIX",
        callback=_checked_role_prefix,
        help="What the four roles' names begin with.  [default: the schema's name and _]",
    )(command)


def json_option(command: Command) -> Command:
    """Give a command --json."""
    return click.option("--json", "as_json", is_flag=True, help="Write JSON.")(command)


def _checked_schema(_ctx: click.Context, _param: click.Parameter, name: str) -> str:
    _check_names(name)
    return name


def _checked_role_prefix(
    _ctx: click.Context, _param: click.Parameter, prefix: str | None
) -> str | None:
    _check_names("pgq", prefix)
    return prefix


def _check_names(schema: str, role_prefix: str | None = None) -> None:
    try:
        Names(schema, role_prefix)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None
