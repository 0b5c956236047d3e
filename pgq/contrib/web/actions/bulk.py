"""Actions on all jobs that match some filters: asked with a number, started in ten seconds."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import parse_qsl

from werkzeug.exceptions import Forbidden

from pgq.client.clients import Client
from pgq.contrib.web.access import Access
from pgq.contrib.web.actions.action import Action, Done, Form, Question, Undo, jobs_word
from pgq.contrib.web.filters import Filters, of_pairs
from pgq.errors import InvalidArgument
from pgq.rows import BulkAction, BulkOperation, BulkStart, State

_MANY: Final = 100
_WAITING: Final[tuple[State, ...]] = ("scheduled", "blocked", "ready")
# What bulk_start() changes, by its action; see _check_bulk.sql.
STATES: Final[dict[BulkAction, tuple[State, ...]]] = {
    "retry": (*_WAITING, "failed", "cancelled", "expired"),
    "cancel": (*_WAITING, "running"),
    "discard": (*_WAITING, "failed", "cancelled", "expired", "succeeded"),
    "reprioritise": _WAITING,
    "run_now": ("scheduled",),
    "redrive": _WAITING,
}
# Without a state in the filters.
_USUAL: Final[dict[BulkAction, tuple[State, ...]]] = {**STATES, "retry": ("failed",), "discard": ()}
_RIGHTS: Final[dict[BulkAction, str]] = {
    "retry": "retry",
    "run_now": "retry",
    "reprioritise": "retry",
    "redrive": "retry",
    "cancel": "cancel",
    "discard": "discard",
}
WORDS: Final[dict[BulkAction, tuple[str, str]]] = {
    "retry": ("Retry", "Retrying"),
    "run_now": ("Run now", "Making due"),
    "reprioritise": ("Change the priority of", "Changing the priority of"),
    "redrive": ("Redrive", "Redriving"),
    "cancel": ("Cancel", "Cancelling"),
    "discard": ("Delete for good", "Deleting"),
}


def right_of(action: BulkAction) -> str:
    """Return which right a bulk operation needs."""
    return _RIGHTS[action]


def may_stop(access: Access, operation: BulkOperation) -> bool:
    """Return whether a user may stop an operation: who may start it may."""
    queue = operation.filters.get("queue")
    reaches = access.queues is None or (queue is not None and access.reaches(queue))
    return access.can(right_of(operation.action)) and reaches


def _filters(form: Form) -> Filters:
    """Read what the list was filtered by; InvalidArgument where that is more than is known."""
    found, problems = of_pairs(parse_qsl(form.text("filters") or ""), ("q", "said", "as", "page"))
    for problem in problems:
        raise InvalidArgument(f"filter {problem.name}: {problem.what}", "Change the filters.")
    if others := found.not_of_bulk:
        raise InvalidArgument(
            f"all that match cannot be taken by {', '.join(others)}",
            "Leave that filter out, or choose jobs one by one.",
        )
    return found


def _wanted(action: BulkAction, form: Form) -> dict[str, Any]:
    """Return the arguments of bulk_start()."""
    filters = _filters(form)
    states = [state for state in filters.states or _USUAL[action] if state in STATES[action]]
    if not states:
        raise InvalidArgument(
            f"no job that matches can be changed by {action}",
            f"Filter by one of these states: {', '.join(STATES[action])}.",
        )
    wanted = {**filters.of_bulk(_moment(form)), "action": action, "states": states}
    if action == "reprioritise":
        wanted["priority"] = form.id("priority")
    if action == "retry":
        wanted["at"], wanted["spread"] = form.moment("at"), form.length("spread")
    return wanted


def _moment(form: Form) -> datetime:
    """Return when the question was asked: `24h` means the same jobs after the answer."""
    return form.moment("asked_at") or datetime.now(UTC)


def _about(started: BulkStart) -> str:
    return jobs_word(started.jobs) if started.is_exact else f"more than {started.jobs:,} jobs"


def _ask(action: BulkAction, client: Client, form: Form) -> Question:
    wanted = _wanted(action, form)
    found = client.bulk_start(**wanted, preview=True)
    verb = WORDS[action][0]
    to = f" to {wanted['priority']}" if action == "reprioritise" else ""
    lines = [f"Of these states: {', '.join(wanted['states'])}. Jobs that come later are not meant."]
    now = _moment(form)
    all_of_them = client.estimate_jobs(**_filters(form).of_search(now))
    if found.is_exact and all_of_them.exact and all_of_them.jobs > found.jobs:
        over = all_of_them.jobs - found.jobs
        lines.append(f"{jobs_word(over)} more match, in a state that this does not change.")
    lines.append("It begins ten seconds after your answer; until then it can be undone.")
    fixed = {"up_to_id": found.highest_id, "asked_at": now.isoformat(), "counted": found.jobs}
    return Question(f"{verb} {_about(found)}{to}?", lines, fixed, found.samples)


def _start(action: BulkAction, client: Client, form: Form) -> Done:
    started = client.bulk_start(**_wanted(action, form), up_to_id=form.id("up_to_id"))
    doing = WORDS[action][1]
    operation = {"id": started.id}
    return Done(
        f"{doing} {_about(started)} in 10 s.",
        {**operation, "jobs": started.jobs, "is_exact": started.is_exact},
        Undo("bulk_stop", {"operation": started.id}),
        page=("operation", operation),
    )


def _proof(form: Form) -> str | None:
    counted = form.number("counted") or 0
    return str(counted) if counted > _MANY else None


def _of_filters(_client: Client, access: Access, form: Form) -> Form:
    """Forbidden for who has not all queues, unless the filters name one of theirs.

    Who may not see arguments may not ask for them either: the number of jobs would tell.
    """
    filters = _filters(form)
    hidden = (filters.args, filters.headers)
    if hidden != (None, None) and not access.can("see_args"):
        raise Forbidden("You may not filter by arguments or headers.")
    queue = filters.queue
    if access.queues is not None and (queue is None or not access.reaches(queue)):
        raise Forbidden("Filter by a queue of yours first.")
    return form


def _of_operation(client: Client, access: Access, form: Form) -> Form:
    """Forbidden for who may not start such an operation."""
    found = client.bulk_status(form.id("operation"))
    if found:
        if not may_stop(access, found[0]):
            raise Forbidden("You may not stop this operation.")
    elif not any(access.can(right) for right in _RIGHTS.values()):
        raise Forbidden("You may not stop operations.")
    return form


def _stop(client: Client, form: Form) -> Done:
    operation = form.id("operation")
    answer = client.bulk_stop(operation)
    said = {
        "undone": f"Undone: operation {operation} has changed nothing.",
        "stopped": f"Operation {operation} is stopped.",
        "finished": f"Operation {operation} had finished already.",
        "not_found": f"There is no operation {operation}.",
    }[answer]
    return Done(said, {"outcome": answer}, is_well=answer in ("undone", "stopped"))


def _action(action: BulkAction, label: str) -> Action:
    def do(client: Client, form: Form) -> Done:
        return _start(action, client, form)

    def ask(client: Client, form: Form) -> Question:
        return _ask(action, client, form)

    is_grave = action == "discard"
    proof = _proof if is_grave else None
    return Action(
        f"bulk_{action}", label, right_of(action), do, _of_filters, ask, proof, is_grave=is_grave
    )


ACTIONS: Final = (
    _action("retry", "Retry all"),
    _action("run_now", "Run all now"),
    _action("reprioritise", "Set priority of all"),
    _action("cancel", "Cancel all"),
    _action("discard", "Delete all"),
    # The right is looked up in the operation.
    Action("bulk_stop", "Stop", "view", _stop, _of_operation),
)
