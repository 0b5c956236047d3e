"""The work of a worker: claims, settles and promotes on one session, until it is told to stop."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Awaitable
from typing import TYPE_CHECKING, Any, Final, TypeVar

from pgq.calls import jobs as calls
from pgq.calls.call import Call
from pgq.calls.timing import timed
from pgq.errors import WorkerStuck
from pgq.lib.backoff import Backoff
from pgq.reports import IdleTurn
from pgq.rows import ClaimedJob
from pgq.worker.clock import Timekeeper
from pgq.worker.pace import SOON, Pace
from pgq.worker.session import Session
from pgq.worker.settle_calls import Ended, settle_call
from pgq.worker.settler import Settler
from pgq.worker.unanswered import Unanswered
from pgq.worker.verdicts import NoAnswer, Verdict, code_of, is_lost, verdict_of

if TYPE_CHECKING:
    from pgq.worker.engine import Engine

T = TypeVar("T")

_LARGEST_CLAIM: Final = 1000
# How often in a row the same outcomes may be in a call that fails, before they are set aside: with
# an answer, or with a connection that breaks.
_MOST_FAILURES: Final = 2
_MOST_BREAKS: Final = 4
# How often (seconds) an idle worker shows itself at least, however seldom it polls.
_TURN_EVERY: Final = 2.0
_JOB: Final = IdleTurn._fields.index("job_id")


class Work:
    """The loop that feeds an engine's runner, and tells the database what became of the jobs."""

    def __init__(self, engine: Engine, session: Session) -> None:
        options = engine.options
        self.timekeeper = Timekeeper(options, session)
        self.settler = Settler(
            enough=self._enough,
            worker=options.name,
            report=engine.report,
            settled=options.settled,
            web_url=options.web_url,
        )
        self._engine = engine
        self._options = options
        self._session = session
        self._unanswered = Unanswered(session, options.lease)
        self._pace = Pace(options.poll_interval)
        self._woken = asyncio.Event()
        self._claim: tuple[Any, Call[list[ClaimedJob]]] | None = None
        self._drained = False
        # Whether claims go without settles, because one of them fails while the server answers.
        self._apart = False
        self._claim_pauses = Backoff(0.05, 5.0)
        self._failures = 0
        self._turn: tuple[Any, Call[list[IdleTurn]]] | None = None
        self._turns_from = 0.0
        self._turn_pauses = Backoff(1.0, 10.0)
        self._came_short = False  # a claim, since when nobody said when there is more
        self._wants_room = False

    def wake(self) -> None:
        """Have the loop look again."""
        self._woken.set()

    def note_end(self) -> None:
        """Have the loop look again if the end of a run changes what it waits for: few do."""
        runner = self._engine.runner
        if self.settler.is_news or runner.is_idle or (self._wants_room and runner.is_short):
            self.wake()

    def hear(self, hint: str | None) -> None:
        """Look for ready jobs, or when the next one is due, or for both."""
        if not hint:
            self.timekeeper.due_at = 0.0
        if hint != "":
            self._pace.hint()
        self.wake()

    def known_claims(self) -> set[int]:
        """Return the claims whose jobs are held, or whose outcomes are kept."""
        held = self._engine.runner.active.values()
        return {one.job.claim_id for one in held} | self.settler.claim_ids()

    async def settle_rest(self, known: set[int]) -> None:
        """Settle what is left, and hand back claims that are not `known`.

        Raises what breaks the connection. What is refused is left to the worker's deregistration.
        """
        if self._unanswered.due_at < math.inf:
            await self._release_unanswered(known)
        while groups := self.settler.batch():
            try:
                answers = await self._session.try_together([settle_call(group) for group in groups])
            except Exception as error:
                if is_lost(error):
                    raise
                await self.settler.settle_singly(self._session, groups)
            else:
                self.settler.answered(groups, answers)
        if self.settler.aside.retry_at < math.inf:
            await self.settler.retry(self._session)

    async def run(self) -> None:
        """Work until there is nothing more to do; raises WorkerStuck."""
        while not self._is_done():
            self._woken.clear()
            self._check_threads()
            now = time.monotonic()
            if now >= self._unanswered.due_at:
                await self._release_unanswered(self.known_claims())
            if now >= self.settler.aside.retry_at:
                if await self._try("settle", self.settler.retry(self._session)):
                    self.timekeeper.due_at = 0.0
                continue
            release_at, accepts = self._engine.runner.release_at(), self._accepts()
            if not accepts or (release_at is not None and now >= release_at):
                self._engine.runner.release_unstarted(gathered=not accepts)
            if self._idle_turn_is_due(now):
                await self._idle_turn(now)
            elif self._accepts() and now >= self.timekeeper.due_at:
                await self._promote()
            elif self._exchange_is_due(now):
                await self._exchange(now)
            else:
                await self._sleep(self._next_at())

    def _check_threads(self) -> None:
        """Raise WorkerStuck where jobs could be claimed, were there a slot that will be free."""
        if self._accepts() and self._engine.runner.is_stuck and not self.settler.is_waiting:
            raise WorkerStuck(
                f"every slot hangs in a job past its timeout: {self._engine.runner.hanging()}",
                "Start a new process; give blocking calls timeouts of their own.",
            )

    def _is_done(self) -> bool:
        idle = self._engine.runner.is_idle and not self.settler.is_waiting
        return idle and (self._engine.stopping or self._drained)

    def _accepts(self) -> bool:
        return not (self._engine.stopping or self._engine.paused or self._drained)

    def _exchange_is_due(self, now: float) -> bool:
        settle_at = self._settle_at()
        # Claims wait for the outcomes that are about to be settled: one transaction for both.
        return self._claim_size(now) > 0 if settle_at is None else now >= settle_at

    def _idle_turn_is_due(self, now: float) -> bool:
        """Whether there is nothing to do but to look and to live, and it is time for it."""
        is_poll = self._pace.expects_nothing and now >= self._pace.claim_at
        return (
            (is_poll or now >= self.timekeeper.due_at)
            and (self._pace.is_idle and self._engine.runner.is_idle and self._accepts())
            and not (self._options.drain or self._apart or self.settler.is_waiting)
            and (self._options.claims and self.timekeeper.is_well and now >= self._turns_from)
        )

    def _claim_size(self, now: float) -> int:
        if not self._accepts() or not self._options.claims or now < self._pace.claim_at:
            return 0
        if self.settler.aside.is_full:
            return 0
        return self._engine.runner.room_to_claim(_LARGEST_CLAIM)

    def _enough(self) -> int:
        """Return how many outcomes are worth a call: half of what is held, so that the other half
        runs meanwhile.
        """
        return max(1, self._options.concurrency // 2, len(self._engine.runner.active) // 2)

    def _settle_at(self) -> float | None:
        due_at = self.settler.due_at()
        return 0.0 if due_at is not None and self._engine.runner.is_idle else due_at

    def _next_at(self) -> float:
        """Return when (monotonic) there may be something to do that no wake-up tells."""
        runner = self._engine.runner
        self._wants_room = False
        times = [self._settle_at(), runner.release_at(), runner.hangs_at()]
        times += [self._unanswered.due_at, self.settler.aside.retry_at]
        if self._accepts():
            times.append(self.timekeeper.due_at)
            if self._options.claims and not self.settler.aside.is_full:
                self._wants_room = runner.room() == 0
                if not self._wants_room:
                    times.append(self._pace.claim_at)
        return min((at for at in times if at is not None), default=time.monotonic() + 60)

    async def _sleep(self, until: float) -> None:
        # Cheaper than a timeout, which would be an exception, and on the way of each job to an idle
        # worker.
        delay = max(0.0, until - time.monotonic())
        timer = asyncio.get_running_loop().call_later(delay, self.wake)
        try:
            await self._woken.wait()
        finally:
            timer.cancel()

    async def _exchange(self, now: float) -> None:
        """Settle what has ended and claim what there is room for, in one transaction."""
        groups = self.settler.batch()
        size = 0 if groups and self._apart else self._claim_size(now + SOON if groups else now)
        hints, worker_id = self._pace.hints, self._engine.worker_id
        wanted = self._engine.runner.wanted(size) if size else []
        try:
            # A crash that undoes a claim cuts off its worker too: only settles must be durable. To
            # say so costs a statement, which a poll that finds nothing may save.
            durable = bool(groups) or self._pace.expects_nothing
            with timed(bool(groups), bool(size)):
                answers = await self._session.try_together(
                    self._requests(groups, size, wanted), durable=durable
                )
        except asyncio.CancelledError:
            self._unanswered.note()
            raise
        except Exception as error:  # noqa: BLE001 (see verdicts)
            if verdict_of(error) is Verdict.REGISTER:
                await self._engine.register(worker_id, self._session)
            else:
                await self._go_on_after(error, groups, size)
            return
        if groups:
            self._failures = 0
            self._session.works("settle")
            if self.settler.answered(groups, answers[: len(groups)]):
                self.timekeeper.due_at = 0.0
        if size:
            self._apart = False
            self._claim_pauses.reset()
            self._session.works("claim")
            await self._take(answers[len(groups)], size, hints)
            for jobs in answers[len(groups) + 1 :]:
                self._engine.runner.add_wanted(jobs)

    async def _idle_turn(self, now: float) -> None:
        """Look for jobs and for what is due, live and maintain, in one statement."""
        engine, pace, options = self._engine, self._pace, self._options
        size = engine.runner.room_to_claim(_LARGEST_CLAIM)
        worker_id, hints, backend_pid = engine.worker_id, pace.hints, engine.listener.backend_pid
        longest = min(options.poll_interval, _TURN_EVERY, options.heartbeat_interval)
        lives, maintains = engine.heartbeat.is_due_by(now + longest), engine.heartbeat.may_maintain
        given = (worker_id, size, engine.tasks(), backend_pid, lives, maintains)
        if self._turn is None or self._turn[0] != given:
            queues = options.queues if size else None
            self._turn = given, calls.idle_turn(
                worker_id, queues, max(1, size), given[2], backend_pid, lives,
                self.timekeeper.fires, maintains, options.shares,
            )  # fmt: skip
        # A call that sets it to an earlier time meanwhile knows what the answer may not know.
        self.timekeeper.due_at = math.inf
        try:
            with timed(False, True):
                turn = await self._session.try_call(self._turn[1], what="idle_turn")
        except asyncio.CancelledError:
            self._unanswered.note()
            raise
        except Exception as error:  # noqa: BLE001 (see verdicts)
            await self._go_on_after_turn(error, worker_id)
            return
        if "lost" in (turn[0].orders or ()):
            await engine.register(worker_id, self._session)
        self._turn_pauses.reset()
        engine.heartbeat.take(now, turn[0], backend_pid)
        self.timekeeper.take(turn[0], longest)
        jobs = [ClaimedJob._make(row[_JOB:]) for row in turn if row.job_id is not None]
        engine.runner.add(jobs)
        # What could be claimed since the answer, it has promised.
        ask_at = pace.claimed(len(jobs), size, hints) if size else math.inf
        self._came_short = bool(jobs) and ask_at < math.inf
        if jobs:
            self.timekeeper.due_at = min(self.timekeeper.due_at, ask_at)

    async def _go_on_after_turn(self, error: Exception, worker_id: int) -> None:
        verdict = verdict_of(error)
        if verdict is Verdict.EXIT:
            raise error
        self.timekeeper.due_at = 0.0
        if verdict is Verdict.REGISTER:
            await self._engine.register(worker_id, self._session)
            return
        if is_lost(error) or code_of(error) is None:
            self._unanswered.note()
        if is_lost(error):
            self._engine.heartbeat.lost()
            await self._session.recover(error, "idle_turn")
            return
        # Which part of it fails shows when they go apart.
        await self._session.let_go(error, "idle_turn")
        self._turns_from = time.monotonic() + self._turn_pauses.next()

    async def _go_on_after(self, error: Exception, groups: list[list[Ended]], size: int) -> None:
        """Do what an error of an exchange asks for; raises it where going on is wrong."""
        verdict = verdict_of(error)
        if verdict is Verdict.EXIT:
            raise error
        if size and (is_lost(error) or code_of(error) is None):
            self._unanswered.note()
        if is_lost(error):
            self._failures += self._session.was_sent
            # Its rows may be held by a session that hangs: then only these outcomes wait.
            if groups and (isinstance(error, NoAnswer) or self._failures >= _MOST_BREAKS):
                self._set_aside(groups)
            await self._session.recover(error, "settle" if groups else "claim")
            return
        if size:
            # Who is to blame shows when they go apart; the others go on meanwhile.
            self._apart = True
            self._pace.claim_at = time.monotonic() + self._claim_pauses.next()
        if not groups:
            await self._session.let_go(error, "claim")
            return
        self._failures += 1
        if verdict is not Verdict.RETRY:
            await self._try("settle", self.settler.settle_singly(self._session, groups))
            return
        if self._failures >= _MOST_FAILURES:
            self._set_aside(groups)
        await self._session.recover(error, "settle")

    def _set_aside(self, groups: list[list[Ended]]) -> None:
        if self._session.was_sent:
            self.settler.set_aside(groups)
            self._failures = 0

    async def _try(self, what: str, doing: Awaitable[T]) -> T | None:
        """Do something with the session; after an error that may pass, wait a moment instead."""
        try:
            return await doing
        except Exception as error:
            if verdict_of(error) is Verdict.EXIT:
                raise
            await self._session.recover(error, what)
            return None

    async def _release_unanswered(self, known: set[int]) -> None:
        doing = self._unanswered.release(self._engine.worker_id, known)
        await self._try("release_unanswered", doing)

    def _requests(
        self, groups: list[list[Ended]], size: int, wanted: list[tuple[str, int]]
    ) -> list[Call[Any]]:
        requests = [settle_call(group) for group in groups]
        if size:
            requests.append(self._claim_call(size))
        for task, more in wanted:
            given = (self._engine.worker_id, more, [task], self._options.shares)
            requests.append(calls.claim_batch(self._options.queues, *given))
        return requests

    def _claim_call(self, size: int) -> Call[list[ClaimedJob]]:
        """Return a claim; the same one as the last time, where it is the same: see Call.texts."""
        claim = (self._engine.worker_id, size, self._engine.tasks(), self._options.shares)
        if self._claim is None or self._claim[0] != claim:
            self._claim = claim, calls.claim_batch(self._options.queues, *claim)
        return self._claim[1]

    async def _take(self, jobs: list[ClaimedJob], size: int, hints: int) -> None:
        """Start claimed jobs, and decide when to claim again, if ever."""
        # First the outcomes that are due, so that the server works while these jobs run.
        settle_at = self.settler.due_at()
        self._engine.runner.add(jobs, later=settle_at is not None and settle_at <= time.monotonic())
        ask_at = self._pace.claimed(len(jobs), size, hints)
        self._came_short |= ask_at < math.inf
        self.timekeeper.due_at = min(self.timekeeper.due_at, ask_at)
        if self._options.drain and self._engine.runner.is_idle and not self.settler.is_waiting:
            self._drained = await self._promote() == 0

    async def _promote(self) -> int | None:
        """Make due jobs ready and return how many; None: the database did not answer."""
        is_promised = self.timekeeper.is_promised
        made_ready = await self.timekeeper.turn()
        if made_ready or is_promised:
            self._pace.look()
        elif self._came_short and made_ready is not None:
            # What could be claimed from just before the answer on is in no promise: look once.
            self._pace.claim_at = 0.0
        self._came_short &= made_ready is None
        return made_ready
