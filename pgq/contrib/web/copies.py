"""A list or a job as something to copy and run: in psql, on the command line, in Python."""

from __future__ import annotations

import json
import shlex
from datetime import datetime
from typing import Any, Final, NamedTuple

from pgq.contrib.web.filters import Filters, When
from pgq.lib.durations import format_duration
from pgq.schema.names import quote_identifier

_FLAGS: Final = {
    "queue": "--queue",
    "task": "--task",
    "unique_key": "--key",
    "concurrency_key": "--concurrency-key",
    "partition_key": "--partition-key",
    "batch_id": "--batch",
    "worker_id": "--worker",
    "error_type": "--error",
    "fingerprint": "--fingerprint",
    "created_before": "--older-than",
    "created_after": "--newer-than",
    "finished_before": "--ended-before",
    "finished_after": "--ended-within",
}
_COLUMNS: Final = "id, state, queue, task, attempt, max_attempts, error_type, looked_to"


class Copies(NamedTuple):
    """The same in three languages; None where the command line cannot say it."""

    sql: str
    cli: str | None
    python: str


def of_job(job_id: int, schema: str = "pgq") -> Copies:
    """Return how to look up one job."""
    return Copies(
        f"select * from {quote_identifier(schema)}.all_jobs where id = {job_id};",
        shlex.join(["pgq", "job", str(job_id), *_schema_flag(schema)]),
        _python(f"print(client.job({job_id}))", schema),
    )


def of_list(filters: Filters, schema: str = "pgq") -> Copies:
    """Return how to get the same page of jobs."""
    arguments = {**filters.given, **filters.place}
    named = ",\n  ".join(f"{name} => {_sql_of(value)}" for name, value in arguments.items())
    keywords = ", ".join(f"{name}={_python_of(value)}" for name, value in arguments.items())
    call = f"page = client.list_jobs({keywords})\nfor job in page.jobs:\n    print(job)"
    return Copies(
        f"select {_COLUMNS}\nfrom {quote_identifier(schema)}.list_jobs(\n  {named}\n);",
        _cli(filters, schema),
        _python(call, schema),
    )


def _cli(filters: Filters, schema: str) -> str | None:
    words = ["pgq", "jobs"]
    given = filters.given
    for state in given.pop("states", ()):
        words += ["--state", state]
    headers = given.pop("headers", None) or {}
    for name, value in headers.items():
        if not name or "=" in name or not isinstance(value, str):
            return None
        words.append(f"--header={name}={value}")
    if "args" in given:
        words.append(f"--args={_json(given.pop('args'))}")
    words += [f"{_FLAGS[name]}={value}" for name, value in given.items()]
    words += ["--oldest"] * filters.oldest
    words += [f"--limit={filters.size}"]
    if filters.before_id is not None:
        words.append(f"--before={filters.before_id}")
    if filters.after_id is not None:
        words.append(f"--after={filters.after_id}")
    return shlex.join([*words, *_schema_flag(schema)])


def _schema_flag(schema: str) -> list[str]:
    return [] if schema == "pgq" else [f"--schema={schema}"]


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _sql_of(value: Any) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case When(ago=None, at=datetime() as at):
            return f"timestamptz '{at.isoformat()}'"
        case When(ago=ago) if ago is not None:
            return f"now() - interval '{ago.total_seconds():f} seconds'"
        case tuple():
            return f"array[{', '.join(map(_sql_of, value))}]"
        case str():
            return "'" + value.replace("'", "''") + "'"
    return _sql_of(_json(value))


def _python_of(value: Any) -> str:
    match value:
        case When(ago=None, at=datetime() as at):
            return f'datetime.fromisoformat("{at.isoformat()}")'
        case When(ago=ago) if ago is not None:
            return f"datetime.now(UTC) - timedelta(seconds={ago.total_seconds()!r})"
    return repr(value)


def _python(call: str, schema: str) -> str:
    named = "" if schema == "pgq" else f", schema={schema!r}"
    lines = call.replace("\n", "\n    ")
    times = "from datetime import UTC, datetime, timedelta\n" if "datetime" in call else ""
    return (
        f"import os\n{times}\nimport pgq\n\n"
        f'with pgq.Client(os.environ["PGQ_DSN"]{named}) as client:\n    {lines}\n'
    )


def ago(when: When) -> str:
    """Return a time for people: `24h ago`, or the time itself."""
    if when.at:
        return f"{when.at:%Y-%m-%d %H:%M} UTC"
    return f"{format_duration(when.ago)} ago" if when.ago is not None else "now"
