"""What `manage.py check` says of the queue, and what it does not say."""

from __future__ import annotations

import django
import pytest

from tests.contrib.django.conftest import Project
from tests.servers import install

pytestmark = pytest.mark.slow

OURS = "pgq.contrib.django.PgqBackend"

PROGRAM = """
from django.core.checks import run_checks
from django.test import override_settings
from pgq.contrib.django.checks import check_settings

OURS = "pgq.contrib.django.PgqBackend"

def found(databases=None, **options):
    with override_settings(TASKS={"default": {"BACKEND": OURS, "QUEUES": [], "OPTIONS": options}}):
        messages = run_checks(tags=["pgq"], databases=databases)
    # From Django 6.1 on they look into the databases, too.
    return [m.id for m in messages if m.id != "pgq.W004"]

"""


def test_a_right_project_has_nothing_to_hear(project: Project) -> None:
    assert "no issues" in project.manage("check").stdout
    said = project.manage("check", "--database", "default").stderr
    assert "(pgq.W004) the schema 'pgq' of the database 'default' is not installed" in said
    assert "manage.py migrate pgq --database default" in said
    install(project.dsn)
    assert "no issues" in project.manage("check", "--database", "default").stdout


def test_wrong_options_are_named(project: Project, queue_dsn: str) -> None:
    project.env["SHOP_QUEUE_DSN"] = queue_dsn
    project.python(
        PROGRAM
        + """
assert found() == []
assert found(worker={"concurrency": 4}, workers=[{"queues": "*", "threads": 2}]) == []
assert found(threads=3) == ["pgq.E003"]
assert found(mode="thread") == ["pgq.E003"]
assert found(worker={"concurency": 4}) == ["pgq.E003"]
assert found(worker={"concurrency": 0}) == ["pgq.E003"]
assert found(workers=[{"quees": "*"}]) == ["pgq.E003"]
assert found(process_heartbeat_interval=60, process_alive_threshold=300, shutdown_timeout=5,
             supervisor_pidfile=None, dispatchers=[{"batch_size": 5}], scheduler={},
             use_skip_locked=True, listen_notify=True, silence_polling=True,
             preserve_finished_jobs=True, default_concurrency_duration=180) == []
for given, ages in (
    ({"clear_finished_jobs_after": 3600}, "succeeded => '1 day', cancelled => '1 day'"),
    ({"clear_finished_jobs_after": 86_401, "clear_failed_jobs_after": None},
     "succeeded => '2 days', cancelled => '2 days'"),
    ({"clear_failed_jobs_after": 30 * 86_400, "clear_recurring_executions_after": 86_400},
     "failed => '30 days', schedule_history => '1 day'"),
    ({"preserve_finished_jobs": False}, "succeeded => '0'"),
    ({"preserve_finished_jobs": False, "clear_finished_jobs_after": 1},
     "succeeded => '0', cancelled => '1 day'"),
):
    with override_settings(TASKS={"default": {"BACKEND": OURS, "OPTIONS": given}}):
        (said,) = check_settings()
    assert said.id == "pgq.W003"
    assert f"select pgq.configure_retention({ages});" in said.hint, said.hint
for wrong in ("1 day", -1, True, float("nan"), 1e300):
    assert found(clear_finished_jobs_after=wrong) == ["pgq.E003"]
assert found(database_alias="nowhere") == ["pgq.E003"]
assert found(schema="pg_mine") == ["pgq.E003"]
assert found(database_alias="queue") == ["pgq.W001"]
assert found(database_alias="queue", enqueue_on_commit=True) == []
"""
    )
    said = project.python(
        PROGRAM
        + """
with override_settings(TASKS={"default": {"BACKEND": OURS, "OPTIONS": {"threads": 3}}}):
    print(check_settings()[0])
"""
    ).stdout
    assert "TASKS['default']: there is no option threads; there are " in said


def test_another_kind_of_database_is_refused(project: Project) -> None:
    other = {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}
    project.settings = {"DATABASES": {"default": other}}
    said = project.manage("check", code=1).stderr
    assert "(pgq.E001) TASKS['default']: the database 'default' is no Postgres but sqlite" in said
    assert "is no Postgres" in project.manage("pgq", "stats", code=1).stderr


def test_a_project_that_tests_with_other_backends_may_have_any_database(project: Project) -> None:
    """In memory, with the app still installed: its migrations make nothing there."""
    other = {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}
    backend = "django.tasks" if django.VERSION >= (6, 0) else "django_tasks"
    immediate = {"BACKEND": f"{backend}.backends.immediate.ImmediateBackend", "QUEUES": []}
    project.settings = {"DATABASES": {"default": other}, "TASKS": {"default": immediate}}
    assert "no issues" in project.manage("check").stdout
    assert "Applying pgq.0001_initial... OK" in project.manage("migrate").stdout


def test_two_aliases_in_one_schema(project: Project) -> None:
    project.settings["TASKS"] = {
        "default": {"BACKEND": OURS, "QUEUES": []},
        "critical": {"BACKEND": OURS, "QUEUES": []},
    }
    said = project.manage("check").stderr
    assert "(pgq.W002) the backends default, critical of TASKS share the schema 'pgq'" in said
    assert "semaphores" in said


def test_who_migrates_is_not_told_to(project: Project) -> None:
    done = project.manage("migrate", "pgq")
    assert "W004" not in done.stdout + done.stderr
    assert "Applying pgq.0001" in done.stdout
