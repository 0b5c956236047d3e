"""What a job keeps of each attempt that failed, whichever way it failed."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta

import psycopg
import pytest

from tests.servers import Travel
from tests.sources import FUNCTION_FILES, uncommented
from tests.sql.calls import (
    Claim,
    claim_one,
    complete,
    enqueue,
    fail,
    job,
    register,
    rows,
    settle,
    value,
)
from tests.sql.conftest import Silence

KEYS = {
    *("attempt", "failed_at", "fingerprint", "message", "ready_at", "started_at"),
    *("traceback", "type", "worker", "worker_id"),
}
Fail = Callable[[psycopg.Connection, Claim, int, Silence], object]

# Each way in which an attempt can fail, with the type of the error that the job then has.
WAYS: dict[str, tuple[str, Fail]] = {
    "fail_batch": ("Error", lambda conn, held, _, __: fail(conn, held)),
    "final": ("Error", lambda conn, held, _, __: fail(conn, held, final=[True])),
    "cancelled by its handler": (
        "Error",
        lambda conn, held, _, __: fail(conn, held, cancel=[True]),
    ),
    "cancelled by somebody": (
        "Error",
        lambda conn, held, _, __: (rows(conn, "cancel", ids=[held.job_id]), fail(conn, held)),
    ),
    "a refused result": (
        "InvalidResult",
        lambda conn, held, _, __: complete(conn, held, results=["no JSON"]),
    ),
    "a refused delay": (
        "InvalidDelay",
        lambda conn, held, _, __: settle(conn, "snooze_batch", [held], delays=["-1 s"]),
    ),
    "a timeout that maintenance ends": (
        "JobTimeout",
        lambda conn, _, __, silence: (silence("3 minutes"), rows(conn, "maintain")),
    ),
    "its worker leaves": (
        "WorkerLost",
        lambda conn, _, worker_id, __: value(conn, "deregister_worker", worker_id=worker_id),
    ),
    "its worker was seen to end": (
        "WorkerLost",
        lambda conn, _, worker_id, __: value(conn, "report_lost_worker", worker_id=worker_id),
    ),
    "its worker is silent": (
        "WorkerLost",
        lambda conn, _, __, silence: (silence("3 hours"), value(conn, "rescue_lost_workers")),
    ),
    "its worker was deleted": (
        "WorkerLost",
        lambda conn, _, worker_id, __: (
            conn.execute("delete from pgq.workers where id = %s", (worker_id,)),
            value(conn, "rescue_lost_workers"),
        ),
    ),
}


@pytest.mark.parametrize("way", WAYS)
def test_each_way_to_fail_keeps_the_attempts_times_and_worker(
    conn: psycopg.Connection, silence: Silence, way: str
) -> None:
    worker_id = register(conn, name="vm-1", lease="1 hour")
    job_id = enqueue(conn, timeout="1 minute", backoff="1 hour")
    held = claim_one(conn, worker_id=worker_id)
    before = job(conn, job_id)
    kind, end = WAYS[way]
    end(conn, held, worker_id, silence)
    (entry,) = job(conn, job_id)["errors"]
    assert set(entry) == KEYS
    assert (entry["type"], entry["attempt"]) == (kind, 1)
    assert (entry["worker"], entry["worker_id"]) == ("vm-1", worker_id)
    assert datetime.fromisoformat(entry["ready_at"]) == before["ready_at"]
    assert datetime.fromisoformat(entry["started_at"]) == before["claimed_at"]
    assert datetime.fromisoformat(entry["failed_at"]) > before["claimed_at"]


def test_each_attempt_keeps_its_own_times(conn: psycopg.Connection, travel: Travel) -> None:
    """The second waits from its retry on, not from the first one's start."""
    first, second = register(conn, name="one"), register(conn, name="two")
    job_id = enqueue(conn, backoff="10 seconds")
    fail(conn, claim_one(conn, worker_id=first))
    travel(timedelta(seconds=60))
    rows(conn, "promote_due")
    fail(conn, claim_one(conn, worker_id=second))
    one, two = job(conn, job_id)["errors"]
    times = [one["ready_at"], one["started_at"], one["failed_at"]]
    times += [two["ready_at"], two["started_at"], two["failed_at"]]
    moments = [datetime.fromisoformat(each) for each in times]
    assert moments == sorted(moments)
    assert moments[3] - moments[2] > timedelta(seconds=9)
    assert (one["worker"], two["worker"]) == ("one", "two")


def test_a_claim_without_a_worker_has_no_name(conn: psycopg.Connection) -> None:
    job_id = enqueue(conn)
    fail(conn, claim_one(conn))
    (entry,) = job(conn, job_id)["errors"]
    assert (entry["worker"], entry["worker_id"]) == (None, None)


def test_what_is_kept_is_bounded(conn: psycopg.Connection) -> None:
    worker_id = register(conn, name="w" * 1000)
    job_id = enqueue(conn)
    held = claim_one(conn, worker_id=worker_id)
    words = {"messages": ["m" * 9000], "error_types": ["t" * 900], "tracebacks": ["b" * 90000]}
    fail(conn, held, **words)
    (entry,) = job(conn, job_id)["errors"]
    lengths = {key: len(entry[key]) for key in ("message", "type", "traceback", "worker")}
    assert lengths == {"message": 4000, "type": 200, "traceback": 20000, "worker": 200}


def test_the_reason_of_an_end_pushes_out_the_oldest(conn: psycopg.Connection) -> None:
    """Also an entry that ended no attempt is the last of ten."""
    parent = enqueue(conn, priority=9)
    child = enqueue(conn, depends_on=[parent])
    errors = '[{"n": 1}, {}, {}, {}, {}, {}, {}, {}, {}, {"n": 10}]'
    conn.execute("update pgq.jobs set errors = %s where id = %s", (errors, child))
    rows(conn, "cancel", ids=[parent])
    rows(conn, "promote_due")
    kept = job(conn, child)["errors"]
    assert len(kept) == 10 and kept[-2] == {"n": 10} and {"n": 1} not in kept
    assert (kept[-1]["type"], "a parent" in kept[-1]["message"]) == ("Ended", True)


def test_only_one_function_makes_entries() -> None:
    # `->> 'traceback'` reads one.
    entry = re.compile(r"(?<!->> )'traceback'")
    makers = {path.stem for path in FUNCTION_FILES if entry.search(uncommented(path))}
    assert makers == {"_error_entry"}
    # Functions that write errors without it copy, move or drop them.
    writers = {path.stem for path in FUNCTION_FILES if "_with_error(" in uncommented(path)}
    assert writers == {"_append_errors", "_end_jobs", "_with_error"}
