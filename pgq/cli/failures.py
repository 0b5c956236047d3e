"""What the commands say when they cannot do their job, and their exit codes.

0    done
1    the answer is no: no such job, something is violated, not every job could be changed
2    the call is wrong
3    there is no database to work with: none reached, no schema in it, no right to use it
130  ended by Ctrl-C
"""

from __future__ import annotations

from typing import IO, TYPE_CHECKING, Any

import click

from pgq.cli.output import clean

if TYPE_CHECKING:
    import psycopg

INTERRUPTED = 130

_UNREADABLE_DSN = (
    "the DSN is neither a URI nor a list of libpq's options",
    "write postgresql://user:password@host:5432/database (special characters of the password "
    "as %XX), or host=... dbname=...",
)


class Failure(click.ClickException):
    """Ends a command: a line that says what is wrong, a hint what to do, an exit code."""

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint

    def show(self, file: IO[Any] | None = None) -> None:
        """Write it to stderr."""
        click.echo(f"Error: {clean(self.message)}", file=file, err=file is None)
        if self.hint:
            click.echo(f"Hint: {clean(self.hint)}", file=file, err=file is None)


class Refusal(Failure):
    """The answer is no."""

    exit_code = 1


class WrongCall(Failure):
    """The call makes no sense."""

    exit_code = 2


class NoDatabase(Failure):
    """There is no database to work with, or it does not let this user."""

    exit_code = 3


def as_failure(error: Exception, dsn: str | None) -> Failure | None:
    """Return what a user is told of an error; None where it is no user's or server's doing."""
    import psycopg

    from pgq.errors import InvalidArgument, InvalidJob, PgqError, UniqueKeyTaken

    match error:
        case InvalidJob() | InvalidArgument():
            return WrongCall(error.message, error.hint)
        case UniqueKeyTaken():
            return Refusal(error.message, error.hint)
        case PgqError():
            return NoDatabase(error.message, error.hint)
        case psycopg.Error():
            return _database_failure(error, dsn)
        case _:
            return None


def _database_failure(error: psycopg.Error, dsn: str | None) -> Failure:
    from psycopg import OperationalError, errors

    if isinstance(error, OperationalError) and error.sqlstate is None:
        return _connection_failure(error, dsn)
    hint = error.diag.message_hint
    if isinstance(error, errors.InsufficientPrivilege):
        hint = hint or "ask for a role of the schema: producer, worker, operator or observer"
    return NoDatabase(error.diag.message_primary or _first_line(error), hint)


def _connection_failure(error: psycopg.Error, dsn: str | None) -> Failure:
    database = dsn and database_of(dsn)
    reason = _first_line(error).removeprefix("connection failed: ")
    named = f'the database "{database}"' if database else "the database"
    return NoDatabase(
        f"cannot reach {named}: {reason.removeprefix('connection is bad: ')}",
        "check PGQ_DSN (or --dsn, the configuration, libpq's variables), or start a Postgres with "
        "`pgq dev`",
    )


def database_of(dsn: str) -> str | None:
    """Return the name of a DSN's database, None where it names none.

    Raises WrongCall where the DSN cannot be read. libpq's own words are not for showing: they may
    quote the password.
    """
    from psycopg import ProgrammingError
    from psycopg.conninfo import conninfo_to_dict

    try:
        name = conninfo_to_dict(dsn).get("dbname")
    except ProgrammingError:
        raise WrongCall(*_UNREADABLE_DSN) from None
    if name is not None and "@" in str(name):
        # An unescaped slash in the password ends the host early.
        raise WrongCall(*_UNREADABLE_DSN)
    return None if name is None else str(name)


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0]
