"""Actions on queues, and pauses of tasks, which belong to no single queue."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

from pgq.client.clients import Client
from pgq.contrib.web.actions.action import Action, Done, Form, Undo, jobs_word
from pgq.contrib.web.actions.reach import of_all, of_queue
from pgq.errors import InvalidArgument
from pgq.lib.durations import format_duration

_NUMBERS: Final = ("max_running", "rate_limit", "rate_burst")
_TRUTHS: Final = ("rate_per_key", "fair")
_OPTIONS: Final = (*_NUMBERS, "rate_interval", *_TRUTHS)
_OFF: Final = -1


def _paused(kind: str, name: str, duration: timedelta | None) -> Done:
    until = f" for {format_duration(duration)}" if duration else ""
    undo = Undo(f"resume_{kind}", {kind: name})
    return Done(f"{kind.capitalize()} {name} is paused{until}.", undo=undo)


def _resumed(kind: str, name: str, *, was_paused: bool) -> Done:
    said = f"{kind.capitalize()} {name}"
    if not was_paused:
        return Done(f"{said} was not paused.", {"resumed": False}, is_well=False)
    return Done(f"{said} goes on.", {"resumed": True}, Undo(f"pause_{kind}", {kind: name}))


def _pause(client: Client, form: Form) -> Done:
    queue, duration = form.need("queue"), form.length("duration")
    client.pause_queue(queue, duration)
    return _paused("queue", queue, duration)


def _resume(client: Client, form: Form) -> Done:
    queue = form.need("queue")
    return _resumed("queue", queue, was_paused=client.resume_queue(queue))


def _pause_task(client: Client, form: Form) -> Done:
    task, duration = form.need("task"), form.length("duration")
    client.pause_task(task, duration)
    return _paused("task", task, duration)


def _resume_task(client: Client, form: Form) -> Done:
    task = form.need("task")
    return _resumed("task", task, was_paused=client.resume_task(task))


def _clear(client: Client, form: Form) -> Done:
    queue = form.need("queue")
    number = client.clear_queue(
        queue,
        include_scheduled=form.has("include_scheduled"),
        include_blocked=form.has("include_blocked"),
    )
    return Done(f"Deleted {jobs_word(number)} of queue {queue}.", {"deleted": number})


def _ask_clear(_client: Client, form: Form) -> str:
    kinds = [("scheduled", "scheduled"), ("blocked", "blocked")]
    more = [word for word, name in kinds if form.has(f"include_{name}")]
    return (
        f"Delete for good all {' and '.join(['ready', *more])} jobs of queue {form.need('queue')}?"
        " That cannot be undone."
    )


def _configure(client: Client, form: Form) -> Done:
    """What a form leaves out stays; what it has empty is taken away."""
    queue = form.need("queue")
    limits = next((row for row in client.queue_limits() if row.queue == queue), None)
    before = {name: getattr(limits, name, None) for name in _OPTIONS}
    new = {name: value for name, value in _options(form).items()
           if _shown(value) != _shown(before[name])}  # fmt: skip
    if not new:
        return Done(f"Queue {queue} has these limits already.", {"options": []}, is_well=False)
    client.configure_queue(queue, **new)
    changes = [f"{name.replace('_', ' ')}: {_shown(before[name])} → {_shown(value)}"
               for name, value in new.items()]  # fmt: skip
    old = {name: _sent(before[name]) for name in new}
    undo = Undo("configure_queue", {"queue": queue, **old})
    return Done(f"Queue {queue}: {', '.join(changes)}.", {"options": [*new]}, undo)


def _options(form: Form) -> dict[str, Any]:
    new: dict[str, Any] = {}
    for name in _NUMBERS:
        if name in form.values:
            number = form.number(name)
            if number is not None and number < 0:
                raise InvalidArgument(f"{name} is negative", "Leave it empty for no limit.")
            new[name] = _OFF if number is None else number
    if (interval := form.length("rate_interval")) is not None:
        new["rate_interval"] = interval
    for name in _TRUTHS:
        if name in form.values:
            new[name] = form.values.getlist(name)[-1] in ("1", "on", "true")
    if not new:
        raise InvalidArgument("no limit is given", "Fill one in.")
    return new


def _shown(value: Any) -> str:
    match value:
        case bool():
            return "yes" if value else "none"
        case None | -1:
            return "none"
        case timedelta():
            return format_duration(value)
        case _:
            return str(value)


def _sent(value: Any) -> Any:
    """Return an option as a form has it."""
    match value:
        case None:
            return ""
        case bool():
            return "1" if value else "0"
        case timedelta():
            return format_duration(value)
        case _:
            return value


def _mark(client: Client, form: Form) -> Done:
    label = form.need("label")
    client.add_mark(label, form.moment("at"))
    return Done(f"Marked: {label}.")


def _name(form: Form) -> str:
    return form.need("queue")


ACTIONS: Final = (
    Action("pause_queue", "Pause", "pause", _pause, of_queue),
    Action("resume_queue", "Resume", "pause", _resume, of_queue),
    Action("pause_task", "Pause", "pause", _pause_task, of_all, own_queues=False),
    Action("resume_task", "Resume", "pause", _resume_task, of_all, own_queues=False),
    Action("clear_queue", "Clear", "discard", _clear, of_queue, _ask_clear, _name, is_grave=True),
    Action("configure_queue", "Change limits", "limits", _configure, of_queue),
    Action("add_mark", "Mark", "marks", _mark, of_all, own_queues=False),
)
