"""What a worker of a project runs besides the tasks of Django's framework."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import pgq
from pgq import tasks
from pgq.cli.modules import load_registry
from tests.contrib.django_settings import BACKEND, configure

configure()

from django.core.exceptions import ImproperlyConfigured  # noqa: E402
from django.test import override_settings  # noqa: E402

from pgq.contrib.django import workers  # noqa: E402
from pgq.processes.reload import folders_of  # noqa: E402
from tests.contrib.django import shop  # noqa: E402

Configured = Callable[..., None]

told_here: list[BaseException] = []


@pytest.fixture(autouse=True)
def global_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty registry for @pgq.task."""
    monkeypatch.setattr(tasks, "registry", pgq.Registry())


def test_what_was_declared_without_django(configured: Configured) -> None:
    tasks.registry.task("plain", every="1 hour")(lambda: None)
    started: list[Any] = []
    tasks.registry.hooks.on_start(started.append)
    tasks.registry.add_middleware(lambda context, run: run())
    registry = workers.registry_of()
    assert registry.get("plain") is not None
    assert "plain" in [each.name for each in registry.schedules]
    assert len(registry.middleware) == 1


def test_an_alias_has_a_registry_of_its_own(configured: Configured) -> None:
    both = {alias: {"BACKEND": BACKEND, "QUEUES": []} for alias in ("default", "critical")}
    both["critical"]["OPTIONS"] = {"import_tasks": True}
    with override_settings(TASKS=both):
        found: Any = workers
        assert found.registry.accept_all is False
        assert getattr(found, "registry@critical").accept_all is True
        with pytest.raises(AttributeError):
            _ = found.registries


def test_dj_queues_on_thread_error(configured: Configured) -> None:
    configured(on_thread_error=f"{__name__}.told_here.append")
    with pytest.raises(ImportError):
        workers.registry_of()
    configured(on_thread_error=f"{__name__}.tell")
    error = OSError("no disk")
    workers.registry_of().hooks.report_blocking(error, "heartbeat")
    assert told_here == [error]


def tell(error: BaseException) -> None:
    told_here.append(error)


def test_an_option_that_there_is_not_is_refused(configured: Configured) -> None:
    configured(threads=3)
    with pytest.raises(ImproperlyConfigured, match="there is no option threads"):
        workers.registry_of()


def test_a_reload_watches_the_apps_of_the_project(configured: Configured) -> None:
    assert workers.registry is not None  # as `pgq worker` loads it
    watched = folders_of([])
    assert Path(shop.__file__).parent in watched
    assert not [each for each in watched if "site-packages" in each.parts]


def test_beside_other_modules_it_still_imports_what_jobs_name(
    configured: Configured, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine, resolving = ModuleType("mine"), ModuleType("resolving")
    monkeypatch.setitem(sys.modules, "mine", mine)
    monkeypatch.setitem(sys.modules, "resolving", resolving)
    mine.registry = pgq.Registry()  # type: ignore[attr-defined]
    mine.registry.task("mine")(lambda: None)
    later = pgq.Registry()
    later.task("later")(lambda: None)
    resolving.registry = pgq.Registry(  # type: ignore[attr-defined]
        accept_all=True, resolve=later.get
    )
    merged = load_registry(("mine:registry", "resolving:registry"))
    assert merged.accept_all
    assert merged.names == ["mine"]
    assert merged.get("later") is later.get("later")
    assert merged.get("nowhere") is None
