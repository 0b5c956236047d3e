"""What the commands say when they cannot do their job, and their exit codes.

0    done
1    the answer is no: no such job, something is violated, not every job could be changed
2    the call is wrong
3    there is no database to work with: none reached, no schema in it, no right to use it
4    the database stayed away for longer than --exit-after-outage
130  ended by Ctrl-C
"""

from __future__ import annotations

import logging
import sys
from errno import EPIPE
from typing import IO, TYPE_CHECKING, Any

import click

from pgq.cli.output import clean
from pgq.schema.names import quote_identifier

if TYPE_CHECKING:
    import psycopg

INTERRUPTED = 130

GONE = "it may have been discarded or pruned, or its end is not kept"
"""Why there may be no job of an id."""

_UNREADABLE_DSN = (
    "the DSN is neither a URI nor a list of libpq's options",
    "write postgresql://user:password@host:5432/database (special characters of the password "
    "as %XX), or host=... dbname=...",
)


_READ_ONLY = (
    "this server is a standby, or set to read only: name the primary, or all hosts with "
    "target_session_attrs=read-write"
)
_DEBUG = "PGQ_DEBUG=1 shows the traceback"

# libpq tells no SQLSTATE (53300) of a session that was refused, only the server's words. Where
# those are of another language, the failure is told as any other one.
_NO_SESSION_LEFT = ("too many c", "remaining connection slots", "no more connections allowed")

# What a command's reader must be; all others are for operators.
_ROLE_OF = {
    **dict.fromkeys(
        ("health", "doctor", "stats", "metrics", "jobs", "job", "semaphores", "tail", "top"),
        "observer",
    ),
    **dict.fromkeys(("batch list", "batch show", "schedule list", "schedule show"), "observer"),
    **dict.fromkeys(("schedule next", "bulk list", "bulk show"), "observer"),
    **dict.fromkeys(("shard list", "shard verify"), "observer"),
    "enqueue": "producer",
    "worker": "worker",
}


class Failure(click.ClickException):
    """Ends a command: a line that says what is wrong, a hint what to do, an exit code."""

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint

    def show(self, file: IO[Any] | None = None) -> None:
        """Write it to stderr, or log it where that is all JSON."""
        if file is None and "pgq.logs" in sys.modules:
            from pgq.logs import log_event, prints_json

            if prints_json():
                error, hint = clean(self.message), self.hint and clean(self.hint)
                log_event(logging.CRITICAL, "process.failed", error=error, hint=hint)
                return
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


class Away(Failure):
    """The database was there, and has stayed away for too long."""

    exit_code = 4


def as_failure(error: Exception, dsn: str | None) -> Failure | None:
    """Return what a user is told of an error; None where it is nobody's doing but ours."""
    from pgq.errors import DatabaseAway, InvalidArgument, InvalidJob, PgqError, UniqueKeyTaken

    match error:
        case InvalidJob() | InvalidArgument():
            return WrongCall(error.message, error.hint)
        case UniqueKeyTaken():
            return Refusal(error.message, error.hint)
        case DatabaseAway():
            return Away(error.message, error.hint)
        case PgqError():
            return NoDatabase(error.message, error.hint)
        case ImportError():
            return _import_failure(error)
        case RecursionError():
            return WrongCall("what was given is nested too deep to be read", "make it flatter")
        case OSError() if error.errno != EPIPE:  # the reader of the output may leave
            what = f"{error.filename}: " if error.filename else ""
            return Refusal(f"{what}{error.strerror or error}", _DEBUG)
    import psycopg

    return _database_failure(error, dsn) if isinstance(error, psycopg.Error) else None


def _import_failure(error: ImportError) -> Failure:
    """Tell of a missing part of the installation, for all commands: most need libpq."""
    said = str(error).strip()
    if "psycopg" in said or "libpq" in said:
        return NoDatabase(
            f"psycopg finds no libpq to speak with: {said.splitlines()[-1].removeprefix('- ')}",
            "pip install 'pgq-sql[binary]', or install libpq (Debian: libpq5)",
        )
    return NoDatabase(
        f"a part of this installation is missing: {_first_line(error)}",
        f"install pgq-sql anew, in an environment of its own; {_DEBUG}",
    )


def rights_hint(user: str | None = None) -> str:
    """Say which grant the running command asks for."""
    context = click.get_current_context(silent=True)
    if context is None:
        return "ask for a role of the schema: producer, worker, operator or observer"
    path = context.command_path.split()[1:]
    if path[:1] in (["migrate"], ["uninstall"]):
        return "run it as the owner of the schema"
    chosen = _ROLE_OF.get(" ".join(path), _ROLE_OF.get(path[0], "operator") if path else "operator")
    role = quote_identifier(f"{context.params.get('schema', 'pgq')}_{chosen}")
    whom = quote_identifier(user) if user else "this user"
    return f"as the owner of the schema: grant {role} to {whom};"


def _database_failure(error: psycopg.Error, dsn: str | None) -> Failure:
    from psycopg import OperationalError, errors

    if isinstance(error, OperationalError) and error.sqlstate is None:
        return _connection_failure(error, dsn)
    hint = error.diag.message_hint
    if isinstance(error, errors.InsufficientPrivilege):
        hint = hint or rights_hint()
    elif isinstance(error, errors.ReadOnlySqlTransaction):
        hint = hint or _READ_ONLY
    return NoDatabase(error.diag.message_primary or _first_line(error), hint)


def _connection_failure(error: psycopg.Error, dsn: str | None) -> Failure:
    database = dsn and database_of(dsn)
    reason = _first_line(error).removeprefix("connection failed: ")
    named = f'the database "{database}"' if database else "the database"
    if any(words in reason for words in _NO_SESSION_LEFT):
        return NoDatabase(
            f"{named} takes no more sessions: {reason.rpartition('FATAL:')[2].strip()}",
            "end some: select pid, usename, application_name, state, state_change from "
            "pg_stat_activity order by state_change; or raise max_connections or the limit named, "
            "lower the concurrency of workers, put a pooler in between",
        )
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
