"""dj-queue's `manage.py dj_queue_health`: exit code 0 where a worker is alive."""

from __future__ import annotations

from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandParser


class Command(BaseCommand):
    """Runs `manage.py pgq health`, which checks more than that a worker is alive."""

    help = "Check the queue; the same as `manage.py pgq health` with dj-queue's options."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        """Take dj-queue's options."""
        parser.add_argument("--backend", default="default")
        parser.add_argument("--max-age", type=float, metavar="SECONDS")
        parser.add_argument("--deep", action="store_true")
        parser.add_argument("--require-version", metavar="VERSION")

    def handle(self, *_args: Any, **given: Any) -> None:
        """Print the checks, then `healthy`; SystemExit(1) where one failed."""
        arguments = ["health"]
        if given["max_age"] is not None:
            arguments += ["--max-age", f"{given['max_age']:g}s"]
        if given["deep"]:
            arguments += ["--deep"]
        if given["require_version"]:
            arguments += ["--require-version", given["require_version"]]
        call_command("pgq", *arguments, backend=given["backend"], stdout=self.stdout)
        self.stdout.write("healthy")
