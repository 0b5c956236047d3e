"""Errors are chosen by SQLSTATE and keep what the server said."""

from __future__ import annotations

import copy
import pickle

import psycopg
import pytest

import pgq
from pgq.errors import from_server


def test_invalid_job(conn: psycopg.Connection) -> None:
    with pytest.raises(pgq.InvalidJob) as caught:
        pgq.Client(conn).enqueue("")
    error = caught.value
    assert (error.message, str(error)) == ("task is empty", "task is empty")
    assert error.hint == "Name the handler that will run the job."
    assert error.__notes__ == [f"Hint: {error.hint}"]
    assert isinstance(error.__cause__, psycopg.Error)
    assert error.__cause__.sqlstate == "JQ001"


def test_unique_key_taken(conn: psycopg.Connection) -> None:
    client = pgq.Client(conn)
    owner = client.enqueue("t", unique_key="k")
    with pytest.raises(pgq.UniqueKeyTaken) as caught:
        client.enqueue("t", unique_key="k", on_conflict="raise")
    assert str(owner) in (caught.value.detail or "")
    assert client.enqueue("t", unique_key="k") == owner


def test_invalid_argument_and_unknown_worker(conn: psycopg.Connection) -> None:
    client = pgq.Client(conn)
    with pytest.raises(pgq.InvalidArgument):
        client.claim_batch([])
    with pytest.raises(pgq.InvalidArgument):
        client.complete_batch([1, 2], [3])
    with pytest.raises(pgq.errors.WorkerNotRegistered):
        client.claim_batch(["*"], worker_id=12345)


def test_a_missing_schema_says_what_to_do(empty_dsn: str) -> None:
    with pgq.Client(empty_dsn) as client:
        for call in (client.version, client.queue_stats, lambda: client.enqueue("t")):
            with pytest.raises(pgq.SchemaMissing) as caught:
                call()
            assert "pgq migrate" in (caught.value.hint or "")


def test_part_of_a_schema_is_missing_too(conn: psycopg.Connection) -> None:
    conn.execute("drop function pgq.verify()")
    with pytest.raises(pgq.SchemaMissing, match="verify"):
        pgq.Client(conn).verify()


def test_other_errors_stay_those_of_the_driver(conn: psycopg.Connection) -> None:
    conn.execute("create role pgq_test_nobody")
    try:
        with conn.transaction():
            conn.execute("set local role pgq_test_nobody")
            with pytest.raises(psycopg.errors.InsufficientPrivilege), conn.transaction():
                pgq.Client(conn).enqueue("t")
    finally:
        conn.execute("drop role pgq_test_nobody")
    assert from_server(psycopg.OperationalError("no connection")) is None


def test_an_unusable_schema_name_is_refused_at_once() -> None:
    for name in ("", "pg_mine", "a'b", "x" * 41):
        with pytest.raises(ValueError, match="schema name"):
            pgq.Client("", schema=name)


def test_errors_can_be_copied_and_pickled() -> None:
    error = pgq.InvalidJob("message", "hint", "detail")
    for twin in (copy.copy(error), pickle.loads(pickle.dumps(error))):
        assert type(twin) is pgq.InvalidJob
        assert (twin.message, twin.hint, twin.detail) == ("message", "hint", "detail")


def test_a_wrong_place_is_an_operational_error() -> None:
    with pgq.Client("host=/nowhere") as client, pytest.raises(psycopg.OperationalError):
        client.version()
