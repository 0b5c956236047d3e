"""`manage.py pgq ...`: the command line of pgq, with Django set up and the project's database."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from contextlib import redirect_stdout
from typing import Any, Final

from django.core.management.base import BaseCommand, CommandError, CommandParser

from pgq.cli import cli
from pgq.contrib.django import command_line

PROGRAM: Final = "manage.py pgq"


class Command(BaseCommand):
    """Hands the arguments over as they are: `pgq --help` lists the commands."""

    help = "The command line of pgq with the database, schema and OPTIONS of a backend of TASKS."
    requires_system_checks: Sequence[str] = ()

    def add_arguments(self, parser: CommandParser) -> None:
        """Take everything."""
        parser.add_argument("--backend", default="default", help="an alias of TASKS")
        parser.add_argument("arguments", nargs=argparse.REMAINDER, help="as for `pgq`")

    def run_from_argv(self, argv: list[str]) -> None:
        """Leave options to pgq: Django's parser would take some for its own."""
        self._called_from_command_line = True
        alias, arguments = command_line.split(argv[2:])
        try:
            self.run(alias, arguments)
        except CommandError as error:
            self.stderr.write(f"{type(error).__name__}: {error}")
            sys.exit(error.returncode)

    def handle(self, *_args: Any, **given: Any) -> None:
        """Run it for `call_command("pgq", "stats")`; SystemExit where it fails."""
        alias, arguments = command_line.split(given["arguments"])
        with redirect_stdout(getattr(self.stdout, "_out", sys.stdout)):
            self.run(given["backend"] if alias == "default" else alias, arguments)

    def run(self, alias: str, arguments: list[str]) -> None:
        """Run a command of pgq."""
        chosen = command_line.choose(alias)
        # The project's migrations decide when; its own options are as they are.
        if arguments[:1] == ["migrate"] and not {*arguments[1:]} - {"--json"}:
            revision = command_line.check_migrated(chosen)
            said = f"schema {chosen.schema} is at revision {revision}"
            found = {"schema": chosen.schema, "revision": revision}
            self.stdout.write(json.dumps(found) if "--json" in arguments else said)
            return
        try:
            cli.main(args=arguments, prog_name=PROGRAM)
        except SystemExit as end:
            if end.code not in (0, None):
                raise
        if arguments[:1] == ["uninstall"]:
            command_line.forget_migrations(chosen)
