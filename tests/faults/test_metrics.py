"""The port for metrics of real processes: a supervisor's, a worker's, and one of its own."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from tests.faults.conftest import ROOT, Workshop
from tests.faults.test_supervisor import Fleet
from tests.servers import Server, free_port


@pytest.fixture(autouse=True)
def once(server: Server) -> None:
    if server.major < 18 and not os.environ.get("PGQ_EVERY_VERSION"):
        pytest.skip("once is enough: on the newest version")


@pytest.fixture
def fleet(workshop: Workshop, tmp_path: Path) -> Fleet:
    return Fleet(workshop, tmp_path)


@pytest.fixture
def port() -> int:
    return free_port()


def get(port: int, path: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=30) as got:
            return got.status, got.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def answers(port: int, path: str) -> bool:
    try:
        return get(port, path)[0] == 200
    except (OSError, urllib.error.URLError):
        return False


@pytest.mark.parametrize("options", [("--processes", 2), ("--mode", "async"), ()])
def test_a_worker_serves_metrics(fleet: Fleet, port: int, options: tuple[object, ...]) -> None:
    process = fleet.start("--metrics-port", port, *options)
    workers = 2 if "--processes" in options else 1
    fleet.wait_for_workers(workers)
    fleet.workshop.wait_for(lambda: answers(port, "/metrics"), fleet.said())
    assert f"pgq_worker_slots {10 * workers}.0" in get(port, "/metrics")[1].splitlines()
    assert get(port, "/healthz") == (200, "ok\n")
    assert get(port, "/readyz") == (200, "ok\n")
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) == 0
    assert not answers(port, "/healthz")


def test_children_do_not_listen(fleet: Fleet, port: int) -> None:
    fleet.start("--metrics-port", port, "--processes", 2)
    workers = fleet.wait_for_workers(2)
    for worker in workers.values():
        os.kill(worker["pid"], signal.SIGKILL)
    fleet.workshop.wait_for(lambda: not workers.keys() & fleet.workers().keys(), fleet.said())
    fleet.wait_for_workers(2)
    assert get(port, "/healthz") == (200, "ok\n")
    assert "cannot listen" not in fleet.said()


def test_a_port_that_is_taken_ends_the_command(fleet: Fleet, port: int) -> None:
    with socket.create_server(("127.0.0.1", port)):
        process = fleet.start("--metrics-port", port)
        assert process.wait(60) == 2
    assert f"cannot listen on 127.0.0.1:{port}" in fleet.said()


def test_other_machines_need_a_token(fleet: Fleet, port: int) -> None:
    process = fleet.start("--metrics-port", port, "--metrics-host", "0.0.0.0")
    assert process.wait(60) == 2
    assert "PGQ_METRICS_TOKEN" in fleet.said()


def test_alone(workshop: Workshop) -> None:
    command = [sys.executable, "-m", "pgq", "metrics"]
    env = os.environ | {"PYTHONPATH": str(ROOT), "PGQ_DSN": workshop.dsn}
    printed = subprocess.run(command, env=env, capture_output=True, text=True, check=True).stdout
    assert "# TYPE pgq_info gauge" in printed.splitlines()

    env["PGQ_METRICS_TOKEN"] = "t0ken"
    serving = subprocess.Popen(
        [*command, "--port", "0"], env=env, stderr=subprocess.PIPE, text=True
    )
    workshop.processes.append(serving)
    assert serving.stderr is not None
    url = serving.stderr.readline().strip()
    port = int(url.removesuffix("/metrics").rpartition(":")[2])
    assert get(port, "/metrics")[0] == 401
    asked = urllib.request.Request(url, headers={"Authorization": "Bearer t0ken"})
    with urllib.request.urlopen(asked, timeout=30) as got:
        assert "# TYPE pgq_info gauge" in got.read().decode().splitlines()
    assert "t0ken" not in Path(f"/proc/{serving.pid}/cmdline").read_text()
    serving.send_signal(signal.SIGTERM)
    assert serving.wait(60) == 0
