"""Each role may call what it is for, and nothing else; PUBLIC may do nothing at all."""

from __future__ import annotations

import psycopg
import pytest

from tests.sources import FACES, called_by_views, of_folder
from tests.sql.calls import claim_one, enqueue, rows, scalar, value
from tests.test_conventions import CONVERTERS

EVERYBODY = {
    *("batch_progress", "cron_next", "cron_preview", "parent_results", "result", "results"),
    *("unique_key_owner", "version", "shard_map", "shard_slot"),
}
PRODUCER = EVERYBODY | {
    *("await_batch", "await_jobs", "close_batch", "create_batch"),
    *("enqueue", "enqueue_many", "enqueue_trigger", "shard_check"),
    *("publish", "publish_trigger"),
}
WORKER = PRODUCER | {
    *("claim_batch", "complete_batch", "connection_budget", "deregister_worker", "fail_batch"),
    *("fire_due_schedules", "heartbeat", "idle_turn", "is_cancelled", "maintain", "promote_due"),
    *("register_worker", "release_batch", "release_unanswered", "report_lost_worker"),
    *("rescue_lost_workers", "set_progress", "snooze_batch", "sync_schedules", "workers_beside"),
    *("continue_after", "subscribe", "unsubscribe", "sync_tasks"),
}
OBSERVER = EVERYBODY | {
    *("bulk_status", "connection_budget", "count_jobs", "health", "is_cancelled"),
    *("error_groups", "error_history"),
    *("depth_history", "depths", "flow_graph", "metrics", "stats", "task_stats", "marks"),
    *("queue_activity", "queue_names"),
    "task_activity",
    "metric_series",
    *("run_times", "due_jobs", "estimate_jobs", "list_jobs", "job_attempts", "why_waiting"),
    *("job_content", "list_batches", "list_past_workers", "list_semaphores"),
    *("follow_outcomes", "outcomes_since"),
    *("queue_latency", "shard_left"),
    *("audit_log", "task_options", "prune_preview"),
}
OPERATOR = OBSERVER | {
    *("bulk_start", "bulk_stop", "bulk_work", "add_mark", "reset_statistics"),
    *("await_batch", "await_jobs", "cancel", "clear_queue", "close_batch", "configure"),
    *("configure_retention", "configure_task", "forget_task"),
    *("configure_queue", "configure_semaphore", "discard", "enqueue_again", "find_jobs"),
    *("fire_due_schedules", "maintain", "order_worker", "pause_queue", "pause_schedule"),
    *("promote_due", "prune", "prune_schedule_history", "release_semaphore"),
    *("release_unique_key", "report_lost_worker", "reprioritise", "rescue_lost_workers"),
    *("pause_semaphore", "pause_task", "resume_semaphore", "resume_task"),
    *("resume_queue", "resume_schedule", "retry", "run_now", "run_schedule_now", "schedule"),
    *("redrive", "sync_schedules", "sync_tasks", "unschedule", "verify"),
    *("subscribe", "unsubscribe", "start_cron", "stop_cron"),
    *("shard_assign", "shard_init", "shard_spread"),
}
MONITOR = {
    *("batch_progress", "connection_budget", "count_jobs", "cron_next", "cron_preview"),
    *("depth_history", "depths", "health", "is_cancelled", "metrics", "metric_series"),
    "queue_latency",
    "version",
    *("queue_activity", "queue_names"),
    "task_activity",
    *("marks", "stats", "task_stats", "flow_graph", "due_jobs", "estimate_jobs", "list_jobs"),
    *("job_attempts", "why_waiting", "list_batches", "list_past_workers", "run_times"),
    *("follow_outcomes", "outcomes_since", "prune_preview"),
}
VIEWS = {path.stem for path in of_folder("views")}
VERSION = {"schema_version"}
MONITORED = {
    *("job_states", "queue_limits", "queue_settings", "queue_stats", "schedule_states"),
    "worker_status",
}


def with_cores(public: set[str]) -> set[str]:
    """Return what must be granted with these functions: what the faces among them call."""
    faces = public & FACES
    return public | {f"_{face}" for face in faces} | (CONVERTERS if faces else set())


MATRIX = {
    "pgq_producer": (with_cores(PRODUCER), VERSION),
    "pgq_worker": (with_cores(WORKER), VERSION),
    "pgq_operator": (with_cores(OPERATOR) | called_by_views(), VERSION | VIEWS),
    "pgq_observer": (OBSERVER | called_by_views(), VERSION | VIEWS),
    "pgq_monitor": (MONITOR | called_by_views(), VERSION | MONITORED),
}


@pytest.mark.parametrize("role", MATRIX)
def test_functions_of_a_role(conn: psycopg.Connection, role: str) -> None:
    allowed = conn.execute(
        "select proname from pg_proc where pronamespace = 'pgq'::regnamespace"
        " and has_function_privilege(%s, oid, 'execute')",
        (role,),
    )
    assert {name for (name,) in allowed} == MATRIX[role][0]


@pytest.mark.parametrize("role", MATRIX)
def test_relations_of_a_role(conn: psycopg.Connection, role: str) -> None:
    privileges = "select, insert, update, delete, truncate, references, trigger"
    readable = conn.execute(
        "select relname from pg_class where relnamespace = 'pgq'::regnamespace"
        " and relkind in ('r', 'p', 'v', 'S', 'm', 'f')"
        " and case when relkind = 'S' then has_sequence_privilege(%s, oid, 'usage, select, update')"
        " else has_table_privilege(%s, oid, %s) end",
        (role, role, privileges),
    )
    assert {name for (name,) in readable} == MATRIX[role][1]
    writable = conn.execute(
        "select relname from pg_class where relnamespace = 'pgq'::regnamespace"
        " and relkind in ('r', 'p', 'v')"
        " and has_table_privilege(%s, oid, 'insert, update, delete, truncate, trigger')",
        (role,),
    )
    assert writable.fetchall() == []


@pytest.mark.parametrize("role", MATRIX)
def test_roles_cannot_log_in_or_create(conn: psycopg.Connection, role: str) -> None:
    can = "select rolcanlogin or rolsuper or rolcreaterole from pg_roles where rolname = %s"
    assert scalar(conn, can, role) is False
    assert scalar(conn, "select has_schema_privilege(%s, 'pgq', 'create')", role) is False
    assert scalar(conn, "select has_schema_privilege(%s, 'pgq', 'usage')", role) is True


def test_public_may_do_nothing(conn: psycopg.Connection) -> None:
    granted = (
        "select count(*) from (select proacl as acl, 'f'::\"char\" as kind, proowner as owner"
        " from pg_proc where pronamespace = 'pgq'::regnamespace"
        " union all select relacl, case relkind when 'S' then 's' else 'r' end::\"char\", relowner"
        " from pg_class where relnamespace = 'pgq'::regnamespace"
        " union all select nspacl, 'n', nspowner from pg_namespace where nspname = 'pgq')"
        " as object, aclexplode(coalesce(acl, acldefault(kind, owner))) as entry"
        " where entry.grantee = 0"
    )
    assert scalar(conn, granted) == 0


def test_a_producer_needs_no_more_than_its_role(conn: psycopg.Connection) -> None:
    with conn.transaction(force_rollback=True):
        conn.execute("set local role pgq_producer")
        job_id = enqueue(conn, unique_key="k", on_conflict="replace", args='{"a": 1}')
        assert enqueue(conn, unique_key="k", on_conflict="bump") == job_id
        assert rows(conn, "enqueue_many", jobs='[{"task": "a"}]')[0]["created"]
        assert rows(conn, "result", job_id=job_id)[0]["state"] == "ready"


@pytest.mark.parametrize(
    "statement",
    [
        "select * from pgq.jobs",
        "select * from pgq.all_jobs",
        "select nextval('pgq.jobs_id_seq')",
        "select pgq._now()",
        "select * from pgq.claim_batch('{*}')",
        "select * from pgq.cancel('{1}')",
        "insert into pgq.ready values ('q', 1, '1', 1, 't', now())",
        "select pgq._insert_jobs('[]', now())",
    ],
)
def test_what_a_producer_may_not(conn: psycopg.Connection, statement: str) -> None:
    with conn.transaction(force_rollback=True):
        conn.execute("set local role pgq_producer")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            conn.execute(statement.encode())


@pytest.mark.slow
def test_a_worker_needs_no_more_than_its_role(conn: psycopg.Connection) -> None:
    with conn.transaction(force_rollback=True):
        conn.execute("set local role pgq_worker")
        worker_id = value(conn, "register_worker", name="w", queues=["*"])
        for _ in range(4):
            enqueue(conn)
        for function, options in (
            ("complete_batch", {"results": ["1"]}),
            ("fail_batch", {"messages": ["boom"]}),
            ("snooze_batch", {"delays": ["1 s"]}),
            ("release_batch", {}),
        ):
            held = claim_one(conn, worker_id=worker_id)
            fence = {"ids": [held.job_id], "claim_ids": [held.claim_id]}
            assert rows(conn, function, **fence, **options)[0]["outcome"] == "ok"
        assert rows(conn, "heartbeat", worker_id=worker_id) == []
        assert value(conn, "release_unanswered", worker_id=worker_id, claim_ids=[]) == 0
        assert rows(conn, "promote_due") and rows(conn, "maintain")
        declared = '[{"name": "s", "task": "a", "cron": "@daily"}]'
        assert rows(conn, "sync_schedules", source="code", schedules=declared)
        assert rows(conn, "fire_due_schedules")[0]["fired"] == 0
        assert value(conn, "rescue_lost_workers") == 0
        assert value(conn, "deregister_worker", worker_id=worker_id) == 0


@pytest.mark.parametrize("role", ["pgq_operator", "pgq_observer"])
def test_views_work_for_their_readers(conn: psycopg.Connection, role: str) -> None:
    enqueue(conn)
    value(conn, "register_worker", name="w", queues=["*"])
    with conn.transaction(force_rollback=True):
        conn.execute(f"set local role {role}".encode())
        for name in sorted(VIEWS):
            conn.execute(f"select * from pgq.{name}".encode())
        assert scalar(conn, "select ready from pgq.queue_stats") == 1


def test_a_callers_objects_are_never_used(conn: psycopg.Connection) -> None:
    """A hostile search_path and temporary objects change nothing in a definer's function."""
    conn.execute("create schema evil; grant usage, create on schema evil to pgq_producer")
    with conn.transaction(force_rollback=True):
        conn.execute("set local role pgq_producer")
        conn.execute(
            "create function evil.hijack(bigint, bigint) returns boolean language plpgsql as"
            " $$ begin raise 'hijacked as %', current_user; end $$"
        )
        conn.execute(
            "create operator evil.= (leftarg = bigint, rightarg = bigint, function = evil.hijack)"
        )
        conn.execute("create temp table settings (max_args_bytes bigint)")
        conn.execute("create domain pg_temp.jsonb as text")
        conn.execute("set local search_path = pg_temp, evil, pg_catalog")
        job_id = enqueue(conn, unique_key="k")
        assert rows(conn, "result", job_id=job_id)[0]["state"] == "ready"
