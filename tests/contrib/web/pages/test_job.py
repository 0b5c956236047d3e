"""One job: its story, attempts, why it waits, what it carries and is tied to."""

from __future__ import annotations

import json
from typing import Any

import psycopg
import pytest

import pgq
from pgq.contrib.web.app import Dashboard
from pgq.contrib.web.pages.job import own_frames
from pgq.contrib.web.redact import Redactor
from pgq.errors import InvalidArgument
from tests.contrib.web.conftest import Browser
from tests.contrib.web.html import Page
from tests.contrib.web.pages.test_jobs import Open, open_as

__all__ = ["open_as"]

TRACEBACK = """Traceback (most recent call last):
  File "/app/.venv/lib/python3.12/site-packages/pgq/worker/handler.py", line 88, in run
    return handler()
  File "/app/shop/tasks.py", line 142, in send
    post(token="s3cret")
shop.Timeout: no answer"""


def enqueued(client: pgq.Client, *args: Any, **options: Any) -> int:
    job: int | None = client.enqueue("send", *args, **options)
    assert job is not None
    return job


def fail(conn: psycopg.Connection, message: str = "no answer, token=s3cret") -> None:
    conn.execute(
        "select pgq.fail_batch(array[job_id], array[claim_id], array[%s], array['Timeout'],"
        " array[%s]) from pgq.claim_batch('{*}', batch_size => 1)",
        [message, TRACEBACK],
    )


def test_a_job_that_failed(open_as: Open, client: pgq.Client, conn: psycopg.Connection) -> None:
    browser = open_as("see_args")
    job = enqueued(client, {"n": 2**70, "password": "s3cret"}, queue="mail", max_attempts=1)
    fail(conn)
    found = browser.json(f"/jobs/{job}")
    assert (found["job"]["state"], found["job"]["queue"], found["why"]) == ("failed", "mail", [])
    (attempt,) = found["attempts"]
    assert (attempt["outcome"], attempt["error_type"]) == ("failed", "Timeout")
    assert attempt["message"] == "no answer, token=[hidden]"
    assert attempt["frames"].splitlines()[0] == '  File "/app/shop/tasks.py", line 142, in send'
    assert found["timeline"]["rows"][-1][1] == "attempt 1 failed with Timeout"
    (args,) = found["content"]
    assert str(2**70) in args["text"] and args["has_hidden"] and not args["has_more"]
    answer = browser.get(f"/jobs/{job}")
    assert "s3cret" not in answer.text and str(2**70) in answer.text
    page = Page(answer.text)
    assert page.faults == []
    assert f"/error?fingerprint={attempt['fingerprint']}&task=send" in page.links


def test_shapes_only_without_the_right(browser: Browser, client: pgq.Client) -> None:
    job = enqueued(client, {"email": "ann@example.org"}, headers={"tenant": "acme"})
    for address in (f"/jobs/{job}", f"/jobs/{job}/args", f"/jobs/{job}/headers"):
        answer = browser.get(address)
        assert answer.status_code == 200
        assert "ann@" not in answer.text and "acme" not in answer.text
    assert "text(15)" in browser.get(f"/jobs/{job}/args").text


def test_why_it_waits(browser: Browser, client: pgq.Client) -> None:
    client.pause_queue("mail")
    job = enqueued(client, queue="mail")
    reasons = [each["reason"] for each in browser.json(f"/jobs/{job}")["why"]]
    assert "pause" in reasons
    assert "paused until somebody resumes it" in browser.get(f"/jobs/{job}").text


def test_what_it_is_tied_to(open_as: Open, client: pgq.Client) -> None:
    browser = open_as(queues=("mail",))
    batch = client.create_batch()
    parent = enqueued(client, queue="mail", batch_id=batch, unique_key="k")
    hidden = enqueued(client, queue="secret")
    child = enqueued(client, queue="mail", depends_on=[parent, hidden])
    ties = browser.json(f"/jobs/{child}")["ties"]
    assert [(each["id"], each["state"]) for each in ties["parents"]] == [
        (parent, "ready"),
        (hidden, None),
    ]
    ties = browser.json(f"/jobs/{parent}")["ties"]
    assert [each["id"] for each in ties["children"]] == [child]
    assert (ties["batch_id"], ties["unique_key"], ties["key_owner"]) == (batch, "k", None)


def test_others_of_the_task(browser: Browser, client: pgq.Client, conn: psycopg.Connection) -> None:
    jobs = [enqueued(client, max_attempts=1) for _ in range(3)]
    for _ in range(2):
        fail(conn)
    recent = browser.json(f"/jobs/{jobs[0]}")["recent"]
    assert [each["id"] for each in recent] == [jobs[1]]


def test_what_is_long_is_folded_and_shown_on_its_page(open_as: Open, client: pgq.Client) -> None:
    browser = open_as("see_args")
    job = enqueued(client, {"list": list(range(5000))})
    (args,) = browser.json(f"/jobs/{job}")["content"]
    assert args["has_more"] and len(args["text"]) < 5000
    whole = browser.json(f"/jobs/{job}/args")["content"]
    assert not whole["has_more"] and json.loads(whole["text"]) == {"list": list(range(5000))}


def test_60_megabytes_do_not_freeze_the_page(
    open_as: Open, client: pgq.Client, conn: psycopg.Connection
) -> None:
    browser = open_as("see_args")
    job = enqueued(client)
    conn.execute("alter table pgq.jobs disable trigger all")
    conn.execute(
        "update pgq.jobs set args = (select jsonb_agg(md5(n::text)) from"
        " generate_series(1, 200000) as n) where id = %s",
        [job],
    )
    found = browser.json(f"/jobs/{job}")
    (args,) = found["content"]
    assert args["is_too_large"] and args["text"] == "" and args["size"] > 1_048_576
    assert "too much for a page" in browser.get(f"/jobs/{job}").text


def test_a_hook_and_hidden_tasks(dsn: str, client: pgq.Client) -> None:
    from pgq.contrib.web.access import READ, Access

    job = enqueued(client, {"phone": "555123"})
    dashboard = Dashboard(
        dsn,
        authorize=lambda _request: Access("me", READ | {"see_args"}),
        redactor=Redactor(hook=lambda _task, args: {**args, "phone": "…"}),
    )
    assert "555" not in Browser(dashboard).get(f"/jobs/{job}").text
    dashboard.close()


@pytest.mark.parametrize("job", ["0", "4711", "9" * 30, "-1", "x"])
def test_jobs_that_there_are_not(job: str, browser: Browser) -> None:
    answer = browser.get(f"/jobs/{job}")
    assert answer.status_code == 404
    assert not job.isdigit() or Page(answer.text).faults == []


def test_a_part_that_there_is_not(browser: Browser, client: pgq.Client) -> None:
    job = enqueued(client)
    assert browser.get(f"/jobs/{job}/result").status_code == 404
    assert browser.get(f"/jobs/{job}/errors").status_code == 404


def test_a_short_address_for_logs(browser: Browser, client: pgq.Client) -> None:
    answer = browser.get("/j/17")
    assert (answer.status_code, answer.headers["Location"]) == (302, "/jobs/17")


def test_own_frames() -> None:
    assert own_frames(TRACEBACK).splitlines() == [
        '  File "/app/shop/tasks.py", line 142, in send',
        '    post(token="s3cret")',
        "shop.Timeout: no answer",
    ]
    assert own_frames("") == own_frames("Error: x") == ""
    assert own_frames(TRACEBACK.replace("/app/shop", "/usr/lib/python3.12")) == ""


def test_a_job_leads_to_its_trace_and_flow(dsn: str, client: pgq.Client) -> None:
    trace = "0af7651916cd43dd8448eb211c80319c"
    job = enqueued(client, headers={"traceparent": f"00-{trace}-b7ad6b7169203331-01"})
    child = client.enqueue("then", depends_on=[job])
    dashboard = Dashboard(dsn, trace_url="https://traces.example/t/{trace_id}?x=1")
    browser = Browser(dashboard)
    page = Page(browser.get(f"/jobs/{job}").text)
    assert len(page.faults) == 1, page.faults  # the one address of others
    assert f"https://traces.example/t/{trace}?x=1" in page.links
    assert {f"/flows/{job}", f"/jobs/{child}", f"/go?q={trace}"} <= {*page.links}
    assert browser.json(f"/jobs/{job}")["ties"]["trace"] == trace
    wrong = enqueued(client, headers={"traceparent": "00-<script>-x-01"})
    assert browser.json(f"/jobs/{wrong}")["ties"]["trace"] is None
    dashboard.close()
    for url in ("https://traces.example/", "javascript:{trace_id}", "//x/{trace_id}"):
        with pytest.raises(InvalidArgument):
            Dashboard(dsn, trace_url=url)
