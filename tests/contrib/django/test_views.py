"""The URLs of the app: numbers for who has the token, the dashboard for the staff."""

from __future__ import annotations

import pytest

from tests.contrib.django.conftest import Project

pytestmark = pytest.mark.slow

BEGIN = """
import json
from django.contrib.auth.models import User
from django.core.management import call_command
from django.test import Client, override_settings
from pgq.contrib.django import DjangoClient

client = Client()
DjangoClient().enqueue("shop.tasks.pack", queue="mail")
key = {"Authorization": "Bearer a-long-token"}

def get(path, **headers):
    return client.get(f"/pgq/{path}", headers={"Host": "testserver", **headers})
"""


@pytest.fixture
def views(shop: Project) -> Project:
    """The migrated project, with a token."""
    shop.settings["PGQ_OBSERVABILITY_TOKEN"] = "a-long-token"
    return shop


def test_numbers_are_for_who_has_the_token(views: Project) -> None:
    done = views.python(
        BEGIN
        + """
for path in ("stats.json", "metrics", "health"):
    assert get(path).status_code == 401, path
    assert get(path)["WWW-Authenticate"] == "Bearer"
    assert get(path, Authorization="Bearer other").status_code == 401
    assert client.post(f"/pgq/{path}", headers=key).status_code == 405
    with override_settings(PGQ_OBSERVABILITY_TOKEN=None):
        assert get(path).status_code == 403, path
        assert get(path, **key).status_code == 403
        with override_settings(DJ_QUEUE_OBSERVABILITY_TOKEN="theirs"):
            assert get(path, Authorization="Bearer theirs").status_code in (200, 503)
        with override_settings(PGQ_OBSERVABILITY_OPEN=True):
            assert get(path).status_code in (200, 503)

stats = get("stats.json", **key)
(backend,) = stats.json()["backends"]
assert backend["backend_alias"] == "default", backend
assert backend["queue_database_alias"] == "default"
assert [(q["queue"], q["ready"]) for q in backend["queues"]] == [("mail", 1)], backend
assert stats["Cache-Control"] == "no-store"

metrics = get("metrics", **key)
assert metrics.status_code == 200
assert 'pgq_queue_jobs{queue="mail",state="ready"} 1.0' in metrics.content.decode()
assert metrics["Content-Type"].startswith("text/plain")
assert get("metrics?backend=other", **key).status_code == 404

health = get("health", **key)
assert health.status_code == 503  # no worker is alive
assert health.json()["backends"][0]["status"] == "fail"
for path in ("healthz", "readyz"):
    assert get(path).content == b"ok\\n"
"""
    )
    assert done.returncode == 0


def test_the_families_of_dj_queue_have_a_place(views: Project) -> None:
    """Each of the thirteen is mapped in the docs to one that is there."""
    done = views.python(
        BEGIN
        + """
call_command("pgq", "maintain")
call_command("pgq", "schedule", "add", "s", "shop.tasks.pack", "--every", "1d")
text = get("metrics", **key).content.decode()
for family in ("queue_jobs", "queue_paused", "queue_latency_seconds", "queue_workers", "workers",
               "worker_slots", "schedules", "semaphores", "failed_jobs",
               "failed_job_oldest_age_seconds", "history_retention_seconds",
               "history_overdue_partitions"):
    assert f"# HELP pgq_{family} " in text, family
"""
    )
    assert done.returncode == 0


def test_a_database_that_does_not_answer_is_503(views: Project) -> None:
    done = views.python(
        BEGIN
        + """
from unittest import mock
from pgq.contrib.django.installations import Installation
with mock.patch.object(Installation, "dsn", "host=/nowhere"):
    assert get("readyz").status_code == 503
    assert get("stats.json", **key).status_code == 503
assert get("readyz").status_code == 200
"""
    )
    assert done.returncode == 0


def test_the_dashboard_is_for_the_staff(views: Project) -> None:
    done = views.python(
        BEGIN
        + """
import re
from django.contrib.auth.models import Permission
from pgq.contrib.django.views import access_of
from pgq.contrib.web.access import ALL, READ, Access
answer = get("dashboard/")
assert answer.status_code == 302 and answer["Location"].startswith("/admin/login/?next=/pgq/")
assert get("")["Location"] == "/pgq/dashboard/"

def log_in(name, **rights):
    client.force_login(User.objects.create(username=name, **rights))

log_in("nobody")
assert get("dashboard/").status_code == 403
log_in("ada", is_staff=True)
assert get("dashboard/jobs").status_code == 403
views = Permission.objects.filter(content_type__app_label="pgq", codename__startswith="view_")
User.objects.get(username="ada").user_permissions.set(views)
page = get("dashboard/jobs")
assert page.status_code == 200, page.content
assert b"shop.tasks.pack" in page.content
assert access_of(User.objects.get(username="ada")) == Access("ada", READ | {"see_args"})
log_in("root", is_staff=True, is_superuser=True)
page = get("dashboard/queue?name=mail").content.decode()
assert access_of(User.objects.get(username="root")) == Access("root", ALL)
token = re.search(r'name="csrf_token" value="([^"]+)"', page)[1]
with override_settings(PGQ_DASHBOARD_RIGHTS=lambda user: None):
    assert get("dashboard/").status_code == 403
assert get("backends/default/dashboard/").status_code == 200
assert get("backends/other/dashboard/").status_code == 404
strict = Client(enforce_csrf_checks=True)
strict.force_login(User.objects.get(username="root"))
done = strict.post("/pgq/dashboard/choose", {"csrf_token": token, "theme": "dark"},
                   headers={"Origin": "http://testserver", "Host": "testserver"})
assert done.status_code == 303, done.content
"""
    )
    assert done.returncode == 0
