"""Django in this process, with a database of the test's; and a project of its own.

A test that asks for `database` uses Django here. One that asks for `project` drives processes, as a
person does.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.contrib.django_settings import BACKEND, point_to
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
    log: str = "said.log"

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

    @contextmanager
    def start(
        self, *args: object, stop: int = signal.SIGTERM, **env: str
    ) -> Iterator[subprocess.Popen[str]]:
        """Run `python ARGS...` meanwhile; its output goes to `said`."""
        with (self.folder / self.log).open("a") as log:
            process = subprocess.Popen(
                [sys.executable, *map(str, args)],
                cwd=self.folder, env={**self.environ, **env}, text=True,
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            )  # fmt: skip
        try:
            yield process
            process.send_signal(stop)
            process.wait(PATIENCE)
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()

    @property
    def said(self) -> str:
        """What the started processes wrote."""
        return (self.folder / self.log).read_text()

    def until(self, query: str, wanted: object, *, patience: float = PATIENCE) -> None:
        """Wait until the project's database answers a query so."""
        deadline = time.monotonic() + patience
        found: object = None
        with self.connect() as session:
            while time.monotonic() < deadline:
                row = session.execute(query.encode()).fetchone()
                found = row and row[0]
                if found == wanted:
                    return
                time.sleep(0.1)
        raise AssertionError(f"{query}: {found!r}, not {wanted!r}\n{self.said}")

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
def shop(project: Project, tmp_path: Path) -> Project:
    """A copy of the project that was migrated, to run processes of."""
    shutil.copytree(PROJECT, tmp_path / "project")
    project.folder = tmp_path / "project"
    project.manage("migrate", "-v", "0")
    return project


@pytest.fixture
def queue_dsn(databases: Databases) -> Iterator[str]:
    """A second database, for a queue of its own."""
    with databases.fresh() as name:
        yield databases.dsn(name)


@pytest.fixture
def database(dsn: str) -> Iterator[str]:
    """Django's database "default" in this process, a copy of the template with a shop."""
    from asgiref.sync import sync_to_async

    from tests.contrib.django.shop.models import Order  # isort: skip  # Django is set up by it
    from django.db import connection, connections

    async def close_in_its_thread() -> None:
        await sync_to_async(connections.close_all)()

    point_to(dsn)
    with connection.schema_editor() as editor:
        editor.create_model(Order)
    yield dsn
    connections.close_all()
    with ThreadPoolExecutor(1) as pool:  # a browser's driver may have a loop in this thread
        pool.submit(asyncio.run, close_in_its_thread()).result()


@pytest.fixture
def configured(database: str) -> Iterator[Callable[..., None]]:
    """`configured(options...)` changes the OPTIONS of the backend "default"."""
    from django.test import override_settings

    overrides: list[Any] = []

    def change(*, backend: str = BACKEND, queues: list[str] | None = None, **options: Any) -> None:
        tasks = {"default": {"BACKEND": backend, "QUEUES": queues or [], "OPTIONS": options}}
        overrides.append(override_settings(TASKS=tasks))
        overrides[-1].enable()

    yield change
    for each in reversed(overrides):
        each.disable()


@pytest.fixture
def site(database: str) -> Iterator[None]:
    """Django's own tables beside the schema; answers tell of their contexts."""
    from django.apps import apps
    from django.contrib.auth.management import create_permissions
    from django.contrib.contenttypes.management import create_contenttypes
    from django.db import connection
    from django.test.utils import setup_test_environment, teardown_test_environment

    with connection.schema_editor() as editor:
        for label in ("contenttypes", "auth", "admin", "sessions"):
            for model in apps.get_app_config(label).get_models():
                editor.create_model(model)
    for label in ("contenttypes", "auth", "pgq"):
        create_contenttypes(apps.get_app_config(label), verbosity=0)
        create_permissions(apps.get_app_config(label), verbosity=0)
    setup_test_environment()
    yield
    teardown_test_environment()
