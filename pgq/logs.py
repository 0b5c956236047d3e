"""What pgq logs, and how to print it.

Every line is an event with fields, `job.failed job_id=7 task=send attempt=1 … error="…"`, and the
record carries the same fields as attributes, for formatters that know of them. Lines of jobs are
from the logger `pgq.jobs`, all others from `pgq`. No line holds a job's args or a DSN.
"""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from pgq.job import ClaimedJob

worker_log: Final = logging.getLogger("pgq")
job_log: Final = logging.getLogger("pgq.jobs")

# What every record has; anything else was given by `extra`.
_USUAL: Final = {*vars(logging.makeLogRecord({})), "message", "asctime", "taskName"}


def log_event(logger: logging.Logger, level: int, event: str, /, **fields: Any) -> None:
    """Log an event with its fields; those that are None are left out.

    A field must not be called like an attribute of every record, such as `name` or `process`.
    """
    _log(logger, level, event, fields)


def log_job(level: int, event: str, job: ClaimedJob, /, **fields: Any) -> None:
    """Log an event of a job, which its first fields name; else like `log_event`."""
    named = {"job_id": job.job_id, "task": job.task, "queue": job.queue, "attempt": job.attempt}
    _log(job_log, level, event, {**named, **fields})


def _log(logger: logging.Logger, level: int, event: str, fields: dict[str, Any]) -> None:
    if not logger.isEnabledFor(level):
        return
    given = {key: value for key, value in fields.items() if value is not None}
    template = "".join([event, *(f" {key}=%s" for key in given)])
    shown = [_shown(value) for value in given.values()]
    # The record names who called one of the two functions above.
    logger.log(level, template, *shown, extra={"event": event, **given}, stacklevel=3)


def _shown(value: Any) -> str:
    """Return a value as one word, or in quotes, so that none begins a line or a field."""
    if isinstance(value, float):
        return f"{value:.6g}"
    text = str(value)
    printable = text.isprintable()
    plain = text and printable and not any(mark in text for mark in ' "=')
    return text if plain else json.dumps(text, ensure_ascii=not printable)


class TextLines(logging.Formatter):
    """A line of text per record: time, level, message."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(message)s")


class JsonLines(logging.Formatter):
    """A JSON object per record: time, level, logger, message, its fields, and any traceback."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as one line."""
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        for key, value in vars(record).items():
            if key not in _USUAL:
                line.setdefault(key, value)
        return json.dumps(line, ensure_ascii=False, default=str, skipkeys=True)
