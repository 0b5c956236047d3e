"""Django's own tests of task backends against PgqBackend: a program that the suite's test runs.

    python -m tests.contrib.django.suite FOLDER DSN

FOLDER has the folder `tasks` of Django's tests. Where a test asks for Django's dummy
backend, which stores what is enqueued, it gets PgqBackend; where it asks for the immediate one,
EagerBackend. All tests are run, those of LEFT_OUT too, and it prints as JSON how each went.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import sys
import unittest
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

import django
from django.conf import settings

from tests.contrib.django_settings import database_of

TASKS: Final = "django.tasks" if django.VERSION >= (6, 0) else "django_tasks"
MODULES: Final = ("test_tasks", "test_dummy_backend", "test_immediate_backend",
                  "test_custom_backend")  # fmt: skip
_IN_LOOP = "it looks a result up within the event loop, where Django's connection refuses to work"
_IN_MEMORY = "it changes a result in the memory of the dummy backend"
_STORES = "it says that the immediate backend stores no results; ours does"
_DEFERS = "it says that the immediate backend takes no jobs for later; ours does"

# By the test's name, without the module's "test_": why it cannot pass.
LEFT_OUT: Final = {
    "tasks.TaskTestCase.test_get_missing_result": _IN_LOOP,
    "tasks.TaskTestCase.test_refresh_result": _IN_LOOP,
    "dummy_backend.DummyBackendTestCase.test_get_missing_result": _IN_LOOP,
    "dummy_backend.DummyBackendTestCase.test_refresh_result": _IN_MEMORY,
    "dummy_backend.DummyBackendTestCase.test_refresh_result_async": _IN_MEMORY,
    "immediate_backend.ImmediateBackendTestCase.test_cannot_get_result": _STORES,
    "immediate_backend.ImmediateBackendTestCase.test_cannot_refresh_result": _STORES,
    "immediate_backend.ImmediateBackendTestCase.test_cannot_pass_run_after": _DEFERS,
}
if sys.version_info < (3, 12):
    LEFT_OUT["custom_backend.CustomBackendTestCase.test_no_enqueue"] = (
        "it expects the words of an error of Python's own as Python 3.12 has them"
    )


def set_up(dsn: str) -> None:
    """Configure Django, and put the backends in the places of Django's own."""
    apps = ["pgq.contrib.django"] + (["django_tasks"] if TASKS == "django_tasks" else [])
    settings.configure(
        SECRET_KEY="x" * 50,
        USE_TZ=True,
        INSTALLED_APPS=apps,
        DATABASES={"default": database_of(dsn)},
        TASKS={"default": {"BACKEND": f"{TASKS}.backends.dummy.DummyBackend"}},
    )
    django.setup()


def put_in_place() -> None:
    """Let the names of Django's own backends mean these."""
    from django.db import connections

    from pgq.contrib.django.backend import PgqBackend
    from pgq.contrib.django.testing import EagerBackend

    class Storing(PgqBackend):
        """With what the dummy backend has for tests."""

        @property
        def results(self) -> list[Any]:
            if asyncio._get_running_loop() is None:
                return self._results()
            # Django's async tests ask for it within the event loop.
            with ThreadPoolExecutor() as elsewhere:
                return elsewhere.submit(self._results, closes=True).result()

        def _results(self, *, closes: bool = False) -> list[Any]:
            found = self.client.list_jobs(newest_first=False).jobs
            results = [self.get_result(str(job.id)) for job in found]
            if closes:
                connections.close_all()
            return results

        def clear(self) -> None:
            clear()

    for kind, name in ((Storing, "Dummy"), (EagerBackend, "Immediate")):
        module = importlib.import_module(f"{TASKS}.backends.{name.lower()}")
        setattr(module, f"{name}Backend", kind)


def clear() -> None:
    """Remove all jobs."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("truncate pgq.jobs, pgq.ready, pgq.scheduled, pgq.running, pgq.job_history")


def tests() -> list[Any]:
    """Return Django's tests, which may use the database."""
    found: list[Any] = []

    def walk(suite: Any) -> None:
        for each in suite:
            if isinstance(each, unittest.TestSuite):
                walk(each)
            else:
                found.append(each)

    for name in MODULES:
        module = importlib.import_module(f"tasks.{name}")
        walk(unittest.defaultTestLoader.loadTestsFromModule(module))
    for each in found:
        type(each).databases = {"default"}
    return found


def name_of(test: Any) -> str:
    return test.id().removeprefix("tasks.test_")  # type: ignore[no-any-return]


def main() -> None:
    """Run all tests; print how many passed, and each that did not, with its error."""
    folder, dsn = sys.argv[1:]
    sys.path.insert(0, folder)
    set_up(dsn)
    put_in_place()
    from django.test.utils import setup_test_environment

    setup_test_environment()
    failed: dict[str, str] = {}
    passed: list[str] = []
    for test in tests():
        clear()
        result = unittest.TestResult()
        unittest.TestSuite([test]).run(result)
        problems = [text for _, text in (*result.errors, *result.failures)]
        if problems:
            failed[name_of(test)] = problems[0]
        else:
            passed.append(name_of(test))
    print(json.dumps({"passed": passed, "failed": failed, "left out": LEFT_OUT}))


if __name__ == "__main__":
    main()
