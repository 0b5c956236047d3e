"""What a user may do an action to, by the queues that it belongs to.

Each looks in the transaction that does the action. A job never changes its queue.
"""

from __future__ import annotations

from werkzeug.exceptions import Forbidden

from pgq.calls.call import Call
from pgq.client.clients import Client
from pgq.contrib.web.access import Access
from pgq.contrib.web.actions.action import Form
from pgq.lib.checks import as_ids

_SAID = "That belongs to queues that are not yours."


def of_jobs(client: Client, access: Access, form: Form) -> Form:
    """Leave out jobs of other queues, and those that are gone; Forbidden where none is left."""
    if access.queues is None:
        return form
    known = client.run(_queues_of(form.ids()))
    mine = [job for job in form.ids() if job in known and access.reaches(known[job])]
    if not mine:
        raise Forbidden(_SAID)
    return form.with_ids(mine)


def of_copy(client: Client, access: Access, form: Form) -> Form:
    """Ask for the queue of the job, and for that of its copy."""
    return of_queue(client, access, of_jobs(client, access, form), is_needed=False)


def of_queue(client: Client, access: Access, form: Form, *, is_needed: bool = True) -> Form:
    """Forbidden for another queue; without a name it is the default one."""
    named = form.need("queue") if is_needed else form.text("queue")
    if named is not None and not access.reaches(named):
        raise Forbidden(_SAID)
    return form


def of_new(client: Client, access: Access, form: Form) -> Form:
    """Forbidden for another queue, also for the default one."""
    if not access.reaches(form.text("queue") or "default"):
        raise Forbidden(_SAID)
    return form


def of_worker(client: Client, access: Access, form: Form) -> Form:
    """Forbidden for a worker that works for other queues too."""
    if access.queues is None:
        return form
    found = [row for row in client.worker_status() if row.id == form.id("worker")]
    selectors = found[0].queues.split(", ") if found else []
    if not selectors or not all(access.reaches(each) for each in selectors):
        raise Forbidden(_SAID)
    return form


def of_schedule(client: Client, access: Access, form: Form) -> Form:
    """Forbidden for a schedule whose jobs go into another queue."""
    if access.queues is None:
        return form
    found = client.schedule_status(form.need("schedule"))
    if not found or not access.reaches(found[0].queue):
        raise Forbidden(_SAID)
    return form


def of_all(client: Client, access: Access, form: Form) -> Form:
    """Forbidden for who has not all queues: it is of none of them."""
    if access.queues is not None:
        raise Forbidden("That belongs to all queues together.")
    return form


def _queues_of(ids: list[int]) -> Call[dict[int, str]]:
    template = "select id, queue from {schema}.job_states where id = any(%(ids)s::bigint[])"
    return Call(template, {"ids": as_ids(ids)}, lambda rows: {row[0]: row[1] for row in rows})
