"""The `pgq` command itself: what all its subcommands share, and how its help reads."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

import click

from pgq.cli.completion import complete_names
from pgq.cli.failures import INTERRUPTED, as_failure

_HELP = """A job queue that is a Postgres schema.

Let pgq run a Postgres for you (it prints the PGQ_DSN for other terminals):

\b
  pgq dev

or with your own Postgres:

\b
  export PGQ_DSN=postgresql://me@localhost/app
  pgq migrate
  pgq enqueue resize '{"path": "cat.png"}'
  pgq worker app.tasks
  pgq stats
"""

_EPILOG = """Exit codes: 0 done; 1 the answer is no (no such job, a check failed, not all changed);
2 the command line is wrong; 3 no database to work with (not reached, no schema, no right);
130 ended by Ctrl-C. Errors go to stderr; PGQ_DEBUG=1 adds the traceback. NO_COLOR is respected.

Completion, of names in the database too, in ~/.bashrc: eval "$(_PGQ_COMPLETE=bash_source pgq)"; in
~/.zshrc: the same with zsh_source; in ~/.config/fish/completions/pgq.fish:
_PGQ_COMPLETE=fish_source pgq | source
"""

SECTIONS = {
    "Begin": ("demo", "bench", "dev", "config", "migrate", "adopt", "uninstall"),
    "Run": ("worker", "enqueue", "topic", "schedule"),
    "Look": (
        "health",
        "doctor",
        "stats",
        "metrics",
        "web",
        "jobs",
        "job",
        "errors",
        "flow",
        "batch",
        "semaphores",
        "pauses",
        "top",
        "tail",
        "psql",
        "audit",
    ),
    "Change": (
        "cancel",
        "retry",
        "run-now",
        "again",
        "redrive",
        "discard",
        "reprioritise",
        "bulk",
        "clear",
        "pause",
        "resume",
        "configure",
        "task",
        "retention",
        "semaphore",
    ),
    "Maintain": ("maintain", "prune", "verify", "shard", "router", "conformance"),
}


class Command(click.Command):
    """A subcommand whose failures are told in a line, without a traceback.

    Its parameters that take the name of a queue, a task or a schedule complete it.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        complete_names(self.params, self.callback)

    def make_context(self, *args: Any, **options: Any) -> click.Context:
        """Read the options; callbacks of theirs already look at the installation."""
        try:
            return super().make_context(*args, **options)
        except Exception as error:
            raise _refusal_of(error, None) from error

    def invoke(self, ctx: click.Context) -> Any:
        """Run it; what went wrong and is known becomes a Failure with its exit code."""
        try:
            return super().invoke(ctx)
        except (KeyboardInterrupt, click.Abort):
            ctx.exit(INTERRUPTED)
        except Exception as error:
            raise _refusal_of(error, ctx.params.get("dsn")) from error


def _refusal_of(error: Exception, dsn: str | None) -> Exception:
    """Return what to raise instead of an error: what a user is told of it, or the error itself."""
    if isinstance(error, click.exceptions.Exit | click.ClickException):
        return error
    failure = as_failure(error, dsn)
    return error if failure is None or os.environ.get("PGQ_DEBUG") else failure


class Group(click.Group):
    """Lists the subcommands by what they are for."""

    command_class = Command

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read what stands before the subcommand; a hint for options that belong behind it."""
        try:
            return super().parse_args(ctx, args)
        except click.NoSuchOption as error:
            if error.option_name in {"--dsn", "--schema", "--json"}:
                raise click.UsageError(
                    f"{error.option_name} goes after the command, as in `pgq stats "
                    f"{error.option_name}`",
                    ctx,
                ) from None
            raise

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the sections of the command list."""
        for title, names in self.sections().items():
            found = [(name, self.get_command(ctx, name)) for name in names]
            with formatter.section(title):
                formatter.write_dl(
                    [(name, command.get_short_help_str(80)) for name, command in found if command]
                )

    def sections(self) -> Mapping[str, Sequence[str]]:
        """Return the subcommands' names under what they are for."""
        return SECTIONS


class Subgroup(Group):
    """A subcommand with subcommands of its own, listed in the order of their definition."""

    def sections(self) -> Mapping[str, Sequence[str]]:
        """Return all of them under one title."""
        return {"Commands": list(self.commands)}


def _show_version(ctx: click.Context, _param: click.Parameter, wanted: bool) -> None:
    if wanted and not ctx.resilient_parsing:
        from pgq import __version__

        click.echo(f"pgq {__version__}")
        ctx.exit()


@click.group(
    name="pgq", cls=Group, help=_HELP, epilog=_EPILOG, context_settings={"max_content_width": 100}
)
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_show_version,
    help="Show the version and exit.",
)
def cli() -> None:
    """Carry the subcommands; the text that users see is _HELP."""
