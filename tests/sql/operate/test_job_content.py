"""What a job carries, as text."""

from __future__ import annotations

import psycopg
import pytest

from tests.sql.calls import claim_one, complete, enqueue, refused, rows


def content(conn: psycopg.Connection, job_id: int, **options: object) -> dict[str, object]:
    return {
        each["part"]: each["content"]
        for each in rows(conn, "job_content", job_id=job_id, **options)
    }


@pytest.mark.slow
def test_what_there_is_in_every_state(conn: psycopg.Connection) -> None:
    job = enqueue(conn, args='{"n": 12345678901234567890123.10}', headers='{"tenant": "acme"}')
    waiting = {"args": '{"n": 12345678901234567890123.10}', "headers": '{"tenant": "acme"}'}
    assert content(conn, job) == waiting
    claim = claim_one(conn)
    ours = {"job_id": claim.job_id, "claim_id": claim.claim_id}
    rows(conn, "set_progress", **ours, progress='{"done": 5}')
    assert content(conn, job) == {**waiting, "progress": '{"done": 5}'}
    complete(conn, claim, results=["[1, null]"])
    assert content(conn, job) == {**waiting, "result": "[1, null]"}


@pytest.mark.slow
def test_what_is_long_is_cut(conn: psycopg.Connection) -> None:
    job = enqueue(conn, args='{"text": "%s"}' % ("x" * 9000))
    (found,) = rows(conn, "job_content", job_id=job)
    assert len(found["content"]) == 4096 and found["chars"] == 9012
    assert found["content"].startswith('{"text": "xxx')
    assert content(conn, job, max_chars=5) == {"args": '{"tex'}
    assert len(str(content(conn, job, max_chars=1_000_000)["args"])) == 9012


@pytest.mark.slow
def test_what_is_too_large_is_not_read(conn: psycopg.Connection) -> None:
    conn.execute("select setseed(0.5)")
    job = enqueue(conn)
    conn.execute(
        "update pgq.jobs set args = (select to_jsonb(array_agg(random()))"
        " from generate_series(1, 200000)) where id = %s",
        [job],
    )
    (found,) = rows(conn, "job_content", job_id=job)
    assert found["content"] is None and found["chars"] is None
    assert found["stored_bytes"] > 1_048_576


@pytest.mark.slow
@pytest.mark.parametrize("job_id", [None, 12345, -1])
def test_jobs_that_there_are_not(conn: psycopg.Connection, job_id: int | None) -> None:
    assert rows(conn, "job_content", job_id=job_id) == []


@pytest.mark.parametrize("max_chars", [0, -1, 1_000_001])
def test_a_length_out_of_range(conn: psycopg.Connection, max_chars: int) -> None:
    with refused("JQ002"):
        rows(conn, "job_content", job_id=1, max_chars=max_chars)
