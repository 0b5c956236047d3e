"""A project as it runs: views enqueue, workers run the jobs, processes are killed."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.contrib.django.conftest import Project
from tests.servers import free_port

pytestmark = pytest.mark.slow

LIVE = "select count(*) from pgq.worker_status"


def ask(port: int, path: str, **headers: str) -> tuple[int, str]:
    """Return what a server answers, and the status."""
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def buy(port: int, number: int) -> Any:
    status, text = ask(port, f"/buy/{number}")
    assert status == 200, text
    return json.loads(text)["job"]


def test_a_view_enqueues_and_a_worker_runs(shop: Project) -> None:
    """Under WSGI, with a worker of its own: `manage.py pgq worker` finds the tasks by itself."""
    port = free_port()
    server = ("-m", "gunicorn", "config.wsgi", "--bind", f"127.0.0.1:{port}", "--workers", "1")
    with shop.start(*server), shop.start("manage.py", "pgq", "worker", "--concurrency", "2"):
        shop.until(LIVE, 1)
        wait_for(shop, port)
        buy(port, 7)
        assert ask(port, "/buy/8?fail")[0] == 402
        shop.until("select state from shop_order where number = 7", "packed")
    with shop.connect() as session:
        rows = session.execute("select state from pgq.all_jobs").fetchall()
    assert rows == [("succeeded",)]
    assert "Traceback" not in shop.said


def test_a_queue_has_a_database_of_its_own(shop: Project, queue_dsn: str) -> None:
    """The alias `reports`: its jobs are in the other database, what they write is in the first."""
    shop.env["SHOP_QUEUE_DSN"] = queue_dsn
    shop.manage("migrate", "pgq", "--database", "queue")
    shop.python("""
from shop import models, tasks
models.Order.objects.create(number=5)
tasks.pack.using(backend="reports").enqueue(5)
""")
    with shop.connect() as session:
        assert session.execute("select count(*) from pgq.all_jobs").fetchone() == (0,)
    with shop.start("manage.py", "pgq", "--backend", "reports", "worker", "--processes", "2"):
        shop.until("select state from shop_order", "packed")
    with psycopg.connect(queue_dsn) as session:
        rows = session.execute("select state, queue from pgq.all_jobs").fetchall()
    assert rows == [("succeeded", "mail")]


def test_a_job_of_a_killed_worker_runs_again(shop: Project) -> None:
    """Kill -9: the process that a supervisor watches is replaced, the job is not lost."""
    options = {"max_attempts": 2, "worker": {"lease": "4s", "heartbeat_interval": "1s"}}
    shop.settings["TASKS"] = {
        "default": {"BACKEND": "pgq.contrib.django.PgqBackend", "QUEUES": [], "OPTIONS": options}
    }
    shop.python("""
from shop import models, tasks
models.Order.objects.create(number=1)
tasks.die_once.enqueue(1)
""")
    with shop.start("manage.py", "pgq", "worker", "--mode", "process"):
        shop.until("select state from shop_order", "survived")
        shop.until("select state from pgq.all_jobs", "succeeded")
    with shop.connect() as session:
        row = session.execute("select attempt, result from pgq.all_jobs").fetchone()
    assert row == (2, 2)


def test_an_atomic_task_has_its_effects_once(shop: Project) -> None:
    """Kill -9 before the completion, between it and the commit, and after the commit."""
    options = {"worker": {"lease": "4s", "heartbeat_interval": "1s"}}
    shop.settings["TASKS"] = {
        "default": {"BACKEND": "pgq.contrib.django.PgqBackend", "QUEUES": [], "OPTIONS": options}
    }
    shop.python("""
from shop import models, tasks
models.Order.objects.create(number=1)
tasks.pack_and_die.enqueue(1)
""")
    lost = "select coalesce(jsonb_array_length(errors), 0) from pgq.all_jobs"
    with shop.start("manage.py", "pgq", "worker", "--mode", "process"):
        shop.until(lost, 1)
        shop.until("select packed from shop_order", 0)
        shop.until(lost, 2)
        shop.until("select packed from shop_order", 1)
        shop.until("select state from pgq.all_jobs", "succeeded")
        # Another worker follows the one that died after the commit, and finds nothing to do.
        shop.until("select count(*) from pgq.workers where id > 3", 1)
        shop.until(LIVE, 1)
    with shop.connect() as session:
        row = session.execute(
            "select attempt, result, jsonb_path_query_array(errors, '$[*].type'), packed "
            "from pgq.all_jobs, shop_order"
        ).fetchone()
    assert row == (3, 3, ["WorkerLost", "WorkerLost"], 1)


def test_pgq_worker_alone_sets_django_up(shop: Project, tmp_path: Path) -> None:
    shop.python(f"from shop import tasks; tasks.note_setting.enqueue({str(tmp_path / 'zone')!r})")
    command = ("-m", "pgq", "worker", "pgq.contrib.django.workers:registry", "--drain")
    env = {"PGQ_DSN": shop.dsn, "DJANGO_SETTINGS_MODULE": "config.settings"}
    with shop.start(*command, **env) as worker:
        worker.wait(100)
    assert (tmp_path / "zone").read_text() == "Europe/Berlin", shop.said
    shop.env = {**env, "DJANGO_SETTINGS_MODULE": "config.nowhere"}
    with shop.start(*command) as worker:
        assert worker.wait(100) == 2
    assert "importing DJANGO_SETTINGS_MODULE=config.nowhere failed" in shop.said
    with shop.start("-m", "pgq", "worker") as worker:
        assert worker.wait(100) == 2
    assert "`manage.py pgq worker` (or `python -m django pgq worker`)" in shop.said


def test_pgq_worker_alone_reads_the_options(shop: Project, tmp_path: Path) -> None:
    """The database of DATABASES, and the queues of OPTIONS; what is wrong there is said."""
    backend = {"BACKEND": "pgq.contrib.django.PgqBackend", "QUEUES": []}
    shop.settings["TASKS"] = {
        "default": {**backend, "OPTIONS": {"workers": [{"queues": ["other"], "threads": 2}]}},
        "critical": {**backend, "OPTIONS": {"worker": {"concurrency": "many"}}},
    }
    mine, other = tmp_path / "mine", tmp_path / "other"
    shop.python(f"""
from shop import tasks
tasks.note_setting.using(queue_name="mail").enqueue({str(mine)!r})
tasks.note_setting.using(queue_name="other").enqueue({str(other)!r})
""")
    command = ("-m", "pgq", "worker", "pgq.contrib.django.workers:registry")
    shop.env["DJANGO_SETTINGS_MODULE"] = "config.settings"
    with shop.start(*command, "--drain") as worker:
        assert worker.wait(100) == 0, shop.said
    assert other.exists() and not mine.exists(), shop.said
    with shop.start(*command, "--drain", "-q", "mail") as worker:
        assert worker.wait(100) == 0, shop.said
    assert mine.exists(), shop.said
    for alias, said in (("critical", "worker.concurrency"), ("nobody", "no backend of pgq called")):
        with shop.start(*command[:-1], f"{command[-1]}@{alias}", "--drain") as worker:
            assert worker.wait(100) == 2, shop.said
        assert said in shop.said


@pytest.mark.parametrize("style", ["text", "json"])
def test_a_worker_says_each_line_once(shop: Project, style: str) -> None:
    """With DEBUG, Django prints what its loggers say; Django 6 logs each task there."""
    shop.settings["DEBUG"] = True
    shop.python("from shop import models, tasks; models.Order.objects.create(number=9); "
                "tasks.pack.enqueue(9)")  # fmt: skip
    command = ("manage.py", "pgq", "worker", "--drain")
    with shop.start(*command, PGQ_LOG_FORMAT=style) as worker:
        assert worker.wait(100) == 0, shop.said
    lines = shop.said.splitlines()
    assert len([line for line in lines if "RUNNING" in line]) == 1, shop.said
    if style == "json":
        assert {"time", "level", "event"} <= set.intersection(
            *(set(json.loads(line)) for line in lines)
        )


def test_dj_queues_lifespan_and_command(shop: Project) -> None:
    """Under ASGI, with the worker inside; then the same jobs by `manage.py dj_queue`."""
    port = free_port()
    server = ("-m", "uvicorn", "config.asgi:application", "--port", port, "--log-level", "warning")
    with shop.start(*server):
        wait_for(shop, port)
        buy(port, 7)
        shop.until("select state from shop_order where number = 7", "packed")
    shop.until(LIVE, 0)
    shop.python("from shop import models, tasks; models.Order.objects.create(number=9); "
                "tasks.pack.enqueue(9)")  # fmt: skip
    with shop.start("manage.py", "dj_queue", "--mode", "async", "--skip-recurring"):
        shop.until("select state from shop_order where number = 9", "packed")
    shop.until(LIVE, 0)


@pytest.mark.parametrize("hooks", ["post_fork, worker_exit", "when_ready, on_reload, on_exit"])
def test_hooks_for_gunicorn(shop: Project, hooks: str) -> None:
    """Those of dj-queue's names, and those of pgq."""
    port = free_port()
    (shop.folder / "gunicorn.conf.py").write_text(
        "import os\n"
        'os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")\n'
        f"from pgq.contrib.django.gunicorn import {hooks}\n"
        f'bind = "127.0.0.1:{port}"\nworkers = 2\n'
    )
    with shop.start("-m", "gunicorn", "config.wsgi"):
        shop.until(LIVE, 1)
        wait_for(shop, port)
        buy(port, 3)
        shop.until("select state from shop_order where number = 3", "packed")
        shop.until(LIVE, 1)
    shop.until(LIVE, 0)


def test_a_reload_takes_new_code(shop: Project) -> None:
    shop.python("from shop import models; models.Order.objects.create(number=1)")
    with shop.start("manage.py", "pgq", "worker", "--reload"):
        shop.until(LIVE, 1)
        file = shop.folder / "shop" / "tasks.py"
        file.write_text(file.read_text().replace('"packed", order', '"wrapped", order'))
        # The first one has left, and the second has come.
        shop.until("select string_agg(id::text, ',') from pgq.workers", "2")
        shop.python("from shop import tasks; tasks.pack.enqueue(1)")
        shop.until("select state from shop_order", "wrapped")
        assert "Traceback" not in shop.said


def wait_for(shop: Project, port: int, path: str = "/pgq/healthz") -> None:
    """Wait until a server answers."""
    for _ in range(600):
        try:
            ask(port, path)
        except OSError:
            shop.until("select 1 from pg_sleep(0.1)", 1)
        else:
            return
    raise AssertionError(shop.said)
