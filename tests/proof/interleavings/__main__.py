"""Run open transactions in every order: python -m tests.proof.interleavings [--rounds 10000].

A round has two or three sessions. Each has an open transaction with a call of any kind, about the
same few jobs; the calls and the ends of the transactions come in a random order, a quarter of the
ends is a rollback. A call that waits for a lock is left waiting, and another session goes on. After
each commit the ledger compares what was answered with the tables, and after each round verify()
must find nothing. 150 rounds are an episode, with a database of its own: at its end every job must
be able to end.

Exits 1 after any of this, a deadlock, or an error that is not one of ours, and prints what was
called, in order. --seed and --episodes 1 call it again. In a tenth of the rounds transactions have
several calls; these may deadlock, as the docs say, and such deadlocks are only counted.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from typing import Any, Final
from unittest import mock

import psycopg
from psycopg import IsolationLevel, sql
from psycopg.conninfo import make_conninfo

from pgq import embedded
from tests.proof.chaos_semaphores import FORGOTTEN
from tests.proof.interleavings.calls import Call, Chooser, call
from tests.proof.interleavings.ledger import LOOK, Ledger, Seen
from tests.proof.interleavings.sessions import Session, first_ended, is_bad
from tests.servers import SETTINGS, install, memory_folder

ROUNDS: Final = 150  # of an episode
CROWD: Final = 40  # jobs, above which some are ended before a round
ON_EXHAUSTED: Final = "letter"
# A clock that stands still while transactions are open, so that a seed tells all that happens.
CLOCK: Final = """
    create table public.clock as select clock_timestamp() as at;
    create or replace function pgq._now() returns timestamptz language sql stable
    set search_path = pg_catalog, pg_temp as 'select at from public.clock'
"""
# What lets every job end: nothing holds it back any more, and what failed is deleted.
OPEN: Final = (
    "select pgq.resume_queue('a'), pgq.resume_queue('b'), pgq.resume_semaphore('one')",
    "select pgq.configure_queue('b', max_running => -1)",
    "select pgq.unschedule(name) from pgq.schedules",
    "select pgq.deregister_worker(id) from pgq.workers",
    "select pgq.close_batch(id) from pgq.batches where closed_at is null",
)
WORK: Final = (
    "select pgq.rescue_lost_workers() union all select count(*) from pgq.maintain()",
    "select * from pgq.promote_due()",
    "select * from pgq.discard(array(select id from pgq.job_history where state <> 'succeeded'))",
    "select pgq.release_semaphore(key) from unnest('{one,two,line}'::text[]) as key",
)


class Episode:
    """Rounds in one database, and what came of them."""

    def __init__(self, dsn: str, seed: int, only: tuple[str, ...]) -> None:
        self.dsn = dsn
        self.draw = random.Random(seed)
        self.ledger = Ledger()
        self.chooser = Chooser(self.draw, self.ledger, only)
        self.counts = Counter[str]()
        self.story: list[str] = []
        self.admin = psycopg.connect(dsn, autocommit=True)
        self.admin.execute("select setseed(0.5)")
        self.sessions: list[Session] = []

    async def run(self, rounds: int) -> bool:
        """Play the rounds; tell whether nothing bad was found."""
        watcher = await psycopg.AsyncConnection.connect(self.dsn, autocommit=True)
        for number, name in enumerate("ABC"):
            conn = await psycopg.AsyncConnection.connect(self.dsn)
            await conn.execute("select setseed(%s)", (number / 10,))
            await conn.commit()
            self.sessions.append(Session(name, conn, watcher))
        self._value("select pgq.configure_task('frail', on_exhausted => %s)", ON_EXHAUSTED)
        for number in range(rounds):
            self.story = [f"round {number}"]
            if number % 3 == 0:
                self._promote_all()
                self._stir()
            self.chooser.warm()
            await self._play()
            self._check()
            if self.ledger.bad:
                return False
        self._drain()
        for session in self.sessions:
            await session.conn.close()
        await watcher.close()
        self.admin.close()
        return not self.ledger.bad

    def _stir(self) -> None:
        """Make jobs of all kinds and move some, each call committed."""
        for worker in self._rows("select id from pgq.workers"):
            self._value("select count(*) from pgq.heartbeat(%s)", worker[0])
        moved = self.draw.choice(("50 ms", "2 seconds", "2 seconds", "2 minutes"))
        self._move_clock(moved)
        self.story.append(f"the clock moves by {moved}")
        while self._value("select count(*) from pgq.workers") < 2:
            self._value("select pgq.register_worker('w', '{*}', lease => '1 minute')")
        self.chooser.workers = [row[0] for row in self._rows("select id from pgq.workers")]
        if self.draw.random() < 0.3:
            after = {"task": "callback", "args": {"batch": len(self.ledger.batches)}}
            batch = self._value("select pgq.create_batch(on_finish => %s)", json.dumps(after))
            self.ledger.batches.append(batch)
        self._look()
        self.chooser.warm()
        makers = [self.chooser.enqueue] * 2 + [self.chooser.enqueue_keyed] * 2
        for make in (*makers, self.chooser.promote, self.chooser.claim):
            self._say(make())
        if len(self.ledger.seen.live) > CROWD:
            self._say(call("claim_batch", ["*"], None, 30))
            self._look()
            self._say(self.chooser.settle())
            self._say(call("clear_queue", self.draw.choice("ab"), True))
        self._look()

    async def _play(self) -> None:
        """Let the sessions' transactions go step by step, in a random order."""
        self.ledger.begin_round()
        players = self.sessions[: self.draw.choice((2, 3))]
        is_long = self.draw.random() < 0.1
        is_strict = self.draw.random() < 0.08
        level = IsolationLevel.REPEATABLE_READ if is_strict else IsolationLevel.READ_COMMITTED
        left = {player.name: self.draw.choice((2, 3)) if is_long else 1 for player in players}
        again = self.draw.randrange(3)  # transactions that follow one that has ended
        for player in players:
            await player.conn.set_isolation_level(level)
        self.counts["rounds"] += 1
        while players:
            free = [player for player in players if not player.is_waiting]
            if not free:
                self._note(*await first_ended(players), is_long, is_strict)
                continue
            player = self.draw.choice(free)
            if left[player.name] and not player.error:
                left[player.name] -= 1
                drawn = self.chooser.any()
                self.story.append(f"{player.name}: {drawn}")
                said = await player.send(drawn, frozenset(self.ledger.paused))
                self._note(player, said, is_long, is_strict)
                continue
            await self._end(player)
            if again:
                again, left[player.name] = again - 1, 1
            else:
                players.remove(player)
            for other in players:
                if other.is_waiting:
                    self._note(other, await other.watch(), is_long, is_strict)

    async def _end(self, player: Session) -> None:
        commits = not player.error and self.draw.random() < 0.75
        await player.end(commits=commits)
        self.story.append(f"{player.name}: {'commit' if commits else 'rollback'}")
        self.counts["transactions"] += 1
        self.counts["calls that waited"] += player.has_waited
        if commits:
            self.ledger.committed(player.done, self._seen())
        else:
            self.ledger.rolled_back(player.done)
        player.reset()

    def _note(self, player: Session, said: str, is_long: bool, is_strict: bool) -> None:
        self.story.append(f"{player.name}:   {said}")
        if not player.is_waiting:
            self.counts["calls"] += 1
            if player.error:
                self.counts[f"refused with {player.error.sqlstate}"] += 1
                if is_bad(player.error, is_long=is_long, is_strict=is_strict):
                    detail = f"{player.error.diag.message_detail} {player.error.diag.context}"
                    self.ledger.bad.append(f"{player.error} {detail}")

    def _check(self) -> None:
        """Check what holds when no transaction is open."""
        violations = self._rows("select violation, job_id, detail from pgq.verify()")
        self.ledger.bad += [f"verify(): {row}" for row in violations]

    def _promote_all(self) -> None:
        """Promote all that may be, after which nobody may wait beside a free slot."""
        while self._value("select promoted from pgq.promote_due()"):
            pass
        self._look()
        self.ledger.bad += [
            f"key {row[0]}: a waiter beside a free slot" for row in self._rows(FORGOTTEN)
        ]

    def _drain(self) -> None:
        """Open everything that holds jobs back, and let all of them end."""
        self.story = ["the end"]
        for query in OPEN:
            self._rows(query)
        for _ in range(40):
            self._move_clock("2 hours")
            for query in WORK:
                self._rows(query)
            claimed = self._rows("select job_id, claim_id from pgq.claim_batch('{*}', null, 100)")
            ids, claims = [row[0] for row in claimed], [row[1] for row in claimed]
            self._rows("select * from pgq.complete_batch(%s::bigint[], %s::bigint[])", ids, claims)
            if not self._value("select count(*) from pgq.jobs"):
                break
        stranded = self._rows(
            "select job.id, why.* from pgq.jobs as job, pgq.why_waiting(job.id) as why limit 5"
        )
        unfinished = self._rows("select id from pgq.batches where finished_at is null limit 5")
        violations = self._rows("select violation, job_id, detail from pgq.verify()")
        for what, found in (
            ("jobs stranded", stranded),
            ("batches that never finish", unfinished),
            ("verify()", violations),
        ):
            if found:
                self.ledger.bad.append(f"{what}: {found}")

    def _say(self, said: Call) -> None:
        """Make a call in a transaction of its own; refusals of ours are no matter."""
        self.story.append(str(said))
        try:
            self.story.append(f"  {self._rows(said.query, *said.values)}")
        except psycopg.Error as error:
            self.story.append(f"  {error}")
            if is_bad(error, is_long=False, is_strict=False):
                self.ledger.bad.append(str(error))

    def _move_clock(self, shift: str) -> None:
        self.admin.execute("update public.clock set at = at + %s::interval", (shift,))

    def _look(self) -> None:
        self.ledger.look(self._seen())

    def _seen(self) -> Seen:
        return Seen.of(self._rows(LOOK)[0])

    def _rows(self, query: str, *values: Any) -> list[Any]:
        return self.admin.execute(query.encode(), values or None).fetchall()

    def _value(self, query: str, *values: Any) -> Any:
        return self._rows(query, *values)[0][0]


def play(dsn: str, seed: int, only: tuple[str, ...]) -> tuple[Counter[str], list[str]]:
    """Play an episode in a database of its own; return its figures, and the story if it is bad."""
    name = f"episode_{seed}"
    with psycopg.connect(dsn, autocommit=True) as admin:
        made = "create database {} template with_schema strategy file_copy"
        admin.execute(sql.SQL(made).format(sql.Identifier(name)))
        episode = Episode(make_conninfo(dsn, dbname=name), seed, only)
        is_good = asyncio.run(episode.run(ROUNDS))
        if is_good:
            admin.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))
    return episode.counts, [] if is_good else [*episode.story, *episode.ledger.bad]


def prove(
    episodes: int,
    seconds: float,
    seed: int,
    *,
    faults: Sequence[str] = (),
    only: tuple[str, ...] = (),
    most: int = 5,
) -> tuple[Counter[str], list[str]]:
    """Play episodes until so many were bad; return the figures, and the stories of these.

    faults: what to change in the schema first, so that something bad must be found; only: the kinds
    of calls that transactions make.
    """
    counts, bad, began = Counter[str](), list[str](), time.monotonic()
    with mock.patch.object(tempfile, "tempdir", memory_folder()):
        server = embedded.start(None, settings={**SETTINGS, "deadlock_timeout": "100ms"})
    with server:
        with psycopg.connect(server.dsn, autocommit=True) as admin:
            admin.execute("create database with_schema")
        with_schema = make_conninfo(server.dsn, dbname="with_schema")
        install(with_schema)
        with psycopg.connect(with_schema) as admin:
            for change in (CLOCK, *faults):
                admin.execute(change.encode())
        for number in range(episodes):
            if time.monotonic() - began > seconds or len(bad) >= most:
                break
            found, story = play(server.dsn, seed + number, only)
            counts += found
            if story:
                bad.append("\n".join([f"seed {seed + number}:", *story]))
    return counts, bad


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition(":")[0])
    parser.add_argument("--rounds", type=int, default=10_000, help="how many  [10000]")
    parser.add_argument("--seconds", type=float, default=float("inf"), help="stop after so long")
    parser.add_argument("--seed", type=int, default=None, help="of the first episode  [random]")
    parser.add_argument("--episodes", type=int, default=None, help="play no more than these")
    given = parser.parse_args()
    seed = random.randrange(1 << 30) if given.seed is None else given.seed
    began = time.monotonic()
    counts, bad = prove(given.episodes or -(-given.rounds // ROUNDS), given.seconds, seed)
    for story in bad:
        print(story)
    took = time.monotonic() - began
    print(f"{counts['rounds']:,} interleavings in {took:.0f} s, from seed {seed}; {len(bad)} bad")
    del counts["rounds"]
    print("figures:", ", ".join(f"{number:,} {what}" for what, number in counts.most_common()))
    sys.exit(bool(bad or not counts["calls"]))


if __name__ == "__main__":
    main()
