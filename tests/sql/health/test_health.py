"""health() names what is wrong, and nothing else."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from secrets import token_hex
from typing import Any

import psycopg
import pytest

from pgq.version import PROTOCOL, __version__
from tests.conftest import Connect
from tests.servers import Server, Travel, install
from tests.sources import CHECKOUT
from tests.sql.calls import (
    claim,
    complete,
    enqueue,
    enqueue_many,
    refused,
    register,
    rows,
    scalar,
    value,
)

Row = dict[str, Any]

# The page lists the checks in the order of their answers, from the headers of their files.
PAGE = CHECKOUT / "docs" / "how-to" / "health-and-alerts.md"
CHECKS = re.findall(r"^\| `(\w+)` \|", PAGE.read_text().partition("<!-- end checks -->")[0], re.M)


def health(conn: psycopg.Connection, **options: Any) -> dict[str, Row]:
    return {row["name"]: row for row in rows(conn, "health", **options)}


def sick(conn: psycopg.Connection, **options: Any) -> dict[str, str]:
    """What is not well; each of it says why, and what to do."""
    found = health(conn, **options)
    assert all(row["reason"] for row in found.values())
    assert all(row["hint"] for row in found.values() if row["status"] != "ok")
    return {name: row["status"] for name, row in found.items() if row["status"] != "ok"}


@pytest.fixture
def well(conn: psycopg.Connection) -> psycopg.Connection:
    """A session on a database that is well: a worker lives, maintenance was done."""
    register(conn, lease="1 hour", version=__version__, protocol=PROTOCOL)
    rows(conn, "maintain")
    return conn


@pytest.mark.slow
def test_all_is_well(well: psycopg.Connection) -> None:
    assert sick(well, deep=True) == {}
    found = health(well, deep=True)
    assert list(found) == CHECKS
    shallow = list(health(well))
    assert shallow == list(found)[: len(shallow)]
    assert {"workers", "lag", "history"} <= set(shallow) and "invariants" not in shallow
    assert {row["hint"] for row in found.values()} == {None}
    assert all(row["meaning"].endswith((".", "?")) for row in found.values())


@pytest.mark.slow
def test_a_fresh_install_has_no_warning(conn: psycopg.Connection) -> None:
    """Nobody works there yet, and that is all there is to say."""
    assert sick(conn, deep=True) == {"workers": "fail", "maintenance": "fail"}
    register(conn, version=__version__, protocol=PROTOCOL)
    rows(conn, "maintain")
    assert sick(conn, deep=True) == {}


@pytest.mark.slow
@pytest.mark.parametrize("word", ["off", "false", "no", "0"])
@pytest.mark.parametrize("table", ["awaited", "job_history_default"])
def test_autovacuum_is_off_for_a_table(well: psycopg.Connection, table: str, word: str) -> None:
    for parameter in ("autovacuum_enabled", "toast.autovacuum_enabled"):
        if parameter.startswith("toast") and table == "awaited":
            continue
        well.execute(f"alter table pgq.{table} set ({parameter} = {word})".encode())
        assert sick(well, deep=True) == {"autovacuum": "warn"}
        row = health(well, deep=True)["autovacuum"]
        assert row["reason"] == f"autovacuum is off for pgq.{table}" and row["value"] == 1
        well.execute(cure(well, "autovacuum", deep=True))
        assert sick(well, deep=True) == {}
    well.execute("alter table pgq.awaited set (autovacuum_enabled = on)")
    assert sick(well, deep=True) == {}


@pytest.mark.slow
def test_autovacuum_is_off_on_the_server(private_server: Server) -> None:
    install(private_server.dsn)
    with psycopg.connect(private_server.dsn, autocommit=True) as conn:
        for setting in ("autovacuum", "track_counts"):
            set_on_server(conn, f"alter system set {setting} = off; select pg_reload_conf()")
            assert health(conn, deep=True)["autovacuum"]["status"] == "fail"
            set_on_server(conn, cure(conn, "autovacuum", deep=True).decode())
            assert health(conn, deep=True)["autovacuum"]["status"] == "ok"


def set_on_server(conn: psycopg.Connection, statements: str) -> None:
    """Run them one by one, as psql does, and wait until this session knows."""
    loaded = scalar(conn, "select pg_conf_load_time()")
    for statement in statements.strip(";").split(";"):
        conn.execute(statement.encode())
    while scalar(conn, "select pg_conf_load_time()") == loaded:
        time.sleep(0.01)


def test_nobody_is_there(conn: psycopg.Connection) -> None:
    assert sick(conn) == {"workers": "fail", "maintenance": "fail"}
    assert "never run" in health(conn)["maintenance"]["reason"]


def test_null_means_the_default(well: psycopg.Connection) -> None:
    assert list(health(well, deep=None, max_lag=None, max_age=None)) == list(health(well))


@pytest.mark.parametrize("options", [{"max_lag": "0"}, {"max_age": "-1 s"}], ids=str)
def test_what_is_refused(conn: psycopg.Connection, options: dict[str, str]) -> None:
    with refused("JQ002"):
        health(conn, **options)


@pytest.mark.slow
def test_silent_workers_do_not_count(well: psycopg.Connection, travel: Travel) -> None:
    travel("1 minute")
    assert "workers" not in sick(well)
    assert sick(well, max_age="30 seconds") == {"workers": "fail"}
    assert "1 hour" not in health(well)["workers"]["reason"]
    travel("2 hours")
    found = sick(well)
    # No worker sends a heartbeat: for ten leases none is given up.
    assert found["workers"] == "fail" and "lost_workers" not in found
    travel("9 hours")
    found = sick(well)
    assert (found["workers"], found["lost_workers"]) == ("fail", "fail")
    assert "test (1)" in health(well)["lost_workers"]["reason"]


def test_workers_that_are_all_paused(well: psycopg.Connection) -> None:
    value(well, "order_worker", worker_id=1, instruction="pause")
    assert sick(well) == {"workers": "warn"}
    well.execute(cure(well, "workers"))
    assert sick(well) == {}


def cure(conn: psycopg.Connection, name: str, **options: Any) -> bytes:
    """The statement in a check's hint: from the first word of SQL on."""
    hint: str = health(conn, **options)[name]["hint"]
    found = re.search(r"\b(select|alter|drop|rollback|reindex|vacuum) .*;$", hint)
    assert found, hint
    return found[0].encode()


@pytest.mark.slow
def test_a_queue_that_nobody_serves(conn: psycopg.Connection, travel: Travel) -> None:
    register(conn, queues=["mail", "image*"], lease="1 hour")
    rows(conn, "maintain")
    enqueue(conn, queue="mail")
    enqueue(conn, queue="images")
    assert sick(conn) == {}
    enqueue(conn, queue="other")
    enqueue(conn, queue="mai")
    assert sick(conn) == {"unserved_queues": "warn"}
    travel("31 seconds")
    assert sick(conn) == {"unserved_queues": "fail"}
    row = health(conn)["unserved_queues"]
    assert row["value"] == 2 and "other, mai" in row["reason"]
    value(conn, "pause_queue", queue="mai")
    value(conn, "configure_queue", queue="other", max_running=0)
    assert sick(conn) == {}


@pytest.mark.slow
def test_a_task_that_nobody_has(conn: psycopg.Connection, travel: Travel) -> None:
    register(conn, queues=["a*"], tasks=["send"], lease="1 hour")
    register(conn, queues=["b"], tasks=["resize"], lease="1 hour")
    rows(conn, "maintain")
    enqueue(conn, "send", queue="a")
    enqueue(conn, "resize", queue="b")
    assert sick(conn) == {}
    enqueue(conn, "resize", queue="ab", priority=9)
    travel("31 seconds")
    assert sick(conn) == {"unserved_tasks": "fail"}
    assert "resize in ab" in health(conn)["unserved_tasks"]["reason"]
    register(conn, queues=["ab"], lease="1 hour")
    assert sick(conn) == {}


@pytest.mark.slow
@pytest.mark.parametrize("marked", [False, True])
def test_the_lag_is_that_of_the_oldest_of_any_priority(
    well: psycopg.Connection, travel: Travel, marked: bool
) -> None:
    enqueue(well, queue="q", priority=5)
    travel("100 seconds")
    for _ in range(3):
        enqueue(well, queue="q", priority=1)
        enqueue(well, queue="r", priority=-1)
    if marked:
        # maintain() makes them while an old snapshot keeps the rows of finished claims.
        well.execute(
            "insert into pgq.ready_marks (queue, priority, ready_xid, job_id)"
            " select queue, priority, ready_xid, min(job_id) from pgq.ready"
            " where priority = 1 group by queue, priority, ready_xid order by 3 limit 1"
        )
    row = health(well)["lag"]
    assert row["status"] == "ok" and 100 <= row["value"] < 119 and row["reason"].endswith("in q")
    assert sick(well, max_lag="10 minutes") == {"lag": "warn"}
    assert sick(well, max_lag="1 minute") == {"lag": "fail"}
    travel("1 hour")
    assert sick(well)["lag"] == "fail"
    value(well, "pause_queue", queue="q")
    assert health(well)["lag"]["reason"].endswith("in r")


@pytest.mark.slow
def test_the_time_of_a_pause_is_no_lag(well: psycopg.Connection, travel: Travel) -> None:
    enqueue(well, queue="q")
    travel("1 minute")
    value(well, "pause_queue", queue="q")
    travel("2 hours")
    value(well, "resume_queue", queue="q")
    travel("1 minute")
    assert 120 <= health(well)["lag"]["value"] < 600


@pytest.mark.slow
def test_jobs_that_are_due_and_not_promoted(well: psycopg.Connection, travel: Travel) -> None:
    enqueue(well, delay="1 minute")
    travel("1 minute 15 s")
    assert sick(well) == {"promotion": "warn"}
    travel("10 minutes")
    assert sick(well)["promotion"] == "fail"
    well.execute(cure(well, "promotion"))
    assert "promotion" not in sick(well)


@pytest.mark.slow
def test_schedules_that_nobody_fires(well: psycopg.Connection, travel: Travel) -> None:
    for name, every in (("rare", "1 day"), ("often", "1 minute")):
        value(well, "schedule", name=name, task="t", every=every)
    travel("90 seconds")
    assert sick(well) == {}
    travel("3 minutes")
    found = health(well)["schedules"]
    assert found["status"] == "warn" and found["reason"].endswith(": often")
    rows(well, "fire_due_schedules")
    assert "schedules" not in sick(well)


@pytest.mark.slow
def test_schedules_that_broke(well: psycopg.Connection, travel: Travel) -> None:
    value(well, "schedule", name="often", task="t", every="1 minute")
    well.execute('update pgq.schedules set job = \'{"task": ""}\'')
    travel("1 minute 1 s")
    rows(well, "fire_due_schedules")
    assert sick(well)["broken_schedules"] == "warn"
    assert "often (" in health(well)["broken_schedules"]["reason"]


@pytest.mark.slow
def test_maintenance_that_nobody_does(well: psycopg.Connection, travel: Travel) -> None:
    travel("3 minutes")
    assert sick(well) == {"maintenance": "warn"}
    travel("15 minutes")
    assert sick(well) == {"maintenance": "fail"}
    well.execute(cure(well, "maintenance"))
    assert sick(well) == {}


@pytest.mark.slow
def test_bulk_operations_that_stand_still_or_fail(well: psycopg.Connection, travel: Travel) -> None:
    well.execute("update pgq.workers set lease = '1 day'")
    (operation,) = rows(well, "bulk_start", action="cancel")
    travel("2 minutes")
    well.execute("update pgq.maintenance set due_at = pgq._now() + every")
    assert sick(well) == {}  # ten seconds were for the undo
    travel("11 seconds")
    well.execute("update pgq.maintenance set due_at = pgq._now() + every")
    assert sick(well) == {"bulk_operations": "warn"}
    assert "late by 00:02:" in health(well)["bulk_operations"]["reason"]
    travel("9 minutes")
    well.execute("update pgq.maintenance set due_at = pgq._now() + every")
    assert sick(well) == {"bulk_operations": "fail"}
    well.execute(cure(well, "bulk_operations"))
    assert sick(well) == {}

    (operation,) = rows(well, "bulk_start", action="retry", starts_in="0")
    well.execute("update pgq.bulk_operations set failures = 1, error = 'P0001: no' where ended_at"
                 " is null")  # fmt: skip
    assert sick(well) == {"bulk_operations": "warn"}
    assert f"{operation['id']} (P0001: no)" in health(well)["bulk_operations"]["reason"]
    well.execute(cure(well, "bulk_operations"))
    assert sick(well) == {}
    well.execute("update pgq.bulk_operations set ending = 'failed' where error is not null")
    assert sick(well) == {"bulk_operations": "warn"}
    well.execute("update pgq.bulk_operations set ended_at = ended_at - interval '25 hours'")
    assert sick(well) == {}


@pytest.mark.slow
def test_statistics_that_cannot_name_all(well: psycopg.Connection, travel: Travel) -> None:
    pairs = "insert into pgq.stat_series select 'q', 't' || i, current_date from generate_series"
    well.execute(f"{pairs} (1, 999) as i".encode())
    assert health(well)["statistics"]["value"] == 999 and sick(well) == {}
    well.execute(f"{pairs} (1000, 1000) as i".encode())
    assert sick(well) == {"statistics": "warn"}
    well.execute(cure(well, "statistics"))
    travel("25 hours")
    assert "statistics" not in sick(well)


@pytest.mark.slow
def test_a_queue_that_was_forgotten_in_its_pause(well: psycopg.Connection, travel: Travel) -> None:
    value(well, "pause_queue", queue="short")
    value(well, "pause_queue", queue="long", duration="3 days")
    assert sick(well) == {} and health(well)["pauses"]["value"] == 2
    travel("25 hours")
    assert sick(well)["pauses"] == "warn"
    well.execute(cure(well, "pauses"))
    assert "pauses" not in sick(well)


@pytest.mark.slow
def test_history_without_partitions(well: psycopg.Connection, travel: Travel) -> None:
    travel("30 days")
    assert sick(well)["history"] == "warn"
    job_id = enqueue(well)
    rows(well, "cancel", ids=[job_id])
    assert "default partition" in health(well)["history"]["reason"]
    rows(well, "maintain")
    assert "history" not in sick(well)


@pytest.mark.slow
def test_invariants(well: psycopg.Connection) -> None:
    enqueue(well)
    well.execute("delete from pgq.ready")
    assert sick(well) == {}
    assert sick(well, deep=True) == {"invariants": "fail"}
    assert "(job 1)" in health(well, deep=True)["invariants"]["reason"]
    well.execute("delete from pgq.jobs")


@pytest.mark.slow
def test_workers_of_several_versions(well: psycopg.Connection) -> None:
    register(well, version=__version__, lease="1 hour", protocol=PROTOCOL - 1)
    assert sick(well, deep=True) == {"versions": "warn"}
    well.execute("delete from pgq.workers where id > 1")
    assert sick(well, deep=True) == {}
    register(well, version="0.2.0", lease="1 hour", protocol=PROTOCOL)
    assert sick(well, deep=True) == {"versions": "warn"}
    well.execute("update pgq.workers set protocol = 0 where version = '0.2.0'")
    assert sick(well, deep=True) == {"versions": "fail"}
    assert "0.2.0 of protocol 0" in health(well, deep=True)["versions"]["reason"]


@pytest.fixture
def holder(connect: Connect) -> Iterator[psycopg.Connection]:
    session = connect(autocommit=False, application_name="nightly report")
    session.execute("set transaction isolation level repeatable read")
    session.execute("select 1 as secret")
    yield session
    session.close()


@pytest.mark.slow
def test_a_session_that_holds_a_snapshot(
    well: psycopg.Connection, holder: psycopg.Connection, travel: Travel
) -> None:
    assert sick(well, deep=True) == {}
    travel("11 minutes")
    rows(well, "maintain")
    assert sick(well, deep=True) == {"snapshots": "warn"}
    row = health(well, deep=True)["snapshots"]
    assert "nightly report" in row["reason"] and str(holder.info.backend_pid) in row["reason"]
    assert "secret" not in row["reason"] and 660 <= row["value"] < 720
    well.execute(cure(well, "snapshots", deep=True))
    with pytest.raises(psycopg.OperationalError):
        holder.execute("select 1")
    assert sick(well, deep=True) == {}


@pytest.mark.slow
def test_a_prepared_transaction_that_was_forgotten(
    well: psycopg.Connection, connect: Connect, travel: Travel
) -> None:
    if not int(scalar(well, "show max_prepared_transactions")):
        pytest.skip("prepared transactions are off on this server")
    other = connect(autocommit=False)
    other.tpc_begin(other.xid(1, "it's", "x"))
    other.execute("create table left_behind ()")
    other.tpc_prepare()
    try:
        travel("7 hours")
        assert sick(well, deep=True)["snapshots"] == "fail"
    finally:
        well.execute(cure(well, "snapshots", deep=True))
    assert "snapshots" not in sick(well, deep=True)


@pytest.mark.slow
def test_dead_rows_that_are_not_removed(well: psycopg.Connection, travel: Travel) -> None:
    # Without, it counts as vacuumed when the server started, which may be long ago.
    well.execute("vacuum pgq.releases")
    well.execute(
        "with made as (insert into pgq.releases (batch_id)"
        " select n from generate_series(1, 50001) as n returning id) select count(*) from made"
    )
    well.execute("alter table pgq.releases set (autovacuum_enabled = false)")
    well.execute("delete from pgq.releases")
    well.execute("select pg_stat_force_next_flush()")
    well.execute("select 1")
    assert sick(well, deep=True) == {"autovacuum": "warn"}
    well.execute(cure(well, "autovacuum", deep=True))
    travel("31 minutes")
    rows(well, "maintain")
    assert sick(well, deep=True) == {"dead_rows": "warn"}
    row = health(well, deep=True)["dead_rows"]
    assert row["value"] == 50001 and "pgq.releases" in row["hint"]
    well.execute(cure(well, "dead_rows", deep=True))
    well.execute("select pg_stat_force_next_flush()")
    well.execute("select 1")
    assert sick(well, deep=True) == {}


@pytest.mark.slow
def test_indexes_and_triggers_that_are_not_as_installed(well: psycopg.Connection) -> None:
    well.execute("alter table pgq.blocked disable trigger blocked_notify")
    assert sick(well, deep=True) == {"objects": "warn"}
    well.execute(cure(well, "objects", deep=True))
    assert sick(well, deep=True) == {}
    well.execute(
        "create function mine() returns trigger language plpgsql as 'begin return new; end';"
        "create trigger mine before insert on pgq.jobs for each row execute function mine()"
    )
    assert "not ours" in health(well, deep=True)["drift"]["reason"]
    well.execute(cure(well, "drift", deep=True))
    assert sick(well, deep=True) == {}
    well.execute(
        "update pg_index set indisvalid = false where indexrelid = 'pgq.ready_claim_idx'::regclass"
    )
    assert health(well, deep=True)["objects"]["hint"] == (
        "As the owner of the schema: reindex index concurrently pgq.ready_claim_idx;"
    )
    well.execute(cure(well, "objects", deep=True))
    assert sick(well, deep=True) == {}


@pytest.mark.slow
def test_sessions_that_run_out(well: psycopg.Connection) -> None:
    register(well, concurrency=100_000, lease="1 hour")
    assert sick(well, deep=True)["connections"] == "warn"
    assert "100001 more" in health(well, deep=True)["connections"]["reason"]


def pages(conn: psycopg.Connection) -> int:
    """How many pages one look reads."""
    plan = scalar(conn, "explain (analyze, buffers, format json) select * from pgq.health()")
    found = plan[0]["Plan"]
    return int(found["Shared Hit Blocks"]) + int(found["Shared Read Blocks"])


@pytest.mark.slow
@pytest.mark.parametrize("waiting", [0, 10])
def test_it_reads_no_more_for_a_long_history(
    well: psycopg.Connection, travel: Travel, waiting: int
) -> None:
    def finish(jobs: int) -> None:
        for _ in range(jobs // 1000):
            well.execute(
                "select count(*) from pgq.enqueue_many((select jsonb_agg(jsonb_build_object("
                "'task', 't' || n % 10)) from generate_series(1, 1000) as n)::text)"
            )
            assert len(complete(well, *claim(well, ["default"], 1000))) == 1000

    finish(1000)
    for _ in range(waiting):
        enqueue(well, queue="late")
    travel("40 seconds")
    health(well)
    short = pages(well)
    finish(8000)
    well.execute("vacuum pgq.ready, pgq.running")
    assert pages(well) < short * 2 + 50


@pytest.mark.slow
def test_it_reads_no_more_for_a_long_queue(well: psycopg.Connection, server: Server) -> None:
    """Pages, not seconds: a claim's index walk, whatever stands behind its first rows."""
    well.execute(
        "select count(*) from pgq.enqueue_many((select jsonb_agg(jsonb_build_object('task', 'w',"
        " 'priority', n % 3)) from generate_series(1, 300) as n)::text)"
    )
    health(well)
    short = pages(well)
    well.execute(
        "select count(*) from pgq.enqueue_many((select jsonb_agg(jsonb_build_object('task', 'w',"
        " 'priority', n % 3)) from generate_series(1, 20000) as n)::text)"
    )
    assert pages(well) < short * 2 + 100


@pytest.mark.slow
def test_an_owner_without_rights_on_the_server_is_enough(
    well: psycopg.Connection, connect: Connect, travel: Travel
) -> None:
    """Sessions of others are hidden from it, which it says."""
    well.execute(
        "create role plain_owner; grant usage, create on schema pgq to plain_owner;"
        "grant select on all tables in schema pgq to plain_owner"
    )
    try:
        for name in ("health", "connection_budget"):
            well.execute(f"alter function pgq.{name} owner to plain_owner".encode())
        well.execute("grant execute on all functions in schema pgq to plain_owner")
        other = connect()
        other.execute("select 1")
        found = health(well, deep=True)
        assert list(found) == CHECKS
        assert "may not be looked at" in found["snapshots"]["reason"]
        assert found["connections"]["value"] > 0
    finally:
        well.execute("drop owned by plain_owner cascade; drop role plain_owner")


@pytest.mark.slow
def test_an_observer_may_ask(well: psycopg.Connection) -> None:
    with well.transaction(force_rollback=True):
        well.execute("set local role pgq_observer")
        assert sick(well, deep=True) == {}


def test_a_sample_of_a_worker_is_answered_while_it_is_new(
    well: psycopg.Connection, travel: Travel
) -> None:
    """The whole rows, what they hide included; then the checks are made anew."""
    enqueue(well, queue="nobody")
    value(well, "_sample_depths")
    sampled = health(well)
    well.execute("select pgq.pause_queue('nobody')")
    assert health(well)["pauses"] != sampled["pauses"]
    kept = health(well, sampled=True)
    assert list(kept) == list(sampled)
    assert kept["pauses"] == sampled["pauses"]
    assert health(well, sampled=True, max_lag="1 hour")["pauses"]["value"] == 1
    travel("31 seconds")
    assert health(well, sampled=True)["pauses"]["value"] == 1


@pytest.mark.slow
def test_a_sample_hides_what_an_answer_hides(well: psycopg.Connection) -> None:
    role = f"r{token_hex(4)}"
    well.execute(f"create role {role} in role pgq_monitor".encode())
    try:
        well.execute(
            "update pgq.maintenance set last_error = 'P0001: secret',"
            " failing_since = pgq._now() - interval '1 day', failures = 9"
        )
        value(well, "_sample_depths")
        assert "secret" in health(well, sampled=True)["maintenance"]["reason"]
        well.execute(f"set role {role}".encode())
        found = health(well, sampled=True)["maintenance"]
        assert "secret" not in found["reason"] and found["hint"] is None
    finally:
        well.execute(f"reset role; drop role {role}".encode())


def test_queues_that_grow_are_told_beside_those_that_do_not(
    well: psycopg.Connection, travel: Travel
) -> None:
    enqueue_many(well, *({"task": "t", "queue": "grows"} for _ in range(20)))
    enqueue(well, queue="rests")
    travel("40 seconds")
    found = health(well)["backlog"]
    assert (found["status"], "grows" in found["reason"]) == ("warn", True)
    assert "rests" not in found["reason"]
    well.execute("select pgq.pause_queue('grows')")
    assert health(well)["backlog"]["status"] == "ok"
