"""What pages know of queues and workers beside their depths."""

from __future__ import annotations

import psycopg

import pgq
from pgq.contrib.web.queue_rows import house


def test_the_house_knows_workers_slots_limits_and_pauses(
    conn: psycopg.Connection, client: pgq.Client
) -> None:
    worker = client.register_worker("w", ["mail", "slow.*"], concurrency=7)
    client.enqueue("t", queue="mail")
    client.enqueue("t", queue="limited")
    client.configure_queue("limited", max_running=3, rate_limit=5, rate_interval=60)
    client.pause_queue("mail")
    client.enqueue("t", queue="slow.one")
    client.claim_batch(["slow.*"], worker_id=worker)
    conn.execute("select pgq.maintain()")
    known = house(client)
    assert (known.slots, known.busy, sum(known.workers.values())) == (7, 1, 1)
    assert known.pauses == {"mail": None}
    assert known.queues["mail"]["queue_workers"] == 1
    assert known.queues["limited"]["queue_workers"] == 0
    assert known.queues["limited"]["queue_running_limit"] == 3
    assert known.queues["limited"]["queue_tokens"] == 5
