"""Answers read alike on every connection, and a cell that cannot be read spoils no other."""

from __future__ import annotations

import asyncio
import json
import pickle
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple, get_args, get_origin, get_type_hints

import psycopg
import pytest
from psycopg.adapt import Loader
from psycopg.rows import dict_row
from psycopg.types.json import set_json_loads
from psycopg.types.string import TextLoader

import pgq
from pgq.calls.columns import ARRAY, JSON, MOMENT, NUMBER, NUMBERS, PLAIN, SPAN, Kind, kinds_of
from pgq.rows import JobPage, ListedJob
from tests.calls.test_bindings import VIEWS, calls, row_of
from tests.conftest import Connect

POISONS = [
    f"[{'9' * 5000}]",
    "[" * 3000 + "]" * 3000,
]
STYLES = {
    "IntervalStyle": ["sql_standard", "iso_8601", "postgres_verbose"],
    "DateStyle": ["German", "SQL, DMY", "Postgres, MDY"],
    "standard_conforming_strings": ["off"],
    "extra_float_digits": ["-15"],
    "bytea_output": ["escape"],
    "TimeZone": ["Australia/Lord_Howe"],
    "client_encoding": ["LATIN1", "SQL_ASCII"],
}
KINDS: dict[str, Kind] = {
    "bigint": PLAIN,
    "integer": PLAIN,
    "text": PLAIN,
    "boolean": PLAIN,
    "void": PLAIN,
    "jsonb": JSON,
    "bigint[]": ARRAY,
    "text[]": ARRAY,
    "timestamp with time zone": MOMENT,
    "interval": SPAN,
    "double precision": NUMBER,
    "double precision[]": NUMBERS,
    "numeric": NUMBER,
}


def columns_of(conn: psycopg.Connection, name: str) -> dict[str, str]:
    """Return the columns of a function's or a view's answer, and their types."""
    rows = conn.execute(
        "select coalesce(argument, 'answer'), format_type(type, null)"
        " from pg_proc,"
        " unnest(proallargtypes, proargmodes, proargnames) as a (type, mode, argument)"
        " where pronamespace = 'pgq'::regnamespace and proname = %(name)s and mode = 't'"
        " union all"
        " select 'answer', format_type(prorettype, null) from pg_proc"
        " where pronamespace = 'pgq'::regnamespace and proname = %(name)s"
        " and (proargmodes is null or 't' <> all(proargmodes))"
        " union all"
        " select attname, format_type(atttypid, null) from pg_attribute"
        " where attrelid = to_regclass('pgq.' || %(name)s) and attnum > 0 and not attisdropped",
        {"name": name},
    )
    found = {column: kind for column, kind in rows if kind != "record"}
    # A type that was made for the answer stands for its columns.
    made = found.get("answer", "").removeprefix("pgq.")
    return columns_of(conn, made) if made and made != found["answer"] else found


@pytest.mark.slow
def test_every_column_is_read_as_what_it_is(conn: psycopg.Connection) -> None:
    for name, bound in calls().items():
        in_sql = columns_of(conn, VIEWS.get(name, name))
        (answer,) = get_args(get_type_hints(bound)["return"])
        row = ListedJob if answer is JobPage else row_of(answer)
        if row is not None:
            if row is ListedJob:
                del in_sql["looked_to"]  # of the page
            kinds = kinds_of(row)
            assert {*in_sql} == {*kinds} - {"due_in", "fire_in"}, name
            for column, sql_type in in_sql.items():
                assert kinds[column] == KINDS[sql_type], f"{name}: {column}"
            continue
        (sql_type,) = in_sql.values()
        assert KINDS[sql_type] in (PLAIN, MOMENT, SPAN), name
        wanted = {datetime: MOMENT, timedelta: SPAN}
        inner = [answer, *get_args(answer)]
        found = next((kind for hint, kind in wanted.items() if hint in inner), PLAIN)
        assert found == KINDS[sql_type], name
        assert get_origin(answer) is not dict, name


def test_what_is_no_tuple_of_the_database_has_kinds_too() -> None:
    class Row(NamedTuple):
        counts: list[int] | None
        errors: list[dict[str, Any]]
        some: float | None
        more: list[float] | None

    assert list(kinds_of(Row).values()) == [ARRAY, JSON, NUMBER, NUMBERS]


def fill(client: pgq.Client) -> tuple[int, int]:
    """Enqueue a job and a schedule with all that styles and encodings could spoil."""
    args = {"é": "ü", "n": [1, 2.5, None, True]}
    client.schedule("nightly", "work", every="90 minutes", timeout=30.5, args=args)
    job_id = client.enqueue(
        "work",
        args,
        timeout=timedelta(days=40, hours=3, microseconds=1),
        headers={"back\\slash": "'"},
        run_at=datetime(2030, 10, 27, 1, 30, tzinfo=UTC),
    )
    return job_id, client.enqueue("wörk", {"text": "€ \N{SNOWMAN}"})


def look(client: pgq.Client, job_id: int) -> list[Any]:
    job = client.job(job_id)
    assert job is not None
    (schedule,) = client.schedule_status()
    return [
        (job.args, job.headers, job.timeout, job.run_at, job.run_at.isoformat(), job.task),
        (schedule.every, schedule.job, schedule.paused, schedule.timing),
        client.cron_next("0 0 * * *", datetime(2026, 10, 25, tzinfo=UTC)),
        client.cron_preview("0 0 * * *", 2, datetime(2026, 10, 25, tzinfo=UTC)),
        client.claim_batch(["default"], tasks=["none"]),
        sorted(each.task for each in client.list_jobs(details=True).jobs),
        [each.name for each in client.health()][:3],
        client.result(job_id),
        client.queue_stats()[0].paused,
    ]


@pytest.mark.slow
@pytest.mark.parametrize(
    "setting", [f"{name}={value}" for name, values in STYLES.items() for value in values]
)
def test_no_setting_changes_what_is_read(dsn: str, connect: Connect, setting: str) -> None:
    with pgq.Client(dsn) as plain:
        job_id, other_id = fill(plain)
        expected = look(plain, job_id)
        assert expected[0][4] == "2030-10-27T01:30:00+00:00"
    name, value = setting.split("=")
    lent = connect()
    lent.execute("select set_config(%s, %s, false)", (name, value))
    client = pgq.Client(lent)
    assert look(client, job_id) == expected
    another = client.job(other_id)
    assert another is not None
    assert (another.args, another.task) == ({"text": "€ \N{SNOWMAN}"}, "wörk")
    assert client.schedule("nightly", "work", every="2 hours") > datetime(2026, 1, 1, tzinfo=UTC)
    sent = client.job(client.enqueue("a\\b", {"back\\slash": "ü 🙂"}, delay="5 minutes"))
    assert sent is not None
    assert (sent.task, sent.args) == ("a\\b", {"back\\slash": "ü 🙂"})
    assert sent.run_at - sent.created_at == timedelta(minutes=5)
    row = lent.execute("select current_setting(%s) like %s", (name, f"{value}%")).fetchone()
    assert row == (True,)

    async def look_async() -> Any:
        async with await psycopg.AsyncConnection.connect(dsn, autocommit=True) as lent:
            await lent.execute("select set_config(%s, %s, false)", (name, value))
            return await pgq.AsyncClient(lent).job(job_id)

    assert asyncio.run(look_async()) == client.job(job_id)


def test_an_encoding_is_put_back_also_after_an_error(conn: psycopg.Connection) -> None:
    conn.execute("set client_encoding to latin1")
    client = pgq.Client(conn)
    with pytest.raises(pgq.InvalidJob):
        client.enqueue("")
    assert conn.info.encoding == "iso8859-1"
    with pytest.raises(pgq.InvalidJob), conn.transaction():
        client.enqueue("")
    assert conn.info.encoding == "iso8859-1"


class Wrong(Loader):
    """Reads anything as a word."""

    def load(self, data: Any) -> str:
        return "wrong"


def spoil(connection: psycopg.Connection[Any] | psycopg.AsyncConnection[Any]) -> None:
    # Django does this, because it decodes by itself.
    connection.adapters.register_loader("jsonb", TextLoader)
    set_json_loads(lambda data: "wrong", connection)
    names = (
        *("bool", "int4", "int8", "text", "timestamptz", "interval", "numeric", "float8"),
        *("name", "int2"),
    )
    for name in names:
        connection.adapters.register_loader(name, Wrong)


@pytest.mark.slow
def test_no_loader_and_no_row_factory_changes_what_is_read(dsn: str, connect: Connect) -> None:
    with pgq.Client(dsn) as plain:
        job_id, _ = fill(plain)
        expected = look(plain, job_id)
    lent = connect(row_factory=dict_row)
    spoil(lent)
    assert look(pgq.Client(lent), job_id) == expected

    async def look_async() -> Any:
        opened = psycopg.AsyncConnection.connect(dsn, autocommit=True, row_factory=dict_row)
        async with await opened as lent:
            spoil(lent)
            return await pgq.AsyncClient(lent).job(job_id)

    job = asyncio.run(look_async())
    assert job is not None
    assert (job.args, job.headers) == expected[0][:2]


def plant(conn: psycopg.Connection, args: str) -> int:
    """Put a job straight into the tables, as it might be there since an earlier release."""
    row = conn.execute(
        "with job as (insert into pgq.jobs (queue, task, priority, max_attempts, run_at,"
        " created_at, args, headers) values ('default', 'work', 0, 1, now(), now(), %s::jsonb,"
        " '{}') returning id)"
        " insert into pgq.ready (queue, priority, job_id, task, ready_at)"
        " select 'default', 0, id, 'work', now() from job returning job_id",
        (args,),
    ).fetchone()
    assert row
    return int(row[0])


@pytest.mark.parametrize("args", POISONS, ids=["long", "deep"])
def test_what_cannot_be_read_is_shown_as_text(
    conn: psycopg.Connection, dsn: str, args: str
) -> None:
    job_id = plant(conn, args)
    with pgq.Client(dsn) as client:
        good_id = client.enqueue("work", [1])
        job = client.job(job_id)
        assert job is not None
        assert isinstance(job.args, pgq.rows.Undecodable)
        assert job.args == args and "Error" in job.args.reason
        assert pickle.loads(pickle.dumps(job.args)) == args
        assert json.loads(json.dumps(job.args)) == args
        assert {each.id for each in client.list_jobs(details=True).jobs} == {job_id, good_id}
        claimed = {each.job_id: each.args for each in client.claim_batch(["*"], None, 2)}
        assert claimed == {job_id: args, good_id: [1]}
        conn.execute("update pgq.running set progress = '1'")
        conn.execute(
            "insert into pgq.job_history (id, state, queue, task, priority, attempt, max_attempts,"
            " run_at, created_at, finished_at, args, result) values (70, 'succeeded', 'default',"
            " 'work', 0, 1, 1, now(), now(), now(), '[]', %s::jsonb)",
            (args,),
        )
        result = client.result(70)
        assert result is not None
        assert result.result == args
        assert [each.result for each in client.wait([70])] == [args]
