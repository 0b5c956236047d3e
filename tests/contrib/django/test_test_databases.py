"""The test databases of a project: made, copied for several processes, emptied after each test."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from psycopg.conninfo import conninfo_to_dict

from tests.contrib.django.conftest import PROJECT, Project

pytestmark = pytest.mark.slow

TESTS = """
from django.db import connection
from django.test import TestCase, TransactionTestCase

def jobs():
    with connection.cursor() as cursor:
        cursor.execute("select count(*) from pgq.all_jobs")
        return cursor.fetchone()[0]

def enqueue():
    with connection.cursor() as cursor:
        cursor.execute("select pgq.enqueue('shop.tasks.pack', queue => 'mail')")
        cursor.execute("select pgq.schedule('s', 'shop.tasks.pack', every => '1 day')")

class {name}(TransactionTestCase):
    def test_one(self):
        self.assertEqual(jobs(), 0)
        enqueue()
        self.assertEqual(jobs(), 1)

    test_two = test_three = test_one

class {name}Restricted(TransactionTestCase):
    available_apps = ["django.contrib.contenttypes", "pgq.contrib.django", "shop"]

    test_one = test_two = {name}.test_one

class {name}RolledBack(TestCase):
    test_one = test_two = {name}.test_one
"""


@pytest.fixture
def tested(project: Project, tmp_path: Path) -> Project:
    """The project, with tests of its own."""
    shutil.copytree(PROJECT, tmp_path / "project")
    project.folder = tmp_path / "project"
    for number in (1, 2, 3):
        name = f"Orders{number}"
        file = project.folder / "shop" / f"test_{name.lower()}.py"
        file.write_text(TESTS.replace("{name}", name))
    return project


def test_each_test_begins_with_an_empty_queue(tested: Project) -> None:
    said = tested.manage("test", "shop", "--noinput").stderr
    assert "Ran 21 tests" in said
    assert "OK" in said


def test_processes_have_copies_with_the_schema(tested: Project) -> None:
    said = tested.manage("test", "shop", "--noinput", "--parallel", "2", "-v", "2").stderr
    assert "Cloning test database" in said
    assert "Ran 21 tests" in said


def test_the_schema_is_there_without_migrations(tested: Project) -> None:
    tested.settings["MIGRATION_MODULES"] = {"pgq": None, "shop": None}
    assert "Ran 21 tests" in tested.manage("test", "shop", "--noinput").stderr


def test_several_runs_at_once_make_roles_once(tested: Project) -> None:
    """As pytest-xdist does: each process makes a test database of its own, by migrating."""
    running = []
    for number in (1, 2, 3):
        tested.settings["TASKS"] = {
            "default": {
                "BACKEND": "pgq.contrib.django.PgqBackend",
                "QUEUES": [],
                "OPTIONS": {"role_prefix": "at_once_"},
            }
        }
        folder = tested.folder.with_name(f"copy{number}")
        shutil.copytree(tested.folder, folder)
        settings = folder / "config" / "settings.py"
        name = f"test_{conninfo_to_dict(tested.dsn)['dbname']}_{number}"
        more = f'\nDATABASES["default"]["TEST"] = {{"NAME": "{name}"}}\n'
        settings.write_text(settings.read_text() + more)
        running.append(
            subprocess.Popen(
                [sys.executable, "manage.py", "test", "shop.test_orders1", "--noinput"],
                cwd=folder,
                env=tested.environ,
                stderr=subprocess.PIPE,
                text=True,
            )
        )
    said = [each.communicate(timeout=100)[1] for each in running]
    assert [each.returncode for each in running] == [0, 0, 0], said
    with tested.connect() as session:
        for role in ("producer", "worker", "operator", "observer", "monitor"):
            session.execute(f"drop role at_once_{role}".encode())


def test_flush_asks_first(project: Project) -> None:
    project.manage("migrate")
    with project.connect() as session:
        session.execute("select pgq.enqueue('shop.tasks.pack')")
        project.manage("sqlflush")
        assert session.execute("select count(*) from pgq.all_jobs").fetchone() == (1,)
        project.manage("flush", "--noinput")
        assert session.execute("select count(*) from pgq.all_jobs").fetchone() == (0,)
        assert session.execute("select * from pgq.verify()").fetchall() == []
