from __future__ import annotations

import psycopg
import pytest

from tests.cli.conftest import Pgq


@pytest.mark.slow
def test_errors_fit_a_terminal(pgq: Pgq, conn: psycopg.Connection) -> None:
    assert pgq("errors").stdout == "no attempt has failed\n"
    conn.execute("select pgq.enqueue('mail.send_newsletter', max_attempts => 1)")
    conn.execute("select pgq.enqueue('mail.send_newsletter', max_attempts => 1)")
    conn.execute(
        "select pgq.fail_batch(array_agg(job_id), array_agg(claim_id),"
        " '{no mailbox 17 of those that there are on this long line,no mailbox 4 of those"
        " that there are on this long line}', '{LookupError,LookupError}')"
        " from pgq.claim_batch('{*}', batch_size => 2)"
    )
    conn.execute("select pgq._fold_statistics(1000)")
    title, line = pgq("errors").stdout.splitlines()
    assert title.split() == ["fingerprint", "attempts", "failed", "last", "task", "error"]
    assert len(line) <= 80 and "LookupError: no mailb" in line
    (whole,) = pgq.json("errors", "--since", "2h", "--task", "mail.send_newsletter")
    assert line.split()[0] == whole["fingerprint"]
    assert (whole["attempts"], whole["failed_jobs"]) == (2, 2)
    assert whole["pattern"] == "no mailbox <n> of those that there are on this long line"
    assert pgq.json("errors", "--queue", "other") == []
