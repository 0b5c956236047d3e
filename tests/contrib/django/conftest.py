"""A Django project with a database of its own, driven from outside, as a person does."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.servers import Databases
from tests.sources import CHECKOUT

pytest.importorskip("django")

PROJECT = Path(__file__).parent / "project"
PATIENCE = 100.0


@dataclass
class Project:
    """`manage(...)` runs a command of manage.py, `python(...)` a program in the project."""

    dsn: str
    env: dict[str, str]
    folder: Path = PROJECT
    settings: dict[str, Any] = field(default_factory=dict)

    @property
    def environ(self) -> dict[str, str]:
        """What the project's processes find in their environment."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
        more = {"SHOP_DSN": self.dsn, "SHOP_SETTINGS": json.dumps(self.settings)}
        return {**kept, "PYTHONPATH": str(CHECKOUT), **more, **self.env}

    def manage(self, *args: object, code: int | None = 0) -> subprocess.CompletedProcess[str]:
        """Run a command of manage.py; fail unless it ends with the exit code."""
        return self._run([str(self.folder / "manage.py"), *map(str, args)], code)

    def python(self, program: str, code: int | None = 0) -> subprocess.CompletedProcess[str]:
        """Run a program with Django set up."""
        begin = "import django; django.setup()\n"
        return self._run(["-c", begin + program], code, DJANGO_SETTINGS_MODULE="config.settings")

    def connect(self) -> psycopg.Connection[Any]:
        """Open a session on the project's own database."""
        return psycopg.connect(self.dsn, autocommit=True)

    def revisions(self, schema: str = "pgq") -> list[str]:
        """Return what the schema says that it is at."""
        with self.connect() as session:
            query = f"select version_num from {schema}.schema_version"
            return [row[0] for row in session.execute(query.encode())]

    def _run(
        self, command: list[str], code: int | None, **env: str
    ) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [sys.executable, *command],
            cwd=self.folder,
            env={**self.environ, **env},
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        assert code is None or done.returncode == code, done.stdout + done.stderr
        return done


@pytest.fixture
def project(empty_dsn: str) -> Project:
    """The project, whose database is empty."""
    return Project(empty_dsn, {})


@pytest.fixture
def queue_dsn(databases: Databases) -> Iterator[str]:
    """A second database, for a queue of its own."""
    with databases.fresh() as name:
        yield databases.dsn(name)
