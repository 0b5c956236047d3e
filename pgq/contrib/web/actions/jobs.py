"""Actions on jobs that were chosen one by one, and on new ones."""

from __future__ import annotations

from typing import Final

from pgq.client.clients import Client
from pgq.contrib.web.actions.action import Action, Ask, Done, Form, Undo, counted, jobs_word
from pgq.contrib.web.actions.reach import of_copy, of_jobs, of_new
from pgq.errors import InvalidArgument

# Above so many, the number must be typed in before jobs are deleted.
_MANY: Final = 100


def _retry(client: Client, form: Form) -> Done:
    at = form.moment("at") or None
    said, numbers, is_well = counted(client.retry(form.ids(), at=at), "retried")
    return Done(f"{said}.", numbers, is_well=is_well)


def _cancel(client: Client, form: Form) -> Done:
    outcomes = client.cancel(form.ids())
    said, numbers, _ = counted(outcomes, "cancelled")
    waited = [each.job_id for each in outcomes if each.outcome == "cancelled"]
    # More would make no address.
    undo = Undo("retry", {"id": waited, "confirmed": 1}) if 0 < len(waited) <= _MANY else None
    is_well = set(numbers) <= {"cancelled", "requested"}
    return Done(f"{said}.", numbers, undo, is_well)


def _discard(client: Client, form: Form) -> Done:
    said, numbers, is_well = counted(client.discard(form.ids()), "discarded")
    return Done(f"{said}.", numbers, is_well=is_well)


def _run_now(client: Client, form: Form) -> Done:
    said, numbers, is_well = counted(client.run_now(form.ids()), "promoted")
    return Done(f"{said}.", numbers, is_well=is_well)


def _reprioritise(client: Client, form: Form) -> Done:
    priority = form.id("priority")
    ids = form.ids()
    # Only of one job is the old priority kept: that of a hundred makes no link.
    before = client.job(ids[0]) if len(ids) == 1 else None
    said, numbers, is_well = counted(client.reprioritise(ids, priority), "reprioritised")
    undo = None
    if before is not None and is_well and before.priority != priority:
        undo = Undo("reprioritise", {"id": ids, "priority": before.priority})
    return Done(f"{said}: priority {priority}.", numbers, undo, is_well)


def _enqueue_again(client: Client, form: Form) -> Done:
    (job_id, *others) = form.ids()
    if others:
        raise InvalidArgument("copies are made of one job at a time", "Choose one.")
    new = client.enqueue_again(
        job_id,
        queue=form.text("queue"),
        priority=form.number("priority"),
        run_at=form.moment("run_at"),
        delay=form.length("delay"),
        unique_key=form.text("unique_key"),
    )
    return Done(
        f"Job {new} is a copy of job {job_id}.",
        {"id": new},
        Undo("cancel", {"id": [new], "confirmed": 1}),
        page=("job", {"id": new}),
    )


def _enqueue(client: Client, form: Form) -> Done:
    args = form.json("args")
    if args is not None and not isinstance(args, dict | list):
        raise InvalidArgument("args is neither an object nor an array", 'As in {"user_id": 7}.')
    new = client.enqueue(
        form.need("task"),
        {} if args is None else args,  # pyright: ignore[reportUnknownArgumentType]
        queue=form.text("queue"),
        priority=form.number("priority"),
        run_at=form.moment("run_at"),
        delay=form.length("delay"),
        max_attempts=form.number("max_attempts"),
        unique_key=form.text("unique_key"),
        on_conflict="raise" if form.text("unique_key") else None,
    )
    return Done(
        f"Job {new} is enqueued.",
        {"id": new},
        Undo("cancel", {"id": [new], "confirmed": 1}),
        page=("job", {"id": new}),
    )


def _ask(what: str, *, least: int = 1) -> Ask:
    def ask(_client: Client, form: Form) -> str | None:
        number = len(form.ids())
        return f"{what} {jobs_word(number)}?" if number >= least else None

    return ask


def _proof(form: Form) -> str | None:
    number = len(form.ids())
    return str(number) if number > _MANY else None


ACTIONS: Final = (
    Action("retry", "Retry", "retry", _retry, of_jobs, _ask("Retry", least=2)),
    Action("run_now", "Run now", "retry", _run_now, of_jobs),
    Action(
        "reprioritise",
        "Set priority",
        "retry",
        _reprioritise,
        of_jobs,
        _ask("Change the priority of", least=_MANY + 1),
    ),
    Action("cancel", "Cancel", "cancel", _cancel, of_jobs, _ask("Cancel")),
    Action(
        "discard",
        "Delete",
        "discard",
        _discard,
        of_jobs,
        _ask("Delete for good, in the history too,"),
        _proof,
        is_grave=True,
    ),
    Action("enqueue_again", "Enqueue a copy", "enqueue_again", _enqueue_again, of_copy),
    Action("enqueue", "Enqueue", "enqueue", _enqueue, of_new, login="producer"),
)
