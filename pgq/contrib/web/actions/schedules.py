"""Actions on schedules."""

from __future__ import annotations

from typing import Final

from pgq.client.clients import Client
from pgq.contrib.web.actions.action import Action, Done, Form, Undo
from pgq.contrib.web.actions.reach import of_schedule


def _run(client: Client, form: Form) -> Done:
    name = form.need("schedule")
    before = client.schedule_status(name)
    job_id = client.run_schedule_now(name)
    if before and before[0].last_job_id == job_id:
        said = f"Schedule {name} does not overlap, and its job {job_id} is still there."
        return Done(said, {"id": job_id}, is_well=False)
    undo = Undo("cancel", {"id": [job_id], "confirmed": 1})
    return Done(f"Schedule {name} runs now, as job {job_id}.", {"id": job_id}, undo)


def _pause(client: Client, form: Form) -> Done:
    name = form.need("schedule")
    if not client.pause_schedule(name):
        return Done(f"Schedule {name} was paused already.", {"paused": False}, is_well=False)
    undo = Undo("resume_schedule", {"schedule": name})
    return Done(f"Schedule {name} is paused.", {"paused": True}, undo)


def _resume(client: Client, form: Form) -> Done:
    name = form.need("schedule")
    if not client.resume_schedule(name):
        return Done(f"Schedule {name} was not paused.", {"resumed": False}, is_well=False)
    undo = Undo("pause_schedule", {"schedule": name})
    return Done(f"Schedule {name} goes on.", {"resumed": True}, undo)


def _delete(client: Client, form: Form) -> Done:
    name = form.need("schedule")
    if not client.unschedule(name):
        return Done(f"There is no schedule {name}.", {"deleted": False}, is_well=False)
    return Done(f"Schedule {name} is deleted.", {"deleted": True}, page=("schedules", {}))


def _ask_delete(_client: Client, form: Form) -> str:
    return f"Delete schedule {form.need('schedule')}? Its jobs and its history stay."


ACTIONS: Final = (
    Action("run_schedule", "Run now", "schedules", _run, of_schedule),
    Action("pause_schedule", "Pause", "schedules", _pause, of_schedule),
    Action("resume_schedule", "Resume", "schedules", _resume, of_schedule),
    Action(
        "delete_schedule", "Delete", "schedules", _delete, of_schedule, _ask_delete, is_grave=True
    ),
)
