"""A project written for dj-queue 0.5.1 moves to pgq by the steps of docs/how-to/from-dj-queue.md.

The files are made of the snippets of its README. The page's table says what to write instead, and
its commands are run.
"""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import django
import pytest

from tests.contrib.django.conftest import Project
from tests.servers import free_port
from tests.sources import CHECKOUT

pytestmark = pytest.mark.slow

PAGE = (CHECKOUT / "docs" / "how-to" / "from-dj-queue.md").read_text(encoding="utf-8")

FILES = {
    "manage.py": """
import os
import sys
from django.core.management import execute_from_command_line
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
execute_from_command_line(sys.argv)
""",
    "config/__init__.py": "",
    "config/settings.py": """
import os
from psycopg.conninfo import conninfo_to_dict

def database(dsn):
    parts = conninfo_to_dict(dsn)
    return {"ENGINE": "django.db.backends.postgresql", "NAME": parts["dbname"],
            "USER": parts["user"], "HOST": parts["host"], "PORT": parts["port"]}

SECRET_KEY = "only for tests, and longer than fifty characters, as Django wants"
ALLOWED_HOSTS = ["*"]
ROOT_URLCONF = "config.urls"
INSTALLED_APPS = [
  "django.contrib.contenttypes",
  "django.contrib.auth",
  "dj_queue",
  "myapp",
]
DATABASES = {"default": database(os.environ["SHOP_DSN"])}
DATABASE_ROUTERS = ["dj_queue.routers.DjQueueRouter"]
DJ_QUEUE_OBSERVABILITY_TOKEN = "the-old-token"
TIME_ZONE = "Europe/Berlin"
TASKS = {
  "default": {
    "BACKEND": "dj_queue.backend.DjQueueBackend",
    "QUEUES": [],
    "OPTIONS": {
      "mode": "async",
      "workers": [{"queues": ["default", "email*", "*"], "threads": 4, "polling_interval": 0.1}],
      "dispatchers": [{"batch_size": 100}],
      "scheduler": {"dynamic_tasks_enabled": True},
      "process_alive_threshold": 300,
      "recurring": {
        "nightly_cleanup": {
          "task_path": "myapp.tasks.cleanup",
          "schedule": "0 3 * * *",
          "queue_name": "maintenance",
          "priority": -5,
          "description": "nightly cleanup",
        },
      },
    },
  },
}
""",
    "config/urls.py": """
from django.urls import include, path

urlpatterns = [path("dj_queue/", include("dj_queue.urls"))]
""",
    "config/asgi.py": """
import os
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
from django.core.asgi import get_asgi_application
from dj_queue.contrib.asgi import DjQueueLifespan

application = DjQueueLifespan(get_asgi_application())
""",
    "myapp/__init__.py": "",
    "myapp/tasks.py": """
from django.tasks import task

@task
def add(a, b):
  return a + b

@task
def deliver_email(kind):
  return kind

@task
def sync_account(account_id, action):
  return f"{account_id}:{action}"

sync_account.func.concurrency_key = "account:{account_id}"
sync_account.func.concurrency_limit = 1
sync_account.func.concurrency_duration = 60
sync_account.func.on_conflict = "block"

@task(queue_name="maintenance")
def cleanup():
  return "clean"
""",
    "myapp/hooks.py": """
from dj_queue.hooks import on_start, on_worker_start, register_hook

@on_start
def supervisor_started(process):
  print(process.name)

@on_worker_start
def worker_started(process):
  print("worker started", flush=True)
""",
    "myapp/use.py": """
from datetime import timedelta
from django.db import transaction
from django.utils import timezone
from dj_queue.api import (
  QueueInfo, enqueue_on_commit, schedule_recurring_task, unschedule_recurring_task
)
from dj_queue.exceptions import EnqueueError
from dj_queue.operations.jobs import enqueue_job_again, retry_failed_job
from myapp.tasks import add, deliver_email, sync_account

def first():
  task_result = add.enqueue(3, 7)
  deliver_email.using(queue_name="email", priority=10).enqueue("welcome")
  deliver_email.using(queue_name="email", priority=-5).enqueue("digest")
  add.using(run_after=timezone.now() + timedelta(hours=1)).enqueue(1, 1)
  add.get_backend().enqueue_all([(add, [n, n], {}) for n in range(5)])
  sync_account.enqueue(7, "refresh")
  sync_account.enqueue(7, "close")
  with transaction.atomic():
    enqueue_on_commit(add, 20, 22)
  try:
    with transaction.atomic():
      enqueue_on_commit(add, 1, 0)
      raise RuntimeError
  except RuntimeError:
    pass
  print(task_result.id)

def queues():
  email = QueueInfo("email")
  print(email.size, email.paused)
  email.pause()
  print(email.paused)
  email.resume()
  print([each.queue_name for each in QueueInfo.all()])

def schedules():
  schedule_recurring_task(
    key="tenant_42_report", task_path="myapp.tasks.sync_account", schedule="0 * * * *",
    kwargs={"account_id": 42, "action": "report"}, queue_name="reports", priority=5,
  )

def read(task_id):
  fresh_result = add.get_backend().get_result(task_id)
  print(fresh_result.status.name, fresh_result.return_value)
""",
}


@pytest.fixture
def moved(project: Project, tmp_path: Path) -> Project:
    """The project, after what the page's table says was written instead."""
    table = PAGE[PAGE.index("## A Django project") :]
    rows = re.findall(r"^\| `([^`]+)` \| `([^`]+)` \|$", table[: table.index("\n## ", 5)], re.M)
    assert len(rows) > 6, rows
    if django.VERSION < (6, 0):
        rows += [("from django.tasks", "from django_tasks"),
                 ('"django.contrib.auth",', '"django.contrib.auth", "django_tasks",')]  # fmt: skip
    project.folder = tmp_path
    for name, text in FILES.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        for theirs, ours in sorted(rows, key=lambda row: -len(row[0])):
            text = text.replace(theirs, ours)
        path.write_text(text)
    return project


def steps() -> list[list[str]]:
    """Return the commands of manage.py of the page, in order."""
    section = PAGE[PAGE.index("## A Django project") :]
    section = section[: section.index("\n## ", 5)]
    lines = re.findall(r"^\$ python manage\.py (.*)$", section, re.M)
    assert len(lines) >= 3, lines
    return [shlex.split(line) for line in lines]


def test_a_project_of_dj_queue_moves(moved: Project) -> None:
    for step in steps():
        if step[0] not in ("dj_queue", "dj_queue_health"):
            moved.manage(*step)
    job = moved.python("from myapp import use; use.first()").stdout.strip()
    said = moved.python("from myapp import use; use.queues(); use.schedules()").stdout
    assert said.splitlines()[:2] == ["2 False", "True"]
    with moved.start("manage.py", "dj_queue"):
        moved.until("select count(*) from pgq.all_jobs where state = 'succeeded'", 11)
        assert moved.manage("dj_queue_health", "--max-age", "60").stdout.endswith("healthy\n")
    assert moved.python(f"from myapp import use; use.read({job!r})").stdout == "SUCCESSFUL 10\n"
    with moved.connect() as session:
        first, second = session.execute(
            "select result, priority from pgq.all_jobs where task like '%deliver_email' "
            "order by priority"
        ).fetchall()
        assert (first, second) == (("welcome", -10), ("digest", 5))
        rows = session.execute(
            "select name, timezone, queue, job from pgq.schedule_status order by name"
        ).fetchall()
    keys = ("priority", "concurrency_key", "concurrency_limit")
    assert [(*row[:3], *map(row[3].get, keys)) for row in rows] == [
        ("nightly_cleanup", "Europe/Berlin", "maintenance", 5, None, None),
        ("tenant_42_report", "Europe/Berlin", "reports", -5, "account:42", 1),
    ], rows


def test_its_server_and_its_urls(moved: Project) -> None:
    from tests.contrib.django.test_project import ask, wait_for

    moved.manage("migrate")
    port = free_port()
    server = ("-m", "uvicorn", "config.asgi:application", "--port", port, "--log-level", "warning")
    with moved.start(*server):
        wait_for(moved, port, "/dj_queue/healthz")
        moved.python("from myapp import use; use.first()")
        moved.until("select count(*) from pgq.all_jobs where state = 'succeeded'", 11)
        assert ask(port, "/dj_queue/stats.json")[0] == 401
        status, text = ask(port, "/dj_queue/stats.json", Authorization="Bearer the-old-token")
        assert (status, '"backend_alias": "default"' in text) == (200, True)
        metrics = ask(port, "/dj_queue/metrics", Authorization="Bearer the-old-token")[1]
        assert "pgq_info{" in metrics
