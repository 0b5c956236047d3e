"""enqueue, jobs, job, cancel, retry, discard."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from pgq.rows import Job, ListedJob
from tests.calls.test_columns import POISONS, plant
from tests.cli.conftest import Pgq

UNKNOWN = 999_999


def stored(conn: psycopg.Connection, job_id: int) -> dict[str, Any]:
    with conn.cursor(row_factory=psycopg.rows.dict_row) as cursor:
        row = cursor.execute("select * from pgq.all_jobs where id = %s", (job_id,)).fetchone()
    assert row
    return row


def finish(
    conn: psycopg.Connection, job_id: int, error: str | None = None, worker_id: int | None = None
) -> None:
    """Run a job to its end, as succeeded or, with an error, as failed for good."""
    claim = "select job_id, claim_id from pgq.claim_batch('{*}', %s)"
    row = conn.execute(claim, (worker_id,)).fetchone()
    assert row and row[0] == job_id
    held = ([row[0]], [row[1]])
    if error is None:
        conn.execute("select pgq.complete_batch(%s, %s, '{42}')", held)
    else:
        conn.execute(
            "select pgq.fail_batch(%s, %s, array[%s], '{ValueError}', '{line 1}', '{true}')",
            (*held, error),
        )


def test_enqueue_prints_the_id_alone(pgq: Pgq, conn: psycopg.Connection) -> None:
    printed = pgq("enqueue", "send", '{"user_id": 1}').stdout
    job = stored(conn, int(printed))
    assert printed == f"{job['id']}\n"
    assert (job["task"], job["args"], job["queue"]) == ("send", {"user_id": 1}, "default")


@pytest.mark.slow
def test_enqueue_passes_every_option(pgq: Pgq, conn: psycopg.Connection) -> None:
    answer = pgq.json(
        *("enqueue", "send", "[1, 2]", "-q", "mail", "--priority", "-5", "--delay", "1h30m"),
        *("--max-attempts", 3, "--backoff", "linear", "--timeout", "90", "--expires-in", "2d"),
        *("--unique-key", "k", "--on-conflict", "raise", "--headers", '{"trace": "x"}'),
    )
    job = stored(conn, answer["id"])
    wanted = {
        "args": [1, 2],
        "queue": "mail",
        "priority": -5,
        "state": "scheduled",
        "max_attempts": 3,
        "timeout": timedelta(seconds=90),
        "unique_key": "k",
        "headers": {"trace": "x"},
    }
    assert {name: job[name] for name in wanted} == wanted
    assert job["run_at"] - job["created_at"] == timedelta(hours=1.5)
    assert job["expires_at"] - job["run_at"] == timedelta(days=2)


@pytest.mark.slow
@pytest.mark.parametrize("at", ["2099-01-31T08:00Z", "2099-01-31 09:00+01:00"])
def test_enqueue_takes_a_time(at: str, pgq: Pgq, conn: psycopg.Connection) -> None:
    job_id = pgq.json("enqueue", "send", "--run-at", at)["id"]
    assert stored(conn, job_id)["run_at"] == datetime(2099, 1, 31, 8, tzinfo=UTC)


def test_enqueue_reads_arguments_from_standard_input(pgq: Pgq, conn: psycopg.Connection) -> None:
    printed = pgq("enqueue", "send", "-", stdin='{"text": "\\u00e4"}').stdout
    assert stored(conn, int(printed))["args"] == {"text": "ä"}


@pytest.mark.parametrize(
    ("args", "complaint"),
    [
        (["send", "{"], "not JSON"),
        (["send", "1"], "args are a JSON number"),
        (["send", '{"a": NaN}'], "not JSON"),
        (["send", r'{"a": "\u0000"}'], "NUL"),
        ([""], "task is empty"),
        (["send", "--delay", "soon"], "no length of time"),
        (["send", "--delay", "1h 5"], "no length of time"),
        (["send", "--run-at", "tomorrow"], "no time"),
        (["send", "--headers", "[]"], "headers"),
        (["send", "--max-attempts", "0"], "max_attempts is 0"),
        (["send", "--backoff", "sometimes"], ""),
        (["send", "--on-conflict", "raise"], "unique_key"),
    ],
)
def test_what_makes_no_sense_is_a_wrong_call(args: list[str], complaint: str, pgq: Pgq) -> None:
    result = pgq("enqueue", *args, code=2)
    assert complaint in result.stderr
    assert not result.stdout


def test_unique_by_args(pgq: Pgq) -> None:
    first = pgq("enqueue", "send", '{"a": 1, "b": 2}', "--unique-by", "args").output
    assert pgq("enqueue", "send", '{"b": 2.0, "a": 1}', "--unique-by", "args").output == first


def test_a_taken_unique_key_is_a_no(pgq: Pgq) -> None:
    pgq("enqueue", "send", "--unique-key", "k")
    result = pgq("enqueue", "send", "--unique-key", "k", "--on-conflict", "raise", code=1)
    assert result.stderr.startswith("Error: ") and not result.stdout


@pytest.mark.slow
def test_jobs_shows_the_newest_first_and_filters(pgq: Pgq, conn: psycopg.Connection) -> None:
    first = pgq.json("enqueue", "send", "-q", "mail")["id"]
    second = pgq.json("enqueue", "resize", "-q", "images", "--delay", "5m")["id"]
    third = pgq.json("enqueue", "send", "-q", "images", "--priority", "-1")["id"]
    finish(conn, third, "broken")

    def ids(*args: object) -> list[int]:
        return [job["id"] for job in pgq.json("jobs", *args)["jobs"]]

    assert ids() == [third, second, first]
    assert ids("--limit", 2) == [third, second]
    assert ids("--state", "failed") == [third]
    assert ids("--queue", "images") == [third, second]
    assert ids("--task", "send", "-q", "mail") == [first]
    table = pgq("jobs").stdout.splitlines()
    assert table[0].split() == ["id", "state", "queue", "task", "attempt", "when", "error"]
    assert "failed" in table[1] and "1/5" in table[1] and re.search(r" ago +ValueError$", table[1])
    assert re.search(r" in (5m|4m 5\ds)$", table[2])
    assert re.search(r"  waiting \d", table[3])


def test_jobs_says_when_there_are_none(pgq: Pgq) -> None:
    shown = pgq("jobs", "--state", "failed")
    assert (shown.stdout, shown.stderr) == ("no such jobs\n", "")
    assert pgq.json("jobs") == {"jobs": [], "looked_to": None}


@pytest.mark.slow
def test_jobs_says_how_far_it_looked(pgq: Pgq) -> None:
    ids = [pgq.json("enqueue", "rare" if n == 0 else "send")["id"] for n in range(5)]
    full = pgq("jobs", "--limit", 2)
    assert full.stderr == f"there may be more: --before {ids[3]}\n"
    page = pgq.json("jobs", "--limit", 2, "--before", ids[3])
    assert ([job["id"] for job in page["jobs"]], page["looked_to"]) == ([ids[2], ids[1]], ids[1])
    short = pgq("jobs", "--task", "rare", "--look-at", 3)
    assert short.stdout == "no such jobs\n"
    assert short.stderr == f"looked down to id {ids[2]}; to look further: --before {ids[2]}\n"
    found = pgq.json("jobs", "--task", "rare", "--before", ids[2])
    assert ([job["id"] for job in found["jobs"]], found["looked_to"]) == (ids[:1], None)


@pytest.mark.slow
def test_jobs_shows_the_oldest_first(pgq: Pgq) -> None:
    ids = [pgq.json("enqueue", "send")["id"] for _ in range(4)]
    shown = pgq("jobs", "--oldest", "--limit", 2)
    assert [int(line.split()[0]) for line in shown.stdout.splitlines()[1:]] == ids[:2]
    assert shown.stderr == f"there may be more: --after {ids[1]}\n"
    further = pgq("jobs", "--oldest", "--task", "none", "--look-at", 1, "--after", ids[0])
    assert further.stderr == f"looked up to id {ids[1]}; to look further: --after {ids[1]}\n"
    assert [job["id"] for job in pgq.json("jobs", "--after", ids[1])["jobs"]] == ids[:1:-1]


@pytest.mark.slow
def test_jobs_fits_a_terminal(pgq: Pgq, conn: psycopg.Connection) -> None:
    job_id = pgq.json("enqueue", "send_newsletter", "-q", "newsletters")["id"]
    finish(conn, job_id, "broken")
    assert all(len(line) <= 80 for line in pgq("jobs").stdout.splitlines())


def test_json_keys_of_a_job_are_the_views_columns(pgq: Pgq) -> None:
    job_id = pgq.json("enqueue", "send")["id"]
    job = pgq.json("job", job_id)
    ties = ("parents", "children", "concurrency_weight", "holds_slots", "worker")
    ties += ("schedule", "exhausted_from", "redriven_from", "key_owner", "waits", "page")
    assert tuple(job) == (*Job._fields, *ties)
    (listed,) = pgq.json("jobs")["jobs"]
    assert tuple(listed) == ListedJob._fields
    assert {name: job[name] for name in Job._fields} == {name: listed[name] for name in Job._fields}
    assert datetime.fromisoformat(job["created_at"]).tzinfo is not None


@pytest.mark.slow
def test_job_shows_result_and_errors(pgq: Pgq, conn: psycopg.Connection) -> None:
    good = pgq.json("enqueue", "send", '{"user_id": 1}')["id"]
    finish(conn, good)
    bad = pgq.json("enqueue", "send")["id"]
    (worker_id,) = conn.execute("select pgq.register_worker('vm-1', '{*}')").fetchone() or (None,)
    finish(conn, bad, "not \x1b[31mnow", worker_id)
    conn.execute("select pgq.deregister_worker(%s)", (worker_id,))
    assert pgq.json("job", good)["result"] == 42
    shown = pgq("job", good).stdout
    assert "succeeded" in shown and '{"user_id": 1}' in shown
    shown = pgq("job", bad).stdout
    assert "attempt 1 failed\n    ValueError: not \\x1b[31mnow\n    waited " in shown
    assert re.search(r"waited [\d.]+m?s, ran [\d.]+m?s on vm-1\n    line 1\n", shown)
    assert re.search(r"^worker +vm-1$", shown, re.MULTILINE)


def test_job_says_why_it_waits(pgq: Pgq) -> None:
    first, second = (pgq.json("enqueue", "send", "-q", "mail")["id"] for _ in range(2))
    pgq("pause", "mail")
    nobody = "no living worker serves its queue"
    assert pgq.json("job", first)["waits"][1:] == [nobody, "it is the next of its queue"]
    shown = pgq("job", second).stdout
    assert "its queue is paused until somebody resumes it" in shown and nobody in shown
    assert all(len(line) <= 80 for line in shown.splitlines())


def test_job_leads_to_its_page(pgq: Pgq, monkeypatch: pytest.MonkeyPatch) -> None:
    pgq("enqueue", "t")
    assert "page" not in pgq("job", 1).stdout
    assert pgq.json("job", 1)["page"] is None
    monkeypatch.setenv("PGQ_WEB_URL", "http://localhost:8080/")
    assert re.search(r"page +http://localhost:8080/jobs/1\n", pgq("job", 1).stdout)
    assert pgq.json("job", 1)["page"] == "http://localhost:8080/jobs/1"
    monkeypatch.setenv("PGQ_WEB_URL", "localhost")
    assert "expected an address" in pgq("job", 1, code=2).output


def test_an_unknown_job_is_a_no(pgq: Pgq) -> None:
    result = pgq("job", UNKNOWN, code=1)
    assert f"no job {UNKNOWN}" in result.stderr
    assert pgq("job", "x", code=2).stderr


def test_cancel_answers_per_job(pgq: Pgq, conn: psycopg.Connection) -> None:
    job_id = pgq.json("enqueue", "send")["id"]
    assert pgq.json("cancel", job_id) == [{"id": job_id, "outcome": "cancelled"}]
    assert stored(conn, job_id)["state"] == "cancelled"
    result = pgq("cancel", job_id, UNKNOWN, code=1)
    assert "finished" in result.stdout and "not_found" in result.stdout


def test_cancelling_a_running_job_is_a_request(pgq: Pgq, conn: psycopg.Connection) -> None:
    job_id = pgq.json("enqueue", "send")["id"]
    conn.execute("select pgq.claim_batch('{*}')")
    assert pgq.json("cancel", job_id) == [{"id": job_id, "outcome": "requested"}]


@pytest.mark.slow
def test_retry_revives_and_takes_a_time(pgq: Pgq, conn: psycopg.Connection) -> None:
    job_id = pgq.json("enqueue", "send")["id"]
    finish(conn, job_id, "broken")
    assert pgq.json("retry", job_id, "--at", "2099-01-31T08:00Z") == [
        {"id": job_id, "outcome": "retried"}
    ]
    assert stored(conn, job_id)["state"] == "scheduled"
    pgq("retry", job_id)
    assert stored(conn, job_id)["state"] == "ready"
    pgq("retry", job_id, UNKNOWN, code=1)


def test_discard_deletes_when_told(pgq: Pgq, conn: psycopg.Connection) -> None:
    job_id = pgq.json("enqueue", "send")["id"]
    refused = pgq("discard", job_id, code=2)
    assert "--yes" in refused.stderr
    assert pgq.json("discard", job_id, "--yes") == [{"id": job_id, "outcome": "discarded"}]
    assert pgq("job", job_id, code=1)
    pgq("discard", job_id, "--yes", code=1)


@pytest.mark.parametrize(("answer", "code"), [("y\n", 0), ("n\n", 1), ("\n", 1)])
def test_discard_asks_on_a_terminal(
    answer: str, code: int, pgq: Pgq, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pgq.cli.bulk.asks", lambda: True)
    job_id = pgq.json("enqueue", "send")["id"]
    result = pgq("discard", job_id, code=code, stdin=answer)
    assert "Delete 1 job for good?" in result.stderr
    assert pgq("job", job_id, code=1 - code)


def test_output_has_no_colour_without_a_terminal(pgq: Pgq) -> None:
    job_id = pgq.json("enqueue", "send", json.dumps({"a": "x" * 200}))["id"]
    for command in (["stats"], ["jobs"], ["job", job_id]):
        assert "\x1b" not in pgq(*command).stdout


@pytest.mark.parametrize("args", POISONS, ids=["long", "deep"])
def test_what_cannot_be_read_is_shown_as_text(
    pgq: Pgq, conn: psycopg.Connection, args: str
) -> None:
    poison = plant(conn, args)
    assert str(poison) in pgq("jobs").stdout
    assert args[:60] in pgq("job", poison).stdout
    assert pgq.json("job", poison)["args"] == args
