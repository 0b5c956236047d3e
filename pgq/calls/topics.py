"""The SQL functions about topics; the rest of `calls`, and written like it."""

# A @sql_function is only declared.
# mypy: disable-error-code="empty-body"
# pyright: reportReturnType=false

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, Unpack

from pgq.calls.binding import sql_function
from pgq.calls.call import Argument, Call, call_function, rows_as, value
from pgq.calls.publishing import published
from pgq.errors import InvalidJob
from pgq.jobs import NewJob
from pgq.lib.checks import check_limit, check_text, shown
from pgq.options import KEYS, Args, JobOptions, OnConflict, what_needs
from pgq.reports import Published, Subscription
from pgq.tasks import AnyTask, Task
from pgq.values import check_object, json_text

Change = Literal["added", "changed", "unchanged"]


def subscribe(
    topic: str,
    task: str | AnyTask,
    *,
    name: str | None = None,
    filter: Mapping[str, Any] | None = None,  # noqa: A002 (the argument's name in SQL)
    **options: Unpack[JobOptions],
) -> Call[Change]:
    """Let each publish to a topic make a job of a task, and say whether that is new.

    The topic may be a pattern such as "orders.*". A payload must contain the filter. To subscribe
    again under the same name, by default the task's, changes the subscription. A Task brings its
    own options, but not the keys that it makes of arguments. Raises InvalidArgument, InvalidJob.
    """
    if not isinstance(task, str | Task):
        raise InvalidJob(f"{shown(task)} is no task", "Pass a task or its name.")
    if isinstance(task, Task):
        job = task.defaults.changed(**options)
        lonely = {each for key in KEYS if getattr(job, key) is None for each in what_needs(key)}
        lonely.add("unique_by")
    else:
        job, lonely = NewJob(task).changed(**options), set[str]()
    lonely -= options.keys()
    given = {key: each for key, each in job.as_json().items() if key not in lonely}
    arguments = {
        "topic": Argument("text", check_text(topic, "topic")),
        "task": Argument("text", check_text(given.pop("task"), "task")),
        "queue": _text(given.pop("queue", None), "queue"),
        "name": _text(name, "name"),
    }
    del given["args"]
    if filter is not None:
        arguments["filter"] = _json(check_object(filter, "filter"), "filter")
    if given:
        arguments["options"] = _json(given, "options")
    call: Call[Change] = call_function("subscribe", value, **arguments)
    return call


def _json(given: Any, what: str) -> Argument:
    return Argument("text", json_text(given, what))


def _text(given: str | None, what: str) -> Argument | None:
    return None if given is None else Argument("text", check_text(given, what))


@sql_function
def unsubscribe(topic: str, name: str) -> Call[bool]:
    """End a subscription; answer false when there is none. Jobs that it made stay."""


def publish(
    topic: str,
    payload: Args | None = None,
    *,
    on_conflict: OnConflict | None = None,
    **options: Unpack[JobOptions],
) -> Call[list[Published]]:
    """Make a job for each subscription to a topic that the payload fits, and return them.

    The payload is the args of the jobs. Options go before those of the subscriptions; a unique_key
    is one for each of them. An empty list: nobody has subscribed. Raises InvalidArgument,
    InvalidJob, and UniqueKeyTaken with on_conflict "raise".
    """
    job = NewJob(check_text(topic, "topic"), {} if payload is None else payload)
    if on_conflict is not None:
        check_text(on_conflict, "on_conflict")
    return published([job.changed(on_conflict=on_conflict, **options)], _publish)


def _publish(jobs: Sequence[NewJob]) -> Call[list[Published]]:
    (job,) = jobs
    given = job.as_json()
    arguments = {
        "topic": Argument("text", given.pop("task")),
        "payload": _json(given.pop("args"), "payload"),
    }
    if given:
        arguments["options"] = _json(given, "options")
    return call_function("publish", rows_as(Published), **arguments)


def subscriptions(topic: str | None = None, limit: int = 1000) -> Call[list[Subscription]]:
    """Look up subscriptions, or those to this one topic or pattern, by topic and name."""
    sent: dict[str, Any] = {"limit": check_limit(limit, "limit")}
    where = "true"
    if topic is not None:
        where, sent["topic"] = "topic = %(topic)s::text", check_text(topic, "topic")
    answer = rows_as(Subscription)
    rest = f"where {where} order by topic, name limit %(limit)s::bigint"
    return Call(f"select {answer.columns} from {{schema}}.subscriptions {rest}", sent, answer.read)
