"""What the commands' options have in common: types of values, the database, JSON output."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Callable, Mapping, Sequence
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

# Where a command keeps what --config, --installation and --dsn said, and what was found by them.
_FILE, _INSTALLATION, _FOUND = "pgq.config_file", "pgq.installation", "pgq.config"
_DSNS, _INSTALLATIONS = "pgq.dsns", "pgq.installations"


class _Whole(click.types.StringParamType):
    """A text that may be given several times; a variable holds one, whatever spaces are in it."""

    def split_envvar_value(self, rv: str) -> Sequence[str]:
        """Return all of it."""
        return [rv]


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
    return _dsn_option(_one_dsn, help=_DSN_HELP)(schema_option(command))


def fleet_options(command: Command) -> Command:
    """Give a command the same for several databases: `pgq.cli.fleet` says which were chosen.

    `dsn` and `schema` are those of one; where there are several, what was given for all.
    """
    schema = _schema_option(_fleet_schema)
    dsn = _dsn_option(_fleet_dsn, help=f"{_DSN_HELP} Repeat it for several.")
    return dsn(schema(_config_options(command, several=True)))


_DSN_HELP = (
    "The database; without it the configuration or libpq's variables (PGHOST, PGSERVICE, ...) "
    "name it."
)


def _dsn_option(callback: Any, **options: Any) -> Callable[[Command], Command]:
    return click.option(
        "--dsn",
        envvar="PGQ_DSN",
        show_envvar=True,
        metavar="DSN",
        type=_Whole(),
        multiple=True,
        callback=callback,
        **options,
    )


def schema_option(command: Command) -> Command:
    """Give a command --schema, and what `config_options` gives."""
    return _schema_option(_checked_schema)(config_options(command))


def _schema_option(callback: Any) -> Callable[[Command], Command]:
    return click.option(
        "--schema",
        envvar="PGQ_SCHEMA",
        show_envvar=True,
        metavar="NAME",
        callback=callback,
        help="The schema that pgq is installed in.  [default: the configuration's, else pgq]",
    )


def config_options(command: Command) -> Command:
    """Give a command --config and --installation, for `read_chosen` and `load_chosen`."""
    return _config_options(command, several=False)


def _config_options(command: Command, *, several: bool) -> Command:
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
        type=_Whole(),
        multiple=True,
        is_eager=True,
        expose_value=False,
        callback=_kept_installations if several else _kept_installation,
        help="Work with these of the configuration's installations: names, or patterns such as s*. "
        "Repeat it for several."
        if several
        else "Work with this one of the configuration's installations.",
    )
    return config(installation(command))


def load_chosen(overrides: Mapping[str, object], installation: str | None = None) -> Config:
    """Return the configuration that this command's options choose, with what else they say on top.

    `overrides` as for `load_config`; every call reads the file anew. installation: instead of what
    the options say. Raises InvalidArgument.
    """
    from pgq.config.load import load_config

    chosen = click.get_current_context().meta
    return load_config(
        chosen.get(_FILE),
        installation=installation or chosen.get(_INSTALLATION),
        environ=os.environ,
        overrides=overrides,
    )


def is_fleet(ctx: click.Context) -> bool:
    """Say whether a command with `fleet_options` is to work with several databases."""
    chosen = ctx.meta.get(_INSTALLATIONS, ())
    return len(ctx.meta.get(_DSNS, ())) > 1 or (bool(chosen) and not ctx.meta.get(_INSTALLATION))


def chosen_dsns() -> Sequence[str]:
    """Return the DSNs of the command line of a command with `fleet_options`."""
    found: Sequence[str] = click.get_current_context().meta.get(_DSNS, ())
    return found


def chosen_installations() -> list[str]:
    """Return the installations that a command with `fleet_options` is to work with.

    Raises InvalidArgument where a pattern fits none.
    """
    from pgq.config.load import installations_like

    chosen = click.get_current_context().meta
    return installations_like(chosen.get(_INSTALLATIONS, ()), chosen.get(_FILE), os.environ)


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


def _kept_installation(ctx: click.Context, _param: click.Parameter, given: Sequence[str]) -> None:
    ctx.meta[_INSTALLATION] = _the_one(given, "an installation")


def _kept_installations(ctx: click.Context, _param: click.Parameter, given: Sequence[str]) -> None:
    ctx.meta[_INSTALLATIONS] = given
    if len(given) == 1 and not set(given[0]) & set("*?["):
        ctx.meta[_INSTALLATION] = given[0]


def _fleet_dsn(ctx: click.Context, param: click.Parameter, given: Sequence[str]) -> str | None:
    if ctx.get_parameter_source(str(param.name)) is ParameterSource.COMMANDLINE:
        ctx.meta[_DSNS] = given
    if is_fleet(ctx):
        return given[0] if given else None
    return _configured(ctx, param, given[0] if given else None)


def _one_dsn(ctx: click.Context, param: click.Parameter, given: Sequence[str]) -> str | None:
    return _configured(ctx, param, _the_one(given, "a DSN"))


def _the_one(given: Sequence[str], what: str) -> str | None:
    """Return the only value, if any: of several the last one would win, without a word."""
    if len(given) > 1:
        times = f"{what} was given {len(given)} times"
        raise click.BadParameter(f"{times}: this command works with one")
    return given[0] if given else None


def _fleet_schema(ctx: click.Context, param: click.Parameter, name: str | None) -> str | None:
    if not is_fleet(ctx):
        return _checked_schema(ctx, param, name)
    if name is None or ctx.get_parameter_source(str(param.name)) is not ParameterSource.COMMANDLINE:
        return None
    _check_names(name)
    return name


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
