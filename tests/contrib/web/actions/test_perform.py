from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from psycopg import sql
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import Forbidden

import pgq
from pgq.contrib.web.access import ALL, RIGHTS, Access, rights
from pgq.contrib.web.actions import ACTIONS
from pgq.contrib.web.actions.action import Done, Form
from pgq.contrib.web.actions.bulk import right_of
from pgq.contrib.web.actions.perform import Operator, perform
from tests.contrib.web.actions.world import MINE, OTHERS, SENT, World

ANN = Access("ann", ALL)


def form(**values: Any) -> Form:
    sent: MultiDict[str, str] = MultiDict()
    for name, value in values.items():
        for each in value if isinstance(value, list) else [value]:
            sent.add(name, str(each))
    return Form(sent)


@pytest.fixture
def world(client: pgq.Client) -> World:
    return World(client)


@pytest.fixture
def operator(dsn: str) -> Operator:
    return Operator(dsn, "pgq")


@pytest.fixture
def do(operator: Operator) -> Any:
    def done(action: str, access: Access = ANN, **values: Any) -> Done:
        found = perform(ACTIONS[action], form(confirmed=1, **values), access, operator)
        assert isinstance(found, Done)
        return found

    return done


def trace(conn: psycopg.Connection) -> list[Any]:
    """Return what every table that an action may change holds."""
    tables = conn.execute(
        "select relname from pg_class where relnamespace = 'pgq'::regnamespace"
        " and relkind in ('r', 'p') order by relname"
    ).fetchall()
    each = [
        sql.SQL(
            "select {}, md5(coalesce(string_agg(r::text, '|' order by r::text), '')) from {} r"
        ).format(sql.Literal(name), sql.Identifier("pgq", name))
        for (name,) in tables
    ]
    return sorted(conn.execute(sql.SQL(" union all ").join(each)).fetchall())


def levels(right: str) -> Iterator[tuple[str, Access, bool, bool]]:
    """Yield a name, an access, and whether it may act on one's own queue, and on another's."""
    others = frozenset(RIGHTS) - {right} if right != "view" else frozenset({"view"})
    yield "only reads", Access("eve"), False, False
    yield "all other rights", Access("eve", others), False, False
    yield "this right", Access("ann", rights([right])), True, True
    yield "all rights", Access("ann", ALL), True, True
    yield "this right, own queue", Access("ann", rights([right]), (MINE,)), True, False
    yield "all rights, own queue", Access("ann", ALL, (f"{MINE}*",)), True, False
    yield "all rights, no queue", Access("eve", ALL, ()), False, False


def test_each_action_can_be_tried() -> None:
    assert SENT.keys() == ACTIONS.keys()


@pytest.mark.parametrize("name", ACTIONS)
@pytest.mark.parametrize("queue", [MINE, OTHERS])
def test_each_action_at_each_level_of_access(
    name: str, queue: str, world: World, operator: Operator, conn: psycopg.Connection
) -> None:
    action = ACTIONS[name]
    right = right_of("retry") if name == "bulk_stop" else action.right
    for level, access, mine, others in levels(right):
        is_let = mine if queue == MINE else others
        if not action.own_queues:
            is_let = is_let and access.queues is None
        sent = form(confirmed=1, **SENT[name](world, queue))
        before = trace(conn)
        if not is_let:
            with pytest.raises(Forbidden):
                perform(action, sent, access, operator)
            assert trace(conn) == before, level
            continue
        assert isinstance(perform(action, sent, access, operator), Done), level
        row = conn.execute("select actor from pgq.audit order by id desc limit 1").fetchone()
        if action.login == "operator" and name != "resume_schedule":
            assert row == (access.user,), level
