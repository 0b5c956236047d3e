"""The commands about topics."""

from __future__ import annotations

import pytest

from pgq.reports import Published, Subscription
from tests.cli.conftest import Pgq


@pytest.mark.slow
def test_from_a_subscription_to_a_job(pgq: Pgq) -> None:
    assert "0 jobs" in pgq("topic", "publish", "orders.paid").stdout
    assert "no subscriptions" in pgq("topic", "list").stdout
    said = pgq("topic", "subscribe", "orders.*", "index", "--queue", "q", "--priority", 3)
    assert said.stdout == "index of orders.*: added\n"
    given = ("orders.paid", "receipt", "--filter", '{"total": 5}', "--delay", "1h", "--name", "r")
    answer = pgq.json("topic", "subscribe", *given)
    assert answer == {"topic": "orders.paid", "name": "r", "change": "added"}
    shown = pgq("topic", "list").stdout
    assert "receipt" in shown and '"total"' in shown and '"1 hour"' not in shown.splitlines()[0]
    (one,) = pgq.json("topic", "list", "orders.paid")
    assert tuple(one) == Subscription._fields
    made = pgq.json("topic", "publish", "orders.paid", '{"total": 5}', "--unique-key", "k")
    assert [each["subscription"] for each in made] == ["index", "r"]
    assert tuple(made[0]) == Published._fields
    again = pgq("topic", "publish", "orders.paid", "-", "--unique-key", "k", stdin='{"total": 5}')
    assert str(made[1]["id"]) in again.stdout and "no" in again.stdout
    assert pgq.json("job", made[1]["id"])["state"] == "scheduled"


@pytest.mark.slow
def test_what_is_not_there(pgq: Pgq) -> None:
    assert "is no subscription" in pgq("topic", "unsubscribe", "t", "a", code=1).stdout
    pgq("topic", "subscribe", "t", "a")
    assert pgq.json("topic", "unsubscribe", "t", "a")["unsubscribed"] is True
    assert "has a star" in pgq("topic", "publish", "t.*", code=2).stderr
    assert "--queue" in pgq("topic", "publish", "t", "--queue", "q", code=2).stderr
