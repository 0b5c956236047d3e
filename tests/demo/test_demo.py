"""The demo on a few files: it counts right, notices what is wrong, and leaves nothing behind."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from click.testing import CliRunner, Result

from pgq import embedded
from pgq.cli import cli
from pgq.demo import count as counting
from pgq.demo.report import STUMBLE_EVERY, sample
from tests.servers import memory_folder

CHECKOUT = Path(__file__).parents[2]
FILES = 101


def demo(*args: object, code: int = 0) -> Result:
    result = CliRunner().invoke(cli, ["demo", *map(str, args)])
    assert result.exit_code == code, result.output
    return result


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith("PG"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("PYTHONPATH", str(CHECKOUT))
    if place := memory_folder():
        monkeypatch.setenv("TMPDIR", place)


@pytest.fixture
def bindir() -> Path:
    try:
        return embedded.find_bindir()
    except embedded.ServerError as error:
        pytest.skip(str(error))


def test_it_tells_people_what_came_of_it(dsn: str, conn: psycopg.Connection) -> None:
    shown = demo("--dsn", dsn, "--limit", FILES, "--workers", 2).stdout
    assert "select count(*)\n  from pgq.enqueue_many((" in shown
    assert "2 worker processes" in shown
    assert f"{FILES} of {FILES} files counted again" in shown
    assert shown.count("\n  ok  ") == 5 and "FAIL" not in shown
    assert re.search(r"\d+ jobs a second, 3 retries\n", shown)
    assert re.search(r"a job runs for [\d,]+ ms \(p50\), [\d,]+ ms \(p95\)\n", shown)
    assert "\x1b" not in shown
    assert_tells_the_story_of_the_failed_job(shown, conn)


def assert_tells_the_story_of_the_failed_job(shown: str, conn: psycopg.Connection) -> None:
    failed = conn.execute("select id, worker from pgq.failed_jobs join pgq.job_links using (id)")
    ((job_id, worker),) = failed.fetchall()
    _, _, story = shown.partition(f"What became of the job {job_id}\n")
    begun, first, error, second, ended = story.splitlines()[:5]
    assert begun == "     0.0 s  enqueued"
    assert re.search(r"\d s  attempt 1 fails on demo-\d after [\d,]+ ms:$", first)
    assert error.strip().startswith("FileNotFoundError: ")
    assert re.search(rf"\d s  attempt 2 fails on {worker} after \d+ ms, by the same$", second)
    assert ended.endswith(" s  failed: it had 2 attempts")
    assert f"pgq job {job_id} " in shown.partition("Where to look next\n")[2]


def test_few_of_many_files_are_counted_again() -> None:
    files = [Path(f"{place}.py") for place in range(1790)]
    assert len(sample(files)) <= 200 and len(set(sample(files))) >= 150
    assert sample(files[:200]) == files[:200] and sample(files[:1]) == files[:1]


def test_it_tells_programs_the_same(dsn: str, conn: psycopg.Connection) -> None:
    result = demo("--dsn", dsn, "--limit", FILES, "--json")
    report = json.loads(result.stdout)
    stumbled = -(-FILES // STUMBLE_EVERY)
    assert report["passed"] is True and report["different"] == []
    assert report["queue"]["jobs"] == FILES + 1 and report["queue"]["retries"] == stumbled + 1
    assert report["queue"]["jobs_per_second"] > 0
    assert 0 <= report["queue"]["run_p50"] <= report["queue"]["run_p95"] < 60
    assert [attempt["attempt"] for attempt in report["failed_job"]["attempts"]] == [1, 2]
    assert report["totals"]["files"] == FILES
    assert len(report["largest"]) == 10
    assert "select count(*)" in result.stderr
    states = conn.execute(
        "select state, count(*), max(attempt) from pgq.all_jobs group by 1 order by 1"
    )
    assert states.fetchall() == [("failed", 1, 2), ("succeeded", FILES, 2)]
    assert conn.execute("select count(*) from pgq.workers").fetchall() == [(0,)]


def test_a_second_run_in_one_database_counts_its_own(dsn: str) -> None:
    for _ in range(2):
        report = json.loads(demo("--dsn", dsn, "--limit", 5, "--json").stdout)
        assert report["queue"]["jobs"] == 6


def test_another_schema_does_too(empty_dsn: str) -> None:
    shown = demo("--dsn", empty_dsn, "--limit", 5, "--schema", 'My "Queue"', "--json").stdout
    assert json.loads(shown)["passed"] is True


def test_a_wrong_count_is_noticed(dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    victim = counting.module_files()[3]

    def miscount(path: Path) -> counting.Counts:
        counts = counting.count(path)
        if path == victim:
            counts["functions"] += 1
        return counts

    monkeypatch.setattr("pgq.demo.report.count", miscount)
    result = demo("--dsn", dsn, "--limit", 5, "--json", code=1)
    report = json.loads(result.stdout)
    assert report["passed"] is False and report["different"] == [str(victim)]


def test_workers_that_end_are_noticed(dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pgq.demo.processes.TASKS", "no.such.tasks")
    result = demo("--dsn", dsn, "--limit", 5, code=1)
    assert "a worker ended too early" in result.stderr
    assert "no module no.such.tasks" in result.stderr


def test_broken_files_count_by_their_lines(tmp_path: Path) -> None:
    broken = tmp_path / "broken.py"
    for source in (b"print 1\n", b"a = '\x00'\n", b"# coding: nonsense\n"):
        broken.write_bytes(source)
        assert counting.count(broken) == {
            "parsed": False,
            "lines": 1,
            "functions": 0,
            "classes": 0,
            "imports": 0,
        }


def test_counting_knows_what_it_counts(tmp_path: Path) -> None:
    module = tmp_path / "module.py"
    module.write_text(
        "import os, sys\nfrom os import path\n\nclass A:\n    async def b(self):\n"
        "        def c(): '\\d'\n        return c\n"
    )
    assert counting.count(module) == {
        "parsed": True,
        "lines": 7,
        "functions": 2,
        "classes": 1,
        "imports": 2,
    }


@contextmanager
def running_demo(*args: str, **options: Any) -> Iterator[subprocess.Popen[str]]:
    """Start the demo as a process of its own; kill it at the end."""
    process = subprocess.Popen(
        [sys.executable, "-m", "pgq", "demo", "--workers", "2", *args],
        text=True,
        cwd=CHECKOUT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        **options,
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


def children(pid: int) -> list[int]:
    """Return a process' children and theirs."""
    done = subprocess.run(["ps", "-e", "-o", "pid=,ppid="], capture_output=True, text=True)
    parents = [tuple(map(int, line.split())) for line in done.stdout.splitlines()]
    found = [pid]
    for parent in found:
        found += [child for child, above in parents if above == parent]
    return found[1:]


def alive(pid: int) -> bool:
    done = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True)
    return done.returncode == 0 and not done.stdout.startswith("Z")


EVERYTHING = {
    "a payment": "select 1 from pgq.all_jobs where task = 'charge_card' and state = 'succeeded'",
    "a retry": "select 1 from pgq.all_jobs where errors is not null",
    "a snooze": "select 1 from pgq.stats() where snoozed > 0",
    "progress": "select 1 from pgq.all_jobs where task = 'monthly_report' and progress is not null",
    "a flow": "select 1 from pgq.all_jobs where task = 'publish_catalogue'",
    "a batch": "select 1 from pgq.batch_status where status <> 'open'",
    "a schedule": "select 1 from pgq.schedule_status where last_outcome = 'enqueued'",
    "a paused schedule": "select 1 from pgq.schedule_status where paused",
    "limits": "select 1 from pgq.queue_limits where max_running is not null",
    "a semaphore": "select 1 from pgq.all_jobs where concurrency_key is not null",
    "a paused queue": "select 1 from pgq.queue_settings where paused",
    "a queue without workers": "select 1 from pgq.all_jobs where task = 'flash_offer'",
}


@pytest.mark.timeout(360)
def test_the_shop_has_jobs_of_every_kind_until_it_is_told_to_stop(
    dsn: str, conn: psycopg.Connection
) -> None:
    def states() -> list[Any]:
        return conn.execute(
            "select task, state, count(*) from pgq.all_jobs group by 1, 2"
        ).fetchall()

    def missing() -> list[str]:
        return [
            what
            for what, query in EVERYTHING.items()
            if not conn.execute(query.encode()).fetchone()
        ]

    with running_demo("--live", "--dsn", dsn) as process:
        assert process.stdout and process.stderr
        assert process.stdout.readline() == f"export PGQ_DSN={shlex.quote(dsn)}\n"
        deadline = time.monotonic() + 300
        while absent := missing():
            assert process.poll() is None
            assert time.monotonic() < deadline, (absent, states())
            time.sleep(0.5)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert process.returncode == 0 and out == ""
    assert "pgq top" in err and "Traceback" not in err
    assert conn.execute("select count(*) from pgq.workers").fetchall() == [(0,)]


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGKILL, -9)]
)
def test_nothing_outlives_it(number: signal.Signals, code: int, bindir: Path) -> None:
    with running_demo(process_group=0) as process:
        assert process.stdout
        for line in process.stdout:
            if "claimed" in line:
                break
        started = children(process.pid)
        assert len(started) >= 4
        os.killpg(process.pid, number)
        _, err = process.communicate(timeout=30)
    assert process.returncode == code
    assert "Traceback" not in err
    deadline = time.monotonic() + 15
    while any(alive(pid) for pid in started):
        assert time.monotonic() < deadline, started
        time.sleep(0.05)
