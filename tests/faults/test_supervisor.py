"""Supervisors as real processes: what they start, stop, restart, and tell the database."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import psycopg
import pytest

import pgq
from pgq.processes.plan import ProcessPlan
from tests.faults.conftest import ROOT, Workshop
from tests.faults.proxy import away
from tests.servers import Server

MODULE = "tests.faults.handlers:registry"
Process = subprocess.Popen[bytes]


@pytest.fixture(autouse=True)
def once(server: Server) -> None:
    if server.major < 18 and not os.environ.get("PGQ_EVERY_VERSION"):
        pytest.skip("once is enough: on the newest version")


class Fleet:
    """Starts `pgq worker` in a folder of its own."""

    def __init__(self, workshop: Workshop, folder: Path) -> None:
        self.workshop = workshop
        self.folder = folder
        self.log = folder / "fleet.log"

    def start(self, *options: object, modules: tuple[str, ...] = (MODULE,)) -> Process:
        process = subprocess.Popen(
            [sys.executable, "-m", "pgq", "worker", *modules, *map(str, options)],
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=self.log.open("ab"),
            stderr=subprocess.STDOUT,
            env=os.environ | {"PYTHONPATH": str(ROOT), "PGQ_DSN": self.workshop.dsn},
        )
        self.workshop.processes.append(process)
        return process

    def workers(self) -> dict[int, dict[str, Any]]:
        """The registered workers by id."""
        return {
            row[0]: {"pid": row[1], "queues": row[2], "name": row[3]}
            for row in self.workshop.rows("select id, pid, queues, name from pgq.workers")
        }

    def wait_for_workers(self, count: int) -> dict[int, dict[str, Any]]:
        def look() -> dict[int, dict[str, Any]]:
            found = self.workers()
            return found if len(found) == count else {}

        return self.workshop.wait_for(look, f"{count} workers: {self.said()}")

    def wait_until_said(self, words: str, times: int = 1) -> None:
        self.workshop.wait_for(lambda: self.said().count(words) >= times, words)

    def said(self) -> str:
        return self.log.read_text() if self.log.exists() else ""

    def configure(self, text: str) -> None:
        (self.folder / "pgq.toml").write_text(text)


@pytest.fixture
def fleet(workshop: Workshop, tmp_path_factory: pytest.TempPathFactory) -> Fleet:
    return Fleet(workshop, tmp_path_factory.mktemp("fleet"))


def errors_of(workshop: Workshop, job_id: int) -> list[dict[str, Any]]:
    job = workshop.client.job(job_id)
    assert job is not None
    return job.errors or []


def test_a_job_of_a_killed_process_runs_again_at_once_and_the_process_too(
    fleet: Fleet, workshop: Workshop
) -> None:
    (job_id,) = workshop.enqueue("hang", 1, backoff=None)
    supervisor = fleet.start("--processes", 2, "-q", "critical, mail*,*", "-c", 3, "--name", "w")
    before = fleet.wait_for_workers(2)
    assert {worker["name"] for worker in before.values()} == {"w-0", "w-1"}
    assert all(worker["queues"] == ["critical", "mail*", "*"] for worker in before.values())
    ((pid,),) = workshop.wait_for(lambda: workshop.rows("select pid from starts"), "a start")
    os.kill(pid, signal.SIGKILL)
    workshop.wait_for(lambda: workshop.count("starts") == 2, "second start")
    (error,) = errors_of(workshop, job_id)
    # Only the supervisor knows of the signal: nobody waited for a rescue.
    assert error["type"] == "WorkerLost"
    assert error["message"].endswith("was ended by SIGKILL")
    after = fleet.wait_for_workers(2)
    assert len(before.keys() & after.keys()) == 1
    supervisor.send_signal(signal.SIGQUIT)
    assert supervisor.wait(20) == 0


def test_a_job_that_kills_its_worker_every_time_ends_failed(
    fleet: Fleet, workshop: Workshop
) -> None:
    (job_id,) = workshop.enqueue("kill_worker", 1, max_attempts=3, backoff=0)
    supervisor = fleet.start("--mode", "process")
    workshop.wait_until_done()
    job = workshop.client.job(job_id)
    assert job is not None
    assert (job.state, job.attempt) == ("failed", 3)
    assert [error["type"] for error in job.errors or []] == ["WorkerLost"] * 3
    supervisor.terminate()
    assert supervisor.wait(20) == 0
    assert workshop.client.verify() == []


def test_processes_of_a_killed_supervisor_end_their_jobs_and_leave(
    fleet: Fleet, workshop: Workshop
) -> None:
    (job_id,) = workshop.enqueue("slow", 1, 1.0)
    supervisor = fleet.start("--processes", 2)
    workshop.wait_for(lambda: workshop.count("starts") == 1, "start")
    fleet.wait_for_workers(2)
    supervisor.kill()
    workshop.wait_for(lambda: workshop.count("pgq.workers") == 0, "their end")
    assert workshop.rows("select id, attempt, result from pgq.job_history") == [(job_id, 1, "done")]


def test_a_process_whose_supervisor_was_killed_before_it_began_ends(
    workshop: Workshop, tmp_path: Path
) -> None:
    """It has its orders, and reads the end of the supervisor before its workers have begun."""
    ours, theirs = socket.socketpair()
    worker = {"dsn": workshop.dsn, "queues": ["*"], "concurrency": 1}
    with ours, theirs:
        ours.sendall(f"{ProcessPlan((MODULE,), 'info', 'text', (worker,)).to_text()}\n".encode())
        process = subprocess.Popen(
            [sys.executable, "-m", "pgq.cli.worker_process", f"{theirs.fileno()}"],
            cwd=ROOT,
            pass_fds=[theirs.fileno()],
            stderr=(tmp_path / "log").open("wb"),
            env=os.environ | {"PYTHONPATH": str(ROOT)},
        )
        workshop.processes.append(process)
    process.wait(30)
    assert "supervisor.lost" in (tmp_path / "log").read_text()
    assert workshop.count("pgq.workers") == 0


def test_the_first_sigterm_lets_jobs_end_whoever_gets_it_besides(
    fleet: Fleet, workshop: Workshop
) -> None:
    (job_id,) = workshop.enqueue("slow", 1, 1.0)
    supervisor = fleet.start("--processes", 2)
    workers = fleet.wait_for_workers(2)
    workshop.wait_for(lambda: workshop.count("starts") == 1, "start")
    for worker in workers.values():  # as systemd does, which signals all of a service
        os.kill(worker["pid"], signal.SIGTERM)
    supervisor.terminate()
    assert supervisor.wait(20) == 0
    assert workshop.rows("select id, attempt, result from pgq.job_history") == [(job_id, 1, "done")]
    assert workshop.count("pgq.workers") == 0


@pytest.mark.parametrize(
    ("options", "numbers"),
    [
        (("--processes", 2), [signal.SIGINT, signal.SIGTERM]),
        (("--processes", 2), [signal.SIGQUIT]),
        (("--mode", "async"), [signal.SIGTERM, signal.SIGINT]),
        ((), [signal.SIGQUIT]),
    ],
)
def test_it_ends_at_once(
    fleet: Fleet, workshop: Workshop, options: tuple[object, ...], numbers: list[signal.Signals]
) -> None:
    (job_id,) = workshop.enqueue("hang_in_thread", 1, backoff="1 hour")
    supervisor = fleet.start(*options)
    fleet.wait_for_workers(2 if "--processes" in options else 1)
    workshop.wait_for(lambda: workshop.count("starts") == 1, "start")
    for number in numbers:
        assert supervisor.poll() is None
        supervisor.send_signal(number)
        if number != numbers[-1]:
            fleet.wait_until_said("worker.stopping")
    assert supervisor.wait(20) == 0
    job = workshop.client.job(job_id)
    assert job is not None
    assert (job.state, job.attempt) == ("scheduled", 1)
    assert errors_of(workshop, job_id)[0]["type"] == "WorkerLost"
    assert workshop.count("pgq.workers") == 0


SETS = """
modules = ["tests.faults.handlers:registry"]
[worker]
{mode}
[[workers]]
queues = ["critical"]
concurrency = 2
[[workers]]
queues = ["mail", "*"]
concurrency = {concurrency}
"""


@pytest.mark.parametrize("mode", ["", 'mode = "async"'])
def test_sighup_restarts_the_sets_that_have_changed(
    fleet: Fleet, workshop: Workshop, mode: str
) -> None:
    fleet.configure(SETS.format(concurrency=3, mode=mode))
    supervisor = fleet.start(modules=())
    before = fleet.wait_for_workers(2)
    assert len({worker["pid"] for worker in before.values()}) == (1 if mode else 2)
    (kept,) = (key for key, worker in before.items() if worker["queues"] == ["critical"])
    fleet.configure(SETS.format(concurrency=-1, mode=mode))
    supervisor.send_signal(signal.SIGHUP)
    workshop.wait_for(lambda: "concurrency" in fleet.said().partition("refused")[2], "a refusal")
    assert fleet.workers() == before
    fleet.configure(SETS.format(concurrency=4, mode=mode))
    supervisor.send_signal(signal.SIGHUP)
    changed = "select id from pgq.workers where concurrency = 4"
    workshop.wait_for(lambda: workshop.rows(changed), "a worker with the new concurrency")
    after = fleet.wait_for_workers(2)
    assert before.keys() & after.keys() == {kept}
    supervisor.terminate()
    assert supervisor.wait(20) == 0
    assert workshop.count("pgq.workers") == 0


@pytest.mark.parametrize("options", [("--processes", 2), ("--mode", "async")])
def test_a_fleet_drains(fleet: Fleet, workshop: Workshop, options: tuple[object, ...]) -> None:
    workshop.enqueue("plain", 20, 0.01)
    assert fleet.start(*options, "--drain").wait(30) == 0
    assert workshop.count("pgq.jobs") == 0
    assert workshop.count("pgq.workers") == 0


def test_a_worker_that_was_ordered_to_stop_is_not_started_again(
    fleet: Fleet, workshop: Workshop
) -> None:
    supervisor = fleet.start("--processes", 2, "--heartbeat-interval", "300ms")
    first, second = fleet.wait_for_workers(2)
    workshop.client.order_worker(first, "stop")
    assert fleet.wait_for_workers(1).keys() == {second}
    workshop.client.order_worker(second, "stop")
    assert supervisor.wait(20) == 0
    assert "process.restart" not in fleet.said()


def test_a_process_that_was_told_to_end_by_somebody_else_is_started_again(
    fleet: Fleet, workshop: Workshop
) -> None:
    supervisor = fleet.start("--mode", "process")
    ((first, worker),) = fleet.wait_for_workers(1).items()
    os.kill(worker["pid"], signal.SIGTERM)
    workshop.wait_for(lambda: fleet.workers().keys() - {first}, "another one")
    supervisor.terminate()
    assert supervisor.wait(20) == 0


def test_what_no_restart_cures_ends_the_supervisor(fleet: Fleet, workshop: Workshop) -> None:
    assert fleet.start("--processes", 2, modules=("no.such.module",)).wait(20) == 2
    assert "there is no module no" in fleet.said()
    workshop.rows("select 1")
    workshop.dsn = "host=127.0.0.1 port=1"
    assert fleet.start("--processes", 2, "--schema-timeout", "300ms").wait(20) == 3
    assert fleet.said().count("process.restart") == 0
    assert "Traceback" not in fleet.said()


def test_only_work_and_only_maintain_share_the_labour(fleet: Fleet, workshop: Workshop) -> None:
    ids = workshop.enqueue("plain", 3, 0.0)
    fleet.start("--only-maintain", modules=())
    left = "select step from pgq.maintenance where due_at = '-infinity'"
    workshop.wait_for(lambda: not workshop.rows(left), "maintenance")
    workshop.rows("select pgq.schedule('tick', 'plain', args => '[0.0]', every => '1 hour')")
    workshop.rows("select pgq.run_schedule_now('tick')")
    (delayed,) = workshop.enqueue("plain", 1, 0.0, delay=0.2, queue="later")
    ready = f"select from pgq.all_jobs where id = {delayed} and state = 'ready'"
    workshop.wait_for(lambda: workshop.rows(ready), "promotion")
    assert workshop.rows("select from pgq.job_history") == []
    workshop.processes[-1].kill()
    workshop.processes[-1].wait()

    steps = len(workshop.rows("update pgq.maintenance set due_at = '-infinity' returning 1"))
    fleet.start("--only-work", "--drain").wait(30)
    workshop.wait_until_done()
    assert {row[0] for row in workshop.rows("select id from pgq.job_history")} >= {*ids, delayed}
    assert len(workshop.rows(left)) == steps


def test_a_pidfile_and_a_name_keep_a_second_one_out(fleet: Fleet, workshop: Workshop) -> None:
    file, name = fleet.folder / "pgq.pid", f"test-{os.getpid()}"
    file.write_text("999999999\n")  # of one that is gone
    first = fleet.start("--pidfile", file, "--lock", name, "--mode", "process")
    fleet.wait_for_workers(1)
    assert int(file.read_text()) == first.pid
    assert fleet.start("--pidfile", file).wait(20) == 1
    assert f"names the process {first.pid}, which is running" in fleet.said()
    assert fleet.start("--lock", name).wait(20) == 1
    assert f"holds the lock {name}" in fleet.said()
    first.terminate()
    assert first.wait(20) == 0
    assert not file.exists()
    again = fleet.start("--lock", name, "--drain")
    assert again.wait(20) == 0


APP = """
import pgq

registry = pgq.Registry()

@registry.task
def answer():
    return {answer}
"""


def answer(workshop: Workshop) -> Any:
    """What the next worker that runs the task says."""
    job = pgq.NewJob("answer", max_attempts=1)
    (result,) = workshop.client.wait([workshop.client.enqueue(job)], timeout=30)
    return result.result


def test_a_changed_file_restarts_the_workers_and_a_broken_one_is_waited_for(
    fleet: Fleet, workshop: Workshop
) -> None:
    app = fleet.folder / "app.py"
    app.write_text(APP.format(answer=1))
    supervisor = fleet.start("--reload", modules=("app:registry",))
    assert answer(workshop) == 1
    app.write_text(APP.format(answer="(("))
    fleet.wait_until_said("process.waiting")
    assert supervisor.poll() is None
    app.write_text(APP.format(answer=2) + "\n")
    assert answer(workshop) == 2
    supervisor.terminate()
    assert supervisor.wait(20) == 0
    assert workshop.count("pgq.workers") == 0


def test_hooks_of_the_supervisor_run(fleet: Fleet, workshop: Workshop) -> None:
    (fleet.folder / "hooked.py").write_text(
        APP.format(answer=1)
        + """
@registry.hooks.on_start(kind="supervisor")
@registry.hooks.on_stop(kind="supervisor")
@registry.hooks.on_exit(kind="supervisor")
def note(process):
    print("hooked", process.kind, flush=True)
"""
    )
    supervisor = fleet.start("--processes", 2, modules=("hooked:registry",))
    fleet.wait_for_workers(2)
    supervisor.terminate()
    assert supervisor.wait(20) == 0
    assert fleet.said().count("hooked supervisor") == 3


def test_processes_have_titles(fleet: Fleet, workshop: Workshop) -> None:
    pytest.importorskip("setproctitle")
    workshop.enqueue("hang", 1)
    supervisor = fleet.start("--processes", 2, "--name", "w", "-q", "a,*")
    workers = fleet.wait_for_workers(2)

    def title(pid: int) -> str:
        return subprocess.run(
            ["ps", "-o", "args=", "-p", f"{pid}"], capture_output=True, text=True, check=True
        ).stdout.strip()

    assert title(supervisor.pid) == "pgq: supervisor"
    busy = {"pgq: worker w-0 [a,*] 1 running", "pgq: worker w-1 [a,*] 1 running"}
    workshop.wait_for(
        lambda: busy & {title(worker["pid"]) for worker in workers.values()}, "a title"
    )
    supervisor.send_signal(signal.SIGQUIT)
    assert supervisor.wait(20) == 0


@pytest.mark.parametrize("processes", [1, 2])
def test_an_outage_that_is_too_long_ends_the_command_with_a_code_of_its_own(
    processes: int, fleet: Fleet, server: Server
) -> None:
    limits = ["--exit-after-outage", "1s", "--lease", "2s"]
    command = fleet.start("--processes", processes, *limits)
    fleet.wait_for_workers(processes)
    with psycopg.connect(server.dsn, autocommit=True) as admin, away(admin, fleet.workshop.dsn):
        assert command.wait(30) == 4
    assert "has not answered as it should for" in fleet.said()
    assert "Start the worker again when it is back." in fleet.said()
