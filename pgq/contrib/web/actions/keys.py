"""Actions on semaphores, unique keys and batches, which belong to no single queue."""

from __future__ import annotations

from typing import Final

from pgq.client.clients import Client
from pgq.contrib.web.actions.action import Action, Done, Form, Undo, jobs_word
from pgq.contrib.web.actions.reach import of_all


def _configure(client: Client, form: Form) -> Done:
    key, slots = form.need("concurrency_key"), form.number("max_slots")
    before = next(iter(client.list_semaphores(of_key=key)), None)
    client.configure_semaphore(key, slots)
    old = before.max_slots if before is not None and before.configured else None
    undo = Undo("configure_semaphore", {"concurrency_key": key, "max_slots": _sent(old)})
    said = f"Semaphore {key}: slots {_shown(old)} → {_shown(slots)}."
    return Done(said, {"max_slots": slots}, undo)


def _shown(slots: int | None) -> str:
    return "as its jobs say" if slots is None else str(slots)


def _sent(slots: int | None) -> str:
    return "" if slots is None else str(slots)


def _release(client: Client, form: Form) -> Done:
    key = form.need("concurrency_key")
    number = client.release_semaphore(key)
    said = f"Took the slots of semaphore {key} from {jobs_word(number)}."
    return Done(said, {"released": number}, is_well=number > 0)


def _ask_release(_client: Client, form: Form) -> str:
    key = form.need("concurrency_key")
    return f"Take all slots of semaphore {key} from its jobs? What it protects may then run twice."


def _free(client: Client, form: Form) -> Done:
    key = form.need("unique_key")
    if not client.release_unique_key(key):
        return Done(f"Unique key {key} was free.", {"released": False}, is_well=False)
    return Done(f"Unique key {key} is free.", {"released": True})


def _ask_free(client: Client, form: Form) -> str:
    key = form.need("unique_key")
    owner = client.unique_key_owner(key)
    of = f", which job {owner.job_id} has" if owner else ""
    return f"Free unique key {key}{of}? Two jobs may then do what one should."


def _close(client: Client, form: Form) -> Done:
    batch = form.id("batch")
    was_open = client.close_batch(batch)
    said = f"Batch {batch} is closed." if was_open else f"Batch {batch} was closed already."
    return Done(said, {"closed": was_open}, is_well=was_open)


def _ask_close(_client: Client, form: Form) -> str:
    return f"Close batch {form.id('batch')}? Then only its own jobs can add jobs to it."


ACTIONS: Final = (
    Action("configure_semaphore", "Change slots", "limits", _configure, of_all, own_queues=False),
    Action(
        "release_semaphore",
        "Take all slots",
        "release",
        _release,
        of_all,
        _ask_release,
        is_grave=True,
        own_queues=False,
    ),
    Action(
        "release_unique_key",
        "Free the key",
        "release",
        _free,
        of_all,
        _ask_free,
        is_grave=True,
        own_queues=False,
    ),
    Action("close_batch", "Close", "batches", _close, of_all, _ask_close, own_queues=False),
)
