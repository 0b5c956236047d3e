from __future__ import annotations

import psycopg
import pytest

from tests.servers import Travel
from tests.sql.calls import (
    claim,
    claim_one,
    complete,
    enqueue,
    fail,
    job,
    outcomes,
    refused,
    register,
    rows,
    scalar,
    settle,
    state,
)


def test_ok_moves_the_job_to_the_history(conn: psycopg.Connection) -> None:
    worker_id = register(conn)
    job_id = enqueue(conn, "email", unique_key="k", headers='{"h": 1}', args="[1]")
    running = job(conn, claim_one(conn, worker_id=worker_id).job_id)
    held_id = scalar(conn, "select claim_id from pgq.running")
    answers = rows(
        conn, "complete_batch", ids=[job_id], claim_ids=[held_id], results=['{"sent": true}']
    )
    assert answers == [{"job_id": job_id, "outcome": "ok"}]
    found = job(conn, job_id)
    assert (found["state"], found["result"]) == ("succeeded", {"sent": True})
    same = set(found) - {"state", "result", "finished_at"}
    assert {name: found[name] for name in same} == {name: running[name] for name in same}
    assert found["finished_at"] >= found["claimed_at"]


def test_no_result_is_null_and_json_null_is_kept(conn: psycopg.Connection) -> None:
    jobs = [enqueue(conn) for _ in range(3)]
    held = claim(conn)
    assert complete(conn, *held, results=[None, "null", "1"]) == ["ok"] * 3
    query = "select result::text from pgq.job_history order by id"
    assert [text for (text,) in conn.execute(query)] == [None, "null", "1"]
    assert len(jobs) == 3


def test_results_stand_by_place_whatever_the_order_and_the_claims(conn: psycopg.Connection) -> None:
    for _ in range(6):
        enqueue(conn)
    held = [*claim(conn, batch_size=3), *claim(conn, batch_size=3)]
    stale = held[4]._replace(claim_id=held[0].claim_id)
    asked = [held[4], stale, held[1], held[5], held[0], held[3]]
    texts = ['"four"', '"stale"', '"one"', None, '"zero"', '"three"']
    assert complete(conn, *asked, results=texts) == ["ok", "lost", "ok", "ok", "ok", "ok"]
    found = {place: job(conn, held[place].job_id)["result"] for place in (0, 1, 3, 4, 5)}
    assert found == {0: "zero", 1: "one", 3: "three", 4: "four", 5: None}
    assert state(conn, held[2].job_id) == "running"


def test_results_beside_ids_that_are_null(conn: psycopg.Connection) -> None:
    first, second = enqueue(conn), enqueue(conn)
    held = claim(conn)
    answers = rows(
        conn,
        "complete_batch",
        ids=[second, None, first],
        claim_ids=[held[0].claim_id] * 3,
        results=['"' + "x" * 2**20 + '"', "1", None],
    )
    assert [answer["outcome"] for answer in answers] == ["ok", "lost", "ok"]
    assert (job(conn, first)["result"], job(conn, second)["result"]) == (None, "x" * 2**20)


def test_arrays_that_do_not_begin_at_one(conn: psycopg.Connection) -> None:
    first, second = enqueue(conn), enqueue(conn)
    claim_id = claim(conn)[0].claim_id
    answers = conn.execute(
        "select outcome from pgq.complete_batch(%s::bigint[], %s::bigint[], '[7:8]={1,2}')",
        (f"[0:1]={{{first},{second}}}", f"[5:6]={{{claim_id},{claim_id}}}"),
    ).fetchall()
    assert answers == [("ok",), ("ok",)]
    assert (job(conn, first)["result"], job(conn, second)["result"]) == (1, 2)


def test_fewer_results_than_jobs(conn: psycopg.Connection) -> None:
    first, second = enqueue(conn), enqueue(conn)
    assert complete(conn, *claim(conn), results=["1"]) == ["ok", "ok"]
    assert (job(conn, first)["result"], job(conn, second)["result"]) == (1, None)


def test_already_for_the_same_claim(conn: psycopg.Connection) -> None:
    enqueue(conn)
    held = claim_one(conn)
    assert complete(conn, held, results=["1"]) == ["ok"]
    assert complete(conn, held, results=["2"]) == ["already"]
    assert job(conn, held.job_id)["result"] == 1


def test_lost_for_a_stale_claim_changes_nothing(conn: psycopg.Connection) -> None:
    enqueue(conn, backoff="0")
    stale = claim_one(conn)
    assert fail(conn, stale, messages=["boom"]) == [("ok", "ready")]
    current = claim_one(conn)
    before = job(conn, stale.job_id)
    wrong = stale._replace(claim_id=current.claim_id ^ 1)
    assert complete(conn, wrong) == ["lost"]
    assert job(conn, stale.job_id) == before
    assert complete(conn, current) == ["ok"]


def test_a_stale_claim_knows_that_it_was_settled(conn: psycopg.Connection) -> None:
    enqueue(conn, backoff="0")
    stale = claim_one(conn)
    fail(conn, stale, messages=["boom"])
    assert complete(conn, stale) == ["already"]
    claim_one(conn)
    assert complete(conn, stale) == ["already"]


def test_lost_for_unknown_jobs(conn: psycopg.Connection) -> None:
    answers = rows(conn, "complete_batch", ids=[99, None], claim_ids=[1, None])
    assert [(answer["job_id"], answer["outcome"]) for answer in answers] == [
        (99, "lost"),
        (None, "lost"),
    ]


def test_mixed_outcomes_in_the_order_asked(conn: psycopg.Connection) -> None:
    for _ in range(4):
        enqueue(conn)
    held = claim(conn)
    complete(conn, held[1])
    wrong = held[2]._replace(claim_id=held[2].claim_id ^ 1)
    answers = settle(conn, "complete_batch", [held[3], wrong, held[1], held[0]])
    assert [answer["outcome"] for answer in answers] == ["ok", "lost", "already", "ok"]
    assert [answer["job_id"] for answer in answers] == [
        held[3].job_id,
        held[2].job_id,
        held[1].job_id,
        held[0].job_id,
    ]
    assert state(conn, held[2].job_id) == "running"


@pytest.mark.slow
def test_a_requested_cancel_does_not_undo_a_success(conn: psycopg.Connection) -> None:
    enqueue(conn)
    held = claim_one(conn)
    assert outcomes(conn, "cancel", held.job_id) == ["requested"]
    assert complete(conn, held) == ["ok"]
    assert state(conn, held.job_id) == "succeeded"
    rows(conn, "maintain")
    assert scalar(conn, "select count(*) from pgq.cancel_requests") == 0
    assert state(conn, held.job_id) == "succeeded"


@pytest.mark.parametrize("results", [None, ["1", "2"]])
def test_a_job_that_is_named_twice_ends_once(
    conn: psycopg.Connection, results: list[str] | None
) -> None:
    enqueue(conn)
    held = claim_one(conn)
    assert complete(conn, held, held, results=results) == ["ok", "ok"]
    assert scalar(conn, "select count(*) from pgq.job_history") == 1


def test_nothing_to_settle(conn: psycopg.Connection) -> None:
    assert rows(conn, "complete_batch", ids=[], claim_ids=[]) == []
    assert rows(conn, "complete_batch", ids=None, claim_ids=None) == []


@pytest.mark.parametrize(("ids", "claim_ids"), [([1], []), ([1], [1, 2]), ([1], None), (None, [1])])
def test_claims_that_do_not_match_are_refused(
    conn: psycopg.Connection, ids: list[int] | None, claim_ids: list[int] | None
) -> None:
    with refused("JQ002"):
        rows(conn, "complete_batch", ids=ids, claim_ids=claim_ids)


def test_with_the_handlers_own_writes_both_or_neither(conn: psycopg.Connection) -> None:
    conn.execute("create table ledger (job_id bigint)")
    enqueue(conn)
    held = claim_one(conn)
    with conn.transaction(force_rollback=True):
        conn.execute("insert into ledger values (%s)", (held.job_id,))
        assert complete(conn, held) == ["ok"]
    assert state(conn, held.job_id) == "running"
    assert scalar(conn, "select count(*) from ledger") == 0
    with conn.transaction():
        conn.execute("insert into ledger values (%s)", (held.job_id,))
        assert complete(conn, held) == ["ok"]
    assert scalar(conn, "select count(*) from ledger") == 1


def test_history_goes_to_the_day_it_ended(conn: psycopg.Connection, travel: Travel) -> None:
    for _ in range(3):
        enqueue(conn)
        assert complete(conn, claim_one(conn)) == ["ok"]
        travel("1 day")
    days = "select count(distinct tableoid) from pgq.job_history"
    assert scalar(conn, days) == 3
    assert scalar(conn, "select count(*) from pgq.job_history_default") == 0


def test_a_day_without_a_partition_is_never_refused(
    conn: psycopg.Connection, travel: Travel
) -> None:
    enqueue(conn)
    held = claim_one(conn)
    travel("60 days")
    assert complete(conn, held) == ["ok"]
    assert scalar(conn, "select count(*) from pgq.job_history_default") == 1
    assert state(conn, held.job_id) == "succeeded"


def test_a_claim_id_proves_nothing_for_another_job(conn: psycopg.Connection) -> None:
    """The stale claim of one job beside the claim that holds it, given for another job."""
    first = enqueue(conn)
    stale = claim_one(conn)
    settle(conn, "release_batch", [stale])
    second = enqueue(conn)
    held = {claimed.job_id: claimed for claimed in claim(conn)}
    assert held[first].claim_id == held[second].claim_id
    assert complete(conn, stale, held[second]) == ["already", "ok"]
    assert state(conn, first) == "running"
    assert complete(conn, held[first]) == ["ok"]


def test_a_stale_claim_beside_the_one_that_holds_the_same_job(conn: psycopg.Connection) -> None:
    """Only the result that came with the claim counts, and only its claim is answered ok."""
    job_id = enqueue(conn)
    held = claim_one(conn)
    stale = held._replace(claim_id=held.claim_id + 1)
    assert complete(conn, stale, held, results=['"stale"', '"held"']) == ["lost", "ok"]
    assert job(conn, job_id)["result"] == "held"
    enqueue(conn)
    held = claim_one(conn)
    stale = held._replace(claim_id=held.claim_id + 1)
    answers = settle(conn, "release_batch", [stale, held])
    assert [answer["outcome"] for answer in answers] == ["lost", "ok"]


@pytest.mark.parametrize(
    ("results", "lower", "answers"),
    [
        (["nope"], 1, ["refused", "ok", "ok"]),
        (["1", "nope"], 0, ["ok", "refused", "ok"]),
        (["1", "2", "3", "nope"], 1, ["ok", "ok", "ok"]),
        (["nope", None, None, "4"], -5, ["refused", "ok", "ok"]),
    ],
)
def test_a_refused_result_leaves_its_neighbours_whatever_the_lengths_and_bounds(
    conn: psycopg.Connection, results: list[str | None], lower: int, answers: list[str]
) -> None:
    for _ in range(3):
        enqueue(conn)
    held = claim(conn, batch_size=3)

    def bounded(values: list[object], type_: str) -> str:
        upper = lower + len(values) - 1
        texts = ",".join("null" if each is None else str(each) for each in values)
        return f"'[{lower}:{upper}]={{{texts}}}'::{type_}[]"

    ids = [each.job_id for each in held]
    found = conn.execute(
        "select job_id, outcome from pgq.complete_batch("
        f"{bounded([*ids], 'bigint')}, {bounded([each.claim_id for each in held], 'bigint')},"
        f" {bounded([*results], 'text')})".encode()
    ).fetchall()
    assert found == list(zip(ids, answers, strict=True))
    done = ["succeeded" if each == "ok" else "scheduled" for each in answers]
    assert [state(conn, each).replace("ready", "scheduled") for each in ids] == done
