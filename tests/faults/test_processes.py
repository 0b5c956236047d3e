"""Workers as real processes that are killed, frozen and told to stop in the middle of jobs."""

from __future__ import annotations

import signal
import time

import pytest

from tests.faults.conftest import Workshop


def test_killed_workers_lose_no_job_and_repeat_no_effect(workshop: Workshop) -> None:
    ids: list[int] = []
    workshop.start()
    for _ in range(3):
        victim = workshop.start()
        registered = f"select id from pgq.workers where pid = {victim.pid}"
        ((worker_id,),) = workshop.wait_for(lambda it=registered: workshop.rows(it), "victim")  # type: ignore[misc]
        for task in ("pay", "pay_in_thread", "plain"):
            ids += workshop.enqueue(task, 50, 0.1)
        claims = f"select from pgq.running where worker_id = {worker_id} offset 4"
        workshop.wait_for(lambda it=claims: workshop.rows(it), "work of the victim")  # type: ignore[misc]
        victim.kill()
        victim.wait()
    workshop.wait_until_done()
    workshop.assert_each_took_effect_once(ids)
    assert workshop.count("effects") == 300
    lost = "select from pgq.job_history where errors @? '$[*] ? (@.type == \"WorkerLost\")'"
    assert workshop.rows(lost), "nobody was killed in the middle of a job"


def test_a_dead_workers_job_runs_again_within_seconds(workshop: Workshop) -> None:
    workshop.enqueue("hang", 1)
    victim = workshop.start(lease=20)
    workshop.wait_for(lambda: workshop.count("starts") == 1, "first start")
    workshop.start(lease=20)
    workshop.wait_for(lambda: workshop.count("pgq.workers") == 2, "second worker")
    victim.kill()
    victim.wait()
    killed = time.monotonic()
    workshop.wait_for(lambda: workshop.count("starts") == 2, "second start")
    # Its session is gone: a quarter of the lease, a rescue every 2 s, the backoff; not its lease.
    assert time.monotonic() - killed < 20


def test_the_only_worker_that_dies_is_found_by_the_next_one(workshop: Workshop) -> None:
    workshop.enqueue("hang", 1)
    victim = workshop.start(lease=60)
    workshop.wait_for(lambda: workshop.count("starts") == 1, "first start")
    victim.kill()
    victim.wait()
    follower = workshop.start(lease=60)
    registered = f"select from pgq.workers where pid = {follower.pid}"
    workshop.wait_for(lambda: workshop.rows(registered), "the next one")
    began = time.monotonic()
    workshop.wait_for(lambda: workshop.count("starts") == 2, "second start")
    assert time.monotonic() - began < 5


def test_a_frozen_worker_is_replaced_and_what_it_did_meanwhile_is_refused(
    workshop: Workshop,
) -> None:
    ids = workshop.enqueue("pay", 5, 1.0) + workshop.enqueue("plain", 5, 1.0)
    frozen = workshop.start()
    workshop.wait_for(lambda: workshop.count("pgq.running") == 10, "claims")
    frozen.send_signal(signal.SIGSTOP)
    workshop.start()
    workshop.wait_for(
        lambda: not workshop.rows(f"select from pgq.workers where pid = {frozen.pid}"), "rescue"
    )
    frozen.send_signal(signal.SIGCONT)
    workshop.wait_until_done()
    workshop.wait_for(
        lambda: workshop.rows(f"select from pgq.workers where pid = {frozen.pid}"), "its return"
    )
    workshop.assert_each_took_effect_once(ids)
    assert workshop.count("effects") == 5


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_lets_running_jobs_end_and_hands_back_the_rest(
    workshop: Workshop, number: signal.Signals
) -> None:
    ids = workshop.enqueue("slow", 2, 1.0)
    worker = workshop.start(lease=5, concurrency=2)
    workshop.wait_for(lambda: workshop.count("starts") == 2, "starts")
    more = workshop.enqueue("slow", 20, 1.0)
    worker.send_signal(number)
    assert worker.wait(20) == 0
    assert workshop.rows("select id, attempt, result from pgq.job_history order by id") == [
        (job_id, 1, "done") for job_id in ids
    ]
    assert workshop.rows("select id, attempt from pgq.all_jobs where state = 'ready'") == [
        (job_id, 0) for job_id in more
    ]
    assert workshop.count("pgq.workers") == 0
    assert workshop.client.verify() == []


@pytest.mark.parametrize("task", ["hang", "hang_in_thread"])
def test_a_second_signal_ends_it_at_once(workshop: Workshop, task: str) -> None:
    (job_id,) = workshop.enqueue(task, 1, backoff="1 hour")
    worker = workshop.start(lease=30)
    workshop.wait_for(lambda: workshop.count("starts") == 1, "start")
    worker.send_signal(signal.SIGTERM)
    time.sleep(0.3)
    assert worker.poll() is None
    worker.send_signal(signal.SIGTERM)
    assert worker.wait(10) == 0
    job = workshop.client.job(job_id)
    assert job is not None
    assert job.errors
    assert (job.state, job.attempt, job.errors[0]["type"]) == ("scheduled", 1, "WorkerLost")
    assert workshop.count("pgq.workers") == 0
