from __future__ import annotations

import psycopg
import pytest

from tests.sql.calls import rows, value


def test_it_changes_the_owner_and_says_how_many_were_others(shard: psycopg.Connection) -> None:
    assert value(shard, "shard_assign", slots=[0, 1, 2], owner=8) == 2
    (known,) = rows(shard, "shard_map")
    assert known["owners"][:4] == [8, 8, 8, 8]
    assert value(shard, "shard_assign", slots=[0, 1], owner=None) == 2
    assert rows(shard, "shard_map")[0]["owners"][:3] == [None, None, 8]


@pytest.mark.parametrize(
    "options", [{"slots": [1024]}, {"slots": [-1]}, {"slots": [1], "owner": -1}]
)
def test_wrong_numbers(shard: psycopg.Connection, options: dict[str, object]) -> None:
    with pytest.raises(psycopg.Error) as refused:
        value(shard, "shard_assign", **options)
    assert refused.value.sqlstate == "JQ002"


def test_a_database_of_its_own_has_no_slots(conn: psycopg.Connection) -> None:
    with pytest.raises(psycopg.Error, match="no shard"):
        value(conn, "shard_assign", slots=[1], owner=1)


def test_what_operators_change_is_noted(shard: psycopg.Connection) -> None:
    value(shard, "shard_assign", slots=[0, 2], owner=8)
    value(shard, "shard_assign", slots=[0, 2], owner=8)
    value(shard, "shard_spread", queue="bulk")
    query = "select action, target, affected, options from pgq.audit order by id"
    assert shard.execute(query).fetchall() == [
        ("shard_init", "shard 7", None, None),
        ("shard_assign", "shard 8", 2, None),
        ("shard_spread", "bulk", None, {"spread": True}),
    ]
