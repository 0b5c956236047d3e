"""dj-queue's `manage.py dj_queue`: a worker with the OPTIONS of a backend of TASKS."""

from __future__ import annotations

import os
from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser

from pgq.contrib.django.options import CONFIG

_MODES = {"fork": "process", "async": "async"}


class Command(BaseCommand):
    """Runs `manage.py pgq worker` with what these options mean there."""

    help = "Run a worker of pgq; the same as `manage.py pgq worker` with dj-queue's options."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        """Take dj-queue's options."""
        parser.add_argument("--backend", default="default")
        parser.add_argument("--config", help="a YAML file that is laid over OPTIONS")
        parser.add_argument("--mode", choices=(*_MODES,))
        parser.add_argument("--only-work", action="store_true")
        parser.add_argument("--only-dispatch", action="store_true")
        parser.add_argument("--skip-recurring", action="store_true")
        parser.add_argument("--migration-wait-timeout", metavar="SECONDS")

    def handle(self, *_args: Any, **given: Any) -> None:
        """Run until it is stopped."""
        if given["only_work"] and given["only_dispatch"]:
            raise CommandError("--only-work and --only-dispatch cannot be combined")
        if given["config"]:
            os.environ[CONFIG] = given["config"]
        arguments = ["worker"]
        if given["mode"]:
            arguments += ["--mode", _MODES[given["mode"]]]
        if given["migration_wait_timeout"]:
            arguments += ["--schema-timeout", given["migration_wait_timeout"]]
        switches = {
            "only_work": "--only-work",
            "only_dispatch": "--only-maintain",
            "skip_recurring": "--no-schedules",
        }
        arguments += [ours for theirs, ours in switches.items() if given[theirs]]
        call_command("pgq", *arguments, backend=given["backend"])
