"""`pgq job ID --follow`: it shows how a job goes, and its exit code says how it ended."""

from __future__ import annotations

import json

import psycopg
import pytest

import pgq as package
from tests.cli.conftest import Pgq, eventually


def claim(client: package.Client) -> tuple[int, int]:
    (job,) = client.claim_batch(["mail"], batch_size=1)
    return job.job_id, job.claim_id


@pytest.mark.slow
def test_it_waits_for_the_end_and_tells_what_changes(pgq: Pgq, client: package.Client) -> None:
    job_id = client.enqueue("send", queue="mail", delay=1000, max_attempts=2)
    with pgq.start("job", job_id, "--follow", "--json") as process:
        assert process.stderr and process.stdout
        assert process.stderr.readline().startswith(f"{job_id}  scheduled  attempt 0 of 2  due at ")
        client.run_now([job_id])
        client.promote_due()
        claimed = claim(client)
        client.set_progress(*claimed, {"done": 1, "of": 4})
        seen = [process.stderr.readline()]
        while "25%" not in seen[-1]:
            seen.append(process.stderr.readline())
        client.complete_batch([claimed[0]], [claimed[1]], [{"a": 1}])
        out, err = process.communicate(timeout=60)
    assert process.returncode == 0
    assert f"{job_id}  running  attempt 1 of 2  25%\n" in seen
    assert "succeeded" in err
    assert json.loads(out)["result"] == {"a": 1}


@pytest.mark.slow
def test_a_job_that_does_not_succeed_answers_no(pgq: Pgq, client: package.Client) -> None:
    job_id = client.enqueue("send", queue="mail", max_attempts=1)
    claimed = claim(client)
    client.fail_batch([claimed[0]], [claimed[1]], messages=["boom \x1b[2J"], error_types=["Broken"])
    shown = pgq("job", job_id, "--follow", code=1)
    assert "failed  attempt 1 of 1  Broken: boom \\x1b[2J" in shown.stderr
    cancelled = client.enqueue("send", queue="mail")
    client.cancel([cancelled])
    assert "cancelled" in pgq("job", cancelled, "--follow", code=1).stderr
    assert "there is no job" in pgq("job", 4711, "--follow", code=1).stderr


@pytest.mark.slow
def test_it_says_what_a_job_waits_for(pgq: Pgq, client: package.Client) -> None:
    parent = client.enqueue("send", queue="mail")
    child = client.enqueue("send", queue="mail", depends_on=[parent])
    with pgq.start("job", child, "--follow") as process:
        assert process.stderr
        assert (
            process.stderr.readline() == f"{child}  blocked  attempt 0 of 5  waits for {parent}\n"
        )


@pytest.mark.slow
def test_a_job_that_goes_away_ends_it(
    pgq: Pgq, client: package.Client, conn: psycopg.Connection
) -> None:
    job_id = client.enqueue("send", queue="mail")
    with pgq.start("job", job_id, "--follow") as process:
        assert process.stderr and "ready" in process.stderr.readline()
        client.discard([job_id])
        eventually(lambda: process.poll() is not None, 60)
    assert process.returncode == 1
