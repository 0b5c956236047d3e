"""What `pgq top --operate` changes: each by the function that the other commands call, too."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pgq.cli.operations import how_many
from pgq.cli.top.view import Wish

if TYPE_CHECKING:
    from pgq.client.clients import Client


def question(client: Client, wish: Wish) -> str | None:
    """Return what to ask before it is done, with how many jobs that is; None: there are none."""
    if wish.action != "retry":
        return f"{wish.words.capitalize()}?"
    row = wish.row
    seen = client.bulk_start(
        "retry", fingerprint=row["fingerprint"], task=row["task"], preview=True
    )
    if not seen.jobs:
        return None
    return f"{wish.words.capitalize()}: {how_many(seen.jobs, seen.is_exact)}?"


def do(client: Client, wish: Wish) -> str:
    """Do it, and return what was done in words."""
    row = wish.row
    match wish.action, wish.screen:
        case "retry", _:
            started = client.bulk_start("retry", fingerprint=row["fingerprint"], task=row["task"])
            return (
                f"operation {started.id} retries {how_many(started.jobs, started.is_exact)} in "
                f"10 s; undo: pgq bulk stop {started.id}"
            )
        case "cancel", _:
            (done,) = client.cancel([row["id"]])
            return f"job {row['id']}: {done.outcome.replace('_', ' ')}"
        case "pause", "queues":
            if row["status"] == "paused":
                client.resume_queue(row["queue"])
            else:
                client.pause_queue(row["queue"])
        case "pause", "workers":
            order: Literal["pause", "resume"] = "resume" if row["status"] == "pause" else "pause"
            client.order_worker(row["id"], order)
        case _:
            if row["status"] in {"paused", "broken"}:
                client.resume_schedule(row["schedule"])
            else:
                client.pause_schedule(row["schedule"])
    return f"done: {wish.words}"
