"""Commands about a fleet of shards: made, shown, spread, checked, and slots that move."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

import pgq as package
from pgq.client.shard_routes import slot_of_key
from tests.cli.conftest import Pgq, eventually
from tests.servers import Databases


@pytest.fixture
def dsns(databases: Databases, template: str, clean_environment: None) -> Iterator[list[str]]:
    """Three databases, two of which are the shards 1 and 2."""
    with ExitStack() as stack:
        names = [stack.enter_context(databases.fresh(template)) for _ in range(3)]
        found = [databases.dsn(name) for name in names]
        for number, dsn in enumerate(found[:2], 1):
            with package.Client(dsn) as client:
                client.shard_init(number, [1] * 512 + [2] * 512)
        yield found


def named(dsns: list[str]) -> list[str]:
    return [part for dsn in dsns for part in ("--dsn", dsn)]


def queue_of(shard: int) -> str:
    names = (f"q{number}" for number in range(100))
    return next(name for name in names if slot_of_key(name) // 512 + 1 == shard)


def test_new_databases_become_shards(nowhere: Pgq, dsns: list[str], databases: Databases) -> None:
    (third,) = dsns[2:]
    (only,) = nowhere.json("shard", "init", "--first", "5", "--dsn", third)
    assert (only["number"], only["slots"], only["moving"], only["spread"]) == (5, 1024, 0, [])
    said = nowhere("shard", "init", "--dsn", third, code=1).stderr
    assert "is shard 5 already" in said
    listed = nowhere("shard", "list", *named(dsns[:2])).stdout.splitlines()
    assert [line.split()[0] for line in listed] == ["number", "1", "2"]


@pytest.mark.slow
def test_one_more_takes_slots_when_they_have_drained(nowhere: Pgq, dsns: list[str]) -> None:
    nowhere("shard", "spread", "bulk", *named(dsns[:2]))
    added = nowhere.json("shard", "add", *named(dsns))
    assert [(each["number"], each["slots"]) for each in added] == [(1, 512), (2, 512), (3, 0)]
    assert added[2]["spread"] == ["bulk"]
    moved = nowhere.json("shard", "move", "--slots", "256", "--to", "3", *named(dsns))
    assert (len(moved["moved"]), moved["kept"]) == (256, [])
    listed = nowhere.json("shard", "list", *named(dsns))
    assert [each["slots"] for each in listed] == [384, 384, 256]
    assert nowhere("shard", "verify", *named(dsns)).stdout.startswith("all 1024 slots")


@pytest.mark.slow
def test_a_queue_moves_without_two_owners_of_a_key(nowhere: Pgq, dsns: list[str]) -> None:
    """Jobs that wait keep the slot where it is; an enqueue meanwhile waits for the new shard."""
    queue, both = queue_of(1), named(dsns[:2])
    with package.Shards(dsns[:2], patience=20) as shards:
        old = shards.enqueue("t", queue=queue, unique_key="k") or 0
        kept = nowhere(
            "shard", "move", "--queue", queue, "--to", "2", "--within", "0.1s", *both, code=1
        )
        assert "1 slots did not drain in time" in kept.stderr
        assert shards.enqueue("t", queue=queue, unique_key="k") == old

        moving = threading.Thread(
            target=nowhere, args=("shard", "move", "--queue", queue, "--to", "2", *both)
        )
        moving.start()
        client = shards.all_shards()[1]
        eventually(lambda: None in client.shard_map()[0].owners)
        threading.Timer(0.3, shards.cancel, ([old],)).start()
        new = shards.enqueue("t", queue=queue, unique_key="k") or 0
        moving.join()
        assert (old % 1024, new % 1024) == (1, 2)
    assert nowhere.json("shard", "verify", *both) == []


def test_verify_finds_what_is_wrong(nowhere: Pgq, dsns: list[str]) -> None:
    both = named(dsns[:2])
    queue = queue_of(1)
    slot = slot_of_key(queue)
    with package.Client(dsns[0]) as one, package.Client(dsns[1]) as two:
        two.enqueue("t", queue=queue)
        (stray,) = nowhere.json("shard", "verify", *both, code=1)
        assert f"has of slot {slot}, which it does not take: 1 jobs" in stray
        two.shard_assign([slot], 2)
        assert f"the shards 1, 2 all take slot {slot}" in nowhere.json(
            "shard", "verify", *both, code=1
        )
        one.shard_assign([slot])
        two.shard_assign([slot])
        one.shard_spread("bulk")
        found = nowhere("shard", "verify", *both, code=1).stdout.splitlines()
        assert f"nobody takes slot {slot}" in found
        assert "the shards differ in which queues are spread" in found[0]


def test_what_makes_no_sense(nowhere: Pgq, dsns: list[str]) -> None:
    both = named(dsns[:2])
    for options, said in (
        (("move", "--to", "9", "--slots", "1", *both), "there is no shard 9"),
        (("move", "--to", "2", *both), "say which slots"),
        (("move", "--to", "2", "--slots", "600", *both), "the other shards take 512 slots"),
        (("list", "--dsn", dsns[0]), "the shards 2 are not named"),
        (("add", *both), "0 of these databases are no shards yet"),
    ):
        assert said in nowhere("shard", *options, code=2).stderr
    assert "is no shard" in nowhere("shard", "list", *named(dsns), code=1).stderr
    assert "no owner here" in nowhere("shard", "add", *named(dsns[1:]), code=1).stderr
    nowhere("shard", "spread", "bulk", *both)
    said = nowhere("shard", "move", "--queue", "bulk", "--to", "2", *both, code=2).stderr
    assert "bulk is spread" in said
    assert nowhere.json("shard", "spread", "bulk", "--off", *both) == {
        "queue": "bulk",
        "spread": False,
    }
