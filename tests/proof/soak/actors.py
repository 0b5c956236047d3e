"""Who acts in the soak: producers, workers that are SQL alone, and processes of `pgq worker`."""

from __future__ import annotations

import json
import random
import threading
import time
import uuid
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final

import psycopg

from tests.proof.soak.ledger import Asked, Kind, Ledger

LIMITS: Final = {"one": 1, "three": 3}
EFFECT: Final = "insert into effects (token, job_id, claim_id) values (%s, %s, %s)"
NOT_REGISTERED: Final = "JQ004"
# A lease that accidents outlast, so that jobs are taken away from workers that come back.
LEASE_S: Final = 2


class Actor:
    """A thread with a session, which it makes anew whenever that breaks."""

    def __init__(self, dsn: str, ledger: Ledger, seed: int) -> None:
        self.dsn, self.ledger, self.random = dsn, ledger, random.Random(seed)
        self.ended = threading.Event()
        self._session: psycopg.Connection | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        """Begin to act."""
        self._thread.start()

    def end(self, patience_s: float) -> None:
        """Act no more."""
        self.ended.set()
        self._thread.join(patience_s)

    def act(self, session: psycopg.Connection) -> None:
        """Do one thing."""
        raise NotImplementedError

    def _run(self) -> None:
        while not self.ended.is_set():
            try:
                if self._session is None or self._session.closed:
                    self._session = psycopg.connect(self.dsn, autocommit=True, connect_timeout=3)
                    self.begin(self._session)
                self.act(self._session)
            except psycopg.OperationalError:
                self.ledger.count("calls without an answer")
                self._forget()
                self.ended.wait(0.1)
            except psycopg.Error as error:
                if error.sqlstate == NOT_REGISTERED:
                    self.ledger.count("workers declared dead")
                    self._forget()
                else:
                    self.ledger.count(f"calls refused with {error.sqlstate}")
        self._forget()

    def begin(self, session: psycopg.Connection) -> None:
        """Prepare a new session."""

    def _forget(self) -> None:
        if self._session is not None:
            with suppress(psycopg.Error):
                self._session.close()
        self._session = None


class Producer(Actor):
    """Enqueues jobs of every kind. After a lost answer it asks again for what has a unique key."""

    def __init__(self, dsn: str, ledger: Ledger, seed: int) -> None:
        super().__init__(dsn, ledger, seed)
        self.again: list[Asked] = []

    def act(self, session: psycopg.Connection) -> None:
        if self.again:
            self._ask_by_key(session, self.again[-1])
            self.again.pop()
        kind = self.random.choice((self.plain, self.keyed, self.unique, self.flow, self.batch))
        kind(session)
        self.ended.wait(self.random.uniform(0, 0.02))

    def plain(self, session: psycopg.Connection) -> None:
        """Enqueue some jobs in one call."""
        asked = [self._new("plain") for _ in range(self.random.randrange(1, 10))]
        jobs = [{"task": "effect", "args": {"token": one.token}, **KEEP} for one in asked]
        self._send(session, asked, "select * from pgq.enqueue_many(%s)", json.dumps(jobs))

    def keyed(self, session: psycopg.Connection) -> None:
        """Enqueue a job that needs a slot."""
        one, key = self._new("keyed"), self.random.choice(list(LIMITS))
        call = f"select {ENQUEUE}, concurrency_key => %s, concurrency_limit => %s)"
        self._send(session, [one], call, self._args(one), key, LIMITS[key])

    def unique(self, session: psycopg.Connection) -> None:
        """Enqueue a job with a key of its own, twice: the second call makes none."""
        one = self._new("unique")
        self.again.append(one)
        for _ in range(2):
            self._ask_by_key(session, one)
        self.again.pop()

    def _ask_by_key(self, session: psycopg.Connection, one: Asked) -> None:
        call = (
            f"select {ENQUEUE}, unique_key => %s, unique_for => '1 hour', on_conflict => 'discard')"
        )
        self._send(session, [one], call, self._args(one), one.token)

    def flow(self, session: psycopg.Connection) -> None:
        """Enqueue two parents and a child in one transaction."""
        parents = [self._new("parent"), self._new("parent")]
        child = self._new("child", after=tuple(one.token for one in parents))
        self.ledger.ask(*parents, child)
        with session.transaction():
            ids = [
                session.execute(f"select {ENQUEUE})".encode(), (self._args(one),)).fetchall()[0][0]
                for one in parents
            ]
            call = f"select {ENQUEUE}, depends_on => %s::bigint[])"
            session.execute(call.encode(), (self._args(child), ids))
        self.ledger.acknowledge(*parents, child)

    def batch(self, session: psycopg.Connection) -> None:
        """Enqueue a batch in one transaction, with a job after it."""
        members = [self._new("member") for _ in range(3)]
        last = self._new("callback", after=tuple(one.token for one in members))
        self.ledger.ask(*members, last)
        after = json.dumps({"task": "effect", "args": {"token": last.token}, **KEEP})
        with session.transaction():
            found = session.execute("select pgq.create_batch(on_finish => %s)", (after,))
            batch = found.fetchall()[0][0]
            for one in members:
                call = f"select {ENQUEUE}, batch_id => %s)"
                session.execute(call.encode(), (self._args(one), batch))
            session.execute("select pgq.close_batch(%s)", (batch,))
        self.ledger.acknowledge(*members, last)

    def _new(self, kind: Kind, after: tuple[str, ...] = ()) -> Asked:
        return Asked(f"{kind}-{uuid.UUID(int=self.random.getrandbits(128))}", kind, after)

    def _args(self, one: Asked) -> str:
        return json.dumps({"token": one.token})

    def _send(
        self, session: psycopg.Connection, asked: list[Asked], query: str, *values: Any
    ) -> None:
        self.ledger.ask(*asked)
        session.execute(query.encode(), values).fetchall()
        self.ledger.acknowledge(*asked)


# So many attempts that no accident uses them up.
BACKOFF: Final = {"kind": "constant", "base": "100 ms"}
KEEP: Final = {"max_attempts": 1000, "backoff": BACKOFF}
ENQUEUE: Final = (
    f"pgq.enqueue('effect', %s, max_attempts => 1000, backoff => '{json.dumps(BACKOFF)}'"
)


class SqlWorker(Actor):
    """A worker without a process of pgq: it claims, writes an effect and completes, all by SQL.

    The effect and the completion are one transaction, which it gives up unless the completion was
    taken. So an effect is there exactly once, whatever happens to the worker. Now and then it
    sleeps past its lease and goes on as if nothing had been.
    """

    worker: int

    def begin(self, session: psycopg.Connection) -> None:
        found = session.execute(
            "select pgq.register_worker('sql', '{*}', lease => make_interval(secs => %s))",
            (LEASE_S,),
        )
        self.worker = found.fetchall()[0][0]

    def act(self, session: psycopg.Connection) -> None:
        session.execute("select pgq.promote_due()")
        found = session.execute(
            "select job_id, claim_id, args ->> 'token' from pgq.claim_batch('{*}', %s, %s)",
            (self.worker, self.random.randrange(1, 8)),
        ).fetchall()
        if not found:
            self.ended.wait(0.05)
        if found and self.random.random() < 0.03:
            self.ended.wait(LEASE_S * 2)
        for job, claim, token in found:
            how = self.random.random()
            if how < 0.06:
                self._put_back(session, how, job, claim)
            else:
                self._finish(session, job, claim, token)
        session.execute("select * from pgq.heartbeat(%s)", (self.worker,))
        if self.random.random() < 0.05:
            session.execute("select count(*) from pgq.rescue_lost_workers()")

    def _put_back(self, session: psycopg.Connection, how: float, job: int, claim: int) -> None:
        call, more = (
            ("fail_batch(%s, %s)", ())
            if how < 0.02
            else ("release_batch(%s, %s)", ())
            if how < 0.04
            else ("snooze_batch(%s, %s, %s::interval[])", (["100 ms"],))
        )
        query = f"select outcome from pgq.{call}"
        session.execute(query.encode(), ([job], [claim], *more))

    def _finish(self, session: psycopg.Connection, job: int, claim: int, token: str) -> None:
        try:
            with session.transaction():
                session.execute(EFFECT, (token, job, claim))
                done = "select outcome from pgq.complete_batch(%s, %s)"
                if session.execute(done, ([job], [claim])).fetchall() != [("ok",)]:
                    self.ledger.count("stale settles refused")
                    raise psycopg.Rollback
        except psycopg.OperationalError:
            self.ledger.count("commits with an unknown outcome")
            raise


def every(actors: list[Actor], do: Callable[[Actor], None]) -> None:
    """Do something with all of them at once."""
    threads = [threading.Thread(target=do, args=[actor]) for actor in actors]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def drained(conn: psycopg.Connection, patience_s: float) -> bool:
    """Wait until no job is left; tell whether that came."""
    deadline = time.monotonic() + patience_s
    while time.monotonic() < deadline:
        if conn.execute("select count(*) from pgq.jobs").fetchall() == [(0,)]:
            return True
        time.sleep(0.1)
    return False
