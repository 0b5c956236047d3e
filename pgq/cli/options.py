"""What the commands' options have in common: types of values, the database, JSON output."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click
from click.core import ParameterSource

from pgq.cli.failures import WrongCall
from pgq.cli.output import clean
from pgq.lib.durations import parse_duration
from pgq.schema.names import Names

if TYPE_CHECKING:
    from pgq.config.keys import Config

Command = TypeVar("Command", bound=Callable[..., Any])

# Where a command keeps what --config and --installation said, and what was found by them.
_FILE, _INSTALLATION, _FOUND = "pgq.config_file", "pgq.installation", "pgq.config"


def duration(text: str) -> timedelta:
    """Read `30s`, `1h30m`, `250ms` or a plain number of seconds; else a usage error."""
    length = parse_duration(text)
    if length is not None:
        return length
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


def moment(text: str) -> timedelta | datetime:
    """Read how long ago something was, or its time; else a usage error."""
    length = parse_duration(text)
    return time(text) if length is None else length


def json_text(text: str) -> Any:
    """Read JSON, from standard input for `-`; else a usage error."""
    try:
        return json.loads(sys.stdin.read() if text == "-" else text)
    except ValueError as error:
        raise click.BadParameter(f"not JSON: {error}") from None
    except RecursionError:
        raise click.BadParameter("JSON that is nested too deep to be read") from None


def asks() -> bool:
    """Say whether there is a terminal to ask questions on."""
    return sys.stdin.isatty()


def database_options(command: Command) -> Command:
    """Give a command --dsn, and what `schema_option` gives."""
    dsn = click.option(
        "--dsn",
        envvar="PGQ_DSN",
        show_envvar=True,
        metavar="DSN",
        callback=_configured,
        help="The database; without it the configuration or libpq's variables (PGHOST, PGSERVICE, "
        "...) name it.",
    )
    return dsn(schema_option(command))


def schema_option(command: Command) -> Command:
    """Give a command --schema, and what `config_options` gives."""
    schema = click.option(
        "--schema",
        envvar="PGQ_SCHEMA",
        show_envvar=True,
        metavar="NAME",
        callback=_checked_schema,
        help="The schema that pgq is installed in.  [default: the configuration's, else pgq]",
    )
    return schema(config_options(command))


def config_options(command: Command) -> Command:
    """Give a command --config and --installation, for `read_chosen` and `load_chosen`."""
    config = click.option(
        "--config",
        type=click.Path(path_type=Path),
        envvar="PGQ_CONFIG",
        show_envvar=True,
        metavar="FILE",
        is_eager=True,
        expose_value=False,
        callback=_kept(_FILE),
        help="The configuration.  [default: ./pgq.toml, else ./pyproject.toml with [tool.pgq]]",
    )
    installation = click.option(
        "--installation",
        envvar="PGQ_INSTALLATION",
        show_envvar=True,
        metavar="NAME",
        is_eager=True,
        expose_value=False,
        callback=_kept(_INSTALLATION),
        help="Work with this one of the configuration's installations.",
    )
    return config(installation(command))


def load_chosen(overrides: Mapping[str, object]) -> Config:
    """Return the configuration that this command's options choose, with what else they say on top.

    `overrides` as for `load_config`; every call reads the file anew. Raises InvalidArgument.
    """
    from pgq.config.load import load_config

    chosen = click.get_current_context().meta
    return load_config(
        chosen.get(_FILE),
        installation=chosen.get(_INSTALLATION),
        environ=os.environ,
        overrides=overrides,
    )


def read_chosen(context: click.Context) -> tuple[Config, Mapping[str, str]]:
    """Return the same without overrides, read once a command, and what `read_config` adds to it.

    Raises WrongCall, which click shows also while it still reads options.
    """
    from pgq.config.load import read_config
    from pgq.errors import InvalidArgument

    chosen = context.meta
    if _FOUND not in chosen:
        try:
            chosen[_FOUND] = read_config(chosen.get(_FILE), chosen.get(_INSTALLATION))
        except InvalidArgument as error:
            raise WrongCall(error.message, error.hint) from None
    found: tuple[Config, Mapping[str, str]] = chosen[_FOUND]
    return found


def page_of(path: str) -> str | None:
    """Return the address of a page of the dashboard, where the configuration says where that is."""
    config, _ = read_chosen(click.get_current_context())
    return None if config.web_url is None else f"{config.web_url}/{path}"


def role_prefix_option(command: Command) -> Command:
    """Give a command --role-prefix."""
    return click.option(
        "--role-prefix",
        metavar="PREFIX",
        callback=_checked_role_prefix,
        help="What the roles' names begin with.  [default: the schema's name and _]",
    )(command)


def json_option(command: Command) -> Command:
    """Give a command --json."""
    return click.option("--json", "as_json", is_flag=True, help="Write JSON.")(command)


def _kept(place: str) -> Callable[[click.Context, click.Parameter, Any], None]:
    def keep(ctx: click.Context, _param: click.Parameter, value: Any) -> None:
        ctx.meta[place] = value

    return keep


def _configured(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    """Return what was given on the command line, else what is configured."""
    name = str(param.name)
    given = ctx.get_parameter_source(name) is ParameterSource.COMMANDLINE
    if given or ctx.resilient_parsing:
        return value
    config, _ = read_chosen(ctx)
    if name in config.notes:
        click.echo(f"note: {clean(config.notes[name])}", err=True)
    found: str | None = getattr(config, name)
    return found


def _checked_schema(ctx: click.Context, param: click.Parameter, name: str | None) -> str:
    found = _configured(ctx, param, name)
    if found is None:
        return "pgq"
    _check_names(found)
    return found


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
