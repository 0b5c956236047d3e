"""What a worker does when the time has come: due jobs become ready, due schedules fire."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from pgq.calls import jobs as calls
from pgq.calls import schedules as schedule_calls
from pgq.calls import tasks as task_calls
from pgq.calls.call import Call, Row, row_as
from pgq.lib.backoff import Backoff
from pgq.logs import log_event
from pgq.reports import IdleTurn
from pgq.rows import Firing, Promotion
from pgq.schedules import StaticSchedules
from pgq.worker.session import Session
from pgq.worker.verdicts import Verdict, is_lost, verdict_of

if TYPE_CHECKING:
    from pgq.worker.worker import Options

# How soon (seconds) to look again for what is due already: a full batch left some of it, or another
# worker has it in its hands and its commit is under way.
_SHORTEST: Final = 0.01


_FIRED: Final = row_as(Firing)
_PROMOTED: Final = row_as(Promotion)


class Timekeeper:
    """Promotes and fires on a worker's session; `due_at` (monotonic) says when to call it."""

    def __init__(self, options: Options, session: Session) -> None:
        self._options = options
        self._session = session
        # A worker that drains ends soon: what it declared should not be left without anybody.
        self._fires = options.schedules and not options.drain
        # Since when schedules fail while the server answers, they go without promotion.
        self._apart = False
        self._fire_at = 0.0
        self._fire_pauses = Backoff(0.5, 60.0)
        self._pauses = Backoff(0.05, 5.0)
        self.due_at = 0.0
        # Whether from `due_at` on jobs may be claimed that nobody tells of: a rate limit's next.
        self.is_promised = False

    async def sync(self) -> None:
        """Make the declared schedules those of their sources; raises what is wrong with them.

        Before that, tell the database what the tasks have by default.
        """
        await self._sync_tasks()
        if not (self._fires and self._options.declares):
            return
        for source, schedules in self._declared():
            call = schedule_calls.sync_schedules(source, schedules)
            changes = await self._session.call(call, "sync_schedules", starting=True)
            for name, change in changes:
                if change != "unchanged":
                    event = f"schedule.{change}"
                    log_event(logging.INFO, event, schedule=name, source=source)

    async def _sync_tasks(self) -> None:
        options = self._options
        if options.drain or not (options.declares and options.schedule_source and options.registry):
            return
        call = task_calls.sync_tasks(options.schedule_source, options.registry)
        for each in await self._session.call(call, "sync_tasks", starting=True):
            if each.change == "refused":
                log_event(logging.WARNING, "task.refused", task=each.task, problem=each.problem)
            elif each.change == "changed":
                log_event(logging.INFO, "task.changed", task=each.task)
            if each.hidden:
                hidden = ", ".join(each.hidden)
                log_event(logging.INFO, "task.overridden", task=each.task, options=hidden)

    def _declared(self) -> list[StaticSchedules]:
        options = self._options
        if not options.schedule_source:
            # Who imports nothing declares nothing: that there is none in it says nothing.
            return options.schedule_files
        ours = StaticSchedules(options.schedule_source, options.registry.schedules)
        return [ours, *options.schedule_files]

    async def turn(self) -> int | None:
        """Do what is due and return how many jobs became ready; None: nobody answered."""
        # A call that sets it to an earlier time meanwhile knows what the answer may not know.
        self.due_at = math.inf
        fires = self._fires and time.monotonic() >= self._fire_at
        apart = self._apart
        try:
            fired = await self._fire_apart() if apart and fires else None
            call = _fire_and_promote() if fires and not apart else _promote()
            firing, promotion = await self._session.try_call(call, what="promote_due")
        except Exception as error:  # noqa: BLE001 (see verdicts)
            await self._go_on_after(error, fires=fires)
            return None
        if fired is not None:
            firing, self._apart = fired, False
        self._pauses.reset()
        self._plan(firing.due_in, promotion.due_in, self._options.poll_interval)
        return firing.fired + promotion.promoted

    @property
    def fires(self) -> bool:
        """Whether to fire schedules with the next call; see `is_well` too."""
        return self._fires

    @property
    def is_well(self) -> bool:
        """Whether firing and promoting may go together with other calls."""
        return not self._apart and time.monotonic() >= self._fire_at

    def take(self, turn: IdleTurn, longest: float) -> None:
        """Note what an idle worker's turn said; the next one is within `longest` seconds."""
        self._plan(turn.fire_in, turn.due_in, longest)

    def _plan(
        self, fire_in: timedelta | None, promote_in: timedelta | None, nearest: float
    ) -> None:
        self.is_promised = False
        for due_in in (fire_in, promote_in):
            if due_in is not None and due_in.total_seconds() <= nearest:
                nearest = due_in.total_seconds()
                self.is_promised = due_in is promote_in
        self.due_at = min(self.due_at, time.monotonic() + max(_SHORTEST, nearest))

    async def _fire_apart(self) -> Firing | None:
        """Fire alone, since the two failed together; None: the server refused."""
        try:
            firing = await self._session.try_call(
                schedule_calls.fire_due_schedules(), what="fire_due_schedules"
            )
        except Exception as error:
            if is_lost(error) or verdict_of(error) is Verdict.EXIT:
                raise
            await self._session.let_go(error, "fire_due_schedules")
            self._fire_at = time.monotonic() + self._fire_pauses.next()
            return None
        self._fire_pauses.reset()
        return firing

    async def _go_on_after(self, error: Exception, *, fires: bool) -> None:
        if verdict_of(error) is Verdict.EXIT:
            raise error
        if is_lost(error):
            await self._session.recover(error, "promote_due")
            self.due_at = 0.0
            return
        if fires and not self._apart:
            # Which of the two it is shows when they go apart.
            self._apart = True
            self.due_at = 0.0
            return
        await self._session.let_go(error, "promote_due")
        self.due_at = time.monotonic() + self._pauses.next()


def _promote() -> Call[tuple[Firing, Promotion]]:
    call = calls.promote_due()
    return Call(
        call.template, call.parameters, lambda rows: (Firing(0, None, None), call.read(rows))
    )


def _fire_and_promote() -> Call[tuple[Firing, Promotion]]:
    """Return both functions as one statement, for one round trip.

    The second one's argument is null, its default, by way of the first one's answer: so it runs
    after it, and schedules are locked before jobs (see sql/README.md).
    """
    template = (
        f"select {_FIRED.columns}, {_PROMOTED.columns} from {{schema}}.fire_due_schedules(),"
        " lateral {schema}.promote_due(batch_size => nullif(fired, fired))"
    )
    return Call(template, {}, _read_both)


def _read_both(rows: Sequence[Row]) -> tuple[Firing, Promotion]:
    width = len(Firing._fields)
    return _FIRED.read([rows[0][:width]]), _PROMOTED.read([rows[0][width:]])
