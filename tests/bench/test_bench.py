"""The benchmark on a few jobs: its figures are complete, its checks check, nothing stays behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psycopg
import pytest
from click.testing import CliRunner, Result

from pgq.bench import producing
from pgq.bench.bench import check_ran_once
from pgq.bench.figures import BenchFailed, in_turns, lines_of
from pgq.bench.ledger import Ledger
from pgq.bench.run import WORKLOADS
from pgq.cli import bench as command
from pgq.cli import cli
from tests.proof.bench.write_docs import chart, pages, write_tables

CHECKOUT = Path(__file__).parents[2]
LEFT = """
    select nspname from pg_namespace where nspname like 'pgq\\_bench%'
    union all
    select rolname from pg_roles where rolname like 'pgq\\_bench%'
"""


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith("PG"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("PYTHONPATH", str(CHECKOUT))


def bench(*args: object, code: int = 0) -> Result:
    result = CliRunner().invoke(cli, ["bench", "--tiny", *map(str, args)])
    assert result.exit_code == code, result.output
    return result


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger.create(tmp_path / "ledger", 3)


def test_the_command_knows_every_workload() -> None:
    assert tuple(WORKLOADS) == command.NAMES


def is_one(median: float, table: dict[str, Any]) -> bool:
    """Say whether it is a figure: a handler may begin before its producer, which has other work to
    do on a busy machine, has read the clock after the commit.
    """
    return median > 0 or (median == 0 and table["workload"] == "latency")


def test_every_figure_is_there_and_nothing_is_left(
    dsn: str, conn: psycopg.Connection, tmp_path: Path
) -> None:
    file = tmp_path / "bench.json"
    shown = bench("enqueue", "bulk", "engine", "latency", "--dsn", dsn, "--json", file).stdout
    assert "bare INSERT ... RETURNING, prepared" in shown and "(1.00)" in shown
    found = json.loads(file.read_text())
    tables = {table["workload"]: table for table in found["tables"]}
    assert list(tables) == ["enqueue", "bulk", "engine", "latency"]
    for table in tables.values():
        assert len(table["lines"]) >= 2
        for line in table["lines"]:
            assert list(line["figures"]) == table["columns"]
            assert all(is_one(figure["median"], table) for figure in line["figures"].values()), line
        reference = next(line for line in table["lines"] if line["name"] == table["against"])
        for figure in reference["figures"].values():
            assert figure["ratio"] == 1 or 0 in figure["runs"]
    assert found["machine"]["server"]["server_version"]
    assert conn.execute(LEFT.encode()).fetchall() == []


def test_it_says_what_it_leaves_out_without_pgbench(
    dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(producing, "find_pgbench", lambda _: None)
    shown = bench("enqueue", "notify", "--dsn", dsn).stdout
    assert "Client.enqueue" in shown and "select enqueue()" in shown
    assert shown.count("left out: pgbench") == 2


def test_workers_drain_and_kinds_are_checked(dsn: str, conn: psycopg.Connection) -> None:
    shown = bench("drain", "kinds", "--dsn", dsn).stdout
    assert "2 processes, jobs/s" in shown
    assert "keyed: a semaphore of 10 per 100 jobs" in shown
    assert conn.execute(LEFT.encode()).fetchall() == []


def test_counting_is_switched_off_for_the_one_and_on_for_the_other(
    dsn: str, conn: psycopg.Connection
) -> None:
    shown = bench("statistics", "--dsn", dsn).stdout
    assert "statistics off  " in shown and "statistics on   " in shown
    assert "SQL alone, jobs/s" in shown
    assert conn.execute(LEFT.encode()).fetchall() == []


def test_ctrl_c_leaves_nothing_behind(dsn: str, conn: psycopg.Connection) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "pgq", "bench", "drain", "--dsn", dsn],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd=CHECKOUT,
    ) as process:
        deadline = time.monotonic() + 60
        working = "select count(*) from pg_stat_activity where datname = current_database()"
        while time.monotonic() < deadline:
            row = conn.execute(working.encode()).fetchone()
            if row and row[0] >= 5:  # a worker is there too
                break
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 130
    assert conn.execute(LEFT.encode()).fetchall() == []


def test_what_a_killed_benchmark_left_is_removed_by_the_next(
    dsn: str, conn: psycopg.Connection
) -> None:
    conn.execute("create schema pgq_bench_floor")
    bench("bulk", "--dsn", dsn)
    assert conn.execute(LEFT.encode()).fetchall() == []


def test_two_at_once_in_a_database_are_refused(dsn: str, conn: psycopg.Connection) -> None:
    conn.execute("select pg_advisory_lock(%s)", (0x5067_5142,))
    assert "another benchmark runs" in bench("bulk", "--dsn", dsn, code=1).output


def test_a_job_that_ran_twice_fails_the_run(ledger: Ledger) -> None:
    for n in (0, 1, 2, 1):
        ledger.count(n)
    assert ledger.runs() == 4
    with pytest.raises(BenchFailed, match="1 jobs ran more than once"):
        check_ran_once(ledger, 3, stored=3)


def test_a_job_that_did_not_run_or_was_not_stored_fails_the_run(ledger: Ledger) -> None:
    ledger.count(0)
    ledger.count(2)
    with pytest.raises(BenchFailed, match="of 3 jobs 2 ran"):
        check_ran_once(ledger, 3, stored=3)
    ledger.count(1)
    with pytest.raises(BenchFailed, match="2 are stored"):
        check_ran_once(ledger, 3, stored=2)
    check_ran_once(ledger, 3, stored=3)


def test_contestants_take_turns_and_ratios_are_made_run_by_run() -> None:
    turns: list[str] = []

    def contestant(name: str, rates: list[float]) -> Any:
        def run() -> dict[str, float]:
            turns.append(name)
            return {"jobs/s": rates.pop(0)}

        return run

    measured = in_turns(
        {"bare": contestant("bare", [10, 20, 40]), "ours": contestant("ours", [5, 5, 10])},
        3,
        lambda text: None,
    )
    assert turns == ["bare", "ours", "ours", "bare", "bare", "ours"]
    ours = lines_of(measured, "bare")[1].figures["jobs/s"]
    assert (ours.median, ours.ratio) == (5, 0.25)


def found(*tables: dict[str, Any]) -> dict[str, Any]:
    machine = {
        "pgq": "1", "python": "3", "psycopg": "3", "cores": 2, "memory_gib": 8, "system": "Linux",
        "load_before": 0.1, "server": {"server_version": "18"},
    }  # fmt: skip
    return {"began_at": "2030-01-01T00:00:00", "machine": machine, "tables": list(tables)}


def table(workload: str, column: str, **medians: float) -> dict[str, Any]:
    lines = [
        {"name": name, "missing": None, "figures": {column: {"median": rate, "ratio": rate / 10}}}
        for name, rate in medians.items()
    ]
    lines.append({"name": "peer", "missing": "could not be installed", "figures": {}})
    return {
        "workload": workload, "title": f"About {workload}", "against": "few", "columns": [column],
        "lines": lines, "notes": ["one run"],
    }  # fmt: skip


def test_the_page_gets_the_tables_and_keeps_its_text() -> None:
    page = "before\n<!-- bulk -->\nold\n<!-- end -->\nafter <\n"
    new = write_tables(page, found(table("bulk", "jobs/s", few=10.0, many=5.0)))
    assert new.startswith("before\n<!-- bulk -->\n") and new.endswith("<!-- end -->\nafter <\n")
    assert "| many | 5 (0.50) |" in new and "| peer | could not be installed |" in new
    assert "old" not in new


def test_a_table_that_was_not_measured_stays() -> None:
    page = "<!-- bulk -->\nold\n<!-- end -->\n"
    assert write_tables(page, found()) == page


def test_charts_are_svg_with_a_bar_per_line() -> None:
    drawn = chart("Title & more", [("few", 10.0), ("many", 5.0)], "jobs/s")
    assert drawn.startswith("<svg") and "Title &amp; more" in drawn
    assert drawn.count('class="bar"') == 2


def test_the_page_has_a_place_for_every_workload() -> None:
    text = pages()[0].read_text()
    assert all(f"<!-- {name} -->" in text for name in WORKLOADS)
