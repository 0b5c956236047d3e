"""What is lost, changed or added since the install is named; a repair mends it, and keeps the rest.

Each state: how it comes about, the check that names it and by which words, how bad it is.
"""

from __future__ import annotations

from contextlib import ExitStack
from secrets import token_hex
from typing import Any, NamedTuple

import psycopg
import pytest
from click.testing import CliRunner

from pgq.cli import cli
from pgq.cli.failures import NoDatabase
from pgq.schema import migrate
from pgq.schema.names import Names
from pgq.schema.repair import Repair, repair
from pgq.version import PROTOCOL, __version__
from tests.servers import find_targets, install, start
from tests.sql.calls import register, rows, scalar
from tests.sql.health.cures import bystanders, check, content, cure, sick


class State(NamedTuple):
    comes_by: str
    check: str
    words: str
    status: str = "fail"


MENDED = {
    "a dropped index": State(
        "drop index pgq.ready_claim_idx", "drift", "index ready_claim_idx is missing"
    ),
    "a dropped unique index": State(
        "drop index pgq.jobs_unique_key_idx", "drift", "index jobs_unique_key_idx is missing"
    ),
    "an index that is unique no more": State(
        "drop index pgq.jobs_unique_key_idx;"
        "create index jobs_unique_key_idx on pgq.jobs (unique_key) where unique_key is not null",
        "drift",
        "index jobs_unique_key_idx was changed",
    ),
    "an index without its condition": State(
        "drop index pgq.slots_expire_idx; create index slots_expire_idx on pgq.slots (expires_at)",
        "drift",
        "index slots_expire_idx was changed",
    ),
    "a dropped trigger": State(
        "drop trigger blocked_notify on pgq.blocked",
        "drift",
        "trigger blocked_notify on blocked is missing",
    ),
    "a replaced trigger": State(
        "drop trigger scheduled_notify on pgq.scheduled;"
        "create trigger scheduled_notify before update on pgq.scheduled"
        " for each statement execute function pgq._notify_promotion()",
        "drift",
        "trigger scheduled_notify on scheduled was changed",
    ),
    "a replaced function": State(
        "create or replace function pgq._format_interval(length interval) returns text"
        " language sql immutable set search_path = pg_catalog, pg_temp set intervalstyle = postgres"
        " as $$ select 'a while' $$",
        "drift",
        "function _format_interval(interval) was changed",
    ),
    "a function with other settings": State(
        "alter function pgq.claim_batch reset plan_cache_mode", "drift", "function claim_batch("
    ),
    "a function with its caller's rights": State(
        "alter function pgq.cancel(bigint[]) security invoker",
        "drift",
        "function cancel(bigint[]) was changed",
    ),
    "a function that answers another type": State(
        "drop function pgq._try_lock_limits; create function pgq._try_lock_limits(queue text)"
        " returns text language sql as $$ select 'no' $$",
        "drift",
        "function _try_lock_limits(text) was changed",
    ),
    "a dropped function": State("drop function pgq.retry", "drift", "function retry(bigint[], "),
    "a dropped view": State("drop view pgq.failed_jobs", "drift", "view failed_jobs is missing"),
    "a view of other columns": State(
        "drop view pgq.queue_settings; create view pgq.queue_settings as select 'q' as queue",
        "drift",
        "view queue_settings was changed",
    ),
    "a view with another condition": State(
        "create or replace view pgq.queue_settings as select name as queue, paused_at is not null"
        " and (paused_until is null or paused_until < pgq._now()) as paused, paused_until, backoff"
        " from pgq.queues order by name",
        "drift",
        "view queue_settings was changed",
    ),
    "a view that runs with its reader's rights": State(
        "alter view pgq.queue_settings set (security_invoker = on)",
        "drift",
        "view queue_settings was changed",
    ),
    "a dropped primary key": State(
        "alter table pgq.ready drop constraint ready_pkey",
        "drift",
        "constraint ready_pkey on ready is missing",
    ),
    "a dropped check": State(
        "alter table pgq.queues drop constraint queues_paused_until_needs_paused_at",
        "drift",
        "constraint queues_paused_until_needs_paused_at on queues is missing",
    ),
    "a changed check": State(
        "alter table pgq.workers drop constraint workers_lease_is_positive,"
        " add constraint workers_lease_is_positive check (lease >= interval '2 seconds')",
        "drift",
        "constraint workers_lease_is_positive on workers was changed",
    ),
    "a rule": State(
        "create rule rr as on insert to pgq.jobs do instead nothing",
        "drift",
        "rule rr on jobs is not ours",
    ),
    "a rule on a view": State(
        'create rule "r on r" as on insert to pgq.queue_settings do instead nothing',
        "drift",
        'rule "r on r" on queue_settings is not ours',
    ),
    "a table that a crash empties": State(
        "alter table pgq.ready set unlogged", "drift", "table ready is unlogged"
    ),
    "a table without a replica identity": State(
        "alter table pgq.jobs replica identity nothing",
        "drift",
        "table jobs has no replica identity",
    ),
    "a lost fillfactor": State(
        "alter table pgq.workers reset (fillfactor)",
        "drift",
        "parameter fillfactor on workers is missing",
    ),
    "a default that is another": State(
        "alter table pgq.jobs alter column attempt set default 7",
        "drift",
        "default attempt on jobs was changed",
    ),
    "a default where there is none": State(
        "alter table pgq.jobs alter column priority set default 7",
        "drift",
        "default priority on jobs is not ours",
    ),
    "a dropped default": State(
        "alter table pgq.ready alter column ready_xid drop default",
        "drift",
        "default ready_xid on ready is missing",
    ),
    "a lost row of settings": State(
        "delete from pgq.settings", "drift", "row only_row on settings is missing"
    ),
    "a lost step of maintenance": State(
        "delete from pgq.maintenance where step in ('rescue', 'prune')",
        "drift",
        "row prune on maintenance is missing",
    ),
    "a sequence that counts in another way": State(
        "alter sequence pgq.jobs_id_seq increment 5 maxvalue 100000 cycle",
        "drift",
        "sequence jobs_id_seq was changed",
    ),
    "a sequence of another type": State(
        "alter sequence pgq.workers_id_seq as smallint",
        "drift",
        "sequence workers_id_seq was changed",
    ),
    "a lost grant on a function": State(
        "revoke execute on function pgq.cancel(bigint[]) from pgq_operator",
        "grants",
        "grant execute on function pgq.cancel(bigint[]) to pgq_operator is missing",
    ),
    "a lost grant on a view": State(
        "revoke select on pgq.queue_stats from pgq_observer",
        "grants",
        "grant select on table pgq.queue_stats to pgq_observer is missing",
    ),
    "a lost grant on the schema": State(
        "revoke usage on schema pgq from pgq_worker",
        "grants",
        "grant usage on schema pgq to pgq_worker is missing",
    ),
}
LEFT = {
    "a function of somebody's": State(
        "create function pgq._to_json(words text, more text) returns int language sql"
        " as 'select 1'; revoke all on function pgq._to_json(text, text) from public",
        "drift",
        "function _to_json(text, text) is not ours",
        "warn",
    ),
    "a table of somebody's": State(
        'create table pgq."My notes" (a int)', "drift", 'table "My notes" is not ours', "warn"
    ),
    "a view of somebody's": State(
        "create view pgq.mine as select 1 as a", "drift", "view mine is not ours", "warn"
    ),
    "an index of somebody's": State(
        "create index mine on pgq.jobs (task)", "drift", "index mine is not ours", "warn"
    ),
    "a trigger of somebody's": State(
        "create function public.mine() returns trigger language plpgsql as 'begin return new; end';"
        "create trigger mine before insert on pgq.jobs for each row execute function mine()",
        "drift",
        "trigger mine on jobs is not ours",
        "warn",
    ),
    "a constraint of somebody's": State(
        "alter table pgq.semaphores add constraint mine check (max_slots < 100)",
        "drift",
        "constraint mine on semaphores is not ours",
        "warn",
    ),
    "a type of somebody's": State(
        "create domain pgq.mine as text", "drift", "type mine is not ours", "warn"
    ),
    "an administrator's grant to everybody": State(
        "grant select on pgq.queue_stats to public",
        "grants",
        "grant select on table pgq.queue_stats to public is not ours",
        "warn",
    ),
    "an administrator's grant on a column": State(
        "grant update (args, queue) on pgq.jobs to pgq_worker; revoke update (queue) on pgq.jobs"
        " from pgq_worker",
        "grants",
        "grant update (args) on table pgq.jobs to pgq_worker is not ours",
        "warn",
    ),
    "an administrator's step of maintenance": State(
        "insert into pgq.maintenance (step, place, every) values ('my own', 99, '1 hour')",
        "drift",
        'row "my own" on maintenance is not ours',
        "warn",
    ),
    "an administrator's grant to a role of ours": State(
        "grant execute on function pgq.discard(bigint[], text[]) to pgq_worker",
        "grants",
        "grant execute on function pgq.discard(bigint[], text[]) to pgq_worker is not ours",
        "warn",
    ),
}


@pytest.fixture
def well(conn: psycopg.Connection) -> psycopg.Connection:
    """A session on a database that is well, with jobs in every place."""
    register(conn, lease="1 day", version=__version__, protocol=PROTOCOL)
    rows(conn, "maintain")
    bystanders(conn)
    return conn


def words(done: Repair) -> tuple[list[str], list[str]]:
    return [each.words for each in done.mended], [each.words for each in done.left]


@pytest.mark.slow
@pytest.mark.parametrize("state", MENDED.values(), ids=MENDED.keys())
def test_a_repair_mends_it(well: psycopg.Connection, dsn: str, state: State) -> None:
    before = content(well)
    well.execute(state.comes_by.encode())
    # The functions behind the check may be what was changed.
    assert sick(well).items() >= {state.check: state.status}.items()
    row = check(well, state.check)
    assert state.words in row["reason"] and row["hint"].endswith("pgq migrate --repair")

    mended, left = words(repair(dsn))

    assert left == [] and any(each.startswith(state.words) for each in mended)
    rows(well, "maintain")  # A step that was lost is due at once.
    assert sick(well) == {}
    assert content(well) == before


@pytest.mark.slow
@pytest.mark.parametrize("state", LEFT.values(), ids=LEFT.keys())
def test_a_repair_leaves_it(well: psycopg.Connection, dsn: str, state: State) -> None:
    well.execute(state.comes_by.encode())
    assert sick(well)[state.check] == state.status
    assert state.words in check(well, state.check)["reason"]

    assert words(repair(dsn)) == ([], [state.words])

    cure(well, state.check, role=None)
    assert sick(well) == {}


@pytest.mark.slow
def test_a_repair_keeps_what_an_administrator_granted(well: psycopg.Connection, dsn: str) -> None:
    """Also while it mends, and makes functions anew."""
    granted = [state for name, state in LEFT.items() if "grant" in name]
    for state in granted:
        well.execute(state.comes_by.encode())
    for name in ("a lost grant on a view", "a function that answers another type"):
        well.execute(MENDED[name].comes_by.encode())
    well.execute("drop function pgq.retry; drop function pgq._normalise_schema_name")
    assert sorted(words(repair(dsn))[1]) == sorted(state.words for state in granted)
    assert words(repair(dsn))[0] == []


@pytest.mark.slow
def test_roles_that_are_gone_come_back(empty_dsn: str) -> None:
    """After a restore onto a server without them; which fails nobody, so it is no alarm."""
    names = Names("q", f"r{token_hex(4)}_")
    options: dict[str, Any] = {"schema": names.schema, "role_prefix": names.role_prefix}
    migrate.upgrade(empty_dsn, **options)
    observer = f"{names.role_prefix}observer"
    with psycopg.connect(empty_dsn, autocommit=True) as conn:
        conn.execute(f"drop owned by {observer}; drop role {observer}".encode())
        found = conn.execute("select name, status from q.health(true) where status <> 'ok'")
        assert ("grants", "warn") in found.fetchall()
        assert words(repair(empty_dsn, **options))[1] == []
        assert conn.execute("select from q._drift()").rowcount == 0
    migrate.uninstall(empty_dsn, **options)


@pytest.mark.slow
def test_settings_of_the_session_are_no_drift(well: psycopg.Connection) -> None:
    for setting in (
        *("intervalstyle = iso_8601", "datestyle = German", "timezone = 'Asia/Kolkata'"),
        *("quote_all_identifiers = on", "bytea_output = escape", "search_path = pgq, public"),
        *("standard_conforming_strings = on", "extra_float_digits = -3"),
    ):
        well.execute(f"set {setting}".encode())
    assert scalar(well, "select count(*) from pgq._drift()") == 0


@pytest.mark.slow
def test_an_owner_that_is_another(well: psycopg.Connection, dsn: str) -> None:
    well.execute("create role stranger")
    try:
        for kind, name in (
            ("function", "pgq.cancel(bigint[])"),
            ("table", "pgq.jobs"),
            ("view", "pgq.all_jobs"),
            ("schema", "pgq"),
        ):
            well.execute(f"alter {kind} {name} owner to stranger".encode())
            row = check(well, "owners")
            told = kind if kind != "function" else "routine"
            assert row["status"] == "fail" and row["value"] == 1
            assert row["reason"] == f"{told} {name} belongs to stranger"
            assert words(repair(dsn)) == ([row["reason"]], [])
            assert sick(well) == {}
    finally:
        well.execute("drop owned by stranger; drop role stranger")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("routine", "refused"),
    [
        ("verify()", "invariants"),
        ("_health_drift()", "drift"),
        ("_health_locks()", "locks"),
        ("_health_queues(timestamptz, interval, interval)", "rights"),
        ("_hidden_checks()", "rights"),
    ],
)
def test_a_check_that_may_not_run_hides_no_other(
    well: psycopg.Connection, dsn: str, routine: str, refused: str
) -> None:
    """As an owner who is no superuser meets it: what another role owns, that one may not call."""
    stranger, plain = (f"r{token_hex(4)}" for _ in range(2))
    well.execute(f"create role {stranger}; create role {plain}".encode())
    try:
        for kind, name in everything(well):
            well.execute(f"alter {kind} {name} owner to {plain}".encode())
        assert sick(well) == {}
        well.execute(f"alter routine pgq.{routine} owner to {stranger}".encode())
        found = sick(well)
        assert found[refused] == "fail"
        row = check(well, refused)
        assert "permission denied" in row["reason"] and "pgq migrate --repair" in row["hint"]
        # Nobody knows then who may see what, so the words of all deep checks are hidden.
        if refused != "drift" and routine != "_hidden_checks()":
            assert f"belongs to {stranger}" in check(well, "owners")["reason"]
        assert words(repair(dsn))[1] == []
        assert sick(well) == {}
    finally:
        well.execute(
            f"reassign owned by {plain}, {stranger} to current_user;"
            f"drop owned by {plain}, {stranger}; drop role {plain}, {stranger}".encode()
        )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("comes_by", "reason"),
    [
        ("detach partition pgq.job_history_default", "job_history_default is no partition of"),
        ("detach partition pgq.{}", "{} is no partition of the history"),
        ("detach partition pgq.{}; drop table pgq.{}", "the history has no partition of today"),
    ],
)
def test_a_partition_that_is_away(well: psycopg.Connection, comes_by: str, reason: str) -> None:
    today = scalar(well, "select to_char(now() at time zone 'UTC', '\"job_history_\"YYYYMMDD')")
    before = content(well)
    well.execute(f"alter table pgq.job_history {comes_by.format(today, today)}".encode())
    assert reason.format(today) in check(well, "objects")["reason"]
    cure(well, "objects", role=None)
    assert sick(well) == {}
    assert "drop" in comes_by or content(well) == before


def everything(conn: psycopg.Connection) -> list[tuple[str, str]]:
    """Return the kinds and names of what the schema holds, and the schema."""
    return conn.execute(
        "select case relkind when 'v' then 'view' when 'c' then 'type' else 'table' end,"
        " oid::regclass::text from pg_class"
        " where relnamespace = 'pgq'::regnamespace and relkind in ('r', 'p', 'v', 'c')"
        " union all select 'routine', oid::regprocedure::text from pg_proc"
        " where pronamespace = 'pgq'::regnamespace"
        " union all select 'schema', 'pgq'"
    ).fetchall()


@pytest.mark.slow
def test_defaults_of_tables_and_columns_of_somebody_stay(
    well: psycopg.Connection, dsn: str
) -> None:
    well.execute("create unlogged table pgq.mine (a int default 1)")
    well.execute("alter table pgq.queues add column note text not null default 'x'")
    left = words(repair(dsn))[1]
    assert sorted(left) == [
        "default note on queues is not ours",
        "table mine is not ours",
        "table queues was changed",
    ]


@pytest.mark.slow
def test_a_repair_runs_nothing_that_somebody_planted(well: psycopg.Connection, dsn: str) -> None:
    """Not even in the functions that look for differences; a superuser may run it, then."""
    well.execute("create role stranger")
    try:
        for name, columns in (
            ("_drift", "kind text, name text, difference text, words text, cure text"),
            ("_fingerprint", "kind text, name text, digest text"),
            ("_foreign_owned_objects", "object text, owner text, cure text"),
        ):
            well.execute(
                f"create or replace function pgq.{name}() returns table ({columns})"
                " language plpgsql as 'begin create table public.planted (); return; end';"
                f"alter function pgq.{name} owner to stranger".encode()
            )
        mended, left = words(repair(dsn))
        assert left == [] and {f"function {name}() was changed" for name in ("_drift",)} < set(
            mended
        )
        assert scalar(well, "select to_regclass('public.planted')") is None
        assert sick(well) == {}
    finally:
        well.execute("drop owned by stranger; drop role stranger")


@pytest.mark.slow
def test_a_superuser_repairs_as_the_owner(well: psycopg.Connection, dsn: str) -> None:
    well.execute("create role plain")
    try:
        for kind, name in everything(well):
            well.execute(f"alter {kind} {name} owner to plain".encode())
        well.execute("drop function pgq.retry; drop view pgq.failed_jobs")
        assert words(repair(dsn))[1] == []
        assert scalar(well, "select count(*) from pgq._drift()") == 0
    finally:
        well.execute("reassign owned by plain to current_user; drop role plain")


@pytest.mark.slow
def test_nothing_of_this_is_a_drift(well: psycopg.Connection) -> None:
    """What administrators, time and tests change is as it should be."""
    well.execute("alter table pgq.jobs set (autovacuum_vacuum_threshold = 1)")
    well.execute("alter table pgq.jobs set (fillfactor = 50)")
    well.execute("alter table pgq.jobs reset (autovacuum_analyze_threshold)")
    well.execute("alter table pgq.queues set (fillfactor = 80)")
    well.execute("alter table pgq.jobs replica identity full")
    well.execute("alter function pgq._now() cost 5")
    well.execute("select pgq._make_history_partitions(20, 100); select pgq.prune('0')")
    well.execute("analyze; cluster pgq.ready using ready_pkey")
    well.execute("reindex index concurrently pgq.ready_claim_idx")
    assert sick(well) == {}


@pytest.mark.slow
def test_many_at_once_are_mended_together(well: psycopg.Connection, dsn: str) -> None:
    for state in MENDED.values():
        if "jobs_unique_key_idx on" not in state.comes_by and "_drift" not in state.comes_by:
            well.execute(state.comes_by.encode())
    assert words(repair(dsn))[1] == []
    rows(well, "maintain")
    assert sick(well) == {}


@pytest.mark.slow
def test_what_looks_for_it_is_damaged(well: psycopg.Connection, dsn: str) -> None:
    well.execute("drop function pgq._fingerprint; drop index pgq.ready_claim_idx")
    mended, left = words(repair(dsn))
    assert any("ready_claim_idx" in each for each in mended) and left == []
    assert sick(well) == {}


@pytest.mark.slow
def test_what_was_installed_is_not_known(well: psycopg.Connection, dsn: str) -> None:
    """After a restore without data, say."""
    well.execute("delete from pgq.installed_objects")
    assert "not known" in check(well, "drift")["reason"]
    repair(dsn)
    assert sick(well) == {}


@pytest.mark.slow
def test_a_table_is_not_made_anew(well: psycopg.Connection, dsn: str) -> None:
    well.execute("drop table pgq.turns")
    well.execute("alter table pgq.semaphores alter column max_slots drop not null")
    well.execute("alter table pgq.queues drop constraint queues_pkey")
    well.execute("insert into pgq.queues (name) select name from pgq.queues limit 1")
    left = words(repair(dsn))[1]
    assert {"table turns is missing", "table semaphores was changed"} <= set(left)
    assert any("queues_pkey on queues is missing (could not create unique" in each for each in left)


@pytest.mark.slow
def test_a_migration_makes_no_drift_the_truth(well: psycopg.Connection, dsn: str) -> None:
    well.execute("drop index pgq.ready_claim_idx")
    well.execute("grant select on pgq.queue_stats to pgq_worker")
    migrate.upgrade(dsn)
    assert set(sick(well)) == {"drift", "grants"}


def test_another_revision_is_not_repaired(conn: psycopg.Connection, dsn: str) -> None:
    conn.execute("update pgq.schema_version set version_num = '0000'")
    with pytest.raises(migrate.MigrationError):
        repair(dsn)


@pytest.mark.slow
def test_fingerprints_are_the_same_on_every_server_and_under_every_name() -> None:
    """They outlast pg_upgrade and a restore, then: also of views made from another's text."""
    seen: dict[str, set[tuple[str, str, str]]] = {}
    texts: dict[str, list[tuple[str, str]]] = {}
    schemas = ("pgq", '"My ""Queue"""')

    def look(conn: psycopg.Connection, schema: str, source: str) -> set[tuple[str, str, str]]:
        found = conn.execute(
            f"select kind, name, digest from {schema}.{source} where kind <> 'grant'".encode()
        )
        return set(found.fetchall())

    with ExitStack() as stack:
        conns: dict[str, psycopg.Connection] = {}
        for target in find_targets():
            if target.bindir is None:
                continue
            dsn = stack.enter_context(start(target)).dsn
            install(dsn)
            install(dsn, 'My "Queue"')
            conn = stack.enter_context(psycopg.connect(dsn, autocommit=True))
            conns[target.name] = conn
            for schema in schemas:
                seen[f"{target.name} {schema}"] = look(conn, schema, "installed_objects")
            texts[target.name] = conn.execute(
                "select oid::regclass::text, pg_get_viewdef(oid) from pg_class"
                " where relnamespace = 'pgq'::regnamespace and relkind = 'v' order by oid"
            ).fetchall()
        for name, conn in conns.items():
            for other, views in texts.items():
                for view, text in views:
                    conn.execute(f"create or replace view {view} as {text}".encode())
                seen[f"{name}, from the text of {other}"] = look(conn, "pgq", "_fingerprint()")
    first = next(iter(seen.values()))
    for name, found in seen.items():
        assert found ^ first == set(), name


@pytest.mark.slow
def test_it_costs_one_look_at_the_catalog(well: psycopg.Connection) -> None:
    """Blocks, not seconds: a look at some 500 rows of the catalog and their texts."""
    query = "explain (analyze, buffers, format json) select * from pgq._drift()"
    scalar(well, query)
    plan = scalar(well, query)[0]["Plan"]
    assert plan["Shared Hit Blocks"] + plan["Shared Read Blocks"] < 20_000


@pytest.mark.slow
def test_the_doctor_names_the_owner_where_health_itself_may_not_run(
    well: psycopg.Connection, dsn: str
) -> None:
    stranger = f"r{token_hex(4)}"
    well.execute(f"create role {stranger}".encode())
    try:
        well.execute(f"alter routine pgq.health owner to {stranger}".encode())
        done = CliRunner().invoke(cli, ["doctor", "--dsn", dsn])
        assert done.exit_code == NoDatabase.exit_code
        assert f"belongs to {stranger}" in done.output and "pgq migrate --repair" in done.output
        assert words(repair(dsn))[1] == [] and sick(well) == {}
    finally:
        well.execute(f"drop owned by {stranger}; drop role {stranger}".encode())
