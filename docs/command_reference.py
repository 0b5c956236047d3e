"""The texts of docs/reference-commands.md and docs/pgq.1: all commands, from click's objects."""

from __future__ import annotations

import inspect
import re
import sys
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass

import click
from writing import Unreadable, escaped

from pgq.cli import app, cli
from pgq.version import __version__

# Nearly every command has these, so they are told once.
COMMON = ("--dsn", "--schema", "--config", "--installation", "--json")
EXPLAINED_BY = "stats"

_INTRODUCTION = """\
# Commands

All commands of `pgq`, with their options. This page is made from what `pgq COMMAND --help` says, by
`make docs`. `man pgq` says the same where the package's `share/man` is in the MANPATH.
"""


@dataclass(frozen=True)
class Command:
    """A command as its user sees it."""

    words: str
    item: click.Command

    @property
    def usage(self) -> str:
        """How it is called."""
        pieces = [self.words]
        if any(isinstance(each, click.Option) for each in self.item.params):
            pieces.append("[OPTIONS]")
        for each in self.item.params:
            if isinstance(each, click.Argument):
                name = re.sub(r"[][.]", "", each.metavar or str(each.name).upper())
                name += "..." if each.nargs != 1 else ""
                pieces.append(name if each.required else f"[{name}]")
        if isinstance(self.item, click.Group):
            pieces.append("COMMAND ...")
        return " ".join(pieces)

    @property
    def paragraphs(self) -> list[tuple[bool, str]]:
        """What is said of it: whether a paragraph is to be kept as it is, and its text."""
        if not self.item.help:
            raise Unreadable(f"{self.words} has no help")
        return list(paragraphs(self.item.help))

    @property
    def options(self) -> list[click.Option]:
        """Its options, without those that most commands have."""
        return [each for each in self._all if each.opts[-1] not in COMMON]

    @property
    def common(self) -> list[str]:
        """Those of its options that most commands have."""
        return [each.opts[-1] for each in self._all if each.opts[-1] in COMMON]

    @property
    def _all(self) -> list[click.Option]:
        return [
            each for each in self.item.params if isinstance(each, click.Option) and not each.hidden
        ]


def paragraphs(text: str) -> Iterator[tuple[bool, str]]:
    """Yield the paragraphs of a help text; one that begins with a \\b is kept as it is."""
    for paragraph in re.split(r"\n{2,}", inspect.cleandoc(text)):
        keeps = paragraph.startswith("\b\n")
        lines = textwrap.dedent(paragraph.removeprefix("\b\n"))
        yield keeps, lines if keeps else " ".join(lines.split())


def spelled(option: click.Option) -> str:
    """Return an option as it is typed, with what stands for its value."""
    names = ", ".join(option.opts)
    if option.secondary_opts:
        names += " / " + ", ".join(option.secondary_opts)
    if option.is_flag or option.count:
        return names
    if isinstance(option.type, click.Choice):
        return f"{names} {'|'.join(map(str, option.type.choices))}"
    kinds = {click.Path: "FILE", click.types.IntParamType: "NUMBER"}
    kind = next((word for kind, word in kinds.items() if isinstance(option.type, kind)), "TEXT")
    return f"{names} {option.metavar or kind}"


def about(option: click.Option) -> str:
    """Return what is said of an option."""
    text = " ".join((option.help or "").split())
    if option.show_default and isinstance(option.default, str | int):
        text += f" [default: {option.default}]"
    if isinstance(option.envvar, str):
        text += f" [variable: {option.envvar}]"
    return text + (" May be repeated." if option.multiple and "epeat" not in text else "")


def commands() -> Iterator[tuple[str, list[Command]]]:
    """Yield the sections of `pgq --help`, with their commands and the commands of those."""
    listed = {name for names in app.SECTIONS.values() for name in names}
    if missing := {name for name, each in cli.commands.items() if not each.hidden} - listed:
        raise Unreadable(f"no section of pgq/cli/app.py has {', '.join(sorted(missing))}")
    for title, names in app.SECTIONS.items():
        yield title, [each for name in names for each in _family(f"pgq {name}", cli.commands[name])]


def _family(words: str, item: click.Command) -> Iterator[Command]:
    yield Command(words, item)
    if isinstance(item, click.Group):
        for name, each in item.commands.items():
            if not each.hidden:
                yield from _family(f"{words} {name}", each)


def common_options() -> list[click.Option]:
    """Return the options that most commands have."""
    found = [each for each in cli.commands[EXPLAINED_BY].params if isinstance(each, click.Option)]
    return [each for each in found if each.opts[-1] in COMMON]


def page() -> str:
    """Return the whole page."""
    lines = [_INTRODUCTION, "## Options of most commands\n"]
    lines += [*_listed(common_options()), ""]
    lines += ["## Exit codes and completion\n"]
    lines += [f"{escaped(text)}\n" for _, text in paragraphs(cli.epilog or "")]
    for title, found in commands():
        lines.append(f"## {title}\n")
        for command in found:
            lines += _section(command)
    return "\n".join(lines).rstrip("\n") + "\n"


def _section(command: Command) -> Iterator[str]:
    yield f"### {command.words}\n"
    yield f"```text\n{command.usage}\n```\n"
    for keeps, text in command.paragraphs:
        yield f"```text\n{textwrap.dedent(text)}\n```\n" if keeps else f"{escaped(text)}\n"
    if command.options:
        yield from _listed(command.options)
        yield ""
    if command.common:
        yield f"Also {', '.join(f'`{each}`' for each in command.common)}.\n"


def _listed(options: list[click.Option]) -> Iterator[str]:
    for each in options:
        yield f"- `{spelled(each)}`: {escaped(about(each))}"


def manual() -> str:
    """Return the page of the manual, for man(1)."""
    lines = [
        f'.TH PGQ 1 "" "pgq {__version__}" "pgq"',
        *(".SH NAME", r"pgq \- a job queue that is a Postgres schema"),
        *(".SH SYNOPSIS", r".B pgq", r"COMMAND [OPTIONS] [ARGUMENTS]"),
        *(".SH DESCRIPTION", *_roff(paragraphs(cli.help or ""))),
        *(".SH OPTIONS OF MOST COMMANDS", *_roff_options(common_options())),
    ]
    for title, found in commands():
        lines.append(f".SH COMMANDS: {title.upper()}")
        for command in found:
            lines += [".SS " + _plain(command.usage), *_roff(command.paragraphs)]
            lines += _roff_options(command.options)
            if command.common:
                lines += [".PP", f"Also {_plain(', '.join(command.common))}."]
    lines += [".SH EXIT CODES", *_roff(paragraphs(cli.epilog or ""))]
    return "\n".join(lines) + "\n"


def _plain(text: str) -> str:
    """Return text that roff shows as it is; lines may not begin with a command."""
    shown = text.replace("\\", r"\e").replace("-", r"\-")
    return re.sub(r"^(?=[.'])", r"\\&", shown, flags=re.MULTILINE)


def _roff(told: Iterator[tuple[bool, str]] | list[tuple[bool, str]]) -> Iterator[str]:
    for keeps, text in told:
        yield from (".PP", ".nf", _plain(text), ".fi") if keeps else (".PP", _plain(text))


def _roff_options(options: list[click.Option]) -> Iterator[str]:
    for each in options:
        yield from (".TP", f".B {_plain(spelled(each))}", _plain(about(each)) or r"\&")


if __name__ == "__main__":
    sys.stdout.write(manual() if "--man" in sys.argv else page())
