"""The flags of commands that make jobs, from the list of a job's options."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, TypeVar

import click

from pgq.cli.options import duration, json_text, time
from pgq.options import Option

Command = TypeVar("Command", bound=Callable[..., Any])

# What a flag takes, by the type of the option.
_KINDS: Final[Mapping[str, dict[str, Any]]] = {
    "text": {},
    "bigint": {"type": int},
    "bigint[]": {"type": int, "multiple": True, "metavar": "ID"},
    "interval": {"type": duration, "metavar": "DURATION"},
    "timestamptz": {"type": time, "metavar": "TIME"},
    "jsonb": {"type": json_text, "metavar": "JSON"},
}


def job_options(options: Iterable[Option]) -> Callable[[Command], Command]:
    """Give a command a flag for each of the options that have a help."""

    def decorate(command: Command) -> Command:
        for option in reversed([each for each in options if each.help]):
            command = _flag(option)(command)
        return command

    return decorate


def _flag(option: Option) -> Callable[[Command], Command]:
    names = ["-q"] * (option.name == "queue") + [f"--{option.name.replace('_', '-')}"]
    kind = {"type": click.Choice(option.words)} if option.words else _KINDS[option.sql_type]
    return click.option(*names, help=option.help, **kind)
