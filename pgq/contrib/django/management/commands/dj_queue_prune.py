"""dj-queue's `manage.py dj_queue_prune`: delete finished jobs by their age."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from pgq.contrib.dj_queue.operations.cleanup import (
    clear_failed_jobs,
    clear_finished_jobs,
    clear_recurring_executions,
)
from pgq.contrib.django.installations import installation
from pgq.contrib.django.options import options

_AGES = {
    "older_than": "clear_finished_jobs_after",
    "failed_older_than": "clear_failed_jobs_after",
    "recurring_older_than": "clear_recurring_executions_after",
}


class Command(BaseCommand):
    """Deletes what is older than the options say, or else OPTIONS; without an age: nothing.

    Nobody has to run it. Workers drop the history as configure_retention says.
    """

    help = "Delete finished jobs that are older than some seconds, at most a batch of them."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        """Take dj-queue's options."""
        parser.add_argument("--backend", default="default")
        for name in _AGES:
            parser.add_argument(f"--{name.replace('_', '-')}", type=int, metavar="SECONDS")
        parser.add_argument("--batch-size", type=int, default=500)
        parser.add_argument("--task-path")
        parser.add_argument("--task-key")

    def handle(self, *_args: Any, **given: Any) -> None:
        """Delete, and say how many."""
        alias, size = installation(given["backend"]).backend, given["batch_size"]
        found = options(alias)
        ages = {
            name: found.get(option) if given[name] is None else given[name]
            for name, option in _AGES.items()
        }
        shared: dict[str, Any] = {"batch_size": size, "backend_alias": alias}
        of_task = {"task_path": given["task_path"], **shared}
        finished = clear_finished_jobs(older_than=ages["older_than"], **of_task)
        failed = clear_failed_jobs(older_than=ages["failed_older_than"], **of_task)
        recurring = clear_recurring_executions(
            older_than=ages["recurring_older_than"], task_key=given["task_key"], **shared
        )
        self.stdout.write(
            f"deleted {finished} finished jobs, {failed} failed jobs, "
            f"and {recurring} recurring executions"
        )
