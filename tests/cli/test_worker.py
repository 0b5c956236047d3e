"""The command worker: finding tasks, running jobs, ending."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import psycopg
import pytest

from tests.cli.conftest import Pgq, eventually
from tests.servers import Server

TASKS = """
import pgq

@pgq.task
def double(number):
    return 2 * number

@pgq.task
def slow():
    import time
    time.sleep(0.5)
    return "done"

@pgq.task(timeout=1, max_attempts=1)
def hang():
    import time
    time.sleep(3600)

own = pgq.Registry()

@own.task
async def triple(number):
    return 3 * number

nothing = pgq.Registry()
"""


@pytest.fixture
def app(tmp_path: Path) -> Path:
    """A folder with a package app, whose module app.tasks defines tasks."""
    package = tmp_path / "app"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "tasks.py").write_text(TASKS)
    (package / "broken.py").write_text("import json\n\nnonsense()\n")
    (package / "needy.py").write_text("import module_that_is_not_there\n")
    (package / "bare.py").touch()
    return tmp_path


@pytest.mark.slow
def test_a_draining_worker_runs_what_is_there(pgq: Pgq, app: Path) -> None:
    job_id = pgq.json("enqueue", "double", "[21]", "-q", "numbers")["id"]
    elsewhere = pgq.json("enqueue", "double", "[1]", "-q", "other")["id"]
    unknown = pgq.json("enqueue", "triple", "[1]", "-q", "numbers")["id"]
    pgq.run("worker", "app.tasks", "-q", "numbers", "--drain", cwd=app)
    assert pgq.json("job", job_id)["result"] == 42
    assert pgq.json("job", elsewhere)["state"] == "ready"
    assert pgq.json("job", unknown)["state"] == "ready"


@pytest.mark.slow
@pytest.mark.parametrize("modules", [["app.tasks:own"], ["app.tasks", "app.tasks:own"]])
def test_a_registry_is_chosen_by_name(modules: list[str], pgq: Pgq, app: Path) -> None:
    triple = pgq.json("enqueue", "triple", "[14]")["id"]
    double = pgq.json("enqueue", "double", "[21]")["id"]
    pgq.run("worker", *modules, "--drain", cwd=app)
    assert pgq.json("job", triple)["result"] == 42
    assert pgq.json("job", double)["state"] == ("ready" if len(modules) == 1 else "succeeded")


@pytest.mark.slow
def test_options_reach_the_worker(pgq: Pgq, app: Path) -> None:
    options = ["-q", "mail", "-q", "re*", "-c", 3, "--prefetch", 0, "--name", "lion"]
    times = ["--lease", "20s", "--heartbeat-interval", "1s", "--poll-interval", "500ms"]
    limits = ["--shutdown-timeout", "5s", "--schema-timeout", "9s", "--log-level", "warning"]
    with pgq.start("worker", "app.tasks", *options, *times, *limits, cwd=app) as process:
        eventually(lambda: pgq.json("stats")["workers"])
        (worker,) = pgq.json("stats")["workers"]
        process.terminate()
        assert process.communicate(timeout=30) == ("", "")
    assert process.returncode == 0
    assert worker["name"] == "lion" and worker["queues"] == "mail, re*"
    assert (worker["concurrency"], worker["pid"]) == (3, process.pid)


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_lets_running_jobs_end(number: signal.Signals, pgq: Pgq, app: Path) -> None:
    job_id = pgq.json("enqueue", "slow")["id"]
    with pgq.start("worker", "app.tasks", cwd=app) as process:
        eventually(lambda: pgq.json("job", job_id)["state"] == "running")
        process.send_signal(number)
        out, err = process.communicate(timeout=30)
    assert process.returncode == 0
    assert "Traceback" not in err and not out
    assert pgq.json("job", job_id)["result"] == "done"
    assert pgq.json("stats")["workers"] == []


@pytest.mark.slow
def test_a_worker_whose_threads_all_hang_starts_anew(pgq: Pgq, app: Path, server: Server) -> None:
    if server.major < 18:
        pytest.skip("once is enough: on the newest version")
    for _ in range(2):
        pgq.json("enqueue", "hang", "--timeout", "1s", "--max-attempts", 1)
    later = pgq.json("enqueue", "double", "[21]", "--priority", 1)["id"]
    with pgq.start("worker", "app.tasks", "-c", 2, "--lease", "20s", cwd=app) as process:
        eventually(lambda: pgq.json("job", later)["state"] == "succeeded")
        (worker,) = pgq.json("stats")["workers"]
        process.terminate()
        _, err = process.communicate(timeout=30)
    assert (process.returncode, worker["pid"]) == (0, process.pid)
    assert err.count("process.starts_anew") == 1 and "hang (2)" in err
    assert err.count("worker.registered") == 2 and "Traceback" not in err


@pytest.mark.slow
def test_log_lines_can_be_json(pgq: Pgq, app: Path) -> None:
    _, err = pgq.run("worker", "app.tasks", "--drain", "--json", "--log-level", "debug", cwd=app)
    lines = [json.loads(line) for line in err.splitlines()]
    assert lines
    assert all(line.keys() >= {"time", "level", "logger", "message"} for line in lines)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("modules", "said"),
    [
        (["app.missing"], "there is no module app.missing"),
        (["nowhere.tasks"], "there is no module nowhere.tasks"),
        (["app.needy"], "No module named 'module_that_is_not_there'"),
        (["app.broken"], "name 'nonsense' is not defined (app/broken.py, line 3)"),
        (["app.tasks:missing"], "app.tasks has no registry called missing"),
        (["app.tasks:double"], "app.tasks has no registry called double"),
        (["app.bare"], "no tasks in app.bare"),
        (["app.tasks:nothing"], "no tasks in app.tasks:nothing"),
        ([".tasks"], "is no module's name"),
        (["app/tasks.py"], "is no module's name"),
        ([], "Missing argument"),
    ],
)
def test_what_cannot_be_imported_is_explained(
    modules: list[str], said: str, pgq: Pgq, app: Path
) -> None:
    out, err = pgq.run("worker", *modules, code=2, cwd=app)
    assert said in err
    assert "Traceback" not in err and not out


@pytest.mark.slow
def test_options_that_make_no_sense_are_a_wrong_call(pgq: Pgq, app: Path) -> None:
    _, err = pgq.run("worker", "app.tasks", "--heartbeat-interval", "60s", code=2, cwd=app)
    assert "heartbeat_interval" in err
    pgq.run("worker", "app.tasks", "-c", "0", code=2, cwd=app)


@pytest.mark.slow
def test_a_missing_schema_is_waited_for(empty: Pgq, app: Path) -> None:
    args = ["worker", "app.tasks", "--drain", "--schema-timeout"]
    _, err = empty.run(*args, "300ms", code=3, cwd=app)
    assert "pgq migrate" in err and "Traceback" not in err
    with empty.start(*args, "30s", cwd=app) as process:
        empty("migrate")
        process.communicate(timeout=30)
    assert process.returncode == 0


@pytest.mark.slow
def test_an_unreachable_server_keeps_its_secret(nowhere: Pgq, app: Path) -> None:
    nowhere.env["PGQ_DSN"] = "postgresql://me:hunter2@127.0.0.1:1/app"
    _, err = nowhere.run("worker", "app.tasks", "--schema-timeout", "300ms", code=3, cwd=app)
    assert 'cannot reach the database "app"' in err
    assert "hunter2" not in err and "Traceback" not in err


@pytest.mark.slow
def test_jobs_come_through_a_whole_life(pgq: Pgq, app: Path, conn: psycopg.Connection) -> None:
    with pgq.start("worker", "app.tasks", cwd=app) as process:
        job_ids = [pgq.json("enqueue", "double", f"[{n}]")["id"] for n in range(5)]
        eventually(lambda: all(pgq.json("job", n)["state"] == "succeeded" for n in job_ids))
        process.terminate()
        process.communicate(timeout=30)
    assert [pgq.json("job", job_id)["result"] for job_id in job_ids] == [0, 2, 4, 6, 8]
    assert pgq.json("verify") == []
