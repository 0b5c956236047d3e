"""Commands over several databases: which ones, what they show, and one that is away."""

from __future__ import annotations

import json
import signal
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import pytest

import pgq as package
from tests.cli.conftest import Pgq, Process, eventually
from tests.servers import Databases, free_port

TASKS = """
import time, pgq

@pgq.task
async def work(n: int = 0) -> int:
    return n

@pgq.task
def slow(seconds: float) -> None:
    time.sleep(seconds)
"""

AWAY = "host=/nonexistent dbname=away"


@pytest.fixture
def dsns(
    databases: Databases,
    template: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    clean_environment: None,
) -> Iterator[list[str]]:
    """Two databases with the schema, the installations s1 and s2; s3 is away."""
    monkeypatch.chdir(tmp_path)
    with ExitStack() as stack:
        names = [stack.enter_context(databases.fresh(template)) for _ in range(2)]
        found = [databases.dsn(name) for name in names]
        tables = [
            f'[installations.s{number}]\ndsn = "{dsn}"'
            for number, dsn in enumerate((*found, AWAY), 1)
        ]
        Path("pgq.toml").write_text("\n".join(tables))
        Path("fleet_tasks.py").write_text(TASKS)
        yield found


def both(dsns: list[str]) -> list[str]:
    return [part for dsn in dsns for part in ("--dsn", dsn)]


def states(dsns: list[str]) -> list[dict[str, int]]:
    """Return how many jobs of each state there are in each database."""
    found: list[dict[str, int]] = []
    for dsn in dsns:
        with package.Client(dsn) as client:
            found.append(dict(Counter(each.state for each in client.list_jobs().jobs)))
    return found


def fill(dsns: list[str], task: str = "work", count: int = 30, **args: object) -> None:
    for dsn in dsns:
        with package.Client(dsn) as client:
            client.enqueue_many(package.NewJob(task, args) for _ in range(count))


@pytest.mark.slow
@pytest.mark.parametrize("chosen", ["dsns", "pattern", "names", "sets", "processes"])
def test_a_worker_serves_all_that_are_named(nowhere: Pgq, dsns: list[str], chosen: str) -> None:
    fill(dsns)
    said: list[str] = {
        "dsns": both(dsns),
        "pattern": ["--installation", "s[12]"],
        "names": ["--installation", "s1", "--installation", "s2"],
        "sets": [],
        "processes": [*both(dsns), "--processes", "2"],
    }[chosen]
    if chosen == "sets":
        sets = '[[workers]]\ninstallation = "s1"\n[[workers]]\ninstallation = "s2"\n'
        Path("pgq.toml").write_text(sets + Path("pgq.toml").read_text())
    nowhere.run("worker", "fleet_tasks", "--drain", *said, cwd=Path())
    assert states(dsns) == [{"succeeded": 30}] * 2


@pytest.mark.slow
def test_one_that_is_away_stops_none_of_the_others(nowhere: Pgq, dsns: list[str]) -> None:
    fill(dsns, count=5)
    options = ("--installation", "s*", "--schema-timeout", "0.2s")
    with nowhere.start("worker", "fleet_tasks", *options, cwd=Path()) as worker:
        assert worker.stderr
        for line in worker.stderr:
            if "database.left_out" in line:
                assert "database=s3" in line
                break
        fill(dsns, count=5)
        eventually(lambda: states(dsns) == [{"succeeded": 10}] * 2)
        assert ended(worker) == 0


@pytest.mark.slow
def test_all_that_are_away_end_the_worker(nowhere: Pgq, dsns: list[str]) -> None:
    away = both([AWAY, "host=/nonexistent dbname=gone"])
    options = ("worker", "fleet_tasks", *away, "--schema-timeout", "0.2s")
    _, err = nowhere.run(*options, code=3, cwd=Path())
    assert "Error: " in err


@pytest.mark.slow
def test_the_databases_share_the_slots(nowhere: Pgq, dsns: list[str]) -> None:
    """Four slots: one database leaves one to the other, and gives up another when that has work."""
    fill(dsns[:1], "slow", 40, seconds=0.3)
    options = (*both(dsns), "--concurrency", "4")
    with nowhere.start("worker", "fleet_tasks", *options, cwd=Path()) as worker:
        eventually(lambda: running(dsns) == [3, 0])
        fill(dsns[1:], "slow", 10, seconds=0.3)
        eventually(lambda: running(dsns) == [2, 2])
        assert ended(worker, signal.SIGQUIT) is not None


def running(dsns: list[str]) -> list[int]:
    return [found.get("running", 0) for found in states(dsns)]


def ended(worker: Process, how: signal.Signals = signal.SIGTERM) -> int:
    worker.send_signal(how)
    worker.communicate(timeout=20)
    return worker.returncode


def test_a_set_needs_a_slot_for_each_database(nowhere: Pgq, dsns: list[str]) -> None:
    said = nowhere("worker", "fleet_tasks", *both(dsns), "-c", "1", code=2).stderr
    assert said.startswith("Error: a concurrency of 1 for 2 databases")


def test_a_database_is_not_served_twice(
    nowhere: Pgq, dsns: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for command in (("worker", "fleet_tasks"), ("stats",)):
        said = nowhere(*command, "--dsn", dsns[0], "--dsn", dsns[0], code=2).stderr
        assert "are the same database and schema" in said
    monkeypatch.setenv("PGQ_DSN", dsns[0])
    said = nowhere("stats", "--installation", "s*", code=2).stderr
    assert said.startswith("Error: s1 and s2 are the same database")


def test_what_makes_no_sense(nowhere: Pgq, dsns: list[str]) -> None:
    for command in ("stats", "jobs", "health"):
        said = nowhere(command, "--installation", "x*", code=2).stderr
        assert said == "Error: no installation fits x*\nHint: There are s1, s2, s3.\n"
        said = nowhere(command, "--dsn", dsns[0], "--installation", "s*", code=2).stderr
        assert said.startswith("Error: --dsn names a database, and --installation several")


@pytest.mark.slow
def test_metrics_have_the_database_in_front(nowhere: Pgq, dsns: list[str]) -> None:
    fill(dsns, count=3)
    ready = 'pgq_queue_jobs{database="%s",queue="default",state="ready"} 3.0'
    lines = nowhere("metrics", "--installation", "s*", code=3).stdout.splitlines()
    assert ready % "s1" in lines and ready % "s2" in lines
    assert 'pgq_database_up{database="s3"} 0.0' in lines
    rows = nowhere.json("metrics", "--installation", "s[12]")
    assert {row["database"] for row in rows} == {"s1", "s2"}


@pytest.mark.slow
def test_a_worker_of_several_serves_the_numbers_of_all(nowhere: Pgq, dsns: list[str]) -> None:
    port = free_port()
    options = ("--installation", "s*", "--schema-timeout", "0.2s", "--metrics-port", port)
    up = 'pgq_database_up{database="s2"} 1.0'

    def scraped() -> str:
        try:
            with urlopen(f"http://127.0.0.1:{port}/metrics", timeout=30) as page:
                return str(page.read().decode())
        except URLError:
            return ""

    with nowhere.start("worker", "fleet_tasks", *options, cwd=Path()) as worker:
        eventually(lambda: up in scraped())
        fill(dsns, count=1)
        eventually(lambda: states(dsns) == [{"succeeded": 1}] * 2)
        assert 'pgq_database_up{database="s3"} 0.0' in scraped()
        assert ended(worker) == 0


@pytest.mark.slow
def test_the_dashboard_leads_to_each(nowhere: Pgq, dsns: list[str]) -> None:
    fill(dsns, count=3)

    def page(url: str) -> str:
        with urlopen(url, timeout=30) as answer:
            return str(answer.read().decode())

    with nowhere.start("web", "--port", 0, "--json", "--installation", "s*", cwd=Path()) as process:
        assert process.stdout is not None
        url = json.loads(process.stdout.readline())["url"]
        first = page(url)
        assert [f'href="/{name}/"' in first for name in ("s1", "s2", "s3")] == [True] * 3
        assert first.count("no answer") == 1
        assert "<b>s1</b>" in page(f"{url}s1/queues")
        assert 'pgq_database_up{database="s2"} 1.0' in page(f"{url}metrics")
    two = ("--installation", "s[12]", "--operate-dsn", dsns[0])
    said = nowhere("web", *two, code=2).stderr
    assert "--operate-dsn names one database" in said


@pytest.mark.parametrize("option", ["--dsn", "--installation"])
def test_a_command_of_one_database_takes_one(nowhere: Pgq, dsns: list[str], option: str) -> None:
    said = nowhere("pause", "mail", option, "s1", option, "s2", code=2).stderr
    assert "was given 2 times: this command works with one" in said


def test_a_dsn_in_a_variable_may_have_spaces(
    nowhere: Pgq, dsns: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("pgq.toml").unlink()
    monkeypatch.setenv("PGQ_DSN", dsns[0])
    assert nowhere.json("stats") == {"queues": [], "workers": []}
    assert nowhere.json("pause", "mail")["paused"]


def test_stats_jobs_and_health_show_the_database_in_front(nowhere: Pgq, dsns: list[str]) -> None:
    fill(dsns, count=1)
    chosen = ("--installation", "s[12]")
    assert [line.split()[:2] for line in nowhere("stats", *chosen).stdout.splitlines()[:3]] == [
        ["database", "queue"],
        ["s1", "default"],
        ["s2", "default"],
    ]
    found = nowhere.json("stats", *chosen)
    assert [(each["database"], each["ready"]) for each in found["queues"]] == [("s1", 1), ("s2", 1)]
    assert found["no_answer"] == {}
    listed = nowhere.json("jobs", *chosen)
    assert [each["database"] for each in listed["jobs"]] == ["s2", "s1"]
    assert listed["looked_to"] == {"s1": None, "s2": None}
    assert nowhere("jobs", *chosen, "--oldest").stdout.splitlines()[1].split()[0] == "s1"
    assert len(nowhere.json("jobs", *chosen, "--limit", "1")["jobs"]) == 1
    assert nowhere("jobs", *chosen, "--before", "9", code=2).stderr.startswith(
        "Error: an id is of one database"
    )
    checks = nowhere.json("health", *chosen, code=1)["checks"]
    assert {each["database"] for each in checks} == {"s1", "s2"}


def test_one_that_is_away_is_told_beside_the_others(nowhere: Pgq, dsns: list[str]) -> None:
    fill(dsns, count=1)
    for command in ("stats", "jobs"):
        done = nowhere(command, "--installation", "s*", code=3)
        assert "s1" in done.stdout and "s2" in done.stdout
        assert done.stderr.splitlines()[-1].startswith("Error: s3: ")
    assert list(nowhere.json("stats", "--installation", "s*", code=3)["no_answer"]) == ["s3"]
    found = nowhere.json("health", "--installation", "s*", code=1)
    assert found["status"] == "fail"
    assert [each["name"] for each in found["checks"] if each["database"] == "s3"] == ["database"]
    nowhere("health", "--dsn", AWAY, "--dsn", "host=/nonexistent dbname=b", code=3)
