"""A router, as `pgq router sql` makes it: a database with PL/Proxy, and two shards."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

import pgq
from pgq.client.shard_routes import slot_of_key
from pgq.schema.names import Names
from pgq.schema.router import Shard, place_of, router_script
from tests.servers import Databases, install

pytestmark = pytest.mark.slow

OWNERS: list[int | None] = [1 + slot % 2 for slot in range(1024)]
PAGE = Path(__file__).parents[3] / "docs" / "how-to" / "shards.md"
UNREACHABLE = "dbname=gone host=127.0.0.1 port=9"


def queue_of(shard: int, nth: int = 0) -> str:
    names = (f"q{number}" for number in range(1000))
    return [name for name in names if OWNERS[slot_of_key(name)] == shard][nth]


@dataclass
class Router:
    """A session on the router, and where all databases are."""

    conn: psycopg.Connection
    dsn: str
    dsns: list[str]

    def rows(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        return self.conn.execute(query.encode(), values).fetchall()

    def value(self, query: str, *values: Any) -> Any:
        return self.rows(query, *values)[0][0]

    def refused(self, query: str, *values: Any) -> tuple[str | None, str, str]:
        with pytest.raises(psycopg.Error) as caught:
            self.rows(query, *values)
        found = caught.value.diag
        return caught.value.sqlstate, found.message_primary or "", found.message_hint or ""

    def script(self, names: Names | None = None, owners: list[int | None] = OWNERS) -> str:
        with ExitStack() as stack:
            open_ = [stack.enter_context(psycopg.connect(dsn)) for dsn in self.dsns]
            shards = [
                Shard(number, place_of(conn, dsn), f"s{number}")
                for number, (conn, dsn) in enumerate(zip(open_, self.dsns, strict=True), 1)
            ]
            return router_script(open_[0], shards, owners, ["bulk"], names or Names())

    def make(self, **options: Any) -> None:
        self.conn.execute(self.script(**options).encode())

    def move(self, slot: int, to: int | None) -> None:
        for dsn in self.dsns:
            with pgq.Client(dsn) as client:
                client.shard_assign([slot], to)

    def lose(self, shard: int) -> None:
        """Let a shard be where nothing answers."""
        self.conn.execute(f"alter server pgq options (set p{shard - 1} '{UNREACHABLE}')".encode())


@pytest.fixture
def router(databases: Databases, template: str) -> Iterator[Router]:
    """A router to the shards 1, which takes the even slots, and 2; the queue bulk is spread."""
    found = databases.admin().execute("select from pg_available_extensions where name = 'plproxy'")
    if not found.fetchall():
        pytest.skip("this server has no extension plproxy (Debian: postgresql-15-plproxy)")
    with ExitStack() as stack:
        dsns = [databases.dsn(stack.enter_context(databases.fresh(template))) for _ in range(2)]
        for number, dsn in enumerate(dsns, 1):
            with pgq.Client(dsn) as client:
                client.shard_init(number, [each or 0 for each in OWNERS])
                client.shard_spread("bulk")
        dsn = databases.dsn(stack.enter_context(databases.fresh()))
        conn = stack.enter_context(psycopg.connect(dsn, autocommit=True))
        made = Router(conn, dsn, dsns)
        made.make()
        yield made


def test_jobs_go_to_the_shards_of_their_queues_and_keys(router: Router) -> None:
    for number in (1, 2):
        found = router.value("select pgq.enqueue('t', queue => %s)", queue_of(number))
        assert found % 1024 == number
        for kind in ("unique_key", "concurrency_key", "partition_key"):
            query = f"select pgq.enqueue('t', queue => 'bulk', {kind} => %s)"
            assert router.value(query, queue_of(number)) % 1024 == number
    spread = {router.value("select pgq.enqueue('t', queue => 'bulk') %% 1024") for _ in range(40)}
    assert spread == {1, 2}


def test_options_and_values_arrive_as_they_are(router: Router) -> None:
    job = router.value(
        "select pgq.enqueue(task => 't', args => %s::jsonb, priority => 3, delay => '1 hour',"
        ' headers => \'{"a": "$$"}\', max_attempts => 2)',
        '{"n": 123456789012345678901234567890.5, "text": "it\'s $1 \\u00e9"}',
    )
    with pgq.Shards(router.dsns) as shards:
        found = shards.job(job)
    assert found is not None
    assert (found.priority, found.max_attempts, found.state) == (3, 2, "scheduled")
    assert (found.args["text"], found.headers) == ("it's $1 é", {"a": "$$"})
    told = router.value("select args ->> 'n' from pgq.job(%s)", job)
    assert told == "123456789012345678901234567890.5"
    row = router.value("select pgq.enqueue('t', args => row(1, 'b'))")
    assert router.value("select args from pgq.job(%s)", row) == {"f1": 1, "f2": "b"}


def test_a_key_is_taken_for_python_too(router: Router) -> None:
    with pgq.Shards(router.dsns) as shards:
        for nth in range(8):
            first = router.value(
                "select pgq.enqueue('t', queue => 'bulk', unique_key => %s)", str(nth)
            )
            assert shards.enqueue("t", queue="bulk", unique_key=str(nth)) == first


def test_enqueue_many_answers_in_order_and_flows_stay_together(router: Router) -> None:
    queues = [queue_of(1 + place % 2, place) for place in range(20)]
    rows = router.rows(
        "select id %% 1024, created from pgq.enqueue_many(%s)",
        json.dumps([{"task": "t", "queue": queue} for queue in queues]),
    )
    assert rows == [(1 + place % 2, True) for place in range(20)]
    flow = [
        {"task": "t", "queue": "bulk", "ref": "a"},
        {"task": "t", "queue": "bulk"},
        {"task": "t", "queue": "bulk", "depends_on": ["a"], "ref": "b"},
        {"task": "t", "queue": queue_of(2), "depends_on": ["b"]},
    ]
    for _ in range(4):
        ids = [
            row[0] for row in router.rows("select id from pgq.enqueue_many(%s)", json.dumps(flow))
        ]
        assert {ids[0] % 1024, ids[2] % 1024, ids[3] % 1024} == {2}
        assert router.value("select state from pgq.result(%s)", ids[3]) == "blocked"
    assert router.rows("select * from pgq.enqueue_many('[]')") == []


def test_what_would_be_on_two_shards_is_refused(router: Router) -> None:
    parents = [router.value("select pgq.enqueue('t', queue => %s)", queue_of(n)) for n in (1, 2)]
    state, said, hint = router.refused(
        "select pgq.enqueue('t', queue => 'bulk', depends_on => %s)", parents
    )
    assert (state, said) == ("JQ001", "what the job belongs to is on several shards: 1, 2")
    assert "must be on one shard" in hint
    with pgq.Client(router.dsns[0]) as client:
        batch = client.create_batch()
    state, said, _ = router.refused(
        "select pgq.enqueue('t', queue => %s, batch_id => %s)", queue_of(2), batch
    )
    assert (state, said) == ("JQ001", "what the job belongs to is on several shards: 1, 2")
    torn = [
        {"task": "t", "queue": queue_of(1), "ref": "a"},
        {"task": "t", "queue": queue_of(2), "depends_on": ["a"]},
    ]
    state, said, _ = router.refused("select pgq.enqueue_many(%s)", json.dumps(torn))
    assert state == "JQ001" and said.startswith("job 1: what it belongs to is on several shards")
    state, said, _ = router.refused(
        "select pgq.enqueue('t', queue => 'bulk', unique_key => 'a', concurrency_key => 'b')"
    )
    assert state == "JQ001" and "unique_key and the concurrency_key" in said
    by_args = {"task": "t", "queue": "bulk", "unique_by": "args"}
    for call, *given in (
        ("select pgq.enqueue('t', queue => 'bulk', unique_by => 'args')",),
        ("select pgq.enqueue_many(%s)", json.dumps([by_args])),
    ):
        state, said, hint = router.refused(call, *given)
        assert state == "JQ001" and "has a unique_by" in said and "as unique_key" in hint
    assert router.value("select pgq.enqueue('t', queue => 'a', unique_by => 'args')")


def test_errors_are_those_of_a_shard(router: Router) -> None:
    calls = (
        "pgq.enqueue('')",
        "pgq.enqueue('t', delay => '-1 s')",
        "pgq.enqueue('t', args => '{')",
        "pgq.enqueue('t', args => '{\"a\": \"\\u0000\"}')",
        "pgq.enqueue_many('{}')",
        "pgq.enqueue_many('[1]')",
        'pgq.enqueue_many(\'[{"task": "t", "no": 1}]\')',
        'pgq.enqueue_many(\'[{"task": "t"}, {"task": "t", "priority": "x"}]\')',
        "pgq.reprioritise('{1}', 99999999999)",
        "pgq.retry('{1}', at => 'infinity')",
        "pgq.count_jobs('q', states => '{none}')",
    )
    with psycopg.connect(router.dsns[0], autocommit=True) as shard:
        for call in calls:
            with pytest.raises(psycopg.Error) as caught:
                shard.execute(f"select {call}".encode())
            found = caught.value.diag
            assert router.refused(f"select {call}") == (
                caught.value.sqlstate, found.message_primary, found.message_hint or ""
            )  # fmt: skip


def test_a_bad_job_leaves_none_and_is_named_by_its_place(router: Router) -> None:
    jobs: list[dict[str, Any]] = [{"task": "t", "queue": queue_of(1 + n % 2)} for n in range(5)]
    bad = [*jobs, {"task": ""}]
    assert router.refused("select pgq.enqueue_many(%s)", json.dumps(bad))[1] == (
        "job 6: task is empty"
    )
    assert router.value("select sum(ready) from pgq.queue_stats") is None
    # What only a shard knows comes too late for the others, and the hint says so.
    bad = [*jobs, {"task": "t", "queue": queue_of(2), "args": {"x": "y" * 1100000}}]
    _, said, hint = router.refused("select pgq.enqueue_many(%s)", json.dumps(bad))
    assert said.startswith("job 6: args take")
    assert hint.endswith("3 jobs of this call are on other shards already.")


def test_calls_by_ids_go_home(router: Router) -> None:
    ids = [router.value("select pgq.enqueue('t', queue => %s)", queue_of(n)) for n in (1, 2, 1)]
    unknown = 1024 * 99 + 1
    assert sorted(router.rows("select * from pgq.cancel(%s)", [*ids, unknown])) == sorted(
        [*((job, "cancelled") for job in ids), (unknown, "not_found")]
    )
    assert router.value("select pgq.is_cancelled(%s)", ids[1]) is True
    assert {row[1] for row in router.rows("select * from pgq.retry(ids => %s)", ids)} == {"retried"}
    assert router.rows("select id, queue from pgq.job(%s)", ids[1]) == [(ids[1], queue_of(2))]
    assert {row[1] for row in router.rows("select * from pgq.discard(%s)", ids)} == {"discarded"}
    assert router.rows("select * from pgq.result(%s)", ids[0]) == []
    for nothing in ("pgq.cancel(null)", "pgq.cancel('{}')", "pgq.result(null)", "pgq.job(null)"):
        assert router.rows(f"select * from {nothing}") == []
    state, said, _ = router.refused("select pgq.cancel('{7}')")
    assert (state, said) == ("JQ002", "this router does not know shard 7")


def test_views_and_counts_are_of_all_shards(router: Router) -> None:
    for number in (1, 2):
        router.value("select pgq.enqueue('t', queue => %s)", queue_of(number))
    assert router.rows("select shard, queue, ready from pgq.queue_stats order by 1") == [
        (1, queue_of(1), 1), (2, queue_of(2), 1),
    ]  # fmt: skip
    counted = router.rows("select shard, state, jobs from pgq.count_jobs(%s)", queue_of(2))
    assert counted == [(2, "ready", 1)]
    assert {row[0] for row in router.rows("select shard from pgq.health()")} == {1, 2}
    for view in ("queue_settings", "worker_status", "schedule_status"):
        assert router.rows(f"select * from pgq.{view}") == []


def test_a_shard_that_is_down_is_a_row_and_08006(router: Router) -> None:
    router.lose(2)
    assert router.rows("select shard, is_current, no_answer is null from pgq.shards") == [
        (1, True, True), (2, None, False),
    ]  # fmt: skip
    (row,) = router.rows("select shard, queue, no_answer from pgq.queue_stats")
    assert row[:2] == (2, None) and "Connection refused" in row[2]
    assert not row[2].startswith("PL/Proxy")
    assert router.value("select pgq.enqueue('t', queue => %s)", queue_of(1)) % 1024 == 1
    for call in (
        "pgq.cancel('{2}')",
        "pgq.result(2)",
        f"pgq.enqueue('t', queue => '{queue_of(2)}')",
    ):
        state, said, _ = router.refused(f"select {call}")
        assert state == "08006" and said.startswith("shard 2 does not answer: ")
    both = [{"task": "t", "queue": queue_of(n)} for n in (1, 1, 2)]
    assert router.refused("select pgq.enqueue_many(%s)", json.dumps(both))[0] == "08006"
    assert router.value("select sum(ready) from pgq.queue_stats") == 1
    router.make()
    assert router.value("select pgq.enqueue('t', queue => %s)", queue_of(2)) % 1024 == 2


def test_a_moved_slot_is_found_and_one_that_moves_says_so(router: Router) -> None:
    queue = queue_of(1)
    slot = slot_of_key(queue)
    router.move(slot, None)
    many = json.dumps([{"task": "t", "queue": each} for each in (queue, queue_of(2))])
    state, _, hint = router.refused("select pgq.enqueue('t', queue => %s)", queue)
    assert state == "JQ009" and "pgq router sql" in hint
    state, said, _ = router.refused("select pgq.enqueue_many(%s)", many)
    assert state == "JQ009" and said.endswith("0 of 2 jobs were added")

    router.move(slot, 2)
    assert router.value("select pgq.enqueue('t', queue => %s)", queue) % 1024 == 2
    rows = router.rows("select id %% 1024 from pgq.enqueue_many(%s)", many)
    assert rows == [(2,), (2,)]
    assert router.rows("select distinct is_current from pgq.shards") == [(False,)]
    assert router.value("select pgq.refresh_shards()") == 1
    assert router.rows("select distinct is_current from pgq.shards") == [(True,)]
    assert router.rows("select slots from pgq.shards") == [(511,), (513,)]


def test_it_can_be_made_again_at_any_time(router: Router) -> None:
    owners = [*OWNERS]
    owners[slot_of_key(queue_of(1))] = 2
    router.conn.execute("create view of_mine as select shard, ready from pgq.queue_stats")
    router.make(owners=owners)
    assert router.rows("select slots from pgq.shards") == [(511,), (513,)]
    assert router.rows("select * from of_mine") == []
    # That of another release has other functions, and is made anew.
    router.conn.execute("update pgq.router set made_by = 'another'")
    router.make()
    assert router.rows("select slots from pgq.shards") == [(512,), (512,)]


def test_a_login_has_on_the_router_and_on_shards_what_its_role_has(router: Router) -> None:
    router.conn.execute("drop role if exists pgq_test_app")
    router.conn.execute("create role pgq_test_app login")
    try:
        router.conn.execute("grant pgq_producer to pgq_test_app")
        with psycopg.connect(router.dsn, user="pgq_test_app", autocommit=True) as app:
            own = Router(app, router.dsn, router.dsns)
            assert own.value("select pgq.enqueue('t', queue => %s)", queue_of(2)) % 1024 == 2
            many = json.dumps([{"task": "t", "queue": queue_of(n)} for n in (1, 2)])
            assert len(own.rows("select * from pgq.enqueue_many(%s)", many)) == 2
            for query in ("select pgq.cancel('{1}')", "select * from pgq.queue_stats"):
                assert own.refused(query)[0] == "42501"
            for query in ("update pgq.fleet set spread = '{}'", "select pgq.refresh_shards()"):
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    app.execute(query.encode())
    finally:
        router.conn.execute("drop role pgq_test_app")


def test_it_refuses_a_database_with_a_queue_or_another_schema_pgq(
    router: Router, databases: Databases
) -> None:
    script = router.script().encode()
    with (
        psycopg.connect(router.dsns[0], autocommit=True) as shard,
        pytest.raises(psycopg.Error, match="it is no router"),
    ):
        shard.execute(script)
    with databases.fresh() as name, psycopg.connect(databases.dsn(name), autocommit=True) as other:
        other.execute("create schema pgq; create table pgq.mine ()")
        with pytest.raises(psycopg.Error, match="is not a router's"):
            other.execute(script)


def test_another_schema_and_prefix(router: Router, databases: Databases) -> None:
    with ExitStack() as stack:
        shard = databases.dsn(stack.enter_context(databases.fresh()))
        install(shard, "acme queue")
        with pgq.Client(shard, schema="acme queue") as client:
            client.shard_init(5)
        conn = stack.enter_context(psycopg.connect(shard))
        names = Names("acme queue")
        place = Shard(5, place_of(conn, shard), "pgq.example")
        script = router_script(conn, [place], [5] * 1024, [], names)
        dsn = databases.dsn(stack.enter_context(databases.fresh()))
        other = stack.enter_context(psycopg.connect(dsn, autocommit=True))
        other.execute(script.encode())
        (job,) = other.execute("""select "acme queue".enqueue('t')""").fetchone() or (0,)
        assert job % 1024 == 5
        shards = other.execute("""select shard, database, no_answer from "acme queue".shards""")
        assert shards.fetchall() == [(5, "pgq.example", None)]


def test_the_script_has_no_passwords(router: Router) -> None:
    with psycopg.connect(router.dsns[0]) as conn:
        dsn = make_conninfo(router.dsns[0], user="me", password="secret", connect_timeout=3)
        place = place_of(conn, dsn)
    assert "secret" not in place and "user" not in place
    assert "connect_timeout=3" in place and "dbname=pgq_test" in place


def test_the_page_says_what_can_be_run(router: Router) -> None:
    section = (
        PAGE.read_text().partition("## Call shards from any language")[2].partition("\n## ")[0]
    )
    (block,) = [each for each in section.split("```")[1::2] if each.startswith("text\nselect")]
    for statement in block.removeprefix("text\n").strip().split(";\n"):
        assert router.rows(statement.replace("%", "%%"))
