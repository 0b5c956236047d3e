from __future__ import annotations

import psycopg
import pytest

from tests.conftest import Connect
from tests.sql.calls import value
from tests.sql.shards.conftest import NUMBER


def test_it_answers_the_number_for_slots_of_its_own(shard: psycopg.Connection) -> None:
    assert value(shard, "shard_check", slots=[0, 2, 1022]) == NUMBER
    assert value(shard, "shard_check", slots=[]) == NUMBER


@pytest.mark.parametrize("slots", [[1], [0, 1], [4]])
def test_it_refuses_slots_of_others_and_those_that_move(
    shard: psycopg.Connection, slots: list[int]
) -> None:
    value(shard, "shard_assign", slots=[4], owner=None)
    with pytest.raises(psycopg.Error, match="shard 7 does not take these jobs") as refused:
        value(shard, "shard_check", slots=slots)
    assert refused.value.sqlstate == "JQ009"


def test_it_refuses_who_does_not_know_which_queues_are_spread(shard: psycopg.Connection) -> None:
    value(shard, "shard_spread", queue="bulk")
    assert value(shard, "shard_check", slots=[], spread=["bulk"], whole=["mail"]) == NUMBER
    for wrong in ({"spread": ["mail"]}, {"whole": ["bulk"]}):
        with pytest.raises(psycopg.Error) as refused:
            value(shard, "shard_check", slots=[], **wrong)
        assert refused.value.sqlstate == "JQ009"


def test_a_database_of_its_own_is_no_shard(conn: psycopg.Connection) -> None:
    with pytest.raises(psycopg.Error, match="no shard") as refused:
        value(conn, "shard_check", slots=[0])
    assert refused.value.sqlstate == "JQ002"


def test_no_slot_leaves_before_the_transaction_has_ended(
    shard: psycopg.Connection, connect: Connect
) -> None:
    """One that changes the table waits for those that enqueue by it, and those after it for it."""
    enqueuing = connect(autocommit=False)
    value(enqueuing, "shard_check", slots=[0])
    shard.execute("set lock_timeout = '50ms'")
    with pytest.raises(psycopg.errors.LockNotAvailable):
        value(shard, "shard_assign", slots=[0], owner=8)
    value(connect(), "shard_check", slots=[0])
    enqueuing.commit()
    assert value(shard, "shard_assign", slots=[0], owner=8) == 1
    with pytest.raises(psycopg.Error) as refused:
        value(enqueuing, "shard_check", slots=[0])
    assert refused.value.sqlstate == "JQ009"
