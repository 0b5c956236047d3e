"""The calls that settle outcomes, a call for outcomes of one kind."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, Final, cast

from pgq.calls import batches as flow_calls
from pgq.calls import jobs as calls
from pgq.calls.call import Call
from pgq.options import OnParentFailure
from pgq.rows import ClaimedJob
from pgq.rows import Outcome as Settlement
from pgq.worker.outcome import Continued, Failed, Released, RunOutcome, Snoozed, Succeeded


@dataclass(slots=True, eq=False)
class Ended:
    """A job whose run has ended, and how; `tries`: how often this outcome broke a call alone."""

    job: ClaimedJob
    outcome: RunOutcome
    since: float = field(default_factory=time.monotonic)
    seconds: float = 0.0
    tries: int = 0
    is_hopeless: bool = False

    @property
    def size(self) -> int:
        """About how many characters it takes to tell."""
        match self.outcome:
            case Succeeded(result):
                return 0 if result is None else len(result)
            case Failed(message, _, traceback):
                return len(message) + len(traceback or "")
            case Continued(jobs):
                return len(jobs)
            case _:
                return 0


def settle_call(group: list[Ended]) -> Call[Any]:
    """Return the call that settles outcomes of one kind."""
    kind = type(group[0].outcome)
    return _CALLS[kind](
        [ended.job.job_id for ended in group],
        [ended.job.claim_id for ended in group],
        [ended.outcome for ended in group],
    )


def _complete(ids: list[int], claim_ids: list[int], ends: list[Succeeded]) -> Call[Any]:
    results = [end.result for end in ends]
    call = calls.complete_batch(ids, claim_ids, results if any(results) else None)
    # Those that are ok, nearly all, need not travel.
    return replace(call, template=f"{call.template} where outcome <> 'ok'")


def in_place(group: list[Ended], answer: list[Settlement]) -> list[Settlement]:
    """Return an answer to every completion, from those that are not ok."""
    others = {settled.job_id: settled for settled in answer}
    ids = [ended.job.job_id for ended in group]
    return [others.get(job_id) or Settlement(job_id, "ok") for job_id in ids]


def _fail(ids: list[int], claim_ids: list[int], ends: list[Failed]) -> Call[Any]:
    return calls.fail_batch(
        ids,
        claim_ids,
        messages=[end.message for end in ends],
        error_types=[end.error_type for end in ends],
        tracebacks=[end.traceback for end in ends],
        final=[end.final for end in ends],
        retry_in=[end.retry_in for end in ends],
        cancel=[end.cancel for end in ends] if any(end.cancel for end in ends) else None,
    )


def _snooze(ids: list[int], claim_ids: list[int], ends: list[Snoozed]) -> Call[Any]:
    return calls.snooze_batch(ids, claim_ids, [end.delay for end in ends])


def _continue(ids: list[int], claim_ids: list[int], ends: list[Continued]) -> Call[Any]:
    (job_id,), (claim_id,), (end,) = ids, claim_ids, ends
    # SQL says which words there are.
    on_failure = cast("OnParentFailure | None", end.on_parent_failure)
    call: Call[Any] = flow_calls.continue_after(job_id, claim_id, cast("Any", end.jobs), on_failure)
    return replace(call, read=lambda rows: [Settlement(job_id, rows[0][0])])


def _release(ids: list[int], claim_ids: list[int], _ends: list[Released]) -> Call[Any]:
    return calls.release_batch(ids, claim_ids)


_CALLS: Final[dict[type[RunOutcome], Callable[[list[int], list[int], list[Any]], Call[Any]]]] = {
    Succeeded: _complete,
    Failed: _fail,
    Snoozed: _snooze,
    Continued: _continue,
    Released: _release,
}
