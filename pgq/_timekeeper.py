"""What a worker does when the time has come: due jobs become ready, due schedules fire."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Sequence
from typing import Final

from pgq import calls, schedule_calls
from pgq._call import Call, Row, row_as
from pgq._options import Options
from pgq._session import TRANSIENT, Session
from pgq.job import Promotion
from pgq.logs import log_event, worker_log
from pgq.schedule import Firing, StaticSchedules

# How soon (seconds) to look again for what is due already: a full batch left some of it, or another
# worker has it in its hands and its commit is under way.
_SHORTEST: Final = 0.01


_FIRED: Final = row_as(Firing, due_in="next_run_at - clock_timestamp()")
_PROMOTED: Final = row_as(Promotion, due_in="next_due_at - clock_timestamp()")


class Timekeeper:
    """Promotes and fires on a worker's session; `due_at` (monotonic) says when to call it."""

    def __init__(self, options: Options, session: Session) -> None:
        self._options = options
        self._session = session
        # A worker that drains ends soon: what it declared should not be left without anybody.
        self._fires = options.schedules and not options.drain
        self.due_at = 0.0
        # Whether from `due_at` on jobs may be claimed that nobody tells of: a rate limit's next.
        self.is_promised = False

    async def sync(self) -> None:
        """Make the declared schedules those of their sources; raises what is wrong with them."""
        if not (self._fires and self._options.declares):
            return
        for source, schedules in self._declared():
            changes = await self._session.call(schedule_calls.sync_schedules(source, schedules))
            for name, change in changes:
                if change != "unchanged":
                    event = f"schedule.{change}"
                    log_event(worker_log, logging.INFO, event, schedule=name, source=source)

    def _declared(self) -> list[StaticSchedules]:
        options = self._options
        if not options.schedule_source:
            # Who imports nothing declares nothing: that there is none in it says nothing.
            return options.schedule_files
        ours = StaticSchedules(options.schedule_source, options.registry.schedules)
        return [ours, *options.schedule_files]

    async def turn(self) -> int | None:
        """Do what is due and return how many jobs became ready; None: nobody answered."""
        call = _fire_and_promote() if self._fires else _promote()
        # Whoever sets it to an earlier time meanwhile has heard what the answer may not know of.
        self.due_at = math.inf
        try:
            firing, promotion = await self._session.try_call(call)
        except TRANSIENT as error:
            await self._session.recover(error)
            self.due_at = 0.0
            return None
        nearest = self._options.poll_interval
        self.is_promised = False
        for due_in in (firing.due_in, promotion.due_in):
            if due_in is not None and due_in.total_seconds() <= nearest:
                nearest = due_in.total_seconds()
                self.is_promised = due_in is promotion.due_in
        self.due_at = min(self.due_at, time.monotonic() + max(_SHORTEST, nearest))
        return firing.fired + promotion.promoted


def _promote() -> Call[tuple[Firing, Promotion]]:
    call = calls.promote_due()
    return Call(
        call.template, call.parameters, lambda rows: (Firing(0, None, None), call.read(rows))
    )


def _fire_and_promote() -> Call[tuple[Firing, Promotion]]:
    """Return both functions as one statement, hence one round trip.

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
