"""A client of several databases: where jobs go, and what it does while slots move."""

from __future__ import annotations

import asyncio
import json
import random
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack

import psycopg
import pytest

import pgq
from pgq.client.shard_routes import Routes, elements, slot_of_key
from pgq.reports import ShardMap
from tests.servers import Databases

NUMBERS = (1, 2)
OWNERS = [1 + slot % 2 for slot in range(1024)]


@pytest.fixture
def dsns(databases: Databases, template: str) -> Iterator[list[str]]:
    """Two shards, 1 and 2, of which 1 takes the even slots; the queue bulk is spread."""
    with ExitStack() as stack:
        found = []
        for number in NUMBERS:
            dsn = databases.dsn(stack.enter_context(databases.fresh(template)))
            with pgq.Client(dsn) as client:
                client.shard_init(number, OWNERS)
                client.shard_spread("bulk")
            found.append(dsn)
        yield found


@pytest.fixture
def shards(dsns: list[str]) -> Iterator[pgq.Shards]:
    with pgq.Shards(dsns) as made:
        yield made


def key_of(shard: int, nth: int = 0) -> str:
    """Return a key, or a queue, of that shard."""
    keys = (f"k{number}" for number in range(1000))
    fits = [key for key in keys if OWNERS[slot_of_key(key)] == shard]
    return fits[nth]


def live(dsns: list[str]) -> list[int]:
    found = []
    for dsn in dsns:
        with pgq.Client(dsn) as client:
            found.append(len(client.list_jobs(page_size=1000).jobs))
    return found


def test_a_job_goes_by_its_queue_and_its_id_tells_where(shards: pgq.Shards) -> None:
    for number in NUMBERS:
        for key in (None, "a", "b"):
            job_id = shards.enqueue("t", queue=key_of(number), unique_key=key)
            assert job_id and job_id % 1024 == number
    assert shards.all_shards().keys() == set(NUMBERS)


@pytest.mark.parametrize("kind", ["unique_key", "concurrency_key", "partition_key"])
def test_a_job_of_a_spread_queue_goes_by_its_key(shards: pgq.Shards, kind: str) -> None:
    for number in NUMBERS:
        job_id = shards.enqueue("t", queue="bulk", **{kind: key_of(number)})  # type: ignore[misc]
        assert job_id and job_id % 1024 == number


def test_a_key_is_taken_once_in_the_whole_fleet(shards: pgq.Shards, dsns: list[str]) -> None:
    with pgq.Shards(dsns[::-1]) as other:
        for nth in range(6):
            options = {"queue": "bulk", "unique_key": f"key {nth}"}
            first = shards.enqueue("t", **options)  # type: ignore[arg-type]
            assert other.enqueue("t", **options) == first  # type: ignore[arg-type]
            jobs = [pgq.NewJob("t", **options)]  # type: ignore[arg-type]
            assert other.enqueue_many(jobs) == [(first, False)]
    assert sum(live(dsns)) == 6


def test_a_key_that_only_a_shard_would_make_is_refused(shards: pgq.Shards) -> None:
    for enqueue in (
        lambda: shards.enqueue("t", queue="bulk", unique_by="args"),
        lambda: shards.enqueue_many([pgq.NewJob("t", queue="bulk", unique_by="args")]),
    ):
        with pytest.raises(pgq.InvalidJob, match="has a unique_by") as caught:
            enqueue()
        assert "pass it as unique_key" in (caught.value.hint or "")
    assert shards.enqueue("t", queue="a", unique_by="args")


def test_jobs_without_a_key_are_spread_evenly(shards: pgq.Shards, dsns: list[str]) -> None:
    shards.enqueue_many(pgq.NewJob("t", queue="bulk") for _ in range(10))
    for _ in range(4):
        shards.enqueue("t", queue="bulk")
    assert live(dsns) == [7, 7]


def test_many_are_answered_in_their_order(shards: pgq.Shards) -> None:
    queues = [key_of(random.choice(NUMBERS), nth % 5) for nth in range(30)]
    args = [{"n": 1.10, "t": "\u00e4\U0001f600", "big": 10**20, "place": n} for n in range(30)]
    jobs = [pgq.NewJob("t", each, queue=queue) for queue, each in zip(queues, args, strict=True)]
    made = shards.enqueue_many(jobs)
    assert all(each.created for each in made)
    for each, queue, wanted in zip(made, queues, args, strict=True):
        assert each.id is not None
        job = shards.job(each.id)
        assert job and (job.queue, job.args) == (queue, wanted)
    assert shards.enqueue_many([]) == []


@pytest.mark.parametrize("wrong", [{"max_attempts": -1}, {"priority": 10**12}])
def test_one_that_is_refused_leaves_none(
    shards: pgq.Shards, dsns: list[str], wrong: dict[str, int]
) -> None:
    jobs = [pgq.NewJob("t", queue=key_of(number)) for number in (1, 2, 1, 2)]
    jobs[2] = jobs[2].changed(**wrong)
    with pytest.raises(pgq.InvalidJob, match=r"^job 3: "):
        shards.enqueue_many(jobs)
    assert live(dsns) == [0, 0]


def test_a_key_that_is_taken_on_one_shard_leaves_none_on_the_others(
    shards: pgq.Shards, dsns: list[str]
) -> None:
    shards.enqueue("t", queue="bulk", unique_key=key_of(2))
    jobs = [
        pgq.NewJob("t", queue="bulk", unique_key=key_of(number), on_conflict="raise")
        for number in NUMBERS
    ]
    with pytest.raises(pgq.UniqueKeyTaken):
        shards.enqueue_many(jobs)
    assert live(dsns) == [0, 1]


def test_a_flow_is_on_one_shard(shards: pgq.Shards, dsns: list[str]) -> None:
    for _ in range(2):
        parents = [pgq.NewJob("parent", queue="bulk") for _ in range(3)]
        child = pgq.NewJob("child", queue="bulk").after(*parents)
        made = shards.enqueue_many([*pgq.flow(child), pgq.NewJob("other", queue="bulk")])
        assert len({each.id % 1024 for each in made[:4] if each.id}) == 1
        keyed = pgq.NewJob("k", queue="bulk", unique_key=key_of(2)).after(made[0].id or 0)
        if made[0].id and made[0].id % 1024 == 2:
            assert shards.enqueue(keyed)
    assert min(live(dsns)) > 0


def test_what_would_be_on_two_shards_is_refused(shards: pgq.Shards, dsns: list[str]) -> None:
    parent = shards.enqueue("t", queue=key_of(1))
    assert parent
    batch = shards.shard(key_of(2)).create_batch()
    assert batch % 1024 == 2
    for options in (
        {"depends_on": [parent], "queue": key_of(2)},
        {"depends_on": [parent], "queue": "bulk", "unique_key": key_of(2)},
        {"depends_on": [parent], "queue": "bulk", "batch_id": batch},
        {"batch_id": batch, "queue": key_of(1)},
    ):
        with pytest.raises(pgq.InvalidJob, match=r"^what it belongs to is on several shards: 1, 2"):
            shards.enqueue("t", **options)  # type: ignore[arg-type]
        jobs = [pgq.NewJob("t", queue=key_of(1)), pgq.NewJob("t", **options)]  # type: ignore[arg-type]
        with pytest.raises(pgq.InvalidJob, match=r"^job 2: what it belongs to"):
            shards.enqueue_many(jobs)
    two = pgq.NewJob("t", queue=key_of(1))
    with pytest.raises(pgq.InvalidJob, match=r"^job 2: what it belongs to"):
        shards.enqueue_many(pgq.flow(pgq.NewJob("t", queue=key_of(2)).after(two)))
    with pytest.raises(pgq.InvalidJob, match="unique_key and the concurrency_key"):
        shards.enqueue("t", queue="bulk", unique_key="a", concurrency_key="b")
    assert live(dsns) == [1, 0]
    assert shards.enqueue("t", queue="bulk", batch_id=batch) or 0 % 1024 == 2


@pytest.mark.slow
def test_calls_by_ids_go_home(shards: pgq.Shards) -> None:
    ids = [shards.enqueue("t", queue=key_of(number), delay=60) or 0 for number in (2, 1, 2)]
    unknown = 1024 * 1000 + 1
    wanted = [*ids[:2], unknown]
    assert [each.outcome for each in shards.run_now(wanted)] == ["promoted"] * 2 + ["not_found"]
    assert [each.job_id for each in shards.reprioritise(wanted, 7)] == wanted
    assert [each.outcome for each in shards.cancel(wanted)] == ["cancelled"] * 2 + ["not_found"]
    assert shards.is_cancelled(ids[0])
    result = shards.result(ids[1])
    assert result and result.state == "cancelled"
    assert [each.state for each in shards.wait(ids[:2], 5)] == ["cancelled"] * 2
    with pytest.raises(pgq.WaitTimeout):
        shards.wait(ids, 0.2)
    retried = shards.retry(ids[0], states=["cancelled"])
    assert [each.outcome for each in retried] == ["retried"]
    assert {each.outcome for each in shards.discard(ids)} == {"discarded"}
    assert shards.job(ids[0]) is None


def move(dsns: list[str], slot: int, old: int, new: int | None) -> None:
    """Let the old owner say so first, then the others."""
    for dsn in (dsns[old - 1], dsns[2 - old]):
        with pgq.Client(dsn) as client:
            client.shard_assign([slot], new)


def test_a_slot_that_has_moved_is_found(shards: pgq.Shards, dsns: list[str]) -> None:
    queue = key_of(1)
    shards.enqueue("t", queue=queue)
    move(dsns, slot_of_key(queue), 1, 2)
    for job_id in (
        shards.enqueue("t", queue=queue),
        shards.enqueue_many([pgq.NewJob("t", queue=queue)])[0].id,
    ):
        assert job_id and job_id % 1024 == 2
    assert live(dsns) == [1, 2]


@pytest.mark.slow
def test_an_enqueue_waits_while_its_slot_moves(dsns: list[str]) -> None:
    queue = key_of(1)
    with pgq.Shards(dsns, patience=15) as shards:
        shards.enqueue("t", queue=queue)
        move(dsns, slot_of_key(queue), 1, None)
        later = threading.Timer(0.4, move, (dsns, slot_of_key(queue), 2, 2))
        later.start()
        began = time.monotonic()
        job_id = shards.enqueue("t", queue=queue)
        assert job_id and job_id % 1024 == 2
        assert time.monotonic() - began > 0.3
        later.join()


@pytest.mark.slow
def test_its_patience_ends(dsns: list[str]) -> None:
    queue = key_of(1)
    move(dsns, slot_of_key(queue), 1, None)
    with pgq.Shards(dsns, patience=0.2) as shards:
        with pytest.raises(pgq.SlotMoved):
            shards.enqueue("t", queue=queue)
        with pytest.raises(pgq.SlotMoved):
            shards.shard(queue)


def test_a_queue_that_was_spread_meanwhile(shards: pgq.Shards, dsns: list[str]) -> None:
    queue = key_of(1)
    assert (shards.enqueue("t", queue=key_of(1, 1)) or 0) % 1024 == 1
    for dsn in dsns:
        with pgq.Client(dsn) as client:
            client.shard_spread(queue)
    assert (shards.enqueue("t", queue=queue, unique_key=key_of(2)) or 0) % 1024 == 2


def test_a_shard_that_is_away_stops_none_of_the_others(dsns: list[str]) -> None:
    """Its queues are refused as psycopg has it; once it was there, its number is known."""
    away = "host=/nonexistent dbname=away"
    with pgq.Shards([dsns[0], away]) as shards:
        assert shards.enqueue("t", queue=key_of(1))
        with pytest.raises(psycopg.OperationalError):
            shards.enqueue("t", queue=key_of(2))
        with pytest.raises(psycopg.OperationalError):
            shards.cancel(1024 + 2)
        assert (shards.enqueue("t", queue="bulk", unique_key=key_of(1)) or 0) % 1024 == 1
        assert shards.all_shards().keys() == {1}
    with pgq.Shards([away]) as nowhere, pytest.raises(psycopg.OperationalError):
        nowhere.enqueue("t")


def test_wrong_databases(dsns: list[str], dsn: str) -> None:
    with pytest.raises(pgq.InvalidArgument, match="at least one DSN"):
        pgq.Shards([])
    with pytest.raises(pgq.InvalidArgument, match="at least one DSN"):
        pgq.Shards(dsns[0])
    with pgq.Shards([dsns[0], dsn]) as shards, pytest.raises(pgq.InvalidArgument, match="no shard"):
        shards.enqueue("t")
    twice = pgq.Shards([dsns[0], dsns[0]])
    with twice as shards, pytest.raises(pgq.InvalidArgument, match="two DSNs are of shard 1"):
        shards.enqueue("t")
    with pgq.Shards(dsns[:1]) as shards, pytest.raises(pgq.InvalidArgument, match="no DSN"):
        shards.enqueue("t", queue=key_of(2))


def test_in_an_event_loop(dsns: list[str]) -> None:
    async def use() -> None:
        async with pgq.AsyncShards(dsns) as shards:
            made = await shards.enqueue_many(
                pgq.NewJob("t", queue=key_of(number)) for number in (1, 2)
            )
            ids = [each.id or 0 for each in made]
            assert [each % 1024 for each in ids] == [1, 2]
            assert (await shards.enqueue("t", queue=key_of(2)) or 0) % 1024 == 2
            assert [each.outcome for each in await shards.cancel(ids)] == ["cancelled"] * 2
            assert [each.state for each in await shards.wait(ids, 5)] == ["cancelled"] * 2
            client = await shards.shard("bulk", unique_key=key_of(1))
            assert await client.create_batch() % 1024 == 1

    asyncio.run(use())


def test_python_and_sql_find_the_same_slot(shards: pgq.Shards) -> None:
    client = shards.all_shards()[1]
    routes = Routes(client.shard_map())
    pick = random.Random(7)
    texts = ["bulk", "mail", "\u00e4\u20ac", "k1", ""]
    for _ in range(60):
        key = pick.choice([None, *texts[1:4]])
        job = {
            "queue": pick.choice([None, *texts[:4]]),
            "unique_key": key,
            "concurrency_key": pick.choice([None, key]),
            "partition_key": pick.choice([None, *texts[1:]]),
        }
        assert client.shard_slot(**job) == routes.slot_of(job), job


def test_who_takes_a_slot_is_who_says_so_itself() -> None:
    """What a shard says of others only counts for those that did not answer."""
    rest = [9] * 1021
    maps = [ShardMap(1, [1, 2, 3, *rest], []), ShardMap(2, [2, 1, 3, *rest], [])]
    routes = Routes(maps)
    assert routes.owners[:4] == [1, None, 3, 9]


def test_a_list_is_cut_as_it_was_written() -> None:
    texts = ['{"a": 1.10}', '{"b": [{"c": "]},"}]}', '{"d": 1e400}']
    for between in (",", ", "):
        cut = list(elements(f"[{between.join(texts)}]"))
        assert [text for _, text in cut] == texts
    assert [found for found, _ in elements("[]")] == []
    assert json.loads(texts[1]) == cut[1][0]
