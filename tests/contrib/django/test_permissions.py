"""What the admin's permissions let somebody do in the dashboard."""

from __future__ import annotations

import re
from typing import Any

import psycopg
import pytest
from django.test import override_settings

import pgq

import tests.contrib.django.shop  # isort: skip  # noqa: F401  # Django is set up by it
from pgq.contrib.django import permissions
from pgq.contrib.web.access import ALL
from tests.contrib.django.test_admin import OURS, VERBS, user

pytest.importorskip("jinja2")
pytestmark = pytest.mark.slow

VERB_PERMISSIONS = {f"pgq.{verb.name}_{model._meta.model_name}" for model, verb in VERBS}


class Holder:
    """A user with some permissions."""

    is_superuser = False

    def __init__(self, *permissions: str) -> None:
        self._permissions = {*permissions}

    def has_perms(self, wanted: tuple[str, ...]) -> bool:
        return self._permissions >= {*wanted}

    def get_username(self) -> str:
        return "bob"


def may(*held: str) -> frozenset[str]:
    access = permissions.access_by_permissions(Holder(*held))
    return frozenset() if access is None else access.may


def test_each_right_has_its_permissions_and_each_permission_a_right() -> None:
    assert {*permissions.PERMISSIONS, *permissions.OF_SUPERUSERS} == ALL
    wanted = {each for one in permissions.PERMISSIONS.values() for each in one}
    views = {f"pgq.view_{model._meta.model_name}" for model in OURS}
    assert wanted == {*VERB_PERMISSIONS, *views, "admin.view_logentry"}


@pytest.mark.parametrize("right", permissions.PERMISSIONS)
def test_who_lacks_one_of_the_permissions_lacks_the_right(right: str) -> None:
    wanted = permissions.PERMISSIONS[right]
    every = {each for one in permissions.PERMISSIONS.values() for each in one}
    assert may(*every) == ALL - {*permissions.OF_SUPERUSERS}
    assert may(*permissions.PERMISSIONS["view"], *wanted) >= {right}
    for each in wanted:
        assert right not in may(*(every - {each}))


def test_staff_without_a_permission_sees_nothing(site: object, client: pgq.Client) -> None:
    client.enqueue("t", queue="q")
    assert user("bob").get("/pgq/dashboard/").status_code == 403
    views = [f"view_{model._meta.model_name}" for model in OURS]
    assert user("cy", *views[1:]).get("/pgq/dashboard/").status_code == 403
    page = user("dan", *views).get("/pgq/dashboard/queue?name=q")
    assert page.status_code == 200
    assert "pause_queue" not in page.content.decode()


def test_an_action_of_the_dashboard_asks_for_the_permission(
    site: object, client: pgq.Client, conn: psycopg.Connection
) -> None:
    client.enqueue("t", queue="q")
    views = [f"view_{model._meta.model_name}" for model in OURS]
    browsers = {
        "bob": user("bob", *views, "pause_queue", "retry_job"),
        "cy": user("cy", *views, "pause_queue", "resume_queue"),
    }

    def pause(name: str) -> int:
        page = browsers[name].get("/pgq/dashboard/queue?name=q").content.decode()
        token = re.findall(r'name="csrf_token" value="([^"]+)"', page)[0]
        sent = {"csrf_token": token, "queue": "q", "confirmed": "1"}
        headers: Any = {"Origin": "http://testserver", "Host": "testserver"}
        return browsers[name].post(
            "/pgq/dashboard/do/pause_queue", sent, headers=headers
        ).status_code  # fmt: skip

    assert pause("bob") == 403
    assert conn.execute("select pgq.pause_queue('other') is null").fetchone()
    assert pause("cy") == 303
    row = conn.execute("select actor from pgq.audit where target = 'q'").fetchall()
    assert row == [("cy",)]


def test_a_superuser_may_do_everything() -> None:
    boss = Holder()
    boss.is_superuser = True
    access = permissions.access_by_permissions(boss)
    assert access is not None
    assert access.may == ALL


def test_a_name_that_a_proxy_sends_is_the_one_of_the_pages(
    site: object, client: pgq.Client
) -> None:
    client.enqueue("t", queue="q")
    boss = user("ann", is_superuser=True)
    page = boss.get("/pgq/dashboard/queue?name=q").content.decode()
    token = re.findall(r'name="csrf_token" value="([^"]+)"', page)[0]
    sent = {"csrf_token": token, "queue": "q", "confirmed": "1"}
    headers = {"Origin": "http://pgq.example.com", "Host": "inner:8000"}
    headers["X-Forwarded-Host"] = "pgq.example.com"
    place = "/pgq/dashboard/do/pause_queue"
    assert boss.post(place, sent, headers=headers).status_code == 403
    with override_settings(USE_X_FORWARDED_HOST=True):
        assert boss.post(place, sent, headers=headers).status_code == 303
