"""`manage.py pgq ...` works with the project's database, and dj-queue's commands with it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import pgq
from pgq.schema import migrate
from pgq.testing import drain
from tests.contrib.django.conftest import Project
from tests.servers import install

pytestmark = pytest.mark.slow


@pytest.fixture
def installed(project: Project) -> Project:
    """The project, and in its database the schema alone."""
    install(project.dsn)
    return project


def test_commands_know_the_database(installed: Project) -> None:
    installed.env["PGQ_DSN"] = "host=elsewhere"
    installed.manage("pgq", "enqueue", "shop.tasks.pack", "-q", "mail")
    (queue,) = json.loads(installed.manage("pgq", "stats", "--json").stdout)["queues"]
    assert queue["queue"] == "mail"
    assert "Usage: manage.py pgq stats" in installed.manage("pgq", "stats", "--help").stdout
    assert "Usage: manage.py pgq" in installed.manage("pgq", "--help").stdout
    said = installed.manage("pgq", "stats", "--dsn", "host=nowhere.invalid", code=3).stderr
    assert "nowhere.invalid" in said


def test_options_of_django_are_no_options_of_pgq(installed: Project) -> None:
    installed.manage("pgq", "stats", "--settings=config.settings", "--traceback")
    said = installed.manage("pgq", "--settings", "config.settings", "stats", "--json").stdout
    assert json.loads(said)["queues"] == []


def test_a_program_calls_the_command(installed: Project) -> None:
    said = installed.python("""
from io import StringIO
from django.core.management import call_command
out = StringIO()
call_command("pgq", "enqueue", "shop.tasks.pack", "--json", stdout=out)
assert "id" in out.getvalue(), out.getvalue()
try:
    call_command("pgq", "job", "1000000")
except SystemExit as end:
    print("ended", end.code)
""")
    assert said.stdout == "ended 1\n"


def test_migrate_only_checks(project: Project) -> None:
    said = project.manage("pgq", "migrate", code=1).stderr
    assert said == (
        "CommandError: schema pgq is not installed, the newest is 0001\n"
        "Hint: manage.py migrate pgq\n"
    )
    assert migrate.current(project.dsn) is None
    assert "create table" in project.manage("pgq", "migrate", "--sql").stdout
    project.manage("migrate", "pgq")
    assert project.manage("pgq", "migrate").stdout == "schema pgq is at revision 0001\n"
    found = json.loads(project.manage("pgq", "migrate", "--json").stdout)
    assert found == {"schema": "pgq", "revision": "0001"}
    assert "as it was installed" in project.manage("pgq", "migrate", "--repair").stdout


def test_uninstall_lets_the_migrations_run_again(project: Project) -> None:
    project.manage("migrate")
    project.manage("pgq", "uninstall", "--confirm", "pgq")
    assert migrate.current(project.dsn) is None
    assert "[ ] 0001_initial" in project.manage("showmigrations", "pgq").stdout
    project.manage("migrate")
    assert migrate.current(project.dsn) == "0001"


def test_a_backend_has_its_own_schema_and_options(project: Project, queue_dsn: str) -> None:
    project.env["SHOP_QUEUE_DSN"] = queue_dsn
    install(queue_dsn, schema="reports")
    options = {
        "database_alias": "queue",
        "schema": "reports",
        "worker": {"lease": "45s"},
        "workers": [{"queues": ["pdf*", "csv"], "threads": 3, "processes": 2}],
        "process_heartbeat_interval": 20,
        "mode": "fork",
    }
    project.settings["TASKS"] = {
        "reports": {"BACKEND": "pgq.contrib.django.PgqBackend", "OPTIONS": options}
    }
    project.manage("pgq", "--backend", "reports", "enqueue", "shop.tasks.draw")
    with pgq.Client(queue_dsn, schema="reports") as client:
        assert len(client.list_jobs().jobs) == 1
    shown = project.manage("pgq", "--backend=reports", "config", "show", "--json").stdout
    found = {each["key"]: each["value"] for each in json.loads(shown)}
    assert found["schema"] == "reports"
    assert found["workers[0].lease"] == 45
    assert found["workers[0].concurrency"] == 3
    assert found["workers[0].queues"] == ["pdf*", "csv"]
    said = project.manage("pgq", "--backend", "elsewhere", "stats", code=1).stderr
    assert "TASKS has no backend of pgq called 'elsewhere', only reports" in said
    project.manage("pgq", "--backend", "reports", "uninstall", "--confirm", "reports")


def test_dj_queues_overlay_and_variables(installed: Project, tmp_path: Path) -> None:
    pytest.importorskip("yaml")
    flat, apart = tmp_path / "flat.yml", tmp_path / "apart.yml"
    flat.write_text("mode: async\nworkers:\n  - queues: [mail]\n    threads: 7\n")
    apart.write_text("backends:\n  default:\n    process_alive_threshold: 90\n")

    def shown(**env: object) -> dict[str, object]:
        installed.env = {name: str(value) for name, value in env.items()}
        said = installed.manage("pgq", "config", "show", "--json").stdout
        return {each["key"]: each["value"] for each in json.loads(said)}

    found = shown(DJ_QUEUE_CONFIG=flat, DJ_QUEUE_SKIP_RECURRING="yes")
    assert found["workers[0].concurrency"] == 7
    assert found["worker.mode"] == "async"
    assert found["worker.schedules"] is False
    assert shown(DJ_QUEUE_CONFIG=flat, DJ_QUEUE_MODE="fork")["worker.mode"] == "process"
    assert shown(DJ_QUEUE_CONFIG=apart)["worker.lease"] == 90

    def refused(text: str, message: str, **env: str) -> None:
        flat.write_text(text)
        installed.env = {"DJ_QUEUE_CONFIG": str(flat), **env}
        assert message in installed.manage("pgq", "config", "show", code=1).stderr

    refused("threads: 3", "there is no option threads")
    refused("database_alias: queue", "Write it into TASKS")
    refused("backends: {default: {}}\nmode: fork", "either options, or `backends` alone")
    refused("- a", "must be a mapping")
    refused("mode: thread", "mode must be 'fork' or 'async'")
    refused("{}", "DJ_QUEUE_SKIP_RECURRING must be one of", DJ_QUEUE_SKIP_RECURRING="perhaps")


def test_dj_queues_health_and_prune(installed: Project) -> None:
    assert "no worker" in installed.manage("dj_queue_health", code=1).stdout
    with pgq.Client(installed.dsn) as client:
        client.enqueue("fine")
        client.enqueue("broken", max_attempts=1)
        registry = pgq.Registry()
        registry.task("fine")(lambda: None)
        registry.task("broken")(lambda: 1 / 0)
        drain(client, registry, raise_errors=False)
    with installed.connect() as session:
        session.execute("select pgq.register_worker('w', '{*}'), pgq.maintain()")
    assert installed.manage("dj_queue_health", "--max-age", "60").stdout.endswith("healthy\n")
    said = installed.manage("dj_queue_prune", "--older-than", "0", "--failed-older-than", "60")
    assert said.stdout == ("deleted 1 finished jobs, 0 failed jobs, and 0 recurring executions\n")
