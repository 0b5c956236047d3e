from __future__ import annotations

import psycopg
import pytest

from tests.sql.calls import enqueue, rows, scalar, value
from tests.sql.shards.conftest import NUMBER, OWNERS


def test_ids_of_jobs_and_batches_tell_the_shard(shard: psycopg.Connection) -> None:
    ids = [enqueue(shard) for _ in range(3)] + [value(shard, "create_batch")]
    assert {each % 1024 for each in ids} == {NUMBER}
    assert ids[:3] == sorted(set(ids[:3]))
    parent = enqueue(shard)
    enqueue(shard, depends_on=[parent])
    assert rows(shard, "verify") == []
    statuses = {row["name"]: row["status"] for row in rows(shard, "health", deep=True)}
    assert statuses["drift"] == "ok"


def test_shard_0_has_no_job_0(conn: psycopg.Connection) -> None:
    value(conn, "shard_init", number=0)
    assert enqueue(conn) == 1024
    assert value(conn, "create_batch") == 1024


def test_without_owners_it_takes_every_slot(conn: psycopg.Connection) -> None:
    value(conn, "shard_init", number=5)
    (known,) = rows(conn, "shard_map")
    assert known == {"number": 5, "owners": [5] * 1024, "spread": []}


@pytest.mark.parametrize("made", ["job", "batch", "shard"])
def test_it_must_be_new(conn: psycopg.Connection, made: str) -> None:
    if made == "shard":
        value(conn, "shard_init", number=5)
    else:
        enqueue(conn) if made == "job" else value(conn, "create_batch")
    with pytest.raises(psycopg.Error, match=r"already|were made here before") as refused:
        value(conn, "shard_init", number=6)
    assert refused.value.sqlstate == "JQ002"
    assert scalar(conn, "select count(*) from pgq.shard where number = 6") == 0


@pytest.mark.parametrize(
    "options",
    [
        {"number": -1},
        {"number": 1024},
        {"number": None},
        {"number": 1, "owners": OWNERS[:-1]},
        {"number": 1, "owners": [*OWNERS[:-1], 1024]},
    ],
)
def test_wrong_numbers(conn: psycopg.Connection, options: dict[str, object]) -> None:
    with pytest.raises(psycopg.Error) as refused:
        value(conn, "shard_init", **options)
    assert refused.value.sqlstate == "JQ002"
