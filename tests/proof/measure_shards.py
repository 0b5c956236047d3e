"""Measure a fleet beside one database: python -m tests.proof.measure_shards. Judges nothing.

Calls, enqueue_many and a drain, on one database, on two shards by pgq.Shards, and on the same two
by a router, where the server has PL/Proxy. All databases are on one temporary server and take
turns, so only the ratios say something: they show what routing costs, and not what a second machine
gains. Takes about a minute.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from statistics import median
from typing import Any, Final

import psycopg

import pgq
from pgq import embedded
from pgq.client.shard_routes import slot_of_key
from pgq.schema.names import Names
from pgq.schema.router import Shard, place_of, router_script
from tests.servers import SETTINGS, Databases, find_targets, install

ROUNDS: Final = 7
CALLS: Final = 100
JOBS: Final = 1000
BATCH: Final = 100
OWNERS: Final[list[int | None]] = [1 + slot % 2 for slot in range(1024)]

Call = Callable[[], object]


def queues(shard: int | None, count: int) -> list[str]:
    """Return names of queues: of one shard, or of both in turn."""
    names = (f"q{number}" for number in range(100_000))
    found: list[str] = []
    for name in names:
        wanted = shard or 1 + len(found) % 2
        if OWNERS[slot_of_key(name)] == wanted:
            found.append(name)
        if len(found) == count:
            break
    return found


def drain(sessions: list[psycopg.Connection]) -> None:
    """Claim and complete all jobs, a hundred at a time, on each database in turn."""
    left = [*sessions]
    while left:
        for session in [*left]:
            claims = session.execute(
                "select job_id, claim_id from pgq.claim_batch('{*}', null, %s)", (BATCH,)
            ).fetchall()
            if not claims:
                left.remove(session)
                continue
            ids, claim_ids = ([row[place] for row in claims] for place in (0, 1))
            session.execute("select count(*) from pgq.complete_batch(%s, %s)", (ids, claim_ids))


def measured(ways: dict[str, Call]) -> dict[str, float]:
    """Return milliseconds of each way, the median of some rounds in which they take turns."""
    spent: dict[str, list[float]] = {name: [] for name in ways}
    for number in range(ROUNDS + 1):
        for name, call in ways.items():
            began = time.perf_counter()
            call()
            if number:  # the first opens connections and makes plans
                spent[name].append(1000 * (time.perf_counter() - began))
    return {name: median(found) for name, found in spent.items()}


def tell(what: str, found: dict[str, float], per: int = 1) -> None:
    base = found["one database"]
    told = [f"{name} {ms / per:.2f} ms ({ms / base:.1f})" for name, ms in found.items()]
    print(f"{what:44}{'   '.join(told)}")


def make_router(conn: psycopg.Connection, dsns: list[str]) -> None:
    with ExitStack() as stack:
        open_ = [stack.enter_context(psycopg.connect(dsn)) for dsn in dsns]
        shards = [
            Shard(number, place_of(each, dsn), f"s{number}")
            for number, (each, dsn) in enumerate(zip(open_, dsns, strict=True), 1)
        ]
        conn.execute(router_script(open_[0], shards, OWNERS, ["bulk"], Names()).encode())


def main() -> None:
    with ExitStack() as stack:
        target = min(find_targets(), key=lambda each: each.major)  # the one that may have PL/Proxy
        server = stack.enter_context(
            embedded.start(None, bindir=target.bindir, settings={**SETTINGS, "fsync": "on"})
        )
        databases = Databases(server)
        dsns = [databases.dsn(stack.enter_context(databases.fresh())) for _ in range(3)]
        for dsn in dsns:
            install(dsn)
        for number, dsn in enumerate(dsns[1:], 1):
            with pgq.Client(dsn) as client:
                client.shard_init(number, [each or 0 for each in OWNERS])
                client.shard_spread("bulk")
        sessions = [stack.enter_context(psycopg.connect(dsn, autocommit=True)) for dsn in dsns]
        one = stack.enter_context(pgq.Client(dsns[0]))
        shards = stack.enter_context(pgq.Shards(dsns[1:]))
        session: psycopg.Connection | None = None
        admin = databases.admin()
        if admin.execute("select from pg_available_extensions where name = 'plproxy'").fetchall():
            dsn = databases.dsn(stack.enter_context(databases.fresh()))
            session = stack.enter_context(psycopg.connect(dsn, autocommit=True))
            make_router(session, dsns[1:])
        print(f"Postgres {target.version}; in brackets: times that of one database")
        compare(one, shards, session, sessions)


def compare(
    one: pgq.Client,
    shards: pgq.Shards,
    router: psycopg.Connection | None,
    sessions: list[psycopg.Connection],
) -> None:
    def ways(
        direct: Call, fleet: Call, query: str, *values: Any, times: int = 1
    ) -> dict[str, Call]:
        found = {"one database": direct, "pgq.Shards": fleet}
        if router is not None:

            def routed() -> None:
                for _ in range(times):
                    router.execute(query.encode(), values).fetchall()

            found["router"] = routed
        return found

    (queue,) = queues(1, 1)
    tell(
        "enqueue",
        measured(
            ways(
                lambda: [one.enqueue("t", queue=queue) for _ in range(CALLS)],
                lambda: [shards.enqueue("t", queue=queue) for _ in range(CALLS)],
                "select pgq.enqueue('t', queue => %s)",
                queue,
                times=CALLS,
            )
        ),
        CALLS,
    )
    for what, shard in (("all on one shard", 1), ("on two shards", None)):
        names = queues(shard, 10)
        jobs = [pgq.NewJob("t", {}, queue=names[place % 10]) for place in range(JOBS)]
        text = json.dumps([{"task": "t", "queue": names[place % 10]} for place in range(JOBS)])
        tell(
            f"enqueue_many of {JOBS}, {what}",
            measured(
                ways(
                    partial(one.enqueue_many, jobs),
                    partial(shards.enqueue_many, jobs),
                    "select * from pgq.enqueue_many(%s)",
                    text,
                )
            ),
        )
    ids = [*range(1, 1025 * 10, 512)]
    tell(
        "result of 20 jobs, one by one",
        measured(
            ways(
                lambda: [one.result(each) for each in ids[:20]],
                lambda: [shards.result(1 + each % 2) for each in ids[:20]],
                "select * from pgq.result(1)",
                times=20,
            )
        ),
        20,
    )
    drain(sessions)
    spent: dict[str, list[float]] = {"one database": [], "two shards": []}
    names = queues(None, 10)
    jobs = [pgq.NewJob("t", {}, queue=names[place % 10]) for place in range(2 * JOBS)]
    for _ in range(ROUNDS):
        one.enqueue_many(jobs)
        shards.enqueue_many(jobs)
        for name, those in (("one database", sessions[:1]), ("two shards", sessions[1:])):
            began = time.perf_counter()
            drain(those)
            spent[name].append(1000 * (time.perf_counter() - began))
    tell(f"drain of {2 * JOBS}, by one process", {name: median(ms) for name, ms in spent.items()})


if __name__ == "__main__":
    main()
