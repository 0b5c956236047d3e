"""Calls of pgq on Django's own connection, with Django's loaders and settings."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import OperationalError, connections, transaction
from django.test import override_settings
from django.utils import timezone

import pgq
from pgq.contrib.django import DjangoClient
from pgq.errors import InvalidJob, SchemaMissing, UniqueKeyTaken
from tests.contrib.django.shop import tasks

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("database")]


@pytest.fixture(params=[False, True], ids=["client_side", "server_side"])
def theirs(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A client on Django's connection, which binds here or on the server."""
    options = {"server_side_binding": request.param}
    monkeypatch.setitem(connections.settings["default"], "OPTIONS", options)
    connections["default"].close()
    yield DjangoClient()
    connections["default"].close()


def test_answers_are_those_of_other_clients(theirs: DjangoClient, client: pgq.Client) -> None:
    made = theirs.enqueue(
        "t", {"a": [1, None, "\u00e4 % %s"], "b": 1.5}, headers={"h": {"x": 1}}, timeout=90.5,
        concurrency_key="k", concurrency_limit=2, priority=-3, delay="1 hour",
    )  # fmt: skip
    theirs.enqueue_many([pgq.NewJob("u", [True]), pgq.NewJob("u", {"n": {"m": []}})])
    theirs.schedule("s", "t", every=3600, args={"x": [1]})
    theirs.pause_queue("mail", "1 hour")
    [claimed] = theirs.claim_batch(["default"], batch_size=1)
    assert (claimed.args, claimed.headers) == ([True], None)
    theirs.complete_batch([claimed.job_id], [claimed.claim_id], [{"done": [1]}])
    assert theirs.job(made) == client.job(made)
    assert theirs.job(claimed.job_id) == client.job(claimed.job_id)
    assert theirs.result(claimed.job_id) == client.result(claimed.job_id)
    assert theirs.job_attempts(claimed.job_id) == client.job_attempts(claimed.job_id)
    assert theirs.list_jobs(details=True) == client.list_jobs(details=True)
    assert theirs.queue_settings() == client.queue_settings()
    [mine], [other] = theirs.schedule_status(), client.schedule_status()
    assert mine._replace(late=None) == other._replace(late=None)
    assert mine.every == timedelta(hours=1)


def enqueue_impatiently() -> None:
    with transaction.atomic():
        with connections["default"].cursor() as cursor:
            cursor.execute("set local lock_timeout = '1ms'")
        DjangoClient().enqueue("t")


def test_errors_are_djangos_but_for_ours(conn: psycopg.Connection) -> None:
    ours = DjangoClient()
    ours.enqueue("t", unique_key="k")
    with pytest.raises(InvalidJob), transaction.atomic():
        ours.enqueue("")
    with pytest.raises(UniqueKeyTaken), transaction.atomic():
        ours.enqueue("t", unique_key="k", on_conflict="raise")
    with pytest.raises(SchemaMissing), transaction.atomic():
        DjangoClient(schema="nowhere").enqueue("t")
    with conn.transaction():
        conn.execute("lock table pgq.jobs")
        with pytest.raises(OperationalError):
            enqueue_impatiently()


def test_who_acts_is_noted(client: pgq.Client) -> None:
    ada = DjangoClient(actor=lambda: "ada")
    ada.pause_queue("mail")
    with transaction.atomic():
        ada.resume_queue("mail")
        transaction.set_rollback(True)
    assert [(row.action, row.actor) for row in client.audit_log()] == [("pause_queue", "ada")]


def test_each_thread_has_its_own_connection() -> None:
    ours = DjangoClient()
    seen: list[Any] = []

    def look() -> None:
        seen.append(ours.list_jobs().jobs)
        connections.close_all()

    with transaction.atomic():
        ours.enqueue("t")
        other = threading.Thread(target=look)
        other.start()
        other.join()
        assert (len(ours.list_jobs().jobs), seen) == (1, [[]])


def test_another_kind_of_database_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    entry = {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}
    whole = {**connections.settings["default"], "OPTIONS": {}, **entry}
    monkeypatch.setitem(connections.settings, "other", whole)
    with pytest.raises(ImproperlyConfigured, match="'other', which is no Postgres but sqlite"):
        DjangoClient("other").enqueue("t")


def test_without_zones_times_have_none(client: pgq.Client) -> None:
    with override_settings(USE_TZ=False):
        at = timezone.now() + timedelta(hours=30)
        assert at.tzinfo is None
        made = tasks.add.using(run_after=at).enqueue(1)
        found, job = tasks.add.get_result(made.id), client.job(int(made.id))
        assert job is not None
        assert found.task.run_after == at
        assert found.enqueued_at == timezone.make_naive(job.created_at)
        assert tasks.add.enqueue(2).task.run_after is None
