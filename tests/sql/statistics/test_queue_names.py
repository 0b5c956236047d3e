"""The names of queues, to choose from."""

from __future__ import annotations

import psycopg
import pytest

from tests.sql.calls import buffers, claim, enqueue, value


def names(conn: psycopg.Connection, most: int = 500) -> list[str]:
    return [row[0] for row in conn.execute("select pgq.queue_names(%s)", (most,))]


def test_queues_of_every_state_are_named(conn: psycopg.Connection) -> None:
    assert names(conn) == []
    enqueue(conn, queue="running")
    claim(conn, ["running"], 1)
    parent = enqueue(conn, queue="ready")
    enqueue(conn, queue="blocked", depends_on=[parent])
    enqueue(conn, queue="scheduled", delay="1 hour")
    value(conn, "configure_queue", queue="empty", max_running=3)
    conn.execute("insert into pgq.stat_series values ('past', 't', current_date)")
    assert names(conn) == ["blocked", "empty", "past", "ready", "running", "scheduled"]
    assert names(conn, 2) == ["blocked", "empty"]


@pytest.mark.parametrize("most", [0, -1, 10_001, None])
def test_a_bound_that_is_none_is_refused(conn: psycopg.Connection, most: int | None) -> None:
    with pytest.raises(psycopg.Error, match="max_queues is not between 1 and 10000") as refused:
        conn.execute("select pgq.queue_names(%s::bigint)", (most,))
    assert refused.value.sqlstate == "JQ002"


def test_the_number_of_jobs_does_not_matter(conn: psycopg.Connection) -> None:
    """Each queue with ready jobs is one probe; no lane is read to its end."""
    few: dict[int, int] = {}
    for jobs in (2000, 18_000):
        conn.execute(
            "select count(pgq.enqueue('t', queue => 'q' || n %% 5)) from generate_series(1, %s) n",
            (jobs,),
        )
        conn.execute("vacuum analyze pgq.ready")
        assert len(names(conn)) == 5
        few[jobs] = buffers(conn, "select * from pgq.queue_names()")
    assert few[18_000] <= few[2000] + 20 < 100
