"""Ask health(), run the statements that it prints, and see that nothing else was touched."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

import psycopg

from tests.sql.calls import Row, claim_one, complete, enqueue, fail, rows, value

# Clocks, marks, notes and samples: every promotion and every round of maintenance writes to these.
MOVING = {"maintenance", "ready_marks", "task_marks", "id_marks", "key_marks", "releases"} | {
    f"stat_{each}"
    for each in (
        *("deltas", "folds", "series", "minutes", "totals", "now"),
        *("depths", "depth_hours", "samples"),
    )
}


def check(conn: psycopg.Connection, name: str) -> Row:
    """Return one row of the deepest look."""
    (found,) = [row for row in rows(conn, "health", deep=True) if row["name"] == name]
    return found


def sick(conn: psycopg.Connection) -> dict[str, str]:
    """Return what is not well in the deepest look, and how bad it is."""
    found = rows(conn, "health", deep=True)
    return {row["name"]: row["status"] for row in found if row["status"] != "ok"}


def statements(hint: str) -> list[str]:
    """Return the SQL of a hint: from its first statement on, split as psql would split it."""
    found = re.search(
        r"(?<![\w.])(select|alter|drop|rollback|vacuum|reindex|grant|revoke|delete) .*;", hint
    )
    assert found, hint
    quoted = r"(?:[^;']|'(?:[^']|'')*')+;"
    return [statement.strip() for statement in re.findall(quoted, found[0])]


def cure(conn: psycopg.Connection, name: str, role: str | None = "pgq_operator") -> str:
    """Run what the check's hint says, as the role that it is for; return the hint."""
    hint: str = check(conn, name)["hint"]
    if role:
        conn.execute(f"set role {role}".encode())
    try:
        for statement in statements(hint):
            conn.execute(statement.encode())
    finally:
        conn.execute("reset role")
    return hint


def content(conn: psycopg.Connection) -> Counter[tuple[str, str]]:
    """Return every row of every table, except those that change anyway."""
    found: Counter[tuple[str, str]] = Counter()
    tables = conn.execute(
        "select relname from pg_class where relnamespace = 'pgq'::regnamespace"
        " and relkind in ('r', 'p') and not relispartition"
    ).fetchall()
    for (table,) in tables:
        if table not in MOVING:
            answer: list[tuple[Any]] = conn.execute(
                f"select t::text from pgq.{table} as t".encode()
            ).fetchall()
            found.update((table, row) for (row,) in answer)
    return found


def bystanders(conn: psycopg.Connection) -> None:
    """Fill the database with what no cure may touch: a job in every place, of the same names."""
    for keyed in ({"concurrency_key": "other"}, {}):
        enqueue(conn, "done", queue="q", **keyed)
        rows(conn, "promote_due")
        complete(conn, claim_one(conn, queues=["q"]))
    for task in ("done", "lost"):
        enqueue(conn, task, queue="q", max_attempts=1)
        fail(conn, claim_one(conn, queues=["q"]), messages=["no"])
    parent = enqueue(conn, "lost", queue="later", delay="10 days")
    enqueue(conn, "lost", queue="later", depends_on=[parent])
    enqueue(conn, "lost", queue="other", priority=5)
    enqueue(conn, "mine", queue="q", priority=5)
    enqueue(conn, "held", queue="held", unique_key="u")
    claim_one(conn, queues=["held"])
    value(conn, "configure_queue", queue="calm", max_running=0)
    value(conn, "pause_queue", queue="calm", duration="100 days")
    value(conn, "configure_semaphore", concurrency_key="calm", max_slots=0)
    value(conn, "schedule", name="calm", task="t", every="100 days")
    # Or a round of maintenance that comes later would count these.
    conn.execute("select pgq._fold_statistics(20000)")
