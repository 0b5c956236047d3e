"""unique_by => 'args': a unique_key that is made of the task and its args."""

from __future__ import annotations

import hashlib
import json
import random
from typing import Any

import psycopg
import pytest

from tests.sql.calls import (
    claim_one,
    complete,
    enqueue,
    enqueue_many,
    job,
    refused,
    rows,
    scalar,
    value,
)


def by_args(conn: psycopg.Connection, args: str, task: str = "send", **options: Any) -> int:
    return enqueue(conn, task, args=args, unique_by="args", **options)


def key(conn: psycopg.Connection, args: str) -> str:
    made: str = scalar(conn, "select pgq._key_of_args('send', %s::text::jsonb)", args)
    return made


@pytest.mark.parametrize(
    ("args", "others"),
    [
        ('{"a": 1, "bb": [1, 2]}', ['{"bb": [1, 2], "a": 1}', '{"a":1.0,"bb":[1.00,2e0]}']),
        ('{"a": 1.5}', ['{"a": 1.50}', '{"a": 15e-1}']),
        ("[100]", ["[100.000]", "[1e2]"]),
        ("[0]", ["[-0]", "[0.0]", "[-0.0]", "[0e5]"]),
        ("{}", ["{ }"]),
    ],
)
def test_equal_args_have_one_key(conn: psycopg.Connection, args: str, others: list[str]) -> None:
    owner = by_args(conn, args)
    assert [by_args(conn, other) for other in others] == [owner] * len(others)
    many = [{"task": "send", "args": json.loads(other), "unique_by": "args"} for other in others]
    assert enqueue_many(conn, *many) == [(owner, False)] * len(others)


def test_other_args_and_other_tasks_have_other_keys(conn: psycopg.Connection) -> None:
    different = (
        *("[1]", "[10]", "[1.01]", "[1.1]", "[100]", "[-1]", '["1"]', '["1.0"]', '["1.00"]'),
        *('{"a": 1}', '{"a": null}', "{}", "[]", '["a\\"1.0"]', '["a\\\\", 1]', '["a\\\\1.0"]'),
        *('{"1.0": 1}', '{"1.00": 1}', "[true]", "[[1]]", "[1, 0]", "[0.1]", "[0.10101]"),
    )
    ids = {by_args(conn, args) for args in different} | {by_args(conn, "[1]", "other")}
    assert len(ids) == len(different) + 1
    assert len({by_args(conn, "[1]", "t" * 255 + end) for end in "ab"} - ids) == 2
    assert rows(conn, "verify") == []


def test_the_key_of_these_args_stays_the_same_in_every_version(conn: psycopg.Connection) -> None:
    text = 'send\n{"a": {"c": null, "ä": 2}, "b": [1.5, "x.0"]}'
    digest = hashlib.sha256(text.encode()).hexdigest()
    assert key(conn, '{"b": [1.50, "x.0"], "a": {"c": null, "ä": 2.0}}') == f"send:{digest}"


def _made_up(chance: random.Random, depth: int = 0) -> Any:
    kind = chance.choice(["text", "number", "word", "list", "object"]) if depth < 3 else "number"
    if kind == "text":
        return "".join(chance.choices('a1.0"\\[{ ,:é', k=chance.randrange(6)))
    if kind == "list":
        return [_made_up(chance, depth + 1) for _ in range(chance.randrange(3))]
    if kind == "object":
        keys = chance.sample(["a", "b", "1.0", 'c"', "\\"], chance.randrange(4))
        return {key: _made_up(chance, depth + 1) for key in keys}
    return chance.choice([None, True, 0, 1, 10, 100, -1, 10**20]) if kind == "word" else 1


def _written(args: Any, chance: random.Random) -> str:
    """JSON of the same args: keys in another order, and numbers written in another way."""
    if type(args) is dict:
        items = chance.sample([*args.items()], len(args))
        pairs = (f"{json.dumps(key)}:{_written(each, chance)}" for key, each in items)
        return f"{{{','.join(pairs)}}}"
    if type(args) is list:
        return f"[{','.join(_written(each, chance) for each in args)}]"
    if type(args) is int:
        return f"{args}{chance.choice(['', '.0', '.000', 'e0', '.5', '.50'])}"
    return json.dumps(args)


def test_two_keys_are_equal_just_if_the_args_are(conn: psycopg.Connection) -> None:
    chance = random.Random(7)
    pairs = []
    for _ in range(500):
        args = [_made_up(chance)]
        pairs.append([_written(args, chance), _written(args, chance)])
    equal, unequal, wrong = conn.execute(
        "select count(*) filter (where is_same), count(*) filter (where not is_same),"
        " count(*) filter (where is_same <> (pgq._key_of_args('t', a) = pgq._key_of_args('t', b)))"
        " from (select pair ->> 0, pair ->> 1, (pair ->> 0)::jsonb, (pair ->> 1)::jsonb,"
        " (pair ->> 0)::jsonb = (pair ->> 1)::jsonb from jsonb_array_elements(%s::text::jsonb)"
        " as pair) as made (x, y, a, b, is_same)",
        (json.dumps(pairs),),
    ).fetchone() or (0, 0, 1)
    assert wrong == 0
    assert min(equal, unequal) > 50


def test_it_goes_with_the_options_of_a_key(conn: psycopg.Connection) -> None:
    owner = by_args(conn, "[1]", on_conflict="raise", unique_while="queued")
    with refused("JQ003", "unique_key is taken: send:"):
        by_args(conn, "[1.0]", on_conflict="raise")
    held = claim_one(conn)
    second = by_args(conn, "[1]", on_conflict="discard")
    assert second not in (owner, None)
    assert by_args(conn, "[1]", on_conflict="discard") is None
    assert complete(conn, held) == ["ok"]
    assert enqueue(conn, "send", args="[1]", unique_key=job(conn, second)["unique_key"]) == second
    found = rows(conn, "unique_key_owner", unique_key=job(conn, second)["unique_key"])
    assert [owner["job_id"] for owner in found] == [second]


def test_jobs_without_it_beside_those_that_have_it(conn: psycopg.Connection) -> None:
    same = {"task": "send", "args": {"a": 1}}
    by = {**same, "unique_by": "args"}
    made = enqueue_many(conn, same, by, {**same, "unique_by": None}, by, {"task": "send", **by})
    assert [created for _, created in made] == [True, True, True, False, False]
    none = [{"task": "send", "unique_by": "args"}, {"task": "send", "args": None}]
    assert [created for _, created in enqueue_many(conn, *none, none[0])] == [True, True, False]
    assert enqueue(conn, "send", unique_by="args") == enqueue(conn, "send", unique_by="args")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"unique_by": "task"}, "unique_by is task"),
        ({"unique_by": ""}, "unique_by is "),
        ({"unique_by": "args", "unique_key": "k"}, "both unique_by and unique_key are given"),
    ],
)
def test_what_is_refused(conn: psycopg.Connection, options: dict[str, Any], words: str) -> None:
    with refused("JQ001", words):
        enqueue(conn, **options)
    with refused("JQ001", f"job 2: {words}"):
        enqueue_many(conn, {"task": "a"}, {"task": "b", **options})
    with refused("JQ002", f"task send: {words}"):
        value(conn, "configure_task", task="send", **options)
    assert scalar(conn, "select count(*) from pgq.jobs") == 0


def test_a_task_may_have_it(conn: psycopg.Connection) -> None:
    value(conn, "configure_task", task="send", unique_by="args", on_conflict="discard")
    assert enqueue(conn, "send", args="[1]") is not None
    assert enqueue(conn, "send", args="[1]") is None
    assert enqueue_many(conn, {"task": "send", "args": [1]}) == [(None, False)]
    mine = enqueue(conn, "send", args="[1]", unique_key="mine")
    assert job(conn, mine)["unique_key"] == "mine"
    assert enqueue(conn, "send", args="[1]", unique_key="mine") == mine
    assert enqueue(conn, "send", args="[1]", unique_by="args") is not None
    with refused("JQ002", "both unique_by and unique_key are given"):
        value(conn, "configure_task", task="send", unique_key="k")
    value(conn, "configure_task", task="send", unique_key="k", reset=["unique_by"])
    by = enqueue(conn, "send", args="[9]", unique_by="args")
    assert job(conn, by)["unique_key"] == key(conn, "[9]")


def test_what_only_the_code_says_yields(conn: psycopg.Connection) -> None:
    code: dict[str, Any] = {"unique_by": "args", "declared": ["unique_by"]}
    mine = enqueue(conn, "send", unique_key="mine", **code)
    assert job(conn, mine)["unique_key"] == "mine"
    value(conn, "configure_task", task="send", unique_key="operator")
    theirs = enqueue(conn, "send", **code)
    assert job(conn, theirs)["unique_key"] == "operator"
    assert enqueue_many(conn, {"task": "send", **code}) == [(theirs, False)]
    other = enqueue(conn, "send", unique_key="other", **code)
    assert job(conn, other)["unique_key"] == "other"


def test_the_jobs_of_schedules_and_batches(conn: psycopg.Connection) -> None:
    value(conn, "configure_task", task="send", unique_by="args")
    value(conn, "schedule", name="s", task="send", every="1 hour", args="[1]")
    scheduled = value(conn, "run_schedule_now", name="s")
    assert by_args(conn, "[1]") == scheduled
    value(conn, "schedule", name="t", task="send", every="1 hour", args="[1]", overlap="skip")
    assert job(conn, value(conn, "run_schedule_now", name="t"))["unique_key"] == "schedule:t"
    value(conn, "create_batch", on_finish='{"task": "send", "args": [1]}')
    with refused("JQ001", "on_finish has the option unique_by"):
        value(conn, "create_batch", on_finish='{"task": "send", "unique_by": "args"}')
