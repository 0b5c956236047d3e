"""Django's admin: lists that stay fast, actions by permission, and what nobody may see."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from django.contrib import admin
from django.db import connection
from django.test import Client, override_settings
from django.test.utils import CaptureQueriesContext

import pgq

import tests.contrib.django.shop  # isort: skip  # noqa: F401  # Django is set up by it
from pgq.contrib.django import models
from pgq.contrib.django.administration import verbs
from tests.servers import install
from tests.worker.running import drain

pytestmark = pytest.mark.slow

ATTACKING = '"><script>alert(1)</script>/_5F ?&#'
OURS = [models.Job, models.Queue, models.Worker, models.Schedule, models.Semaphore]
OURS += [models.Batch, models.BulkOperation]
VERBS = [(model, verb) for model in OURS for verb in admin.site._registry[model].verbs]


def user(name: str, *permissions: str, **options: Any) -> Client:
    """Log in somebody with some permissions of ours."""
    from django.contrib.auth.models import Permission, User

    made = User.objects.create_user(name, password="correct horse", is_staff=True, **options)
    found = Permission.objects.filter(content_type__app_label="pgq", codename__in=permissions)
    assert len(found) == len(permissions)
    made.user_permissions.set(found)
    browser = Client()
    browser.force_login(made)
    return browser


def superuser() -> Client:
    return user("ann", is_superuser=True)


def text(answer: Any) -> str:
    return str(answer.content.decode())


def messages(answer: Any) -> str:
    return " ".join(str(each) for each in answer.context["messages"])


@pytest.fixture
def row_of(client: pgq.Client) -> dict[type, str]:
    """One row of each list, by its key."""
    job = client.enqueue("later", queue="q", delay=timedelta(days=1))
    client.enqueue("now", queue="q")
    client.enqueue("held", concurrency_key="k", concurrency_limit=1)
    client.promote_due()
    worker = client.register_worker("w", ["nothing"])
    client.schedule("s", "recurs", every="1 hour")
    batch = client.create_batch()
    operation = client.bulk_start("retry", queue="nowhere", starts_in="1 hour")
    return {
        models.Job: str(job),
        models.Queue: "q",
        models.Worker: str(worker),
        models.Schedule: "s",
        models.Semaphore: "k",
        models.Batch: str(batch),
        models.BulkOperation: str(operation.id),
    }


def place(model: Any, *parts: str) -> str:
    return "/".join(["/admin/pgq", model._meta.model_name, *parts, ""])


@pytest.mark.parametrize(
    ("model", "verb"), VERBS, ids=[f"{verb.name}-{model.__name__}" for model, verb in VERBS]
)
def test_each_action_needs_its_permission(
    site: object, row_of: dict[type, str], conn: psycopg.Connection, model: Any, verb: verbs.Verb
) -> None:
    if verb.name == "resume":  # nothing is noted where nothing was paused
        conn.execute("select pgq.pause_queue('q'), pgq.pause_schedule('s')")
    name = model._meta.model_name
    act = place(model, row_of[model], "do", verb.name)
    others = [f"{each.name}_{name}" for _, each in VERBS if _ is model and each is not verb]
    without = user("bob", f"view_{name}", *others)
    assert without.post(act, {"confirmed": "1"}).status_code == 403
    assert verb.label not in re.findall(r"<option value=\"(\w+)\"", text(without.get(place(model))))
    assert Client().post(act).status_code == 302  # to the login
    blind = user("eve", f"{verb.name}_{name}")
    assert blind.post(act, {"confirmed": "1"}).status_code == 403  # who may not see it
    assert conn.execute("select count(*) from pgq.audit where actor is not null").fetchone() == (0,)

    may = user("cy", f"view_{name}", f"{verb.name}_{name}")
    assert may.get(act).status_code == 405
    asked = may.post(act)
    if verb.asks:
        assert verb.asks in text(asked)
        assert conn.execute(
            "select count(*) from pgq.audit where actor is not null"
        ).fetchone() == (0,)
    done = may.post(act, {"confirmed": "1"}, follow=True)
    assert done.status_code == 200
    assert verb.label in messages(done)
    assert conn.execute(
        "select distinct actor from pgq.audit where actor is not null"
    ).fetchall() == [("cy",)]
    from django.contrib.admin.models import LogEntry

    entry = LogEntry.objects.latest("pk")
    assert (entry.user.username, entry.object_id) == ("cy", row_of[model])
    assert verb.label in entry.change_message


@pytest.mark.parametrize("model", OURS, ids=lambda model: model.__name__)
def test_each_list_and_page_opens_for_those_who_may_see_it(
    site: object, row_of: dict[type, str], model: Any
) -> None:
    name = model._meta.model_name
    sees = user("bob", f"view_{name}")
    assert row_of[model] in text(sees.get(place(model)))
    page = sees.get(place(model, row_of[model], "change"))
    assert page.status_code == 200
    assert 'name="_save"' not in text(page)
    assert sees.get(place(model, row_of[model], "history")).status_code == 200
    assert sees.get(place(model, "add")).status_code == 403
    assert sees.get(place(model, row_of[model], "delete")).status_code == 403
    blind = user("eve")
    assert blind.get(place(model)).status_code == 403
    assert blind.get(place(model, row_of[model], "change")).status_code == 403


@pytest.mark.parametrize("model", OURS, ids=lambda model: model.__name__)
def test_a_model_reads_its_view(site: object, row_of: dict[type, str], model: Any) -> None:
    assert row_of[model] in {str(each.pk) for each in model.objects.all()}


def test_a_list_asks_the_same_few_statements_at_any_length(
    site: object, client: pgq.Client
) -> None:
    browser = superuser()

    def statements(address: str) -> list[str]:
        with CaptureQueriesContext(connection) as asked:
            assert browser.get(address).status_code == 200
        return [each["sql"] for each in asked]

    client.enqueue("one")
    few = {model: len(statements(place(model))) for model in OURS}
    client.enqueue_many([pgq.NewJob("many", concurrency_key=f"k{n}") for n in range(300)])
    client.promote_due()
    for model in OURS:
        asked = statements(place(model))
        assert few[model] <= len(asked) <= 5
        assert not [each for each in asked if "count(" in each.lower()]
    assert len(statements("/admin/pgq/")) <= 9


def test_pages_follow_each_other(site: object, client: pgq.Client) -> None:
    made = [each.id for each in client.enqueue_many([pgq.NewJob("t") for _ in range(250)])]
    browser, address, seen = superuser(), "/admin/pgq/job/", list[int]()
    pages = 0
    while address:
        answer = browser.get(address)
        changelist = answer.context["cl"]
        seen += [each.pk for each in changelist.result_list]
        assert changelist.result_count == 250
        address = changelist.next_page and f"/admin/pgq/job/{changelist.next_page}"
        pages += 1
    assert (seen, pages) == (sorted(made, reverse=True), 3)


def test_filters_and_the_search_box(site: object, client: pgq.Client) -> None:
    browser = superuser()
    first = client.enqueue("a", {"user": 7}, queue="mail")
    second = client.enqueue("b", queue="mail", delay=timedelta(days=1))

    def listed(query: str) -> list[int]:
        answer = browser.get(f"/admin/pgq/job/?{query}")
        return [each.pk for each in answer.context["cl"].result_list]

    assert listed("state=scheduled") == [second]
    assert listed("queue=mail&q=task:a") == [first]
    assert listed("q=args.user:7") == [first]
    assert listed(f"q={second}") == [second]
    assert listed("q=92233720368547758079999") == []
    wrong = browser.get("/admin/pgq/job/?q=nonsense")
    assert list(wrong.context["cl"].result_list) == []
    assert "say what it is: task:nonsense" in messages(wrong)
    assert browser.get("/admin/pgq/job/?colour=red").status_code == 302
    assert browser.get("/admin/pgq/job/?e=1").status_code == 200


def test_keys_and_pages_that_cannot_be(site: object) -> None:
    """Whatever an address or a form says, the answer is no error of the server's."""
    browser = superuser()
    for model in OURS:
        for query in ("after=%00", "before=%00", "queue=%00", "q=%00", "before=-1", "p=9"):
            assert browser.get(f"{place(model)}?{query}").status_code in (200, 302)
        for key in ("x", "\0", str(2**63), "-1"):
            sent = {"index": "0", "select_across": "0", "_selected_action": key, "confirmed": "1"}
            for verb in admin.site._registry[model].verbs:
                answer = browser.post(place(model), {**sent, "action": verb.name})
                assert answer.status_code in (302, 404), (model, key, verb)


def test_actions_on_what_is_chosen(site: object, client: pgq.Client) -> None:
    browser = superuser()
    ids = [client.enqueue("t", delay=timedelta(days=1)) for _ in range(3)]
    sent = {"action": "discard", "index": "0", "select_across": "0", "_selected_action": ids[:2]}
    asked = browser.post("/admin/pgq/job/", sent)
    assert "This is about 2 jobs" in text(asked)
    assert len(client.find_jobs()) == 3
    done = browser.post("/admin/pgq/job/", {**sent, "confirmed": "1"}, follow=True)
    assert messages(done) == "Discard: 2 discarded."
    assert client.find_jobs() == [ids[2]]


def test_an_action_on_all_that_match_is_a_bulk_operation(site: object, client: pgq.Client) -> None:
    browser = superuser()
    mail = [client.enqueue("t", queue="mail") for _ in range(3)]
    client.enqueue("t", queue="other")
    sent = {"action": "cancel", "index": "0", "select_across": "1", "_selected_action": mail[:1]}
    place = "/admin/pgq/job/?queue=mail"
    asked = browser.post(place, sent)
    assert "all jobs that match" in text(asked)
    assert client.bulk_status() == []
    done = browser.post(place, {**sent, "confirmed": "1"}, follow=True)
    assert "3 jobs match" in messages(done)
    (operation,) = client.bulk_status()
    assert (operation.action, operation.jobs, operation.filters["queue"], operation.actor) == (
        "cancel",
        3,
        "mail",
        "ann",
    )
    copies = browser.post(place, {**sent, "action": "enqueue"}, follow=True)
    assert "Choose rows for that" in messages(copies)
    stopped = browser.post(f"/admin/pgq/bulkoperation/{operation.id}/do/stop/", follow=True)
    assert "1 undone" in messages(stopped)


def test_a_form_of_another_site_does_nothing(site: object, client: pgq.Client) -> None:
    job = client.enqueue("t", delay=timedelta(days=1))
    superuser()
    browser = Client(enforce_csrf_checks=True)
    assert browser.login(username="ann", password="correct horse")
    for address in (f"/admin/pgq/job/{job}/do/cancel/", "/admin/pgq/job/"):
        sent = {"action": "cancel", "index": "0", "_selected_action": [job], "confirmed": "1"}
        assert browser.post(address, sent).status_code == 403
    found = client.job(job)
    assert found is not None
    assert found.state == "scheduled"


def test_secrets_are_taken_out(site: object, client: pgq.Client, dsn: str) -> None:
    registry = pgq.Registry()

    @registry.task("leaks", max_attempts=1)
    def leaks(password: str, user: int) -> None:
        raise ValueError(f"password={password}")

    job = client.enqueue("leaks", {"password": "hunter2", "user": 4711}, max_attempts=1)
    drain(dsn, registry)
    browser = superuser()
    for address in ("/admin/pgq/job/", f"/admin/pgq/job/{job}/change/"):
        assert "hunter2" not in text(browser.get(address))
    page = text(browser.get(f"/admin/pgq/job/{job}/change/"))
    assert "4711" in page
    assert "password=[hidden]" in page


def test_names_that_attack(site: object, client: pgq.Client) -> None:
    browser = superuser()
    client.enqueue(ATTACKING, {ATTACKING: ATTACKING}, queue=ATTACKING, concurrency_key=ATTACKING)
    client.schedule(ATTACKING, ATTACKING, every="1 hour", description=ATTACKING)
    pages = ["/admin/pgq/"]
    for model in OURS:
        answer = browser.get(place(model))
        pages.append(place(model))
        pages += re.findall(r'<th class="field-\w+"><a href="([^"]+)"', text(answer))
    assert len(pages) > 10
    for address in pages:
        answer = browser.get(address.replace("&amp;", "&"))
        assert answer.status_code == 200, address
        assert "<script>alert" not in text(answer)
    done = browser.post(
        re.findall(r'action="([^"]+/do/pause/)"', text(browser.get("/admin/pgq/")))[0], follow=True
    )
    assert messages(done) == "Pause: 1 paused."


def test_the_dashboard_shows_what_somebody_may_see(site: object, row_of: dict[type, str]) -> None:
    page = text(user("bob", "view_worker").get("/admin/pgq/"))
    assert "Workers" in page
    assert "Semaphores" not in page
    assert "no worker" not in page
    page = text(user("cy", "view_queue", "pause_queue", "view_job").get("/admin/pgq/"))
    assert "/admin/pgq/queue/q/do/pause/" in page
    assert "/do/clear/" not in page
    assert "/admin/pgq/job/?queue=q&amp;state=scheduled" in page


def test_each_backend_is_shown_apart(site: object, database: str, client: pgq.Client) -> None:
    install(database, schema="critical")
    options = {"schema": "critical"}
    ours = "pgq.contrib.django.PgqBackend"
    tasks = {
        "default": {"BACKEND": ours},
        "critical": {"BACKEND": ours, "OPTIONS": options},
    }
    client.enqueue("usual", queue="usual")
    with pgq.Client(database, schema="critical") as other, override_settings(TASKS=tasks):
        job = other.enqueue("urgent", queue="urgent")
        browser = superuser()
        assert "urgent" not in text(browser.get("/admin/pgq/job/"))
        assert "urgent" in text(browser.get("/admin/pgq/?backend=critical"))
        listed = browser.get("/admin/pgq/job/?backend=critical")
        assert "usual" not in text(listed)
        (address,) = re.findall(r'href="(/admin/pgq/job/\d+/change/[^"]*)"', text(listed))
        page = browser.get(address.replace("&amp;", "&"))
        assert "urgent" in text(page)
        act = re.findall(r'action="([^"]*/do/cancel/[^"]*)"', text(page))[0]
        browser.post(act.replace("&amp;", "&"), {"confirmed": "1"}, follow=True)
        found = other.job(job)
        assert found is not None
        assert found.state == "cancelled"
        assert browser.get("/admin/pgq/job/?backend=other").status_code == 404
