"""A worker process of a supervisor: python -m pgq.cli.worker_process FD.

FD is one end of a socket. The first line from it says what to run (ProcessPlan). The process tells
`registered ID PLACE` for each id that the worker at a place of the plan gets, and `left` when all
have deregistered.
When the other end closes, the supervisor is gone: then the process stops in order, as at SIGTERM.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import socket
import sys
from functools import partial
from typing import Final

import click

from pgq.cli.failures import as_failure
from pgq.cli.modules import load_tasks
from pgq.cli.worker import log_to_stderr
from pgq.errors import WorkerStuck
from pgq.lib.forks import closed_in_children
from pgq.lib.signals import caught
from pgq.logs import log_event
from pgq.processes import event_loop
from pgq.processes.group import Crew
from pgq.processes.plan import ProcessPlan

# How it ends, besides the exit codes of the command line.
STUCK: Final = 75
SIGNALLED: Final = 143


def main() -> None:
    """Run what the supervisor asks for, and exit."""
    if hasattr(signal, "SIGQUIT"):
        signal.signal(signal.SIGQUIT, lambda *_: os._exit(SIGNALLED))  # without a core dump
    with socket.socket(fileno=int(sys.argv[1])) as control:
        plan = ProcessPlan.from_text(_first_line(control))
        log_to_stderr(plan.log_level, plan.log_format)
        try:
            # Outside of the event loop: a module may run one of its own.
            crew = Crew(plan.make_workers(load_tasks(plan.modules)))
            code = event_loop.run(_run(crew, control))
        except WorkerStuck as stuck:
            log_event(logging.WARNING, "process.stuck", reason=stuck.message)
            code = STUCK
        except Exception as error:  # noqa: BLE001 (raised again, unless it is known)
            code = _explain(error, plan)
        logging.shutdown()
        sys.stdout.flush()
        sys.exit(code)


def _explain(error: Exception, plan: ProcessPlan) -> int:
    failure = error if isinstance(error, click.ClickException) else None
    failure = failure or as_failure(error, plan.workers[0]["dsn"])
    if failure is None or os.environ.get("PGQ_DEBUG"):
        raise error
    failure.show()
    return failure.exit_code


async def _run(crew: Crew, control: socket.socket) -> int:
    loop = asyncio.get_running_loop()
    control.setblocking(False)

    def watch() -> None:
        """Nothing but the end comes."""
        loop.remove_reader(control)
        log_event(logging.WARNING, "supervisor.lost", action="stop")
        crew.stop()

    for place, worker in enumerate(crew.workers):
        worker.tell(partial(_tell_registered, control, place))
    # Who stops a whole group of processes signals this one beside the supervisor: a second SIGTERM
    # means no more than the first.
    handlers = {"SIGTERM": crew.stop, "SIGINT": crew.stop, "SIGQUIT": crew.stop_now}
    with closed_in_children(control.fileno()), caught(handlers):
        loop.add_reader(control, watch)
        try:
            await crew.run()
        finally:
            loop.remove_reader(control)
            _tell(control, "left")
    return SIGNALLED if crew.stopping else 0


def _first_line(control: socket.socket) -> str:
    received = b""
    while not received.endswith(b"\n"):
        part = control.recv(65536)
        if not part:
            sys.exit(SIGNALLED)
        received += part
    return received.decode()


def _tell_registered(control: socket.socket, place: int, worker_id: int) -> None:
    _tell(control, f"registered {worker_id} {place}")


def _tell(control: socket.socket, line: str) -> None:
    with contextlib.suppress(OSError):
        control.send(f"{line}\n".encode())


if __name__ == "__main__":
    main()
