"""A database in which every name and text that somebody else chooses attacks the pages."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta

import pgq

NAMES = (
    "\"><script>alert('x')</script>",
    "<img src=x onerror=alert(1)>",
    "a/b//c",
    "a%2Fb",
    "..",
    ".",
    "?x=1&y=2#z",
    "{{ 7 * 7 }}{% raw %}",
    "javascript:alert(1)",
    "\u202egnp.exe\u2066",
    "\x1b[31mred\x07",
    "line\nbreak\ttab\r",
    " blank ",
    "\U0001f980 \u00e4\u4e2d",
    "x" * 128,
)
"""Queues, tasks, keys and schedules. An empty one and one with NUL the database refuses."""

LONG = "\"'></td><script>" + "y" * 4000


@dataclass
class Hostile:
    """What was made, for the paths of pages."""

    queues: list[str] = field(default_factory=list)
    jobs: list[int] = field(default_factory=list)
    batch: int = 0
    worker: int = 0
    operation: int = 0
    schedules: list[str] = field(default_factory=list)
    fingerprints: list[str] = field(default_factory=list)


def make(client: pgq.Client) -> Hostile:
    """Fill a database: each name has a job that waits, one that runs and one that failed."""
    made = Hostile(queues=[*NAMES])
    made.batch = client.create_batch(description=LONG[:1000])
    made.worker = client.register_worker(
        NAMES[0], ["*"], concurrency=1000, lease=timedelta(hours=1), host=NAMES[1], version=NAMES[9]
    )
    args = {"password": "s3cret-pa55", NAMES[0]: LONG, "n": 2**60, "deep": [[[NAMES[9]]]]}
    for name in NAMES:
        for number in range(3):
            job = client.enqueue(
                name, args, queue=name, headers={"h": name}, max_attempts=1,
                unique_key=f"{name}{number}", concurrency_key=name, concurrency_limit=3,
                batch_id=made.batch,
            )  # fmt: skip
            made.jobs.append(job)
    claimed = client.claim_batch(["*"], made.worker, 20)
    failing, running = claimed[:10], claimed[10:]
    client.fail_batch(
        [job.job_id for job in failing],
        [job.claim_id for job in failing],
        [LONG] * len(failing),
        [NAMES[0][:100]] * len(failing),
        [f'Traceback:\n  File "{NAMES[1]}"\n{LONG}'] * len(failing),
    )
    for job in running:
        client.set_progress(job.job_id, job.claim_id, {"done": 0.5, "note": NAMES[0]})
    for name in NAMES:
        client.schedule(name, name, every=timedelta(hours=1), queue=name, description=LONG[:900])
    made.schedules = [*NAMES]
    client.pause_queue(NAMES[0])
    client.configure_queue(NAMES[1], max_running=3, rate_limit=5)
    client.configure_semaphore(NAMES[2], 2)
    client.add_mark(NAMES[0])
    operation = client.bulk_start("retry", queue=NAMES[0])
    made.operation = operation.id or 0
    made.fingerprints = [group.fingerprint for group in client.error_groups()]
    return made
