from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import psycopg
import pytest
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from tests.conftest import Connect


@pytest.fixture
def engine(connect: Connect) -> Iterator[sa.Engine]:
    made = sa.create_engine("postgresql+psycopg://", creator=lambda: connect(autocommit=False))
    yield made
    made.dispose()


def test_func_with_positional_arguments(engine: sa.Engine, conn: psycopg.Connection) -> None:
    with engine.begin() as session:
        first = sa.select(sa.func.pgq.enqueue("email", '{"a": 1}', "mail", 5))
        job_id: int = session.execute(first).scalar_one()
        assert session.scalar(sa.select(sa.func.pgq.enqueue("plain")))
        typed = sa.cast({"a": 2}, JSONB)
        assert session.scalar(sa.select(sa.func.pgq.enqueue("email", typed, "mail")))
    rows = conn.execute("select id, args, priority from pgq.all_jobs order by id").fetchall()
    assert rows == [(job_id, {"a": 1}, 5), (job_id + 1, {}, 0), (job_id + 2, {"a": 2}, 0)]


def test_text_with_named_arguments(engine: sa.Engine, conn: psycopg.Connection) -> None:
    statement = sa.text(
        "select pgq.enqueue(:task, args => :args, queue => :queue, priority => :priority,"
        " delay => :delay, max_attempts => :max_attempts, unique_key => :unique_key)"
    )
    values = {
        "task": "email",
        "args": '{"a": 1}',
        "queue": "mail",
        "priority": 5,
        "delay": timedelta(minutes=5),
        "max_attempts": 2,
        "unique_key": None,
    }
    with engine.begin() as session:
        assert session.scalar(statement, values) == 1
    row = conn.execute("select queue, priority, max_attempts, state from pgq.all_jobs").fetchone()
    assert row == ("mail", 5, 2, "scheduled")


def test_it_commits_and_rolls_back_with_the_session(
    engine: sa.Engine, conn: psycopg.Connection
) -> None:
    with engine.connect() as session:
        session.execute(sa.select(sa.func.pgq.enqueue("email")))
        session.rollback()
    assert conn.execute("select count(*) from pgq.jobs").fetchone() == (0,)


def test_a_claim_as_a_table(engine: sa.Engine, conn: psycopg.Connection) -> None:
    conn.execute("select pgq.enqueue('email', '[1]')")
    statement = sa.text("select * from pgq.claim_batch(:queues, batch_size => :size)")
    with engine.begin() as session:
        (held,) = session.execute(statement, {"queues": ["*"], "size": 10}).mappings()
        assert (held["task"], held["args"]) == ("email", [1])
        settle = sa.text("select outcome from pgq.complete_batch(:ids, :claim_ids)")
        fence = {"ids": [held["job_id"]], "claim_ids": [held["claim_id"]]}
        assert session.scalar(settle, fence) == "ok"
