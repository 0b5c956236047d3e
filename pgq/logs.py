"""What pgq logs, and how to print it.

Every line is an event with fields, `job.failed job_id=7 task=send attempt=1 … error="…"`, and the
record carries the same fields as attributes, for formatters that know of them. Lines of jobs are
from the logger `pgq.jobs`, all others from `pgq`. No line holds a job's args or a DSN. Whatever a
value is, logging it does not fail, and what is long is cut.
"""

from __future__ import annotations

import json
import logging
import math
import sys
import threading
from datetime import UTC, datetime
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final

from pgq.lib.report import cut, first_line, text_of, traceback_of, type_of

if TYPE_CHECKING:
    from pgq.rows import ClaimedJob

worker_log: Final = logging.getLogger("pgq")
job_log: Final = logging.getLogger("pgq.jobs")

# How many characters of a value are printed as text, and in JSON, and how many of a whole line.
_WORD: Final = 1000
_VALUE: Final = 10_000
_JSON_LINE: Final = 100_000
_DEEPEST: Final = 5
_MOST_ITEMS: Final = 100

# What every record has; anything else was given by `extra`.
_USUAL: Final = {*vars(logging.makeLogRecord({})), "message", "asctime", "taskName"}


def log_event(level: int, event: str, /, **fields: Any) -> None:
    """Log an event with its fields; those that are None are left out.

    A field must not be called like an attribute of every record, such as `name` or `process`.
    """
    _log(worker_log, level, event, fields)


def log_error(event: str, error: BaseException | None, /, **fields: Any) -> None:
    """Log an error of code that is not ours, with its traceback; else like `log_event`."""
    if error is not None:
        fields.update(error_type=type_of(error), error=first_line(error))
    _log(worker_log, logging.ERROR, event, fields, error)


def log_job(level: int, event: str, job: ClaimedJob, /, **fields: Any) -> None:
    """Log an event of a job, which its first fields name; else like `log_event`."""
    named = {"job_id": job.job_id, "task": job.task, "queue": job.queue, "attempt": job.attempt}
    _log(job_log, level, event, {**named, **fields})


def _log(
    logger: logging.Logger,
    level: int,
    event: str,
    fields: dict[str, Any],
    error: BaseException | None = None,
) -> None:
    if not logger.isEnabledFor(level):
        return
    given = {key: value for key, value in fields.items() if value is not None}
    template = "".join([event, *(f" {key}=%s" for key in given)])
    shown = [_shown(value) for value in given.values()]
    # The record names who called one of the functions above.
    extra = {"event": event, **given}
    logger.log(level, template, *shown, exc_info=error, extra=extra, stacklevel=3)


def _shown(value: Any) -> str:
    """Return a value as one word, or in quotes, so that none begins a line or a field."""
    if type(value) is float:
        return f"{value:.6g}"
    text = text_of(value, _WORD)
    printable = text.isprintable()
    plain = text and printable and not any(mark in text for mark in ' "=')
    return text if plain else json.dumps(text, ensure_ascii=not printable)


class TextLines(logging.Formatter):
    """A line of text per record: time, level, message."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(message)s")

    def formatException(self, ei: Any) -> str:  # noqa: N802 (as logging calls it)
        """Return the traceback, which may be cut."""
        return _traceback(ei)


class JsonLines(logging.Formatter):
    """A JSON object per record: time, level, logger, event, message, its fields, any traceback.

    Lines of others have the event `log.other`. Whatever a record holds, it becomes such a line.
    """

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as one line."""
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": "log.other",
            "message": _message(record),
        }
        given = {key: value for key, value in vars(record).items() if key not in _USUAL}
        line["event"] = _plain(given.pop("event", line["event"]))
        if record.exc_info:
            line["traceback"] = _traceback(record.exc_info)
        if record.stack_info:
            line["stack"] = text_of(record.stack_info, _VALUE)
        usual = dict(line)
        for key, value in given.items():
            if isinstance(key, str):
                line.setdefault(key, _plain(value))
        text = _json(line)
        return text if len(text) <= _JSON_LINE else _json({**usual, "cut": len(text)})


def log_everything_as_json() -> None:
    """Have what Python itself writes to stderr logged: warnings, and errors that nobody catches."""
    logging.captureWarnings(True)
    sys.excepthook = _log_uncaught
    threading.excepthook = lambda args: _log_in_thread(args.thread, args.exc_value)
    sys.unraisablehook = lambda args: log_error(
        "error.unraisable", args.exc_value, where=args.err_msg
    )


def hush(library: str) -> None:
    """Let a library's logger of this name say nothing but errors."""
    logging.getLogger(library).setLevel(logging.ERROR)


def prints_json() -> bool:
    """Return whether this process logs in JSON."""
    return any(isinstance(each.formatter, JsonLines) for each in logging.getLogger().handlers)


def _log_uncaught(
    kind: type[BaseException], error: BaseException, _trace: TracebackType | None
) -> None:
    if not issubclass(kind, KeyboardInterrupt):
        log_error("process.failed", error)


def _log_in_thread(thread: threading.Thread | None, error: BaseException | None) -> None:
    if not isinstance(error, SystemExit):
        log_error("thread.failed", error, where=thread and thread.name)


def _message(record: logging.LogRecord) -> str:
    try:
        return cut(record.getMessage(), _VALUE)
    except BaseException:  # noqa: BLE001 (arguments of others that do not fit, or do not print)
        return f"{text_of(record.msg, _VALUE)} {text_of(record.args, _VALUE)}"


def _traceback(found: Any) -> str:
    error = found[1] if isinstance(found, tuple) else found
    return "" if error is None else (traceback_of(error) or text_of(error)).rstrip("\n")


def _plain(value: Any, depth: int = 0) -> Any:
    """Return a value as JSON can hold it; what it cannot, or what is too much, is its text."""
    if value is None or type(value) is bool:
        return value
    if type(value) is int and abs(value) < 1 << 63:
        return value
    if type(value) is float and math.isfinite(value):
        return value
    if depth < _DEEPEST:
        if type(value) is dict:
            items = list(value.items())[:_MOST_ITEMS]
            return {text_of(key, _WORD): _plain(each, depth + 1) for key, each in items}
        if type(value) in (list, tuple):
            return [_plain(each, depth + 1) for each in value[:_MOST_ITEMS]]
    return text_of(value, _VALUE)


def _json(line: dict[str, Any]) -> str:
    text = json.dumps(line, ensure_ascii=False)
    try:
        text.encode()
    except UnicodeEncodeError:  # half of a surrogate pair, in the name of a logger or a field
        return json.dumps(line)
    return text


def say_once(library: str) -> None:
    """Take a library's own handlers of stderr away where ours prints the same lines."""
    logger = logging.getLogger(library)
    ours = (TextLines, JsonLines)
    if logger.propagate and any(isinstance(each.formatter, ours) for each in logging.root.handlers):
        for handler in [*logger.handlers]:
            if type(handler) is logging.StreamHandler:
                logger.removeHandler(handler)
