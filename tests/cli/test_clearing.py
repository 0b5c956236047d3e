"""clear, prune."""

from __future__ import annotations

import json
from datetime import timedelta

import psycopg
import pytest

from pgq import Client
from tests.cli.conftest import Pgq, on_terminal
from tests.servers import Travel


@pytest.fixture
def client(conn: psycopg.Connection) -> Client:
    return Client(conn)


def test_clear(pgq: Pgq, client: Client) -> None:
    for options in ({}, {"delay": 60}, {"concurrency_key": "k"}):
        client.enqueue("t", queue="mail", **options)  # type: ignore[arg-type]
    kept = client.enqueue("t")
    assert pgq("clear", "mail", "--keep-blocked", "--yes").stdout == "1 job deleted\n"
    answer = pgq.json("clear", "mail", "--include-scheduled", "--yes")
    assert answer == {"queue": "mail", "deleted": 2}
    assert [job.id for job in client.list_jobs(details=True).jobs] == [kept]


@pytest.mark.slow
def test_a_dry_run_counts_and_deletes_nothing(pgq: Pgq, client: Client) -> None:
    for options in ({}, {"delay": 60}, {"concurrency_key": "k"}):
        client.enqueue("t", queue="mail", **options)  # type: ignore[arg-type]
    (job,) = client.claim_batch(["mail"])
    client.complete_batch([job.job_id], [job.claim_id])
    client.enqueue("t", queue="mail")
    assert pgq("clear", "mail", "--dry-run").stdout == "would delete 2 jobs\n"
    assert pgq("clear", "mail", "--keep-blocked", "--dry-run").stdout == "would delete 1 job\n"
    counted = pgq.json("clear", "mail", "--include-scheduled", "--dry-run")
    assert counted == {"would": "delete", "jobs": 3, "exact": True}
    of_succeeded = ("--state", "succeeded", "--dry-run")
    assert pgq.json("prune", "--older-than", "0s", *of_succeeded)["jobs"] == 1
    assert pgq.json("prune", "--older-than", "1h", *of_succeeded)["jobs"] == 0
    assert pgq.json("prune", "--older-than", "0s", "--task", "x", "--dry-run")["jobs"] == 0
    assert pgq("prune", "--older-than", "0s", "--dry-run").stdout == "nothing would go\n"
    assert "no ticks" in pgq("prune", "--schedules", "--dry-run", code=2).stderr
    assert len(client.list_jobs().jobs) == 4


def test_clear_goes_on_after_a_thousand(pgq: Pgq, client: Client, conn: psycopg.Connection) -> None:
    conn.execute("select pgq.enqueue('t') from generate_series(1, 2001)")
    assert pgq.json("clear", "default", "--yes")["deleted"] == 2001


@pytest.mark.parametrize("command", [("clear", "mail"), ("prune",)], ids=" ".join)
def test_both_ask_first(pgq: Pgq, client: Client, command: tuple[str, ...]) -> None:
    client.enqueue("t", queue="mail")
    assert "--yes" in pgq(*command, code=2).stderr
    assert len(client.list_jobs(details=True).jobs) == 1


def end(client: Client, task: str, *, fails: bool = False) -> int:
    client.enqueue(task, queue=f"of {task}")
    (held,) = client.claim_batch(["*"])
    claim = [held.job_id], [held.claim_id]
    if fails:
        client.fail_batch(*claim, final=[True])
    else:
        client.complete_batch(*claim)
    return held.job_id


@pytest.mark.slow
def test_prune_by_filter(pgq: Pgq, client: Client) -> None:
    good, other, bad = end(client, "good"), end(client, "other"), end(client, "bad", fails=True)
    waiting = client.enqueue("good", delay=3600)
    old = ("--older-than", "0s", "--yes")
    assert pgq.json("prune", "--older-than", "1h", "--task", "good", "--yes") == {"jobs": 0}
    assert pgq.json("prune", "--state", "failed", *old) == {"jobs": 1}
    assert pgq.json("prune", "--task", "good", *old) == {"jobs": 1}
    assert pgq("prune", "-q", "of other", *old).stdout == "1 job deleted\n"
    assert [job.id for job in client.list_jobs(details=True).jobs] == [waiting]
    assert {client.job(one) for one in (good, other, bad)} == {None}


@pytest.mark.slow
def test_prune_by_days(pgq: Pgq, client: Client, travel: Travel) -> None:
    end(client, "t")
    travel("3 days")
    client.maintain()
    assert pgq.json("prune", "--yes")["days"] == 0
    assert len(client.list_jobs(details=True).jobs) == 1
    assert pgq.json("prune", "--older-than", "1d", "--yes")["days"] >= 1
    assert client.list_jobs(details=True).jobs == []


def test_prune_of_schedules(pgq: Pgq, client: Client) -> None:
    for name in ("a", "b", "c"):
        client.schedule(name, "t", every=timedelta(hours=1))
        client.run_schedule_now(name)
    assert pgq.json("prune", "--schedules", "--older-than", "1h", "--yes") == {"runs": 0}
    assert pgq.json("prune", "--schedule", "a", "--older-than", "0s", "--yes") == {"runs": 1}
    said = pgq("prune", "--schedules", "--older-than", "0s", "--yes").stdout
    assert said == "2 ticks deleted\n"
    assert len(client.list_jobs(details=True).jobs) == 3


@pytest.mark.parametrize(
    "options", [("--task", "t"), ("--schedules", "--task", "t", "--older-than", "1h")], ids=" ".join
)
def test_prune_with_what_makes_no_sense(pgq: Pgq, options: tuple[str, ...]) -> None:
    assert "Hint:" in pgq("prune", *options, "--yes", code=2).stderr


@pytest.mark.slow
def test_a_terminal_sees_how_far_it_is(pgq: Pgq, conn: psycopg.Connection, empty_dsn: str) -> None:
    """On stderr alone, so that what stdout has can be read by programs."""
    pytest.importorskip("rich")
    conn.execute("select pgq.enqueue('t') from generate_series(1, 2500)")
    seen, out = on_terminal(pgq.env, "clear", "default", "--yes", "--json")
    assert json.loads(out)["deleted"] == 2500
    assert "clearing default" in seen
    assert "of 2,500" in seen
    conn.execute("select pgq.enqueue('t') from generate_series(1, 5)")
    conn.execute(
        "select pgq.complete_batch(array_agg(job_id), array_agg(claim_id))"
        " from pgq.claim_batch('{*}', batch_size => 5)"
    )
    seen, out = on_terminal(pgq.env, "prune", "--older-than", "0s", "--task", "t", "--yes")
    assert (out, "deleting jobs" in seen) == ("5 jobs deleted\n", True)
    seen, out = on_terminal({"PGQ_DSN": empty_dsn}, "migrate")
    assert "installing the schema pgq" in seen
    assert out.startswith("schema pgq is installed")


@pytest.mark.slow
def test_a_dry_run_shows_days(pgq: Pgq, client: Client, travel: Travel) -> None:
    for queue in ("mail", "mail", "web"):
        client.enqueue("t", queue=queue)
    held = client.claim_batch(["*"], batch_size=3)
    client.complete_batch([job.job_id for job in held], [job.claim_id for job in held])
    travel("3 days")
    found = pgq.json("prune", "--older-than", "1d", "--dry-run")
    assert [(row["queue"], row["jobs"], row["exact"]) for row in found] == [
        ("mail", 2, True),
        ("web", 1, True),
    ]
    assert pgq("prune", "--dry-run").stdout == "nothing would go\n"
    client.configure_retention(queue="web", succeeded="1 day")
    told = pgq("prune", "--dry-run").stdout
    assert "web" in told and "these jobs" in told and "mail" not in told
