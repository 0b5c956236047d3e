"""`manage.py migrate` and `pgq migrate` bring one schema, whose schema_version is the truth."""

from __future__ import annotations

from pathlib import Path

import django
import psycopg
import pytest

from pgq.schema import migrate
from tests.contrib.django.conftest import Project
from tests.servers import Databases, install

pytestmark = pytest.mark.slow

MIGRATIONS = Path(__file__).parents[3] / "pgq/contrib/django/migrations"
ALL = sorted(path.stem for path in MIGRATIONS.glob("0*.py"))


def recorded(project: Project) -> list[str]:
    with project.connect() as session:
        rows = session.execute("select name from django_migrations where app = 'pgq' order by id")
        return [row[0] for row in rows]


def test_each_revision_has_a_migration() -> None:
    texts = "".join(path.read_text() for path in MIGRATIONS.glob("0*.py"))
    assert [each for each in migrate.revisions() if f'RunRevision("{each}")' not in texts] == []


def test_migrate_installs_the_schema(project: Project) -> None:
    assert "Applying pgq.0001_initial... OK" in project.manage("migrate").stdout
    assert project.revisions() == ["0001"]
    assert "No changes detected" in project.manage("makemigrations", "--check").stdout
    assert "No migrations to apply" in project.manage("migrate").stdout
    with project.connect() as session:
        session.execute("select pgq.enqueue('shop.tasks.pack')")
        assert session.execute("select * from pgq.verify()").fetchall() == []


def test_the_rest_of_the_transaction_has_its_own_settings(project: Project) -> None:
    """Django's later operations find their tables, and wait as long as they did."""
    said = project.python("""
from django.db import connection
from django.db.transaction import atomic
from pgq.contrib.django.installations import Installation
from pgq.contrib.django.operations import bring

def settings():
    with connection.cursor() as cursor:
        cursor.execute("select current_setting('search_path'), current_setting('lock_timeout')")
        return cursor.fetchone()

with atomic():
    before = settings()
    bring(connection, Installation(), "0001")
    assert settings() == before, settings()
print("same")
""")
    assert said.stdout == "same\n"


def test_it_takes_over_what_pgq_migrate_installed(project: Project) -> None:
    install(project.dsn)
    with project.connect() as session:
        session.execute("select pgq.enqueue('shop.tasks.pack')")
    project.manage("migrate")
    assert project.revisions() == ["0001"]
    assert recorded(project) == ALL
    with project.connect() as session:
        assert session.execute("select count(*) from pgq.all_jobs").fetchone() == (1,)


def test_pgq_migrate_finds_what_django_installed(project: Project) -> None:
    project.manage("migrate", "pgq")
    assert migrate.upgrade(project.dsn) == []
    assert migrate.current(project.dsn) == "0001"


def test_it_needs_no_right_to_install_where_all_is_there(
    project: Project, databases: Databases
) -> None:
    """The owner of the schema installed it; the program's own role only looks."""
    install(project.dsn)
    with project.connect() as session:
        name = session.info.dbname
        role = f"{name}_app"
        session.execute(f"create role {role} login".encode())
        session.execute(f"grant create on schema public to {role}".encode())
        session.execute(f"grant usage on schema pgq to {role}".encode())
        session.execute(f"grant select on pgq.schema_version to {role}".encode())
    try:
        project.dsn = psycopg.conninfo.make_conninfo(project.dsn, user=role)
        project.manage("migrate", "pgq")
        assert recorded(project) == ALL
    finally:
        with databases.admin().cursor() as admin:
            admin.execute(f"drop database {name} with (force)".encode())
            admin.execute(f"create database {name}".encode())
            admin.execute(f"drop role {role}".encode())


def test_sqlmigrate_prints_what_psql_can_run(project: Project) -> None:
    script = project.manage("sqlmigrate", "pgq", "0001").stdout
    with psycopg.connect(project.dsn) as session:
        session.execute(script.encode())
    assert project.revisions() == ["0001"]
    project.manage("migrate", "pgq")
    assert recorded(project) == ALL


def test_a_foreign_schema_is_refused(project: Project) -> None:
    with project.connect() as session:
        session.execute("create schema pgq; create table pgq.mine ()")
    said = project.manage("migrate", "pgq", code=1).stderr
    assert "CommandError: pgq, schema pgq: the schema pgq is not ours" in said
    assert "Hint: " in said
    assert recorded(project) == []


def test_only_a_person_drops_the_schema(project: Project) -> None:
    project.manage("migrate", "pgq")
    assert "IrreversibleError" in project.manage("migrate", "pgq", "zero", code=1).stderr
    assert project.revisions() == ["0001"]


def test_an_alias_that_is_added_later_gets_its_schema(project: Project) -> None:
    project.manage("migrate")
    project.settings["TASKS"] = {
        alias: {
            "BACKEND": "pgq.contrib.django.PgqBackend",
            "QUEUES": [],
            "OPTIONS": {"schema": schema},
        }
        for alias, schema in (("default", "pgq"), ("critical", "critical"), ("more", "critical"))
    }
    project.manage("migrate")
    assert project.revisions("critical") == ["0001"]
    with project.connect() as session:
        roles = "select count(*) from pg_roles where rolname in ('critical_worker', 'pgq_worker')"
        assert session.execute(roles).fetchone() == (2,)
        session.execute("drop schema critical cascade")
        for role in ("producer", "worker", "operator", "observer", "monitor"):
            session.execute(f"drop role critical_{role}".encode())


def test_a_dedicated_database_has_the_schema_alone(project: Project, queue_dsn: str) -> None:
    project.env["SHOP_QUEUE_DSN"] = queue_dsn
    project.settings["TASKS"] = {
        "default": {
            "BACKEND": "pgq.contrib.django.PgqBackend",
            "QUEUES": [],
            "OPTIONS": {"database_alias": "queue"},
        }
    }
    project.manage("migrate")
    assert migrate.current(project.dsn) is None
    project.manage("migrate", "pgq", "--database", "queue")
    assert migrate.current(queue_dsn) == "0001"
    # And the other way round, when the project has a router that keeps us from a database.
    home = "django.tasks" if django.VERSION >= (6, 0) else "django_tasks"
    dummy = {"BACKEND": f"{home}.backends.dummy.DummyBackend", "QUEUES": []}
    project.settings = {
        "TASKS": {"default": dummy},
        "DATABASE_ROUTERS": ["shop.routers.NoQueue"],
    }
    project.manage("migrate")
    assert migrate.current(project.dsn) is None
    project.settings = {"TASKS": {"default": dummy}}
    project.manage("migrate")
    assert migrate.current(project.dsn) == "0001"
