"""What goes wrong, as classes; what a handler raises to decide how its job goes on.

    PgqError                    has message, hint and detail
    ├── InvalidJob              JQ001  a job cannot be enqueued, or a value is not JSON
    │   └── UnknownName         JQ010  its task or queue is unknown
    ├── InvalidArgument         JQ002  any other argument is not valid
    │   └── InvalidCron         JQ006  a cron expression cannot be read, or never is due
    ├── UniqueKeyTaken          JQ003  enqueue with on_conflict "raise"
    ├── WorkerNotRegistered     JQ004  the worker was given up, or it deregistered
    ├── UnsupportedClient       JQ008  the schema does not speak this package's protocol
    ├── SlotMoved               JQ009  a shard does not take a job: its slot moved
    ├── JobLost                 the claim is not valid any more; nothing was written
    ├── WaitTimeout             what was waited for has not ended in time; a TimeoutError too
    ├── WorkerStuck             every slot of a worker hangs in a job past its timeout
    ├── DatabaseAway            a worker's database stayed away for longer than it may
    ├── SchemaMissing           there is no schema of that name, or not all of it
    ├── SchemaTooOld            the schema is older than this package needs
    ├── MigrationError          the schema was not changed
    │   └── SchemaNotOurs       JQ005  the schema belongs to something else
    └── ServerError             a server of our own cannot be started or stopped

    Decision                    raised by a handler, never by pgq
    ├── Snooze                  run the job later; the attempt does not count
    ├── ContinueAfter           enqueue jobs, and run this one when they have ended
    ├── Retry                   this attempt failed; when to try again
    ├── Fail                    this attempt failed; never try again
    └── Cancel                  the job is not needed any more

    JobTimeout                  names an attempt that took too long; never raised

A PgqError that the server raised is chosen by its SQLSTATE, and its __cause__ is psycopg's error.
Every other error of the server or the connection stays psycopg's own.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import psycopg


class PgqError(Exception):
    """Base of all errors of this package; `hint` says what to do, `detail` gives more facts."""

    def __init__(self, message: str, hint: str | None = None, detail: str | None = None) -> None:
        super().__init__(message)
        self.message: Final = message
        self.hint: Final = hint
        self.detail: Final = detail
        for label, text in (("Detail", detail), ("Hint", hint)):
            if text:
                self.add_note(f"{label}: {text}")

    def __reduce__(self) -> tuple[type[PgqError], tuple[Any, ...]]:
        return type(self), (self.message, self.hint, self.detail)


class InvalidJob(PgqError):
    """A job cannot be enqueued as it is, or a value is not JSON that jsonb can store."""


class UnknownName(InvalidJob):
    """A job's task or queue is unknown, and the settings refuse such names."""


class InvalidArgument(PgqError):
    """An argument is not valid; nothing was changed."""


class InvalidCron(InvalidArgument):
    """A cron expression cannot be read, and the message names the field; or it never is due."""


class UniqueKeyTaken(PgqError):
    """A live job owns the unique key, and on_conflict is "raise"."""


class WorkerNotRegistered(PgqError):
    """The worker was given up because it was silent, or it deregistered; it must register again."""


class UnsupportedClient(PgqError):
    """This package is too old or too new for the schema: it may not register workers."""


class SlotMoved(PgqError):
    """A shard does not take a job: its slot moved, or moves right now."""


class JobLost(PgqError):
    """The claim is not valid any more: another run of the job may be under way."""


class WaitTimeout(PgqError, TimeoutError):
    """Some jobs have not ended in time; `missing` has their ids."""

    def __init__(
        self,
        message: str,
        hint: str | None = None,
        detail: str | None = None,
        missing: Sequence[int] = (),
    ) -> None:
        super().__init__(message, hint, detail)
        self.missing: Final = list(missing)

    def __reduce__(self) -> tuple[type[WaitTimeout], tuple[Any, ...]]:
        return type(self), (self.message, self.hint, self.detail, self.missing)


class WorkerStuck(PgqError):
    """Every slot of the worker has a thread that hangs past its job's timeout; end the process."""


class DatabaseAway(PgqError):
    """The worker's database has been away for longer than exit_after_outage."""


class SchemaMissing(PgqError):
    """The schema, or a function or view of it, does not exist in this database."""


class SchemaTooOld(PgqError):
    """The schema is older than this package needs."""


class MigrationError(PgqError):
    """The schema was not changed; the message says why, `hint` what to do about it."""


class SchemaNotOurs(MigrationError):
    """The schema of that name is not pgq's; it may be that of Skytools' PgQ."""


class ServerError(PgqError):
    """A server cannot be found, prepared, started or stopped; the text says what to do."""


class Decision(Exception):
    """What a handler raises to decide how its job goes on."""


class Snooze(Decision):
    """Run the job again after `delay` (a timedelta, or seconds); the attempt does not count."""

    def __init__(self, delay: timedelta | float) -> None:
        super().__init__(f"snoozed for {delay}")
        self.delay: Final = delay


class ContinueAfter(Decision):
    """Enqueue these jobs, and run this one again when they have ended; the attempt does not count.

    What came of them is in `Context.parent_results`, after what came of earlier ones. If one of
    them does not succeed: "cancel" this job, "run" it, or "wait" for a retry; by default as the job
    was enqueued, and that is "cancel" if nobody said otherwise.
    """

    def __init__(self, jobs: Iterable[Any], *, on_parent_failure: str | None = None) -> None:
        super().__init__("continues after other jobs")
        self.jobs: Final = list(jobs)
        self.on_parent_failure: Final = on_parent_failure


class Retry(Decision):
    """This attempt failed; try again after `in_` (a timedelta, or seconds), or after the backoff.

    A job without attempts left ends as failed all the same.
    """

    def __init__(self, message: str = "", *, in_: timedelta | float | None = None) -> None:
        super().__init__(message)
        self.in_: Final = in_


class Fail(Decision):
    """This attempt failed, and the job ends as failed whatever attempts it has left."""


class Cancel(Decision):
    """The job is not needed any more: it ends as cancelled, with this message among its errors."""


class JobTimeout(Exception):
    """In a task's retry_on or no_retry_on: an attempt that took longer than its timeout.

    Never raised: an async handler meets CancelledError, one in a thread context.cancelled.
    """


_BY_SQLSTATE: Final[dict[str, type[PgqError]]] = {
    "JQ001": InvalidJob,
    "JQ002": InvalidArgument,
    "JQ003": UniqueKeyTaken,
    "JQ004": WorkerNotRegistered,
    "JQ005": SchemaNotOurs,
    "JQ006": InvalidCron,
    "JQ008": UnsupportedClient,
    "JQ009": SlotMoved,
    "JQ010": UnknownName,
    "3F000": SchemaMissing,
    "42883": SchemaMissing,
    "42P01": SchemaMissing,
    "22P05": InvalidJob,
    "22021": InvalidJob,
    "22007": InvalidArgument,
    "22008": InvalidArgument,
    "22015": InvalidArgument,
}
_NOT_IN_ENCODING: Final = frozenset({"22P05", "22021"})
# Words for a length or a point of time, which the server reads before any function of ours runs.
_NO_TIME: Final = frozenset({"22007", "22008", "22015"})


def sqlstate_of_kind(kind: type[PgqError]) -> str | None:
    """Return the SQLSTATE that a class of errors stands for, where it stands for one."""
    return next((code for code, named in _BY_SQLSTATE.items() if named is kind), None)


def from_server(error: psycopg.Error) -> PgqError | None:
    """Return what an error of the server means for a call of ours; None: it is not ours."""
    kind = _BY_SQLSTATE.get(error.sqlstate or "")
    if kind is None:
        return None
    message = error.diag.message_primary or str(error)
    if kind is SchemaMissing:
        return kind(message, "Install the schema, or bring it up to date, with `pgq migrate`.")
    if error.sqlstate in _NOT_IN_ENCODING:
        hint = "The database's encoding cannot hold this text: escape it, or move to UTF8."
        return kind(message, hint, error.diag.message_detail)
    if error.sqlstate in _NO_TIME:
        hint = error.diag.message_hint or 'Pass a timedelta, seconds, or text such as "5 minutes".'
        return kind(message, hint, error.diag.message_detail)
    return kind(message, error.diag.message_hint, error.diag.message_detail)
