"""The named queries for psql: each runs, shows what there is, and is no wider than 120 columns."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import psycopg
import pytest

from pgq.schema.names import SQL, Names
from tests.cli.conftest import Pgq
from tests.servers import Server, install

FILE = SQL / "queries.psql"
NAMES = re.findall(r"^\$q\$ as (\w+)", FILE.read_text(), re.MULTILINE)
WIDEST = 120
LONG = "long " + "x" * 100

# One of everything, under names as long as they may be.
BUSY = """
select setval('pgq.jobs_id_seq', 4000000000);
select pgq.register_worker('w' || $1, array['q' || $1], concurrency => 1000, host => $1,
  version => $1, pid => 4000000) as worker_id;
select pgq.configure_queue('q' || $1, max_running => 5, rate_limit => 100000,
  rate_interval => '1 day', rate_burst => 100000);
select pgq.enqueue('t' || $1, queue => 'q' || $1, max_attempts => 10) from generate_series(1, 6);
select pgq.enqueue('sem' || $1, queue => 'q' || $1, concurrency_key => $1, concurrency_limit => 1)
  from generate_series(1, 2);
select pgq.enqueue('later' || $1, queue => 'q' || $1, delay => '100 days');
select pgq.enqueue('unserved' || $1, queue => 'nobody' || $1);
select pgq.enqueue('child' || $1, queue => 'q' || $1,
  depends_on => array(select id from pgq.all_jobs where state = 'ready'));
select pgq.promote_due();
create temporary table claims as
  select * from pgq.claim_batch(array['q' || $1], 1, 5);
select pgq.set_progress(job_id, claim_id, '{"' || $1 || '": 1}') from claims;
select pgq.complete_batch(array[min(job_id)], array[min(claim_id)]) from claims
  where job_id = (select min(job_id) from claims);
select pgq.fail_batch(array[job_id], array[claim_id], messages => array['boom ' || $1],
  error_types => array['shop.' || $1], final => array[true])
  from claims order by job_id desc limit 1;
select pgq.schedule('s' || $1, 't' || $1, cron => '0 7 * * 1', queue => 'q' || $1);
select pgq.schedule('e' || $1, 't' || $1, every => '100 days 3 hours 2.5 seconds');
select pgq.create_batch(description => $1);
select pgq.configure_semaphore('k' || $1, 1000000);
select pgq.bulk_start('retry', states => '{failed}', queue => 'q' || $1);
select pgq.pause_queue('p' || $1, '1 hour');
select pgq.maintain();
"""


def shown_by(server: Server, dsn: str, script: str) -> tuple[str, str]:
    """Run psql as a person would; return what it writes, and what it complains of."""
    done = subprocess.run(
        [str(server.bindir / "psql"), "-X", "-q", dsn],
        input=script,
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, "COLUMNS": str(WIDEST), "PAGER": "cat"},
    )
    return done.stdout, done.stderr


@pytest.fixture
def busy(conn: psycopg.Connection) -> None:
    for statement in BUSY.split(";\n")[:-1]:
        conn.execute(statement.replace("$1", f"'{LONG}'").encode())


def test_the_file_has_a_query_for_each_name_that_it_shows() -> None:
    text = FILE.read_text()
    listed = re.findall(r"\(\d+, ':(\w+)', '", text)
    assert sorted([*listed, "pgq"]) == sorted(NAMES)
    assert len(listed) == 16


@pytest.mark.slow
@pytest.mark.usefixtures("busy")
def test_every_query_shows_something_in_120_columns(server: Server, dsn: str) -> None:
    wide: list[str] = []
    for name in NAMES:
        out, err = shown_by(server, dsn, f"\\i {FILE}\n:{name}\n")
        assert err == "", name
        if name != "health":
            assert "(0 rows)" not in out, name
        wide += [f"{name}: {line}" for line in out.splitlines() if len(line) > WIDEST]
    assert wide == []


@pytest.mark.slow
@pytest.mark.usefixtures("busy")
def test_why_names_the_reason_of_a_job(server: Server, dsn: str, conn: psycopg.Connection) -> None:
    def why(task: str) -> str:
        row = conn.execute("select max(id) from pgq.all_jobs where task = %s", (task + LONG,))
        ((job_id,),) = row.fetchall()
        out, err = shown_by(server, dsn, f"\\i {FILE}\n\\set job {job_id}\n:why\n")
        assert err == ""
        return out.splitlines()[3].rpartition("|")[2].strip()

    assert why("child").startswith("waits for 40000000")
    assert why("sem").startswith("waits for a slot of long xxx")
    assert why("later").startswith("due at ")
    assert why("unserved") == "no living worker serves the queue"
    assert re.search(r"max_running|all busy", why("t")) or "it has ended" in why("t")
    conn.execute("select pgq.pause_queue(%s)", ("nobody" + LONG,))
    assert why("unserved") == "the queue is paused"


@pytest.mark.slow
def test_watch_repeats_a_query(server: Server, dsn: str) -> None:
    command = [str(server.bindir / "psql"), "-X", "-q", dsn]
    # Older ones cannot end it by themselves.
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as psql:
        assert psql.stdin and psql.stdout
        psql.stdin.write(f"\\i {FILE}\n:pgq\n\\watch 0.1\n")
        psql.stdin.close()
        seen = 0
        for line in psql.stdout:
            assert "ERROR" not in line
            seen += ":queues " in line
            if seen == 4:
                break
        psql.kill()
    assert seen == 4


def test_an_error_comes_without_the_context(server: Server, dsn: str) -> None:
    _, err = shown_by(server, dsn, f"\\i {FILE}\nselect pgq.list_jobs(page_size => 0);\n")
    assert "page_size" in err and "HINT" in err and "CONTEXT" not in err


@pytest.mark.slow
def test_another_schema_has_them_too(server: Server, empty_dsn: str, tmp_path: Path) -> None:
    names = Names('My "Queue"')
    install(empty_dsn, names.schema)
    own = tmp_path / "own.psql"
    own.write_text(names.apply(FILE.read_text()))
    for name in NAMES:
        _, err = shown_by(server, empty_dsn, f"\\i {own}\n:{name}\n")
        assert err == "", name


def test_print_writes_the_file_for_a_schema(pgq: Pgq) -> None:
    assert pgq("psql", "--print").stdout == FILE.read_text()
    assert 'from "other".depths()' in pgq("psql", "--print", "--schema", "other").stdout


@pytest.mark.slow
def test_it_starts_psql_with_them(
    pgq: Pgq, server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = tmp_path / "it's mine"
    own.write_text("\\echo my own file\n")
    seen = tmp_path / "seen"
    wrapper = tmp_path / "psql"
    wrapper.write_text(
        f'#!/bin/sh\necho "$PSQLRC" "$@" > {seen}\nexec {server.bindir / "psql"} "$@"\n'
    )
    wrapper.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setenv("PSQLRC", str(own))
    with pgq.start("psql", "-A", "-t", stdin=subprocess.PIPE) as process:
        out, err = process.communicate(":pgq\n", timeout=60)
    assert process.returncode == 0, err
    assert "my own file" in out and ":queues|every queue" in out and err == ""
    file, *args = seen.read_text().rsplit(" ", 2)
    assert [arg.strip() for arg in args] == ["-A", "-t"]
    assert not Path(file).exists()


def test_without_psql_it_says_what_to_do(pgq: Pgq, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    assert "pgq psql --print" in pgq("psql", code=3).stderr
