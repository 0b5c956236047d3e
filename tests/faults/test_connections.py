"""Workers as real processes whose server restarts and whose connections are cut."""

from __future__ import annotations

import time
from pathlib import Path

from tests.faults.conftest import Workshop
from tests.servers import Server, install


def cut_all(workshop: Workshop) -> int:
    return len(
        workshop.rows(
            "select pg_terminate_backend(pid) from pg_stat_activity"
            " where datname = current_database() and pid <> pg_backend_pid()"
        )
    )


def test_cut_connections_lose_no_job_and_repeat_no_effect(workshop: Workshop) -> None:
    ids = workshop.enqueue("pay", 400, 0.02) + workshop.enqueue("plain", 200, 0.02)
    ids += workshop.enqueue("pay_in_thread", 60, 0.02)
    workers = [workshop.start(lease=2), workshop.start(lease=2)]
    workshop.wait_for(lambda: workshop.count("effects") > 20, "work")
    cuts = 0
    for _ in range(5):
        cuts += cut_all(workshop)
        time.sleep(0.2)
    assert cuts >= 15
    workshop.wait_until_done()
    workshop.assert_each_took_effect_once(ids)
    assert workshop.count("effects") == 460
    assert [worker.poll() for worker in workers] == [None, None]


def test_workers_survive_immediate_restarts_of_the_server(
    private_server: Server, tmp_path: Path
) -> None:
    install(private_server.dsn)
    workshop = Workshop(private_server.dsn, tmp_path)
    try:
        ids = workshop.enqueue("pay", 300, 0.03) + workshop.enqueue("plain", 200, 0.03)
        hung = workshop.enqueue("slow", 1, 4.0)
        workers = [workshop.start(lease=3), workshop.start(lease=3)]
        for _ in range(2):
            reached = workshop.wait_for(lambda: workshop.count("effects"), "an effect")
            workshop.wait_for(
                lambda reached=reached: workshop.count("effects") > reached + 20,  # type: ignore[misc]
                "work",
            )
            private_server.restart("immediate")
        workshop.wait_until_done()
        assert [worker.poll() for worker in workers] == [None, None]
        workshop.assert_each_took_effect_once(ids + hung)
        assert workshop.count("effects") == 300
        for worker in workers:
            worker.terminate()
            assert worker.wait(20) == 0
        assert workshop.count("pgq.workers") == 0
    finally:
        workshop.close()
