"""Short ways to make batches, and to see what followed them."""

from __future__ import annotations

import json

import psycopg

from tests.sql.calls import scalar, value

FOLLOWERS = {
    f"on_{name}": json.dumps({"task": name, "queue": "after"})
    for name in ("success", "finish", "failure")
}


def make(conn: psycopg.Connection, **options: object) -> int:
    """Make a batch that is followed by jobs of the tasks success or failure, and finish."""
    batch_id: int = value(conn, "create_batch", **{**FOLLOWERS, **options})
    return batch_id


def close(conn: psycopg.Connection, batch_id: int) -> None:
    value(conn, "close_batch", batch_id=batch_id)


def finished(conn: psycopg.Connection, batch_id: int) -> bool:
    query = "select finished_at is not null from pgq.batches where id = %s"
    return bool(scalar(conn, query, batch_id))


def followers(conn: psycopg.Connection, batch_id: int) -> list[str]:
    """Return the tasks of the jobs whose headers name the batch."""
    found = conn.execute(
        "select task from pgq.all_jobs where headers -> 'batch' ->> 'id' = %s::text order by task",
        (batch_id,),
    )
    return [task for (task,) in found]
