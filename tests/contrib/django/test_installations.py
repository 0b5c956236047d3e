"""Which schemas a project has, and how to reach them: from TASKS and DATABASES alone."""

from __future__ import annotations

from typing import Any

import pytest
from psycopg.conninfo import conninfo_to_dict

from tests.contrib.django_settings import BACKEND, configure

configure()

from django.core.exceptions import ImproperlyConfigured  # noqa: E402
from django.db import connections  # noqa: E402
from django.test import override_settings  # noqa: E402

from pgq.contrib.django.command_line import split  # noqa: E402
from pgq.contrib.django.installations import (  # noqa: E402
    dsn_of,
    installation,
    installations,
    is_ours,
    schemas,
)


def tasks(**aliases: dict[str, Any]) -> Any:
    entries = {alias: {"BACKEND": BACKEND, "OPTIONS": given} for alias, given in aliases.items()}
    return override_settings(TASKS=entries)


def test_each_alias_has_its_place() -> None:
    with tasks(default={}, critical={"schema": "critical", "database_alias": "queue"}):
        assert [(each.backend, each.database, each.schema) for each in installations()] == [
            ("default", "default", "pgq"),
            ("critical", "queue", "critical"),
        ]
        assert [each.backend for each in installations("queue")] == ["critical"]
        assert installation("critical").names.role_prefix == "critical_"
        with pytest.raises(ImproperlyConfigured, match="only default, critical"):
            installation("other")


def test_a_schema_that_two_aliases_share_is_one() -> None:
    with tasks(default={}, more={}, critical={"schema": "critical"}):
        assert [each.schema for each in schemas("default")] == ["pgq", "critical"]


def test_without_a_backend_of_ours_there_is_one_schema() -> None:
    other = {"default": {"BACKEND": "django.core.mail.backends.dummy.EmailBackend"}}
    with override_settings(TASKS=other):
        assert [each.schema for each in installations()] == ["pgq"]


def test_a_backend_of_ours_may_be_a_child() -> None:
    from pgq.contrib.django.backend import PgqBackend

    class Own(PgqBackend):
        pass

    assert is_ours(Own)
    assert is_ours(BACKEND)
    assert not is_ours("nowhere.Backend")
    assert not is_ours(None)


def test_a_dsn_has_all_that_libpq_knows(monkeypatch: pytest.MonkeyPatch) -> None:
    entry = {
        **connections["default"].settings_dict,
        "NAME": "shop", "USER": "me", "PASSWORD": "it's secret", "HOST": "db", "PORT": "5433",
        "OPTIONS": {"sslmode": "require", "options": "-c work_mem=8MB", "assume_role": "app user",
                    "pool": True, "server_side_binding": True, "isolation_level": 2},
    }  # fmt: skip
    monkeypatch.setattr(connections["default"], "settings_dict", entry)
    assert conninfo_to_dict(dsn_of("default")) == {
        "dbname": "shop", "user": "me", "password": "it's secret", "host": "db", "port": "5433",
        "sslmode": "require", "client_encoding": "UTF8",
        "options": "-c work_mem=8MB -c role=app\\ user",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "alias", "left"),
    [
        (["stats", "--json"], "default", ["stats", "--json"]),
        (["--backend", "critical", "worker"], "critical", ["worker"]),
        (["--backend=critical", "stats", "--settings=x.y"], "critical", ["stats"]),
        (["stats", "--settings", "x.y", "--dsn", "a b"], "default", ["stats", "--dsn", "a b"]),
        (["enqueue", "--backend", "x"], "default", ["enqueue", "--backend", "x"]),
        (["--traceback", "stats", "--no-color"], "default", ["stats"]),
    ],
)
def test_what_is_djangos_is_taken_away(arguments: list[str], alias: str, left: list[str]) -> None:
    assert split(arguments) == (alias, left)
