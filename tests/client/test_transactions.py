"""In whose transaction a call runs depends on what the client was made from."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from psycopg.rows import dict_row
from psycopg_pool import AsyncConnectionPool, ConnectionPool

import pgq
from pgq.calls.call import Call, value
from tests.conftest import Connect
from tests.servers import install, set_default
from tests.sql.calls import scalar


def test_with_a_connection_the_caller_commits_or_not(connect: Connect) -> None:
    session, other = connect(autocommit=False), pgq.Client(connect())
    client = pgq.Client(session)
    job_id = client.enqueue("t")
    assert other.job(job_id) is None
    session.rollback()
    assert client.job(job_id) is None
    job_id = client.enqueue("t")
    session.commit()
    assert other.job(job_id) is not None


@pytest.mark.slow
def test_inside_a_transaction_block_an_error_undoes_only_its_block(connect: Connect) -> None:
    session = connect()
    client = pgq.Client(session)
    with session.transaction():
        kept = client.enqueue("t")
        with pytest.raises(pgq.InvalidJob), session.transaction():
            client.enqueue_many([pgq.NewJob("t"), pgq.NewJob("")])
    assert [job.id for job in client.list_jobs(details=True).jobs] == [kept]


def test_a_connection_stays_open_and_keeps_its_row_factory(connect: Connect) -> None:
    session = connect(row_factory=dict_row, cursor_factory=psycopg.ClientCursor)
    with pgq.Client(session) as client:
        client.enqueue("t")
        assert client.list_jobs(details=True).jobs[0].task == "t"
    assert session.execute("select 1 as one").fetchone() == {"one": 1}


def test_with_a_dsn_every_call_is_a_transaction(dsn: str, connect: Connect) -> None:
    with pgq.Client(dsn) as client:
        job_id = client.enqueue("t")
        assert pgq.Client(connect()).job(job_id) is not None


def test_threads_take_turns(dsn: str) -> None:
    with pgq.Client(dsn) as client, ThreadPoolExecutor(8) as threads:
        ids = list(threads.map(lambda n: client.enqueue("t", {"n": n}), range(100)))
        assert len(set(ids)) == 100


def test_with_a_pool_every_call_is_a_transaction(dsn: str, connect: Connect) -> None:
    with ConnectionPool(dsn, min_size=1, max_size=2, open=True) as pool:
        client = pgq.Client(pool)
        job_id = client.enqueue("t")
        assert pgq.Client(connect()).job(job_id) is not None
        with pytest.raises(pgq.InvalidJob):
            client.enqueue("")
        assert client.job(job_id) is not None


def test_the_async_client_does_the_same(dsn: str) -> None:
    async def main() -> None:
        async with pgq.AsyncClient(dsn) as client:
            job_id = await client.enqueue("t", {"a": 1})
            many = await asyncio.gather(*(client.enqueue("t") for _ in range(20)))
            assert len(set(many)) == 20
            job = await client.job(job_id)
            assert job is not None
            assert job.args == {"a": 1}
            with pytest.raises(pgq.InvalidJob):
                await client.enqueue("")
            async with AsyncConnectionPool(dsn, min_size=1, open=False) as pool:
                assert await pgq.AsyncClient(pool).job(job_id) == job
            async with await psycopg.AsyncConnection.connect(dsn) as session:
                lost = await pgq.AsyncClient(session).enqueue("t")
                await session.rollback()
            assert await client.job(lost) is None

    asyncio.run(main())


def prepared(session: psycopg.Connection) -> list[str]:
    answer = session.execute("select statement from pg_prepared_statements", prepare=False)
    return [statement for (statement,) in answer.fetchall()]


def test_only_enqueue_is_prepared_and_where_the_connection_says_so(connect: Connect) -> None:
    session = connect(prepare_threshold=0)
    client = pgq.Client(session)
    client.enqueue("t")
    client.list_jobs()
    client.claim_batch(["*"])
    (statement,) = prepared(session)
    assert "enqueue" in statement

    session = connect(prepare_threshold=None)
    for _ in range(10):
        pgq.Client(session).enqueue("t")
    assert prepared(session) == []


def test_a_clients_own_connection_prepares_what_is_sent_often(dsn: str) -> None:
    with pgq.Client(dsn) as client:
        for _ in range(10):
            client.enqueue("t")
        with client.connection() as session:
            assert len(prepared(session)) == 1


ISOLATION: Call[str] = Call("select current_setting('transaction_isolation')", {}, value.read)


def test_a_clients_own_connection_is_read_committed_whatever_the_default(
    dsn: str, conn: psycopg.Connection
) -> None:
    set_default(conn, "default_transaction_isolation", "serializable")
    set_default(conn, "default_transaction_read_only", "on")
    with pgq.Client(dsn) as client:
        assert client.run(ISOLATION) == "read committed"

    async def ask() -> str:
        async with pgq.AsyncClient(dsn) as client:
            return await client.run(ISOLATION)

    assert asyncio.run(ask()) == "read committed"


def _with_another_argument(definition: str) -> bytes:
    last = "batch_id bigint DEFAULT NULL::bigint"
    assert last in definition
    return definition.replace(last, f"{last}, new_option text DEFAULT NULL::text").encode()


def test_a_prepared_enqueue_survives_another_release_of_the_function(
    conn: psycopg.Connection, connect: Connect
) -> None:
    session = connect(prepare_threshold=0)
    client = pgq.Client(session)
    client.enqueue("t")
    definition = scalar(conn, "select pg_get_functiondef('pgq.enqueue'::regproc)")
    conn.execute("drop function pgq.enqueue")
    conn.execute(_with_another_argument(definition))
    assert client.job(client.enqueue("t")) is not None


def test_calls_set_nothing(connect: Connect) -> None:
    session = connect()
    client = pgq.Client(session)
    changed = "select count(*) from pg_settings where source = 'session' and name <> 'search_path'"
    before = session.execute(changed).fetchone()
    client.list_jobs()
    assert session.execute(changed).fetchone() == before


@pytest.mark.slow
def test_another_schema(empty_dsn: str) -> None:
    name = 'Straße 7; "x'.replace('"', "")
    install(empty_dsn, name)
    with pgq.Client(empty_dsn, schema=name) as client:
        job_id = client.enqueue("t")
        assert client.claim_batch(["*"])[0].job_id == job_id
        assert client.queue_stats()[0].running == 1
        assert client.verify() == []
