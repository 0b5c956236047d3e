"""The helpers for the tests of a Django project, in Django's own kinds of tests."""

from __future__ import annotations

import subprocess
import sys
import unittest
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.db import transaction
from django.test import TestCase, TransactionTestCase

from pgq.contrib.django.compat import TaskResultStatus
from pgq.contrib.django.testing import assert_enqueued, assert_not_enqueued, drain
from tests.contrib.django.shop import tasks
from tests.contrib.django.shop.models import Order
from tests.sources import CHECKOUT

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("database")]
EAGER = "pgq.contrib.django.testing.EagerBackend"


class Drains:
    """The same in each kind of test."""

    def test_jobs_are_stored_and_run(self) -> None:
        made = [tasks.pay.enqueue(3), tasks.count_async.enqueue(), tasks.later.enqueue([1])]
        results = drain()
        assert [each.id for each in results] == [each.id for each in made]
        assert [each.return_value for each in results] == [3, 1, [1]]
        assert Order.objects.get().number == 3

    def test_a_failure_is_raised_or_told(self) -> None:
        tasks.fail.enqueue("broken")
        with pytest.raises(AssertionError, match="ValueError: broken"):
            drain()
        tasks.fail.enqueue("again")
        [result] = drain(raise_errors=False)
        assert result.status == TaskResultStatus.FAILED
        assert Order.objects.count() == 0

    def test_what_is_enqueued_is_found(self) -> None:
        tasks.welcome.using(priority=-4).enqueue(1, greeting="hi")
        tasks.add.enqueue(1)
        expected = {"queue_name": "mail", "priority": -4, "state": "ready"}
        found = assert_enqueued(tasks.welcome, 1, greeting="hi", count=1, expected=expected)
        assert (found.args, found.kwargs) == ([1], {"greeting": "hi"})
        assert_enqueued(tasks.add)
        assert_not_enqueued(tasks.add, 2)
        with pytest.raises(AssertionError, match="welcome"):
            assert_enqueued(tasks.welcome, 2)


def passes(kind: type[unittest.TestCase]) -> None:
    """Run a test case of Django's twice: it must leave nothing behind."""
    for _ in range(2):
        result = unittest.TestResult()
        unittest.defaultTestLoader.loadTestsFromTestCase(kind).run(result)
        assert result.testsRun == 3
        problems = [text for _, text in (*result.errors, *result.failures)]
        assert not problems, "\n".join(problems)


def test_in_a_test_case(conn: psycopg.Connection) -> None:
    passes(type("InTestCase", (Drains, TestCase), {}))
    assert conn.execute("select count(*) from pgq.all_jobs").fetchone() == (0,)


@pytest.mark.usefixtures("site")  # Django's flush looks for the tables of its own apps
def test_in_a_transaction_test_case(conn: psycopg.Connection) -> None:
    # Then Django does not fill the tables of its other apps, which are not here.
    ours = {"available_apps": ["pgq.contrib.django", "tests.contrib.django.shop"]}
    passes(type("InTransactionTestCase", (Drains, TransactionTestCase), ours))
    assert conn.execute("select count(*) from pgq.all_jobs").fetchone() == (0,)


@pytest.fixture
def eager(configured: Callable[..., None]) -> None:
    configured(backend=EAGER)


@pytest.mark.usefixtures("eager")
def test_the_eager_backend_runs_a_job_at_once(conn: psycopg.Connection) -> None:
    with transaction.atomic():
        result = tasks.add.enqueue(1, 2)
        assert (result.status, result.return_value, result.attempts) == ("SUCCESSFUL", 3, 1)
        assert tasks.count_async.enqueue().return_value == 0
        failed = tasks.fail.enqueue("no")
        assert failed.errors[0].exception_class is ValueError
        tasks.pay.enqueue(1)
        transaction.set_rollback(True)
    assert conn.execute("select count(*) from pgq.all_jobs").fetchone() == (0,)


def test_with_pytest_django(dsn: str, tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text(
        "from tests.contrib.django_settings import point_to\n"
        "import tests.contrib.django.shop\n"
        "import pytest\n"
        "@pytest.fixture(scope='session')\n"
        "def django_db_setup():\n"
        f"    point_to({dsn!r})\n"
    )
    (tmp_path / "test_shop.py").write_text(
        "import pytest\n"
        "from pgq.contrib.django.testing import assert_enqueued, drain\n"
        "from tests.contrib.django.shop import tasks\n"
        "@pytest.mark.django_db\n"
        "def test_stored():\n"
        "    tasks.add.enqueue(1)\n"
        "    assert_enqueued(tasks.add, 1)\n"
        "    assert [each.return_value for each in drain()] == [2]\n"
        "@pytest.mark.django_db(transaction=True)\n"
        "def test_in_transactions():\n"
        "    test_stored()\n"
        "@pytest.mark.django_db\n"
        "def test_nothing_is_left():\n"
        "    assert drain() == []\n"
    )
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tmp_path)],
        cwd=tmp_path,
        env={"PYTHONPATH": str(CHECKOUT), "PATH": ""},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert "3 passed" in done.stdout, done.stdout + done.stderr


def test_a_backend_of_others_is_refused(configured: Callable[..., None]) -> None:
    from pgq.errors import InvalidArgument

    configured(backend="django.tasks.backends.dummy.DummyBackend" if _is_new() else _DUMMY)
    with pytest.raises(InvalidArgument, match="the backend 'default' of TASKS is a DummyBackend"):
        drain()


_DUMMY = "django_tasks.backends.dummy.DummyBackend"


def _is_new() -> Any:
    import django

    return django.VERSION >= (6, 0)
