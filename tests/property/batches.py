"""When a batch may finish in the model, and what must have followed it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from tests.property.model import Model
from tests.property.things import WORSE, Batch

FOLLOWS = {True: ("on_success", "on_finish"), False: ("on_failure", "on_finish")}


def follow_batches(
    model: Model, finished: Mapping[int, bool], strangers: Iterable[Mapping[str, Any]]
) -> list[int]:
    """Finish the model's batches as the database did; return the ids of what it enqueued.

    Every job that the model does not know has to be what follows one of them, and just that.
    """
    new = [batch for batch in model.batches.values() if batch.succeeded is None]
    expected = []
    for batch in new:
        if batch.id in finished:
            _finish(model, batch, finished[batch.id])
            names = FOLLOWS[finished[batch.id]]
            expected += [
                (batch, batch.followers[name]) for name in names if name in batch.followers
            ]
    found = {(row["headers"]["batch"]["id"], row["task"]): row for row in strangers}
    assert len(found) == len(list(strangers)), "something was enqueued twice"
    for batch, follower in expected:
        row = found.pop((batch.id, follower.task))
        assert row["headers"]["batch"]["succeeded"] == batch.succeeded
        assert row["headers"].get("tag") == follower.tag
        model.enqueue(row["id"], replace(follower, batch=None))
    assert not found, f"nobody asked for {found}"
    return [row["id"] for row in strangers]


def _finish(model: Model, batch: Batch, succeeded: bool) -> None:
    states = [job.state for job in model.jobs.values() if job.batch == batch.id]
    assert batch.is_closed, f"batch {batch.id} finished while it was open"
    assert not _lives(model, batch), f"batch {batch.id} finished before its jobs"
    assert succeeded == (not any(state in WORSE for state in (*states, *batch.forgotten)))
    batch.succeeded = succeeded


def _lives(model: Model, batch: Batch) -> bool:
    return any(job.batch == batch.id and model.is_live(job.id) for job in model.jobs.values())


def check_batches_at_rest(model: Model) -> None:
    """Check that every closed batch whose jobs have ended has finished."""
    for batch in model.batches.values():
        due = batch.is_closed and batch.succeeded is None and not _lives(model, batch)
        assert not due, f"batch {batch.id} waits for nobody"
