"""What a worker does about an error that it meets at a call of the database: one table.

An error ends a worker only if it would be wrong to go on. An error that is not in the table is
logged as an error, and the worker goes on with everything else.
"""

from __future__ import annotations

from enum import Enum
from typing import Final, NamedTuple

import psycopg

from pgq.errors import PgqError, sqlstate_of_kind


class Verdict(Enum):
    """What is done about an error."""

    RETRY = "the same call may work in a moment: it is repeated, after growing pauses"
    REFUSE = "the value will always be refused: only the job that it is for fails"
    SAY = "the worker cannot repair it: logged as an error; the call waits, and the rest goes on"
    REGISTER = "the worker registers again"
    EXIT = "going on is wrong: the worker ends"


class Rule(NamedTuple):
    """What to do about the SQLSTATEs that begin with `code`; of several the longest counts.

    `at_start` counts instead until the worker has begun: then somebody is there to be told.
    """

    code: str
    verdict: Verdict
    reason: str
    at_start: Verdict | None = None


_RETRY, _REFUSE, _SAY, _EXIT = Verdict.RETRY, Verdict.REFUSE, Verdict.SAY, Verdict.EXIT

RULES: Final = (
    Rule("08", _RETRY, "the connection broke, or a pooler has no server at the moment"),
    Rule("0A", _SAY, "not supported: a plan of before a migration, or a pooler's limits"),
    Rule("21", _REFUSE, "the data do not fit the statement"),
    Rule("22", _REFUSE, "a value that the database cannot hold"),
    Rule("23", _REFUSE, "a value that a constraint forbids"),
    Rule("25", _SAY, "the session's transaction is not what it should be: a new session"),
    Rule("25006", _RETRY, "read-only: a standby that is being promoted, or maintenance"),
    Rule("25P", _RETRY, "the session waited for too long inside a transaction"),
    Rule("28", _SAY, "credentials may be changed while workers run, and come back", _EXIT),
    Rule("3F", _SAY, "the schema is away: being restored, or migrated by hand", _EXIT),
    Rule("40", _RETRY, "a race was lost: serialization, deadlock"),
    Rule("42", _SAY, "the schema is not what it should be, until it is repaired", _EXIT),
    Rule("53", _RETRY, "memory, disk or connections are short, until somebody makes room"),
    Rule("54", _REFUSE, "larger or deeper than the database can hold"),
    Rule("55", _RETRY, "a row or an object is in use"),
    Rule("55000", _SAY, "an object is not in the state that the call needs"),
    Rule("57", _RETRY, "cancelled, or the server stops, restarts or starts"),
    Rule("58", _RETRY, "the server's machine has a fault"),
    Rule("72", _RETRY, "the snapshot is too old"),
    Rule("JQ001", _REFUSE, "no job, or not JSON that can be stored", _EXIT),
    Rule("JQ002", _REFUSE, "an argument that is not valid", _EXIT),
    Rule("JQ003", _REFUSE, "the unique key is taken"),
    Rule("JQ004", Verdict.REGISTER, "given up meanwhile, by mistake or after a long silence"),
    Rule("JQ005", _EXIT, "the schema is somebody else's"),
    Rule("JQ006", _REFUSE, "a cron expression that cannot be read", _EXIT),
    Rule("JQ008", _EXIT, "the schema does not speak this package's protocol any more"),
    Rule("JQ009", _REFUSE, "the shard of a job is another one since its slot moved"),
    Rule("JQ010", _REFUSE, "the task or queue of a job is unknown, and the settings refuse it"),
    Rule("XX000", _RETRY, "an internal error, most often a race with DDL; of a settle see Settler"),
    Rule("XX", _SAY, "the database is damaged"),
)
_UNKNOWN: Final = Rule("", _SAY, "not in the table: logged, and the worker goes on")
_BY_CODE: Final = {rule.code: rule for rule in RULES}

# The server has closed the connection, or is about to.
_GONE: Final = ("08", "25P03", "25P04", "57P")


class NoAnswer(psycopg.OperationalError):
    """The database did not answer in time; the connection was dropped, the outcome is unknown."""


def verdict_of(error: BaseException, *, starting: bool = False) -> Verdict:
    """Return what to do about an error of a call; starting: the worker has not begun yet."""
    code = code_of(error)
    if code is None:
        if is_lost(error):
            return Verdict.RETRY
        if starting:
            return Verdict.EXIT
        # A text that the connection's encoding does not hold.
        return Verdict.REFUSE if isinstance(error, UnicodeEncodeError) else _UNKNOWN.verdict
    rule = _rule(code)
    return rule.at_start if starting and rule.at_start is not None else rule.verdict


def code_of(error: BaseException) -> str | None:
    """Return the SQLSTATE of an error; None: the server did not say it."""
    if isinstance(error, psycopg.Error):
        return error.sqlstate
    if isinstance(error, PgqError):
        cause = error.__cause__
        found = cause.sqlstate if isinstance(cause, psycopg.Error) else None
        return found or sqlstate_of_kind(type(error))
    return None


def is_lost(error: BaseException) -> bool:
    """Whether the connection is gone, or was never there: no answer, or the last one."""
    code = code_of(error)
    if code is not None:
        return code.startswith(_GONE)
    return isinstance(error, (psycopg.OperationalError, psycopg.InterfaceError, OSError))


def _rule(code: str) -> Rule:
    for length in range(5, 1, -1):
        if rule := _BY_CODE.get(code[:length]):
            return rule
    return _UNKNOWN
