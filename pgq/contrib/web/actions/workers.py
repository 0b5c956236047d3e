"""Actions on workers."""

from __future__ import annotations

from typing import Final

from pgq.client.clients import Client
from pgq.contrib.web.actions.action import Action, Done, Form, Undo
from pgq.contrib.web.actions.reach import of_worker
from pgq.orders import Instruction

_SAID: Final[dict[Instruction, str]] = {
    "pause": "claims no more jobs until it is resumed",
    "stop": "finishes its jobs, and stops",
    "resume": "goes on",
}


def _order(client: Client, form: Form, instruction: Instruction) -> Done:
    worker = form.id("worker")
    if not client.order_worker(worker, instruction):
        return Done(f"There is no worker {worker}.", {"found": False}, is_well=False)
    other = {"pause": "resume_worker", "stop": "resume_worker", "resume": "pause_worker"}
    undo = Undo(other[instruction], {"worker": worker})
    return Done(f"Worker {worker} {_SAID[instruction]}.", {"found": True}, undo)


def _pause(client: Client, form: Form) -> Done:
    return _order(client, form, "pause")


def _resume(client: Client, form: Form) -> Done:
    return _order(client, form, "resume")


def _stop(client: Client, form: Form) -> Done:
    return _order(client, form, "stop")


def _give_up(client: Client, form: Form) -> Done:
    worker = form.id("worker")
    lost = client.report_lost_worker(worker, "was given up in the dashboard")
    runs = "1 run is lost" if lost == 1 else f"{lost:,} runs are lost"
    return Done(f"Worker {worker} is given up: {runs}.", {"lost": lost}, page=("workers", {}))


def _ask_stop(_client: Client, form: Form) -> str:
    return f"Stop worker {form.id('worker')} when its jobs have ended?"


def _ask_give_up(_client: Client, form: Form) -> str:
    return (
        f"Give up worker {form.id('worker')}? Its jobs count as lost and run again: if it still"
        " lives, twice at the same time."
    )


ACTIONS: Final = (
    Action("pause_worker", "Pause", "workers", _pause, of_worker),
    Action("resume_worker", "Resume", "workers", _resume, of_worker),
    Action("stop_worker", "Stop", "workers", _stop, of_worker, _ask_stop),
    Action(
        "give_up_worker", "Give up", "workers", _give_up, of_worker, _ask_give_up, is_grave=True
    ),
)
