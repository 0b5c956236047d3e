"""Commands over several databases: which ones, and an answer from each that is there.

`--dsn a --dsn b` names databases, `--installation 's*'` those of the configuration.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

from pgq.cli.database import find_dsn, open_client
from pgq.cli.failures import Failure, WrongCall, as_failure, database_of
from pgq.cli.options import chosen_dsns, chosen_installations, is_fleet, load_chosen
from pgq.cli.output import clean

if TYPE_CHECKING:
    from pgq.client.clients import Client
    from pgq.processes.fleet import Database

T = TypeVar("T")

_AT_A_TIME: Final = 16


@dataclass(frozen=True)
class Target:
    """A database that a command works with; its name is None where it is the only one."""

    name: str | None
    dsn: str | None
    schema: str


def targets(dsn: str | None, schema: str | None) -> list[Target]:
    """Return what this command's options choose: what they say themselves, or several databases."""
    if not is_fleet(click.get_current_context()):
        return [Target(None, dsn, schema or "pgq")]
    return [
        Target(each.name, each.dsn, each.config.schema) for each in databases({"schema": schema})
    ]


def databases(overrides: Mapping[str, object]) -> list[Database]:
    """Return several databases with their configurations; `overrides` as for `load_config`.

    Of the sets of workers each has those that are for it. An empty list: there is only one
    database, named by the configuration as ever.
    """
    from pgq.config.load import installations_like
    from pgq.processes.fleet import Database, check_distinct

    dsns, names = chosen_dsns(), chosen_installations()
    _check_choice(dsns, names)

    def configured(name: str, dsn: str | None, installation: str | None) -> Database:
        config = load_chosen({**overrides, "dsn": dsn}, installation)
        listen = None if config.listen_dsn is None else find_dsn(config.listen_dsn)
        return Database(name, config, find_dsn(config.dsn), listen)

    if dsns:
        found = [configured(_label(dsn, dsns), dsn, None) for dsn in dsns]
        if any(each.installation for one in found for each in one.config.worker_sets):
            raise WrongCall("a set of workers names its installation", "leave --dsn out")
        check_distinct(found)
        return found if len(found) > 1 else []
    if names:
        every = [configured(name, None, name) for name in names]
        if len(every) == 1 and not any(each.installation for each in every[0].config.worker_sets):
            return []
        chosen = [each.with_own_sets(named_only=False) for each in every]
    else:
        base = load_chosen(overrides)
        patterns = [each.installation for each in base.worker_sets if each.installation]
        if not patterns:
            return []
        named = [configured(name, None, name) for name in installations_like(patterns)]
        chosen = [each.with_own_sets(named_only=True) for each in named]
        if len(patterns) < len(base.worker_sets):
            chosen.append(configured("default", None, None).with_own_sets(named_only=False))
    found = [each for each in chosen if each is not None]
    if not found:
        raise WrongCall("no set of workers is for these installations")
    check_distinct(found)
    return found


def ask_each(
    where: Sequence[Target], ask: Callable[[Client], T]
) -> tuple[list[tuple[Target, T]], dict[str, Failure]]:
    """Ask databases at the same time; return the answers, and by name why others gave none."""
    if len(where) == 1 and where[0].name is None:
        with open_client(where[0].dsn, where[0].schema) as client:
            return [(where[0], ask(client))], {}

    def answer(target: Target) -> T | Failure:
        try:
            with open_client(target.dsn, target.schema) as client:
                return ask(client)
        except Failure as failure:
            return failure
        except Exception as error:
            known = as_failure(error, target.dsn)
            if known is None:
                raise
            return known

    with ThreadPoolExecutor(_AT_A_TIME) as threads:
        given = list(zip(where, threads.map(answer, where), strict=True))
    failures = {f"{each.name}": said for each, said in given if isinstance(said, Failure)}
    return [(each, said) for each, said in given if not isinstance(said, Failure)], failures


def tell_failures(failures: Mapping[str, Failure]) -> None:
    """Say which databases gave no answer, and end with the exit code for that."""
    for name, failure in failures.items():
        click.echo(f"Error: {clean(name)}: {clean(failure.message)}", err=True)
    if failures:
        click.get_current_context().exit(max(each.exit_code for each in failures.values()))


def no_answers(where: Sequence[Target], failures: Mapping[str, Failure]) -> dict[str, Any]:
    """Return what JSON says, for several databases, of those that gave no answer."""
    if where[0].name is None:
        return {}
    return {"no_answer": {name: failure.message for name, failure in failures.items()}}


def in_front(target: Target, row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row with its database in front, where there are several."""
    return {**({} if target.name is None else {"database": target.name}), **row}


def front_of(where: Sequence[Target]) -> tuple[str, ...]:
    """Return the column that `in_front` adds, if it does."""
    return () if where[0].name is None else ("database",)


def _check_choice(dsns: Sequence[str], names: Sequence[str]) -> None:
    if dsns and len(names) > 1:
        raise WrongCall("--dsn names a database, and --installation several", "give one of them")


def _label(dsn: str, others: Sequence[str]) -> str:
    """Return what to call a database that only a DSN names: as shortly as it can be told apart."""
    from psycopg.conninfo import conninfo_to_dict

    name = database_of(dsn)
    if sum(database_of(other) == name for other in others) < 2:
        return name or "default"
    parts = conninfo_to_dict(dsn)
    return f"{name or 'default'}@{parts.get('host') or 'localhost'}:{parts.get('port') or 5432}"
