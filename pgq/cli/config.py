"""Commands about the configuration: `pgq config show` and `check`."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click
from click.core import ParameterSource

from pgq.cli.app import Subgroup, cli
from pgq.cli.failures import Refusal, WrongCall
from pgq.cli.options import database_options, json_option, read_chosen
from pgq.cli.output import record, write_json, write_table
from pgq.config.keys import KEYS, SET_KEYS, field_of
from pgq.lib.durations import format_duration

if TYPE_CHECKING:
    from pgq.config.keys import Config, Key

_HIDDEN = "***"


class _Setting(NamedTuple):
    key: str
    value: Any
    source: str


@cli.group(cls=Subgroup, short_help="Show and check the configuration.")
def config() -> None:
    """Show the configuration, and where each value comes from; check a file.

    An option wins over an environment variable, a variable over the file, the file over a default.
    The file is pgq.toml or pyproject.toml with [tool.pgq]. With --json each of these commands
    writes JSON.

    \b
      pgq config show
      pgq config check pgq.toml
    """


@config.command(short_help="Show each value and where it comes from.")
@database_options
@json_option
@click.pass_context
def show(ctx: click.Context, dsn: str | None, schema: str, as_json: bool) -> None:
    """Show each value and where it comes from: default, file:table, variable or option.

    Passwords are not shown.

    \b
      pgq config show
      pgq config show --installation critical --json
    """
    found, problems = read_chosen(ctx)
    # A variable with a DSN that is not set is shown as such.
    if wrong := [text for key, text in problems.items() if key not in ("dsn", "listen_dsn")]:
        raise WrongCall("\n".join(wrong))
    given = {
        name: value
        for name, value in (("dsn", dsn), ("schema", schema))
        if ctx.get_parameter_source(name) is ParameterSource.COMMANDLINE
    }
    settings = list(_settings(found, given))
    if as_json:
        write_json([record(setting) for setting in settings])
        return
    rows = [
        (key, "(not set)" if key in problems and value is None else _as_text(key, value), source)
        for key, value, source in settings
    ]
    write_table(("key", "value", "from"), rows, "nothing")


@config.command()
@click.argument("file", type=click.Path(path_type=Path), required=False)
@json_option
def check(file: Path | None, as_json: bool) -> None:
    """Check a file with all its installations, without the environment. Exit code 1 if it is wrong.

    Without FILE it checks the file that commands in this folder use.

    \b
      pgq config check deploy/pgq.toml
    """
    from pgq.config.load import check_file, chosen_file

    file = chosen_file(file, os.environ)
    if file is None:
        raise WrongCall(
            "there is neither pgq.toml nor a pyproject.toml with [tool.pgq] here",
            "name the file: pgq config check FILE",
        )
    installations, problems = check_file(file)
    if as_json:
        write_json({"file": str(file), "installations": installations, "problems": problems})
    elif not problems:
        named = f"; installations: {', '.join(installations)}" if installations else ""
        click.echo(f"{file} is fine{named}")
    if problems and not as_json:
        raise Refusal("\n".join(problems))
    if problems:
        click.get_current_context().exit(Refusal.exit_code)


def _settings(config: Config, given: dict[str, str | None]) -> Iterator[_Setting]:
    """Yield what holds: of a worker's keys those of the sets, where the file lists sets."""
    of_sets = [f"worker.{key}" for key in SET_KEYS]
    for key in KEYS:
        if key not in of_sets:
            value = given.get(key, getattr(config, field_of(key)))
            yield _setting(key, value, "option" if key in given else config.sources[key])
        elif key == of_sets[0]:
            yield from _set_settings(config)


def _set_settings(config: Config) -> Iterator[_Setting]:
    listed = "workers[0].queues" in config.sources
    for number, each in enumerate(config.worker_sets):
        table = f"workers[{number}]" if listed else "worker"
        for name, value in vars(each).items():
            yield _setting(f"{table}.{name}", value, config.sources[f"{table}.{name}"])


def _setting(key: str, value: Any, source: str) -> _Setting:
    if isinstance(value, Path):
        value = str(value)
    if value is not None and key.endswith("dsn"):
        value = _masked(value)
    return _Setting(key, value, source)


def _as_text(key: str, value: Any) -> object:
    match value:
        case None:
            known = _known(key)
            return f"({known.default})" if known.default else None
        case tuple():
            return ", ".join(value) or "(none)"
        case dict():
            return "; ".join(f"{name}={each}" for name, each in value.items()) or "(none)"
        case timedelta():
            return format_duration(value)
        case _:
            return str(value).lower() if isinstance(value, bool) else str(value)


def _known(key: str) -> Key:
    """Return the key; of one set of several, that of all of them."""
    return KEYS.get(key) or KEYS[f"worker.{key.rpartition('.')[2]}"]


def _masked(dsn: str) -> str:
    """Return a DSN with its secrets hidden, all of it where it cannot be read."""
    from psycopg.conninfo import conninfo_to_dict, make_conninfo

    from pgq.cli.failures import database_of

    try:
        database_of(dsn)
    except WrongCall:
        return _HIDDEN
    parts = conninfo_to_dict(dsn)
    secret = [name for name in parts if "password" in name or "secret" in name]
    return make_conninfo("", **{**parts, **dict.fromkeys(secret, _HIDDEN)})
