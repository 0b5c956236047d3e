"""The Python snippets of dj-queue's README (0.5.1) run as they are, with other imports.

Not here, because they are about Django and nothing else: the settings INSTALLED_APPS, TASKS,
DATABASES and DATABASE_ROUTERS (pgq.toml has what they say), `dj_queue.urls` (an URL configuration),
`FailedExecution` and `ClaimedExecution` (models; the same is done by id, see Failed Jobs), and the
ASGI and Gunicorn wrappers, which are one line each and have tests of their own.
"""

from __future__ import annotations

import sys
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from types import ModuleType
from typing import Any

import psycopg
import pytest

import pgq
from pgq import tasks
from pgq.contrib import dj_queue
from pgq.contrib.dj_queue import _backends
from pgq.testing import drain

IMPORTS = {
    "from django.tasks import task": "from pgq.contrib.dj_queue import task",
    "from dj_queue.": "from pgq.contrib.dj_queue.",
}

Namespace = dict[str, Any]


class Django(ModuleType):
    """What the snippets take from Django besides tasks: a clock, and a transaction."""

    def __init__(self, name: str, connection: psycopg.Connection[Any]) -> None:
        super().__init__(name)
        self._connection = connection
        self.timezone = self.transaction = self

    def now(self) -> datetime:
        return datetime.now(UTC)

    def atomic(self) -> AbstractContextManager[psycopg.Transaction]:
        return self._connection.transaction()


@pytest.fixture(autouse=True)
def django(conn: psycopg.Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("django", "django.utils", "django.db"):
        monkeypatch.setitem(sys.modules, name, Django(name, conn))


@pytest.fixture(autouse=True)
def client(conn: psycopg.Connection, monkeypatch: pytest.MonkeyPatch) -> pgq.Client:
    """What stands for TASKS in the settings."""
    monkeypatch.setattr(tasks.registry, "_tasks", {})
    monkeypatch.setattr(_backends, "_clients", {})
    return dj_queue.connect(conn)


@pytest.fixture
def myapp(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The module `myapp.tasks`, which snippets import from."""
    module = ModuleType("myapp.tasks")
    monkeypatch.setitem(sys.modules, "myapp", ModuleType("myapp"))
    monkeypatch.setitem(sys.modules, "myapp.tasks", module)
    return module


def run(snippet: str, **given: Any) -> Namespace:
    """Run a snippet with these names defined; return all that it leaves."""
    for theirs, ours in IMPORTS.items():
        snippet = snippet.replace(theirs, ours)
    names: Namespace = {"__name__": "snippet", **given}
    exec(compile(snippet, "README.md", "exec"), names)
    return names


def define(module: ModuleType, snippet: str) -> None:
    """Run a snippet as the text of a module."""
    vars(module).update(run(snippet, __name__=module.__name__))


QUICK_START = """
# myapp/tasks.py
from django.tasks import task

@task
def add(a, b):
  return a + b
"""


def test_quick_start(client: pgq.Client, myapp: ModuleType) -> None:
    define(myapp, QUICK_START)
    names = run("""
from myapp.tasks import add

task_result = add.enqueue(3, 7)
print(task_result.id)
""")
    assert names["task_result"].status == "READY"
    (job,) = drain(client)
    assert (job.task, str(job.id)) == ("myapp.tasks.add", names["task_result"].id)
    names = run(
        """
from myapp.tasks import add

fresh_result = add.get_backend().get_result(task_result.id)
print(fresh_result.status)
print(fresh_result.return_value)
""",
        task_result=names["task_result"],
    )
    found = names["fresh_result"]
    assert (found.status, found.return_value, found.is_finished) == ("SUCCESSFUL", 10, True)


def test_scheduled_jobs(client: pgq.Client, myapp: ModuleType) -> None:
    define(myapp, "from django.tasks import task\n@task\ndef send_digest(how): ...\n")
    names = run("""
from datetime import timedelta
from django.utils import timezone
from myapp.tasks import send_digest

future = timezone.now() + timedelta(hours=1)
send_digest.using(run_after=future).enqueue("daily")
""")
    (job,) = client.list_jobs(details=True).jobs
    assert (job.state, job.run_at, job.args) == ("scheduled", names["future"], ["daily"])


def test_priorities_and_named_queues(client: pgq.Client, myapp: ModuleType) -> None:
    define(myapp, "from django.tasks import task\n@task\ndef deliver_email(which): ...\n")
    run("""
from myapp.tasks import deliver_email

deliver_email.using(queue_name="email", priority=10).enqueue("welcome")
deliver_email.using(queue_name="email", priority=-5).enqueue("digest")
""")
    claimed = client.claim_batch(["email"], batch_size=2)
    assert [job.args for job in claimed] == [["welcome"], ["digest"]]


def test_bulk_enqueue(client: pgq.Client, myapp: ModuleType) -> None:
    define(myapp, "from django.tasks import task\n@task\ndef process_item(item): ...\n")
    names = run("""
from myapp.tasks import process_item

results = process_item.get_backend().enqueue_all(
  [(process_item, [item_id], {}) for item_id in range(5)]
)
""")
    assert [client.job(int(each.id)).args for each in names["results"]] == [  # type: ignore[union-attr]
        [item] for item in range(5)
    ]


ON_COMMIT = """
from django.db import transaction
from dj_queue.api import enqueue_on_commit
from myapp.tasks import send_receipt

with transaction.atomic():
  order = create_order()
  enqueue_on_commit(send_receipt, order.id)
"""


def test_enqueue_after_commit(
    client: pgq.Client, conn: psycopg.Connection, dsn: str, myapp: ModuleType
) -> None:
    define(myapp, "from django.tasks import task\n@task\ndef send_receipt(order_id): ...\n")

    class Order:
        id = 7

        def __init__(self) -> None:
            self.seen_before = pgq.Client(dsn).list_jobs().jobs

    assert run(ON_COMMIT, create_order=Order)["order"].seen_before == []
    assert [job.args for job in client.list_jobs(details=True).jobs] == [[7]]

    def fail() -> None:
        raise LookupError

    with pytest.raises(LookupError):
        run(ON_COMMIT + "  fail()\n", create_order=Order, fail=fail)
    assert len(client.list_jobs(details=True).jobs) == 1


def test_dynamic_recurring_tasks(client: pgq.Client) -> None:
    create = """
from dj_queue.api import schedule_recurring_task, unschedule_recurring_task

schedule_recurring_task(
  key="tenant_42_report",
  task_path="myapp.tasks.send_report",
  schedule="0 * * * *",
  queue_name="reports",
  priority=5,
)
"""
    names = run(create)
    (found,) = client.schedule_status()
    assert (found.name, found.timing, found.task) == (
        "tenant_42_report", "0 * * * *", "myapp.tasks.send_report",
    )  # fmt: skip
    assert (found.queue, found.job["priority"]) == ("reports", -5)
    run(create)
    run('unschedule_recurring_task("tenant_42_report")', **names)
    assert client.schedule_status() == []


def test_concurrency_controls(client: pgq.Client) -> None:
    names = run("""
from django.tasks import task

@task
def sync_account(account_id, action):
  return f"{account_id}:{action}"

sync_account.func.concurrency_key = "account:{account_id}"
sync_account.func.concurrency_limit = 1
sync_account.func.concurrency_duration = 60
sync_account.func.on_conflict = "block"
""")
    first, second, other = (
        int(names["sync_account"].enqueue(account, "refresh").id) for account in (1, 1, 2)
    )
    client.promote_due()
    states = [client.job(one).state for one in (first, second, other)]  # type: ignore[union-attr]
    assert states == ["ready", "blocked", "ready"]
    (holder,) = [each for each in client.semaphore_status() if each.waiters]
    assert (holder.concurrency_key, holder.max_slots) == ("account:1", 1)
    assert holder.next_expiry_at is not None
    assert [job.result for job in drain(client)] == ["1:refresh", "2:refresh", "1:refresh"]


def test_queue_operations(client: pgq.Client, capsys: pytest.CaptureFixture[str]) -> None:
    client.enqueue("t", queue="orders")
    later = client.enqueue("t", queue="orders", delay=timedelta(hours=1))
    begin = """
from dj_queue.api import QueueInfo

orders = QueueInfo("orders")

print(orders.size)
print(orders.latency)
print(orders.paused)
"""
    names = run(begin)
    size, latency, paused = capsys.readouterr().out.split()
    assert (size, paused) == ("1", "False") and 0 <= float(latency) < 60
    run("orders.pause()", **names)
    assert client.claim_batch(["orders"]) == []
    run("orders.resume()\norders.clear()", **names)
    assert [job.id for job in client.list_jobs(details=True).jobs] == [later]


def failed_job(client: pgq.Client) -> int:
    job_id = client.enqueue("t", max_attempts=1)
    (held,) = client.claim_batch(["*"])
    client.fail_batch([held.job_id], [held.claim_id], ["boom"])
    return job_id


def test_failed_jobs(client: pgq.Client) -> None:
    names = run(
        """
from dj_queue.operations.jobs import discard_failed_job, retry_failed_job

retry_failed_job(job_id)
""",
        job_id=failed_job(client),
    )
    assert client.job(names["job_id"]).state == "ready"  # type: ignore[union-attr]
    (held,) = client.claim_batch(["*"])
    client.fail_batch([held.job_id], [held.claim_id], final=[True])
    run("discard_failed_job(job_id)", **names)
    assert client.job(names["job_id"]) is None


@pytest.mark.parametrize(
    ("key", "limit", "argument", "words"),
    [
        ("account:{account_id}", None, 1, "concurrency_limit is required"),
        ("account:{acount_id}", 1, 1, "acount_id"),
        ("{account_id}", 1, "", "concurrency_key"),
        ("{account_id}", 1, "x" * 2000, "concurrency_key"),
        ("k", 1, object(), "JSON"),
    ],
    ids=["no limit", "unknown name", "empty key", "long key", "not JSON"],
)
def test_errors_when_enqueuing(
    client: pgq.Client, key: str, limit: int | None, argument: Any, words: str
) -> None:
    names = run("from django.tasks import task\n@task\ndef sync_account(account_id, action): ...\n")
    names["sync_account"].func.concurrency_key = key
    names["sync_account"].func.concurrency_limit = limit
    caught: list[Exception] = []
    run(
        """
from dj_queue.exceptions import EnqueueError

try:
  sync_account.enqueue(account_id, "refresh")
except EnqueueError as exc:
  handle_enqueue_error(exc)
""",
        sync_account=names["sync_account"],
        account_id=argument,
        handle_enqueue_error=caught.append,
    )
    (error,) = caught
    assert words in str(error)
    assert client.list_jobs(details=True).jobs == []


HOOKS = """
from dj_queue.hooks import on_start, on_worker_start, register_hook

@on_start
def supervisor_started(process):
  print(process.name)

@on_worker_start
def worker_started(process):
  print(process.queues)

@register_hook("scheduler.exit")
def scheduler_exited(process):
  print(process.name)
"""


def test_lifecycle_hooks(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """`process.metadata` is the one line that had to change: its parts are attributes here."""
    monkeypatch.setattr(tasks.registry, "hooks", pgq.Hooks())
    run(HOOKS)
    hooks = tasks.registry.hooks
    hooks.run_blocking("start", pgq.Process("supervisor", "boss"))
    hooks.run_blocking("start", pgq.Process("worker", "w", queues=("mail",)))
    hooks.run_blocking("exit", pgq.Process("supervisor", "boss"))
    hooks.run_blocking("exit", pgq.Process("worker", "w"))
    assert capsys.readouterr().out.splitlines() == ["boss", "('mail',)", "w"]
